import { css, html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { TollElement } from '../core/element.ts';
import { Problem } from '../core/http.ts';
import { icon } from '../core/icons.ts';
import type { PlanOffer, Plans } from '../core/types.ts';
import { type Change, changes, takesAway } from './plan-changes.ts';

type When = 'now' | 'period_end';

/** A choice that is being made. */
interface Choice {
  plan: PlanOffer;
  when: When;
  sending: boolean;
  problem: string | null;
}

/** So many lines of a plan are shown; the others open. */
const LINES = 5;

/**
 * The customer's plan and those that can be chosen instead: prices, what's included, limits, and the change that comes next.
 * Choosing one says what it changes, and when.
 *
 * @element toll-plans
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @fires toll-plan-changed - `{plan, from}`: a plan was chosen, from `now` or `period_end`.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart heading - The heading.
 * @csspart next - The change that comes next.
 * @csspart plan - A plan's card.
 * @csspart current - The card of the customer's plan, a `plan` too.
 * @csspart choose - The button that chooses a plan.
 * @csspart dialog - The dialog that asks when.
 */
export class TollPlans extends TollElement<Plans> {
  @state() private choice: Choice | null = null;
  @state() private done = '';

  protected readonly heading = 'Plans';

  static override styles = [
    TollElement.styles,
    css`
      :host { container-type: inline-size; }
      .plans { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 232px), 1fr)); }
      .plan { display: grid; grid-template-rows: subgrid; grid-row: span 4; row-gap: 0; min-inline-size: 0; padding: 18px; border: 1px solid var(--_border); border-radius: var(--_radius-small); }
      .plan:only-child { max-inline-size: 400px; }
      .plan.current { border-color: var(--_accent); box-shadow: inset 0 0 0 1px var(--_accent); }
      .plan h3 { color: var(--_text); font-size: 16px; font-weight: 600; letter-spacing: -0.015em; overflow-wrap: anywhere; min-inline-size: 0; }
      .plan .title { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 4px 10px; }
      .plan .about { margin-block-start: 4px; overflow-wrap: anywhere; }
      .prices { margin-block-start: 14px; padding-block-start: 12px; border-block-start: 1px solid var(--_border); }
      .prices dl > div + div, .more > div { margin-block-start: 9px; }
      dt { color: var(--_muted); font-size: 12.5px; overflow-wrap: anywhere; unicode-bidi: isolate; }
      dd { overflow-wrap: anywhere; unicode-bidi: isolate; }
      .lines { margin-block-start: 14px; display: grid; gap: 7px; align-content: start; }
      .lines li { display: grid; grid-template-columns: 16px minmax(0, 1fr); gap: 8px; overflow-wrap: anywhere; }
      .lines svg { margin-block-start: 2px; color: var(--_good); }
      .lines .limit svg { color: var(--_muted); }
      details { margin-block-start: 9px; }
      summary { cursor: pointer; color: var(--_muted); font-size: 13px; inline-size: fit-content; }
      summary:hover { color: var(--_text); }
      .choose { align-self: end; margin-block-start: 18px; }
      .choose .button { inline-size: 100%; white-space: normal; overflow-wrap: anywhere; padding-block: 6px; }
      .yours { display: flex; align-items: center; justify-content: center; gap: 6px; min-block-size: 34px; color: var(--_accent); font-size: 13.5px; font-weight: 500; }
      .notice.next { background: var(--_accent-soft); color: var(--_text); }
      .notice.next svg { color: var(--_accent); }
      .notice.next .button { color: var(--_text); border-color: var(--_border-strong); }
      .notice.good { background: var(--_good-soft); color: var(--_good); }
      .notice span { overflow-wrap: anywhere; min-inline-size: 0; flex: 1; }
      toll-dialog { --_dialog: 520px; }
      .differences { display: grid; border: 1px solid var(--_border); border-radius: var(--_radius-small); margin-block: 10px 18px; max-block-size: 38vh; overflow: auto; }
      .differences > div { padding: 9px 12px; }
      .differences > div + div { border-block-start: 1px solid var(--_border); }
      .differences .texts { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; }
      .differences .texts > svg { align-self: center; flex: none; color: var(--_muted); }
      .differences del { color: var(--_muted); text-decoration-thickness: 1px; }
      .differences ins { text-decoration: none; font-weight: 500; }
      fieldset { margin: 0; padding: 0; border: 0; display: grid; gap: 8px; }
      legend { padding: 0; margin-block-end: 8px; font-weight: 500; }
      .when { display: grid; grid-template-columns: 18px minmax(0, 1fr); gap: 10px; padding: 11px 12px; border: 1px solid var(--_border); border-radius: var(--_radius-small); cursor: pointer; }
      .when:hover { border-color: var(--_border-strong); }
      .when:has(:checked) { border-color: var(--_accent); background: var(--_accent-soft); }
      .when:has(:focus-visible) { outline: 2px solid var(--_accent); outline-offset: 2px; }
      .when input { margin: 2px 0 0; inline-size: 16px; block-size: 16px; accent-color: var(--_accent); outline: none; }
      .when strong { font-weight: 500; }
      .problem { display: flex; gap: 8px; margin-block-start: 12px; padding: 9px 12px; border-radius: var(--_radius-small); background: var(--_bad-soft); color: var(--_bad); }
      .problem svg { flex: none; margin-block-start: 2px; }
    `,
  ];

  protected override load(portal: Portal): Promise<Plans> {
    return portal.plans();
  }

  protected override isEmpty(data: Plans): boolean {
    return data.data.length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    return { title: 'No plans', text: 'There is nothing to choose: you pay for what you use.' };
  }

  protected override skeleton(): TemplateResult {
    return html`<div class="plans">${[1, 2, 3].map(
      () => html`<div class="plan"><span class="bone" .style=${'inline-size:50%;block-size:20px'}></span>
        <span class="bone" .style=${'margin-block-start:22px;block-size:96px'}></span><span></span>
        <span class="bone" .style=${'margin-block-start:22px;block-size:34px'}></span></div>`,
    )}</div>`;
  }

  protected override view(data: Plans): TemplateResult {
    return html`<div role="status">${this.done ? html`<p class="notice good done" tabindex="-1">${icon('check')}<span>${this.done}</span></p>` : nothing}</div>
      ${data.next ? this.next(data, data.next) : nothing}
      <div class="plans">${repeat(
        data.data,
        ({ key }) => key,
        (plan) => this.plan(plan, data),
      )}</div>
      ${this.choice ? this.dialog(this.choice, this.present(data)) : nothing}`;
  }

  private present(data: Plans): PlanOffer | null {
    return data.data.find(({ current }) => current) ?? null;
  }

  private next(data: Plans, next: NonNullable<Plans['next']>): TemplateResult {
    const day = this.dates.date(next.from);
    const present = this.present(data);
    return html`<div class="notice next" part="next">
      ${icon('clock')}<span>${next.name || next.plan ? html`<strong>${next.name || next.plan}</strong> begins on ${day}.` : html`The plan ends on ${day}.`}</span>
      ${present && data.change_allowed ? html`<button class="button" @click=${() => this.choose(present, data)}>Keep ${present.name}</button>` : nothing}
    </div>`;
  }

  private plan(plan: PlanOffer, data: Plans): TemplateResult {
    return html`<article class="plan ${plan.current ? 'current' : ''}" part=${plan.current ? 'plan current' : 'plan'} aria-label=${plan.name}>
      <div>
        <div class="title"><h3>${plan.name}</h3>${plan.key === data.next?.plan ? html`<span class="badge">Next</span>` : nothing}</div>
        ${plan.description ? html`<p class="muted about">${plan.description}</p>` : nothing}
      </div>
      ${this.prices(plan)}
      ${this.lines(plan)}
      <div class="choose">${this.choosing(plan, data)}</div>
    </article>`;
  }

  private prices({ prices }: PlanOffer): TemplateResult {
    if (!prices.length) return html`<div></div>`;
    const line = (price: PlanOffer['prices'][number]) =>
      html`<div><dt>${price.name}</dt><dd>${this.money.offer(price.text)}</dd></div>`;
    const more = prices.slice(LINES);
    return html`<div class="prices">
      <dl>${prices.slice(0, LINES).map(line)}</dl>
      ${more.length ? html`<details><summary>${this.money.count(more.length, 'more price')}</summary><dl class="more">${more.map(line)}</dl></details>` : nothing}
    </div>`;
  }

  private lines({ grants, limits }: PlanOffer): TemplateResult {
    if (!grants.length && !limits.length) return html`<div></div>`;
    return html`<ul class="lines">
      ${grants.map(({ text }) => html`<li>${icon('check')}<span>${this.money.offer(text)}</span></li>`)}
      ${limits.map(({ text }) => html`<li class="limit">${icon('gauge')}<span>Up to ${this.money.offer(text)}</span></li>`)}
    </ul>`;
  }

  private choosing(plan: PlanOffer, data: Plans): TemplateResult | typeof nothing {
    if (plan.current) return html`<p class="yours">${icon('check')}Your plan</p>`;
    if (!data.change_allowed) return nothing;
    return html`<button class="button" part="choose" @click=${() => this.choose(plan, data)}>Choose ${plan.name}</button>`;
  }

  private choose(plan: PlanOffer, data: Plans): void {
    this.done = '';
    const when = !plan.current && takesAway(this.present(data), plan) ? 'period_end' : 'now';
    this.choice = { plan, when, sending: false, problem: null };
  }

  private dialog(choice: Choice, present: PlanOffer | null): TemplateResult {
    const { plan, sending, problem } = choice;
    const left = () => {
      this.choice = null;
    };
    return html`<toll-dialog exportparts="dialog" heading=${plan.current ? `Keep ${plan.name}?` : `Change to ${plan.name}?`} ?busy=${sending} @toll-close=${left}>
      ${plan.current ? html`<p>You stay on ${plan.name}. The change that was to come is taken back.</p>` : this.terms(choice, present)}
      ${problem ? html`<p class="problem" role="alert">${icon('alert')}<span>${problem}</span></p>` : nothing}
      <button slot="actions" class="button" ?disabled=${sending} @click=${this.shut}>Cancel</button>
      <button slot="actions" class="button primary" aria-disabled=${sending} @click=${this.confirm}>
        ${sending ? 'Changing …' : plan.current ? `Keep ${plan.name}` : 'Change plan'}
      </button>
    </toll-dialog>`;
  }

  private terms(choice: Choice, present: PlanOffer | null): TemplateResult {
    const found = changes(present, choice.plan);
    return html`<p class="muted">${found.length ? (present ? 'What changes:' : 'What you get:') : `Prices and limits stay as they are.`}</p>
      ${found.length ? html`<dl class="differences" tabindex="0" aria-label="What changes">${found.map((change) => this.difference(change))}</dl>` : html`<br />`}
      <fieldset ?disabled=${choice.sending}>
        <legend>When?</legend>
        ${this.when(choice, 'now', 'Now', `What was used until now keeps its price.${choice.plan.grants.length ? ` What’s included${present ? ' beyond your present plan' : ''} is there at once.` : ''}`)}
        ${this.when(choice, 'period_end', `On ${this.monthEnd()}`, `When the month is over. Until then everything stays as it is.`)}
      </fieldset>`;
  }

  private difference({ name, before, after }: Change): TemplateResult {
    const told = (text: string): string => this.money.offer(text);
    const then = after === null ? (name === 'Limit' ? 'no such limit' : 'no longer') : told(after);
    return html`<div>
      <dt>${name}</dt>
      <dd class="texts">
        ${before ? html`<span class="hidden">So far: </span><del>${told(before)}</del> ${icon('arrow')}` : nothing}
        <span class="hidden">Then: </span><ins>${then}</ins>
      </dd>
    </div>`;
  }

  private when(choice: Choice, when: When, title: string, text: string): TemplateResult {
    const pick = () => {
      this.choice = { ...choice, when };
    };
    return html`<label class="when">
      <input type="radio" name="when" value=${when} .checked=${choice.when === when} @change=${pick} />
      <span><strong>${title}</strong><br /><span class="muted small">${text}</span></span>
    </label>`;
  }

  /** The first day of the customer's next month. */
  private monthEnd(): string {
    const [year, month] = this.dates.today().split('-').map(Number);
    const first = new Date(Date.UTC(year!, month!, 1)).toISOString().slice(0, 10);
    return this.dates.date(this.dates.startOf(first).toISOString());
  }

  private readonly confirm = async (): Promise<void> => {
    const { choice, portal } = this;
    if (!choice || choice.sending || !portal) return;
    this.choice = { ...choice, sending: true, problem: null };
    try {
      const from = choice.plan.current ? 'now' : choice.when;
      this.data = await portal.changePlan(choice.plan.key, from);
      this.done = this.outcome(choice);
      this.shut();
      this.choice = null;
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>('.done')?.focus();
      this.tell('toll-plan-changed', { plan: choice.plan.key, from });
    } catch (error) {
      const problem = error instanceof Problem ? error.detail : 'The plan could not be changed.';
      this.choice = { ...choice, sending: false, problem };
    }
  };

  /** By the dialog itself, which gives the focus back. */
  private readonly shut = (): void => this.renderRoot.querySelector('toll-dialog')?.close();

  private outcome({ plan, when }: Choice): string {
    if (plan.current) return `You stay on ${plan.name}.`;
    return when === 'now' ? `You are on ${plan.name} now.` : `${plan.name} begins on ${this.monthEnd()}.`;
  }
}
