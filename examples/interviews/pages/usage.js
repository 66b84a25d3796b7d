// Who has used how many credits on which day: Tollkeeper sums, the page only draws.
import { portal } from './ask.js';
import { team } from './frame.js';
import { element } from './problems.js';

const DAYS = 14;
const table = document.querySelector('#days');

team.then(async ({ members }) => {
  const from = new Date(Date.now() - (DAYS - 1) * 86_400_000).toISOString();
  const { rows, timezone } = await portal(`/usage?window=day&group_by=member&meter=interview&from=${from}`);
  const dayOf = (at) => new Date(at).toLocaleDateString('en-CA', { timeZone: timezone });
  const days = Array.from({ length: DAYS }, (_, back) => dayOf(Date.now() - (DAYS - 1 - back) * 86_400_000));
  const used = new Map(rows.map(({ group, start, charge }) => [`${group.member} ${dayOf(start)}`, charge]));
  const names = new Map(members.map(({ email, name }) => [email, name]));
  const users = [...new Set([...names.keys(), ...rows.map(({ group }) => group.member)])];
  const most = Math.max(1, ...used.values());
  table.querySelector('thead tr').append(...days.map((day) => element('th', day.slice(5).replace('-', '/'))));
  table.querySelector('tbody').replaceChildren(
    ...users.map((user) => {
      const row = document.createElement('tr');
      const head = element('th', names.get(user) ?? user);
      head.scope = 'row';
      row.append(head, ...days.map((day) => cell(used.get(`${user} ${day}`) ?? '0', most)));
      return row;
    }),
  );
}).catch(() => {});

function cell(charge, most) {
  const made = element('td', Number(charge) ? charge : '·');
  made.className = `heat-${Math.ceil((Number(charge) / most) * 4)}`;
  return made;
}
