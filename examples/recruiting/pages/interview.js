import { call, during, find, inAddress, json, make } from './shared.js';

const status = `/api/applications/${inAddress()}/interview-status`;
const room = find('#room');
let began = 0;

function tick() {
  const seconds = Math.floor((Date.now() - began) / 1000);
  find('#clock').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

find('#start').addEventListener('click', (event) =>
  during(event.target, async () => {
    const { title, questions } = await call(status, json({ status: 'started' }));
    find('#title').textContent = title;
    const asked = questions.map((each) => make('label', {}, each, make('textarea', { maxLength: 4000 })));
    find('#questions').replaceChildren(...asked);
    find('#before').hidden = true;
    room.hidden = false;
    began = Date.now();
    const ticking = setInterval(tick, 1000);
    room.addEventListener('submit', () => clearInterval(ticking), { once: true });
  }),
);
room.addEventListener('submit', (event) => {
  event.preventDefault();
  during(find('button', room), async () => {
    const answers = [...room.querySelectorAll('textarea')].map((each) => each.value.trim());
    await call(status, json({ status: 'completed', answers }));
    room.hidden = true;
    return 'Thank you. The interview is over.';
  });
});
