import { recording } from './recorder.js';

const at = (id) => document.querySelector(`#${id}`);
let sessionId = '';

/** Ask the product; what it refuses is said at the top of the page, with the way to a larger plan. */
async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401) location.assign('/sign-in');
  const { data, detail } = await answer.json();
  if (answer.ok) return data;
  at('refused').hidden = false;
  at('refused').replaceChildren(`${typeof detail === 'string' ? detail : 'That can’t be done.'} `);
  if (answer.status === 429) {
    const plans = Object.assign(document.createElement('a'), { href: '/billing?tab=plans', textContent: 'See plans' });
    at('refused').append(plans);
  }
  throw new Error(at('refused').textContent);
}

/** While something is done, its button can't be pressed again. */
async function once(button, work) {
  button.disabled = true;
  at('refused').hidden = true;
  try {
    await work();
  } catch {
    // it was said already
  } finally {
    button.disabled = false;
  }
}

// Billing Overview: at first, and whenever Tollkeeper tells the widgets that something has changed.

const figure = new Intl.NumberFormat('en-US', { maximumFractionDigits: 4 });
const money = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 6 });

async function show() {
  const { businessName, billingUsage } = await ask('/api/dashboard-simple');
  at('business').textContent = businessName;
  at('minutes').textContent = figure.format(billingUsage.minutesUsed);
  at('calls').textContent = figure.format(billingUsage.apiCalls);
  at('queries').textContent = figure.format(billingUsage.breakdown.aiQueries.count);
  at('storage').textContent = figure.format(billingUsage.breakdown.storage.count);
  at('cost').textContent = money.format(billingUsage.cost);
}

async function live() {
  await customElements.whenDefined('toll-balance');
  const balance = document.querySelector('toll-balance');
  await balance.updateComplete;
  balance.portal.listen({ onState: ({ changed }) => changed.length && show(), onRefresh: show });
}

show();
live();

// Chat

function say(text, from, note = '') {
  const line = Object.assign(document.createElement('li'), { className: from, textContent: text });
  if (note) line.append(Object.assign(document.createElement('small'), { textContent: note }));
  at('talk').append(line);
  line.scrollIntoView({ block: 'nearest' });
}

async function send(message) {
  say(message, 'guest');
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ message, sessionId });
  const said = await ask('/api/agents/order-taking/chat', { method: 'POST', headers, body });
  sessionId = said.sessionId;
  say(said.reply, 'assistant', said.intent.replaceAll('_', ' '));
}

at('chat').addEventListener('submit', (event) => {
  event.preventDefault();
  const { message } = event.target.elements;
  const text = message.value;
  message.value = '';
  once(event.submitter, () => send(text));
});

// Voice and files

async function hear(audio, name) {
  at('heard').textContent = 'Listening …';
  const body = new FormData();
  body.append('audio', audio, name);
  body.append('sessionId', sessionId);
  try {
    const heard = await ask('/api/voice-to-text', { method: 'POST', body });
    sessionId = heard.sessionId;
    at('heard').textContent =
      `${figure.format(heard.minutes)} minutes${heard.estimated ? ', estimated from its size' : ''}.`;
    await send(heard.text);
  } catch (error) {
    at('heard').textContent = 'A recording becomes an order.';
    throw error;
  }
}

let stop = null;
at('record').addEventListener('click', async () => {
  if (stop) return stop();
  try {
    const [ended, end] = await recording();
    stop = end;
    at('record').textContent = 'Stop';
    const audio = await ended;
    stop = null;
    at('record').textContent = 'Record';
    await once(at('record'), () => hear(audio, 'recording.wav'));
  } catch {
    at('heard').textContent = 'The microphone can’t be used.';
  }
});

for (const opener of document.querySelectorAll('[data-opens]')) {
  opener.addEventListener('click', () => at(opener.dataset.opens).click());
}

function chosen(id, work) {
  at(id).addEventListener('change', async ({ target }) => {
    const [file] = target.files;
    if (file) await once(document.querySelector(`[data-opens=${id}]`), () => work(file));
    target.value = '';
  });
}

chosen('audio', (file) => hear(file, file.name));
chosen('file', async (file) => {
  const body = new FormData();
  body.append('file', file);
  const { name, megabytes } = await ask('/api/files', { method: 'POST', body });
  at('kept').textContent = `${name} is kept: ${figure.format(megabytes)} MB.`;
});
