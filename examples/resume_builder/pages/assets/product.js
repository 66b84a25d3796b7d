// What both pages share: asking our own backend, showing figures, and what was used since signing up.

export const number = (text) => Number(text).toLocaleString();
export const money = (text, unit = 'USD') => {
  const small = Number(text) && Math.abs(Number(text)) < 0.1 ? { maximumSignificantDigits: 3 } : {};
  return Number(text).toLocaleString(undefined, { style: 'currency', currency: unit, ...small });
};
export const moment = (text) => new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** The answer's JSON; what was refused is thrown as the problem that the server told. */
export async function ask(address, options) {
  const answer = await fetch(address, options).catch(() => undefined);
  const body = await answer?.json().catch(() => undefined);
  if (answer?.ok && body !== undefined) return body;
  if (answer?.status === 401) location.assign('/');
  throw Object.assign(new Error(), { detail: 'The server gave no answer; try again in a moment.', ...body });
}

export function show(list, facts) {
  list.replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) =>
      [['dt', name], ['dd', value]].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })),
    ),
  );
}

/** The sidebar's totals; everything that they come of. */
export async function refresh() {
  const stats = await ask('/api/ai/usage-stats');
  const { tokens, cost, operations } = stats.lifetime;
  show(document.querySelector('#lifetime'), {
    'Tokens used': number(tokens),
    'Cost': money(cost),
    'AI operations': number(operations),
  });
  return stats;
}
