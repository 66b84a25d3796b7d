import { call, during, find, form, inAddress, make } from './shared.js';

const fields = find('form');
let application; // of somebody whose CV couldn't be read at once: the same one, with another file

fields.addEventListener('submit', (event) => {
  event.preventDefault();
  during(find('button', fields), async () => {
    const { name, email, file } = Object.fromEntries(new FormData(fields));
    application ??= (await call(`/api/jobs/${inAddress()}/applications`, form({ name, email }))).id;
    const { resume } = await call('/api/resumes/parse', form({ applicationId: application, file }));
    find('#summary').textContent = resume.summary;
    find('#skills').replaceChildren(...resume.skills.map((skill) => make('span', { className: 'chip' }, skill)));
    find('#understood').hidden = false;
    return 'Thank you. You will hear from us.';
  });
});
