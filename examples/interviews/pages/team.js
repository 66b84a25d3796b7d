// Who shares the credits, and how others come to it.
import { ask } from './ask.js';
import { team } from './frame.js';
import { element, show } from './problems.js';

team.then(({ team, own, team_name, members, email, invitation }) => {
  document.querySelector('#name').textContent = team_name;
  document.querySelector('#members').replaceChildren(
    ...members.map((member) => {
      const item = document.createElement('li');
      item.append(element('strong', member.name), element('small', member.email + (member.email === email ? ', you' : '')));
      return item;
    }),
  );
  document.querySelector('#invitation').value = invitation;
  document.querySelector('#leave').hidden = team === own;
}, () => {});

document.querySelector('#copy').addEventListener('click', async ({ target }) => {
  const link = document.querySelector('#invitation');
  link.select();
  await navigator.clipboard?.writeText(link.value).catch(() => null);
  target.textContent = 'Copied';
});

document.querySelector('#leave').addEventListener('click', async () => {
  try {
    await ask('/api/team', { method: 'POST' });
    location.reload();
  } catch (problem) {
    show(problem, document.querySelector('#said'));
  }
});
