import { ask, moment, money, refresh } from './product.js';

async function showPlan() {
  const { plan } = await refresh();
  const next = plan.next ? `, from ${moment(plan.next.start)} on ${plan.next.plan ?? 'none'}` : '';
  document.querySelector('#plan').textContent = plan.name ? `Your plan: ${plan.name}${next}` : '';
}

/** Each suggestion with what it would have saved, and the arithmetic of that. */
async function advise() {
  const [place, template] = [document.querySelector('#suggestions'), document.querySelector('#suggestion')];
  const found = await ask('/api/billing/suggestions');
  place.querySelector('.none').hidden = found.length > 0;
  place.querySelector('ul').replaceChildren(
    ...found.map(({ text, caution, savings, steps }) => {
      const saving = savings.find(({ whom }) => whom === 'customer');
      const shown = template.content.cloneNode(true);
      const say = (part, told) => Object.assign(shown.querySelector(part), { textContent: told ?? '', hidden: !told });
      say('span', text);
      say('strong', `saves ${money(saving.amount, saving.unit)}`);
      say('.caution', caution);
      shown.querySelector('ol').replaceChildren(
        ...steps.map((step) => Object.assign(document.createElement('li'), { textContent: step.text })),
      );
      return shown;
    }),
  );
}

document.addEventListener('toll-plan-changed', showPlan);
showPlan();
advise().catch(({ detail }) => {
  Object.assign(document.querySelector('#suggestions .none'), { textContent: detail, hidden: false });
});
