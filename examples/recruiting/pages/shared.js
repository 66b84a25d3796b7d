// What the pages have in common. Nothing here or elsewhere in them knows what anything costs.

/** The first element that fits. */
export const find = (selector, within = document) => within.querySelector(selector);

/** An element with properties and children; texts are texts, never markup. */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** What the backend answers. Whoever isn't signed in is led to where that's done. */
export async function call(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.status === 401) {
    location.assign('/sign-in');
    return new Promise(() => {});
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(typeof body.detail === 'string' ? body.detail : 'That can’t be done as it was asked.');
  return body;
}

/** A request with a form's fields, or with JSON. */
export const form = (fields) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { method: 'POST', body };
};
export const json = (fields) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(fields),
});

/** Say how something went, beside it. */
export function say(text, bad = false, place = find('[role=status]')) {
  place.textContent = text;
  place.toggleAttribute('data-bad', bad);
}

/** Do something once, however often it's pressed, and say what went wrong. */
export async function during(control, work, place = undefined) {
  if (control.classList.contains('busy')) return;
  control.classList.add('busy');
  control.toggleAttribute('disabled', true);
  say('Working …', false, place);
  try {
    say((await work()) ?? '', false, place);
  } catch (error) {
    say(error.message, true, place);
  } finally {
    control.classList.remove('busy');
    control.toggleAttribute('disabled', false);
  }
}

/** The part of the page's address behind the last slash. */
export const inAddress = () => decodeURIComponent(location.pathname.split('/').at(-1));
