// What is to be paid, as Tollkeeper says it: a link says nothing that is believed.
import { ask, portal } from './ask.js';
import { show } from './problems.js';

const id = location.pathname.split('/').pop();
const facts = document.querySelector('#facts');
const said = document.querySelector('#said');
const STATES = {
  paid: ['This is paid', 'The credits are there.', 'To billing', '/billing'],
  over: ['This purchase is over', 'It wasn’t paid in time, or was given up. Nothing was charged.', 'Choose again', '/billing'],
};

function failed(problem) {
  if (problem.code === 'not_signed_in') location.replace(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  else show(problem, said, () => location.reload());
}

portal(`/top-ups/${encodeURIComponent(id)}`).then(({ amount, bonus, price, currency, state }) => {
  if (state !== 'pending') return show({ code: state === 'paid' ? 'paid' : 'over' }, said, null, STATES);
  const more = Number(bonus) ? ` + ${bonus} bonus` : '';
  facts.querySelector('#what').textContent = `${amount} interview credits${more}`;
  facts.querySelector('#price').textContent = new Intl.NumberFormat([], { style: 'currency', currency }).format(price);
  facts.hidden = false;
}, failed);

document.querySelector('#pay').addEventListener('click', () =>
  ask(`/api/checkout/${encodeURIComponent(id)}`, { method: 'POST' }).then(({ url }) => location.assign(url), failed),
);
