// The product's own: nothing here knows of billing but the refusal.
document.querySelector('#hold').addEventListener('click', async () => {
  const answer = await fetch('/interviews', { method: 'POST' });
  const refusal = await answer.text();
  document.querySelector('#said').textContent = answer.ok ? 'Held.' : refusal;
});
