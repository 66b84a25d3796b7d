// Signing up and in.
import { ask } from './ask.js';
import { show } from './problems.js';

const WORDS = {
  exists_already: ['You’re here already', 'There’s an account with this e-mail address.', 'Sign in', '/sign-in'],
  unreachable: ['Billing can’t be reached', 'So no account was made. Please try again in a moment.'],
};
const form = document.querySelector('form');
const asked = new URLSearchParams(location.search).get('next') ?? '';
const next = /^\/\w/.test(asked) ? asked : '/interviews'; // within this site alone
if (asked) document.querySelector('.other').search = `?next=${encodeURIComponent(next)}`;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const fields = new URLSearchParams(new FormData(form));
    fields.set('timezone', Intl.DateTimeFormat().resolvedOptions().timeZone); // whose days and months figures are of
    await ask(location.pathname, { body: fields });
    location.assign(next);
  } catch (problem) {
    show(problem, document.querySelector('#said'), () => form.requestSubmit(), WORDS);
  }
});
