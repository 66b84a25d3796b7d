// The lots that a team's credits are in, with their expiry, and its payments. All else on the page are Tollkeeper's widgets.
import { ask, portal } from './ask.js';
import { team } from './frame.js';
import { element } from './problems.js';

const KINDS = { paid: 'Bought', promotional: 'Bonus', compensation: 'Given' };
const OUTCOMES = { paid: 'Paid', declined: 'Declined', refunded: 'Paid back' };

function fill(id, rows) {
  const place = document.querySelector(id);
  place.querySelector('tbody').replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement('tr');
      row.append(...cells.map((text) => element('td', text)));
      return row;
    }),
  );
  place.hidden = rows.length === 0;
}

async function look() {
  const [{ timezone }, grants, payments] = await Promise.all([portal('/session'), portal('/grants'), ask('/api/payments')]);
  const day = (at) => new Date(at).toLocaleDateString([], { dateStyle: 'medium', timeZone: timezone });
  fill('#lots', grants.data.map(({ kind, created_at, remaining, expires_at }) => [
    KINDS[kind], day(created_at), remaining, expires_at ? day(Date.parse(expires_at) - 1) : 'No end',
  ]));
  fill('#payments', payments.map(({ at, amount, currency, state, payment }) => [
    day(at), new Intl.NumberFormat([], { style: 'currency', currency }).format(amount), OUTCOMES[state], payment,
  ]));
}

document.addEventListener('toll-topped-up', look);
team.then(look).catch(() => {});
