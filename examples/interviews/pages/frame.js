// The sidebar, with the credits that a team has: the widget is live, so that a page never shows yesterday's.
import { ask } from './ask.js';
import { show } from './problems.js';

const icon = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}" /></svg>`;
const PAGES = [
  ['interviews', 'Interviews', 'M8 2v4M16 2v4M3 9h18M5 4h14a2 2 0 0 1 2 2v13a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM8 14h4'],
  ['billing', 'Billing', 'M4 5h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM2 10h20M6 15h4'],
  ['usage', 'Usage', 'M4 20V10M10 20V4M16 20v-7M22 20H2'],
  ['team', 'Team', 'M16 20v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M9 10a4 4 0 1 0 0-8 4 4 0 0 0 0 8M22 20v-2a4 4 0 0 0-3-3.9M16 2.1a4 4 0 0 1 0 7.8'],
];
const here = location.pathname.slice(1) || 'interviews';
const links = PAGES.map(([page, title, path]) => {
  const current = page === here ? ' aria-current="page"' : '';
  return `<a href="/${page}"${current}>${icon(path)}<span>${title}</span></a>`;
});
const aside = document.createElement('aside');
aside.innerHTML = `
  <a class="brand" href="/interviews">${icon('M21 11.5a8.4 8.4 0 0 1-9 8.4 9 9 0 0 1-3.7-.8L3 21l1.9-5A8.4 8.4 0 1 1 21 11.5z')}<span>Interview Scheduler</span></a>
  <nav aria-label="Pages">${links.join('')}</nav>
  <toll-alerts token-url="/billing-token" billing-url="/billing" earlier="0" quiet plain></toll-alerts>
  <toll-balance token-url="/billing-token" billing-url="/billing"></toll-balance>
  <form class="who"><span><strong></strong><small></small></span><button class="quiet">Sign out</button></form>`;
document.body.prepend(aside);

aside.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  await ask('/sign-out', { method: 'POST' }).catch(() => null);
  location.assign('/sign-in');
});

export const team = ask('/api/team');
team.then(
  ({ name, team_name }) => {
    aside.querySelector('.who strong').textContent = name;
    aside.querySelector('.who small').textContent = team_name;
  },
  (problem) => {
    if (problem.code === 'not_signed_in') location.replace(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    else show(problem, document.querySelector('main'), () => location.reload());
  },
);
