import { call, during, find, form, inAddress, make } from './shared.js';

const fields = find('form');
const job = `/api/jobs/${inAddress()}`;
let application; // of somebody whose CV couldn't be read at once: the same one, with another file

async function show() {
  const { title, company_name: company, description } = await call(job);
  document.title = `${title} at ${company} · Shortlist`;
  find('#title').textContent = title;
  find('#company').textContent = company;
  find('#description').textContent = description;
}

fields.addEventListener('submit', (event) => {
  event.preventDefault();
  during(find('button', fields), async () => {
    const { name, email, file } = Object.fromEntries(new FormData(fields));
    application ??= (await call(`${job}/applications`, form({ name, email }))).id;
    const { resume } = await call('/api/resumes/parse', form({ applicationId: application, file }));
    find('#summary').textContent = resume.summary;
    find('#skills').replaceChildren(...resume.skills.map((skill) => make('span', { className: 'chip' }, skill)));
    find('#understood').hidden = false;
    return 'Thank you. You will hear from us.';
  });
});
try {
  await show();
} catch (error) {
  fields.hidden = true;
  find('#title').textContent = error.message;
}
