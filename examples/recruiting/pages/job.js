import { call, during, find, form, inAddress, json, make } from './shared.js';

const job = inAddress();

async function upload(application, file) {
  const { resume } = await call('/api/resumes/parse', form({ applicationId: application, file }));
  await show();
  return `Parsed the CV of ${resume.name}.`;
}

function uploader(one) {
  const input = make('input', { type: 'file', accept: '.pdf,.docx' });
  const label = make('label', { className: 'button quiet' }, one.resume ? 'Another CV' : 'Upload CV', input);
  input.addEventListener('change', () => {
    const [file] = input.files;
    input.value = '';
    if (file) during(label, () => upload(one.id, file));
  });
  return label;
}

function candidate(one) {
  const resume = JSON.parse(one.resume ?? 'null');
  const assessment = JSON.parse(one.assessment ?? 'null');
  const over = one.interview === 'completed';
  const skills = (resume?.skills ?? []).slice(0, 12).map((skill) => make('span', { className: 'chip' }, skill));
  const link = make('a', { className: 'button quiet', href: `/interviews/${one.id}`, target: '_blank' }, 'Interview link');
  return make(
    'article',
    { className: 'card' },
    make('div', { className: 'head' }, make('h3', {}, one.name), make('span', { className: 'soft' }, one.email)),
    resume && make('p', {}, resume.summary),
    skills.length ? make('div', { className: 'row' }, ...skills) : null,
    assessment && make('p', { className: 'soft' }, `Interview: ${assessment.score} of 10. ${assessment.summary}`),
    make('div', { className: 'row' }, uploader(one), over ? null : link),
  );
}

async function show() {
  const { company, jobs } = await call('/api/jobs');
  const found = jobs.find((each) => each.id === job);
  if (!found) return location.assign('/dashboard');
  document.title = `${found.title} · Shortlist`;
  find('#company').textContent = company;
  find('#title').textContent = found.title;
  find('#description').textContent = found.description;
  find('#apply').href = `/jobs/${job}`;
  const questions = JSON.parse(found.questions);
  find('#questions').replaceChildren(...questions.map((question) => make('li', {}, question)));
  find('#candidates').replaceChildren(...found.applications.map(candidate));
}

find('#generate').addEventListener('click', (event) =>
  during(event.target, async () => {
    const wanted = { jobId: job, numberOfQuestions: Number(find('#number').value), requestId: crypto.randomUUID() };
    const { questions } = await call('/api/ai/generate-questions', json(wanted));
    await show();
    return `${questions.length} questions written.`;
  }),
);
find('#add').addEventListener('submit', (event) => {
  event.preventDefault();
  const fields = event.target;
  during(find('button', fields), async () => {
    await call(`/api/jobs/${job}/applications`, form(Object.fromEntries(new FormData(fields))));
    fields.reset();
    await show();
  });
});
await show();
