// Accepting an invitation.
import { ask } from './ask.js';
import { show } from './problems.js';

const said = document.querySelector('#said');
const signIn = () => location.replace(`/sign-up?next=${encodeURIComponent(location.pathname)}`);
const failed = (problem) => (problem.code === 'not_signed_in' ? signIn() : show(problem, said));

ask('/api/team').then(({ team_name }) => {
  document.querySelector('#own').textContent = team_name;
}, failed);

document.querySelector('#join').addEventListener('click', async () => {
  const invitation = location.pathname.split('/').pop();
  await ask('/api/team', { body: new URLSearchParams({ invitation }) }).then(() => location.assign('/team'), failed);
});
