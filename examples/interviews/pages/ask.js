// Asks the product's own server, and Tollkeeper for what only it knows. What goes wrong is thrown as {status, code, detail}.

export async function ask(path, { body, method = body ? 'POST' : 'GET' } = {}) {
  const isForm = body instanceof URLSearchParams;
  const headers = body && !isForm ? { 'Content-Type': 'application/json' } : {};
  return answered(() => fetch(path, { method, headers, body: body && !isForm ? JSON.stringify(body) : body }));
}

let session;

// The billing page's API (`/v1/portal`), with a token as the widgets have it: one team's figures, and no other's.
export async function portal(path, isRepeated = false) {
  session ??= ask('/billing-token');
  const { token } = await session;
  const tollkeeper = new URL(document.querySelector('script[src$="/tollkeeper.js"]').src).origin;
  try {
    return await answered(() => fetch(`${tollkeeper}/v1/portal${path}`, { headers: { Authorization: `Bearer ${token}` } }));
  } catch (problem) {
    if (problem.status !== 401 || isRepeated) throw problem;
    session = undefined; // it has ended: once more, with a new one
    return portal(path, true);
  }
}

async function answered(asking) {
  let answer;
  try {
    answer = await asking();
  } catch {
    throw { status: 0, code: 'offline' };
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const usual = { 401: 'not_signed_in', 404: 'not_found', 422: 'form_invalid' }[answer.status];
  throw { detail: '', ...said, status: answer.status, code: said.code ?? usual ?? 'failed' };
}
