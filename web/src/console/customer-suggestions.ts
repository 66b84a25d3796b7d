/** What a customer's usage would have cost less, and what goes unused of its plan, each figure with its arithmetic. */
import { css, html, icon, nothing, property, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { empty, rowsOfBones, Task } from './load.ts';
import { choice, look, View } from './look.ts';

interface Suggestion {
  kind: string;
  text: string;
  caution: string | null;
  savings: { whom: 'operator' | 'customer'; amount: string; unit: string }[];
  unused: { amount: string; unit: string } | null;
  steps: { text: string }[];
}

interface Suggestions {
  start: string;
  end: string;
  data: Suggestion[];
}

const SPANS = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;
const KINDS: Record<string, string> = {
  cheaper_model: 'Cheaper model',
  prompt_caching: 'Prompt caching',
  batch: 'Batches',
  unused_plan: 'Unused plan',
  cheaper_plan: 'Cheaper plan',
};
const WHOM = { operator: 'you save', customer: 'the customer saves' };
const DAY = 86_400_000;

export class CustomerSuggestions extends View {
  @property({ attribute: false }) customer = '';
  private readonly found = new Task<Suggestions>(
    this,
    () => {
      const from = new Date(Date.now() - Number(this.days) * DAY).toISOString();
      return app.client.get(`/v1/customers/${part(this.customer)}/suggestions`, { from });
    },
    () => `${this.customer}\n${this.days}`,
  );

  static override styles = [
    look,
    css`
      .one { display: grid; gap: 10px; }
      .one > .head { margin: 0; flex-wrap: wrap; }
      .one p { max-inline-size: 75ch; }
      .caution { display: flex; gap: 8px; align-items: start; color: var(--_muted); font-size: 13px; }
      .caution svg { flex: none; margin-block-start: 2px; }
      .saved { display: flex; flex-wrap: wrap; gap: 4px 18px; }
      .saved strong { font-variant-numeric: tabular-nums; }
      summary { cursor: pointer; color: var(--_accent); font-size: 13px; inline-size: max-content; }
      ol { margin: 8px 0 0; padding-inline-start: 22px; display: grid; gap: 4px; font-size: 13px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<div class="tools">${choice('Span', SPANS, this.days, (days) => app.router.set({ days: days === '30' ? '' : days }))}</div>
      ${this.found.render((found) => this.list(found), rowsOfBones(4))}`;
  }

  private get days(): string {
    const asked = app.router.value('days');
    return SPANS.find(([days]) => days === asked)?.[0] ?? '30';
  }

  private list({ data, start, end }: Suggestions): TemplateResult {
    const span = `From ${app.dates.date(start)} to ${app.dates.date(end)}`;
    if (!data.length)
      return empty('Nothing would have cost less, or goes unused', `${span}, as far as recorded usage tells.`);
    return html`<div class="stack">
      ${data.map((one) => this.one(one))}
      <p class="as-of">${span}. Savings don’t add up: some are about the same usage.</p>
    </div>`;
  }

  private one({ kind, text, caution, savings, unused, steps }: Suggestion): TemplateResult {
    const figures = savings.map(({ whom, ...saved }) => ({ ...saved, what: WHOM[whom] }));
    if (unused) figures.push({ ...unused, what: 'went unused' });
    return html`<section class="panel one">
      <div class="head">${badge(KINDS[kind] ?? kind, 'accent')}
        <span class="saved">${figures.map(({ amount, unit, what }) => html`<span><strong>${app.money.amount(amount, unit)}</strong> <span class="muted">${what}</span></span>`)}</span>
      </div>
      <p>${text}</p>
      ${caution ? html`<p class="caution">${icon('alert')}<span>${caution}</span></p>` : nothing}
      <details><summary>The arithmetic</summary><ol>${steps.map((step) => html`<li>${step.text}</li>`)}</ol></details>
    </section>`;
  }
}
