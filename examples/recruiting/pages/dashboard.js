import { call, find, form, make, say } from './shared.js';

const EXAMPLE = {
  title: 'Backend engineer',
  description: `We run the payments of two thousand shops, and are looking for a backend engineer in Berlin or anywhere near its time zone.
You design and operate services in Python and PostgreSQL that take money exactly once.
You own what you build: from the first sketch to the alert at night, which is rare.
You have built systems that many people rely on, and can tell what went wrong.
You review the work of others, and welcome reviews of yours.
We offer a team of nine, calm weeks, and time to do things properly.`,
};

const dialog = find('dialog');
const fields = find('form', dialog);

function card(job) {
  const told = `${job.applications.length} candidates · ${JSON.parse(job.questions).length} questions`;
  const text = make('p', { className: 'soft' }, told);
  return make('a', { className: 'card', href: `/dashboard/jobs/${job.id}` }, make('h2', {}, job.title), text);
}

async function show() {
  const { company, jobs } = await call('/api/jobs');
  find('#company').textContent = company;
  const none = make('p', { className: 'soft' }, 'No jobs yet. Create the first one.');
  find('#jobs').replaceChildren(...(jobs.length ? jobs.map(card) : [none]));
}

find('#new').addEventListener('click', () => dialog.showModal());
find('#cancel').addEventListener('click', () => dialog.close());
find('#example').addEventListener('click', () => {
  fields.elements.title.value = EXAMPLE.title;
  fields.elements.description.value = EXAMPLE.description;
});
fields.addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const job = await call('/api/jobs', form(Object.fromEntries(new FormData(fields))));
    location.assign(`/dashboard/jobs/${job.id}`);
  } catch (error) {
    say(error.message, true, find('[role=status]', dialog));
  }
});
await show();
