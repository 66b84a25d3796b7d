// The test processor's page. In a real product it's the processor's own, at its own address.
const form = document.querySelector('form');
const answer = await fetch(`${location.pathname}/facts`);
if (answer.ok) {
  const { amount, currency, state } = await answer.json();
  document.querySelector('#price').textContent = new Intl.NumberFormat([], { style: 'currency', currency }).format(amount);
  form.hidden = state !== 'open';
  document.querySelector('#over').hidden = state === 'open';
} else {
  document.querySelector('#over').hidden = false;
}
form.action = location.pathname;
