import { ask, moment, money, number, refresh } from './product.js';

const [list, template, busy] = ['#resumes', '#resume', '#busy'].map((id) => document.querySelector(id));
const refusal = document.querySelector('#refusal');

/** A refusal in words: which limit, how much of it is used, and when it begins anew. */
function refuse(problem) {
  const amount = (text) => (problem.unit ? money(text, problem.unit) : `${number(text)} tokens`);
  const limited = problem.code === 'limit_exceeded';
  const say = (part, text) => Object.assign(refusal.querySelector(part), { textContent: text, hidden: !text });
  say('h2', limited ? `Your limit of ${amount(problem.cap)} a ${problem.per} leaves no room for this` : problem.detail);
  const held = Number(problem.held) ? `, ${amount(problem.held)} are kept for what is under way` : '';
  say('.used', limited ? `${amount(problem.used)} are used${held}. This may take ${amount(problem.needed)}. Nothing was charged.` : '');
  const never = 'That’s more than the whole limit: a larger plan has room for it.';
  const fits = Number(problem.used) + Number(problem.needed) <= Number(problem.cap);
  const soon = held && fits ? 'Try again in a moment, when what is under way has ended. ' : '';
  say('.resets', limited ? (problem.resets_at ? `${soon}The limit begins anew on ${moment(problem.resets_at)}.` : never) : '');
  Object.assign(refusal.querySelector('meter'), {
    hidden: !limited, max: Number(problem.cap), value: Number(problem.used) + Number(problem.held),
  });
  refusal.querySelector('a').hidden = !limited;
  refusal.hidden = false;
}

/** Do it, say so meanwhile, and show what was refused. */
async function working(text, work) {
  busy.textContent = text;
  refusal.hidden = true;
  await work().catch(refuse);
  busy.textContent = '';
  await load();
}

function item(resume) {
  const shown = template.content.cloneNode(true);
  const { name, headline, skills, experience } = resume.content;
  const say = (part, text) => Object.assign(shown.querySelector(part), { textContent: text ?? '', hidden: !text });
  const lines = (part, texts) => shown.querySelector(part).replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement('li'), { textContent: text })),
  );
  say('h2', name || resume.title);
  say('.headline', headline);
  say('.title', resume.title);
  say('blockquote', resume.summary);
  lines('.skills', skills);
  lines('.experience', experience);
  const model = shown.querySelector('select');
  shown.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    const body = JSON.stringify({ resume: resume.id, model: model.value });
    const headers = { 'Content-Type': 'application/json' };
    working('Writing the summary …', () => ask('/api/ai/generate-summary', { method: 'POST', headers, body }));
  });
  return shown;
}

async function load() {
  refresh().catch(() => {}); // the widgets beside say what's wrong
  const resumes = await ask('/api/resumes');
  list.replaceChildren(...resumes.map(item));
  document.querySelector('#none').hidden = resumes.length > 0;
}

document.querySelector('#pdfs').addEventListener('change', ({ target }) => {
  const files = [...target.files];
  target.value = '';
  const send = (file) => {
    const body = new FormData();
    body.append('file', file);
    return ask('/api/ai/parse-pdf', { method: 'POST', body });
  };
  // All at once: those that fit are read, the others are refused.
  working(`Reading ${files.length === 1 ? files[0].name : `${files.length} files`} …`, async () => {
    const ended = await Promise.allSettled(files.map(send));
    const failed = ended.filter(({ status }) => status === 'rejected');
    if (failed.length) throw failed[0].reason;
  });
});
document.querySelector('#dismiss').addEventListener('click', () => {
  refusal.hidden = true;
});
load();
