// Creating interviews, and the list of them.
import { ask, portal } from './ask.js';
import { team } from './frame.js';
import { element, show } from './problems.js';

const form = document.querySelector('form#create');
const said = document.querySelector('#said');
const list = document.querySelector('#list');
const STATES = { created: 'Created', creating: 'Being created …', failed: 'Failed, not charged' };
let id = newId(); // of the interview that is being written: pressing twice creates one

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  if (button.disabled) return;
  button.disabled = true;
  let created = false;
  said.replaceChildren(element('p', 'Writing the questions …', 'muted'));
  try {
    const fields = Object.fromEntries(new FormData(form));
    const { charged } = await ask('/api/interviews', { body: { ...fields, id, minutes: Number(fields.minutes) } });
    const took = charged === null ? 'Its credit is taken as soon as billing answers.' : `It took ${credits(charged)}.`;
    said.replaceChildren(element('p', `The interview is created. ${took}`, 'good'));
    form.reset();
    id = newId();
    created = true;
  } catch (problem) {
    if (problem.status) id = newId(); // it has come to an end; only without an answer the same one is asked for again
    show(problem, said, () => form.requestSubmit());
  }
  button.disabled = false;
  await look(created);
});

/** List them; with the newest one open where it has just been created. */
async function look(created = false) {
  const interviews = await ask('/api/interviews').catch(() => null);
  if (!interviews) return;
  list.replaceChildren(...interviews.map(card));
  list.firstElementChild?.toggleAttribute('open', created);
  document.querySelector('#none').hidden = interviews.length > 0;
}

function card({ position, kind, minutes, member, made_at, state, questions }) {
  const made = document.createElement('details');
  made.className = 'card';
  const head = document.createElement('summary');
  const about = `${kind} · ${minutes} minutes · ${member} · ${new Date(made_at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}`;
  head.append(element('strong', position), element('span', STATES[state], `badge ${state}`), element('small', about));
  const items = document.createElement('ol');
  if (state === 'created') items.append(...JSON.parse(questions).questions.map((text) => element('li', text)));
  made.append(head, items);
  return made;
}

const credits = (count) => (Number(count) === 1 ? '1 credit' : `${count} credits`);

function newId() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

team.then(() => look(), () => {});
// Who has none is told before writing anything.
portal('/overview').then(({ wallets }) => {
  if (wallets.every(({ available }) => Number(available) <= 0)) show({ code: 'no_credits' }, said);
}, () => {});
