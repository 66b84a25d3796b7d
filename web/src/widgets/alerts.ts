import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { TollElement } from '../core/element.ts';
import { icon } from '../core/icons.ts';
import type { Alert, LiveState, Overview } from '../core/types.ts';
import { type Item, itemsOf, type Remedy, type Tone } from './alert-items.ts';

interface Told {
  overview: Overview;
  alerts: Alert[];
}

const ICONS: Record<Tone, string> = { bad: 'alert', warn: 'alert', info: 'info' };
const TONES: Record<Tone, string> = { bad: 'Urgent', warn: 'Warning', info: 'Note' };
const REMEDIES: Record<NonNullable<Remedy>, string> = { 'top-up': 'Top up', limits: 'See limits' };
/** Which tab of the billing page has the remedy. */
const TABS: Record<NonNullable<Remedy>, string> = { 'top-up': 'plans', limits: 'overview' };
const DISMISSED = 'toll-dismissed';
const MINUTE = 60_000;

/**
 * What a customer should know now, the most urgent first, each with what can be done about it; and what was told earlier.
 *
 * @element toll-alerts
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} billing-url - The billing page, where "Top up" and "See limits" lead. Without it they go to a `<toll-top-up>` or `<toll-limits>` of the same page.
 * @attr {number} earlier - How many earlier alerts can be opened; 10 by default, 0 for none.
 * @attr {boolean} quiet - Show nothing at all where there's nothing to tell.
 * @fires toll-navigate - `{to, remedy, unit, limit}`: "Top up" (`top-up`) or "See limits" (`limits`) was pressed; prevent the default to lead elsewhere.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart heading - The heading.
 * @csspart alert - One alert.
 * @csspart remedy - What can be done about it.
 * @csspart earlier - What was told earlier.
 */
export class TollAlerts extends TollElement<Told> {
  @property({ attribute: 'billing-url' }) billingUrl: string | null = null;
  @property({ type: Number }) earlier = 10;
  @property({ type: Boolean, reflect: true }) quiet = false;
  @state() private dismissed = new Set<string>();

  protected readonly heading = 'Alerts';
  protected override readonly asksAgainFor = ['earlier'];
  private clock: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    TollElement.styles,
    css`
      :host { container-type: inline-size; }
      :host([silent]) { display: none; }
      .alerts { display: grid; gap: 8px; }
      .alert { display: grid; grid-template-columns: 16px minmax(0, 1fr) auto; gap: 2px 10px; align-items: start; padding: 11px 12px; border-radius: var(--_radius-small); background: var(--_subtle); }
      .alert > svg { margin-block-start: 2px; color: var(--_muted); }
      .alert.warn { background: var(--_warn-soft); }
      .alert.bad { background: var(--_bad-soft); }
      .alert.warn > svg, .alert.warn strong { color: var(--_warn); }
      .alert.bad > svg, .alert.bad strong { color: var(--_bad); }
      .alert strong { font-weight: 600; overflow-wrap: anywhere; }
      .alert p { overflow-wrap: anywhere; }
      .alert .said { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 14px; }
      .alert .said > div { flex: 1 1 170px; min-inline-size: 0; }
      .alert time { color: var(--_muted); font-size: 12.5px; white-space: nowrap; }
      .alert.warn time, .alert.bad time { color: var(--_text); opacity: 0.78; }
      .alert .button { min-block-size: 30px; border-color: color-mix(in oklab, currentColor 30%, transparent); }
      .dismiss { display: grid; place-items: center; inline-size: 26px; block-size: 26px; margin: -2px -4px 0 0; padding: 0; border: 0; border-radius: var(--_radius-small); background: none; color: var(--_muted); cursor: pointer; }
      .alert.warn .dismiss, .alert.bad .dismiss { color: var(--_text); }
      .dismiss:hover { background: color-mix(in oklab, var(--_text) 9%, transparent); color: var(--_text); }
      .order { display: flex; align-items: center; gap: 9px; color: var(--_muted); }
      .order .mark { display: grid; place-items: center; inline-size: 26px; block-size: 26px; border-radius: 50%; background: var(--_good-soft); color: var(--_good); }
      .below { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 16px; margin-block-start: 12px; font-size: 13px; }
      summary, .again { cursor: pointer; color: var(--_muted); inline-size: fit-content; }
      summary:hover, .again:hover { color: var(--_text); }
      .again { border: 0; padding: 0; background: none; font-size: 13px; text-decoration: underline; text-underline-offset: 2px; }
      details { flex: 1; min-inline-size: 0; }
      .past { margin-block-start: 8px; }
      .past li { display: flex; justify-content: space-between; gap: 4px 16px; padding-block: 7px; overflow-wrap: anywhere; }
      .past li + li { border-block-start: 1px solid var(--_border); }
      .past time { color: var(--_muted); white-space: nowrap; flex: none; }
      @container (max-width: 380px) { .past li { display: block; } }
      @media (pointer: coarse) { .dismiss { inline-size: 40px; block-size: 40px; margin: -9px -10px -9px 0; } }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.dismissed = new Set(kept());
    // "2 minutes ago" becomes "3 minutes ago".
    this.clock = setInterval(() => this.requestUpdate(), MINUTE);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.clock);
  }

  protected override async load(portal: Portal): Promise<Told> {
    const none = { data: [] };
    const [overview, alerts] = await Promise.all([
      portal.overview(),
      this.earlier > 0 ? portal.alerts({ limit: this.earlier }) : none,
    ]);
    return { overview, alerts: alerts.data };
  }

  protected override withLive(data: Told, live: LiveState): Told {
    const wallets = data.overview.wallets.map((wallet) => ({
      ...wallet,
      ...live.wallets.find(({ unit }) => unit === wallet.unit),
    }));
    return { ...data, overview: { ...data.overview, wallets } };
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const silent = this.quiet && this.state !== 'error' && !(this.data && this.shown(this.data).now.length);
    this.toggleAttribute('silent', silent);
  }

  protected override view(data: Told): TemplateResult {
    const { now, earlier, hidden } = this.shown(data);
    return html`<p class="hidden" role="status">${now.length ? this.money.count(now.length, 'alert') : 'No alerts'}</p>
      ${now.length ? nothing : this.inOrder(hidden)}
      <ul class="alerts">${repeat(
        now,
        ({ key }) => key,
        (item) => this.alert(item),
      )}</ul>
      ${hidden || earlier.length ? html`<div class="below">${earlier.length ? this.past(earlier) : nothing}${hidden ? this.restore(hidden) : nothing}</div>` : nothing}`;
  }

  private shown(data: Told): { now: Item[]; earlier: Item[]; hidden: number } {
    const { now, earlier } = itemsOf({ ...data, money: this.money, dates: this.dates });
    const left = now.filter((item) => !this.dismissed.has(this.mark(item)));
    return { now: left, earlier, hidden: now.length - left.length };
  }

  private inOrder(hidden: number): TemplateResult {
    return html`<p class="order"><span class="mark">${icon('check')}</span>${hidden ? 'Nothing else' : 'Everything is in order'}</p>`;
  }

  private alert(item: Item): TemplateResult {
    return html`<li class="alert ${item.tone}" part="alert">
      ${icon(ICONS[item.tone])}
      <div class="said">
        <div>
          <strong><span class="hidden">${TONES[item.tone]}: </span>${item.title}</strong>
          ${item.at ? this.when(item.at) : nothing}
          ${item.text ? html`<p>${item.text}</p>` : nothing}
        </div>
        ${this.remedy(item)}
      </div>
      <button class="dismiss" aria-label="Dismiss: ${item.title}" @click=${() => this.dismiss(item)}>${icon('close')}</button>
    </li>`;
  }

  private when(at: string): TemplateResult {
    return html`<time datetime=${at} title=${this.dates.dateTime(at)}>${this.dates.relative(at)}</time>`;
  }

  private remedy(item: Item): TemplateResult | typeof nothing {
    const { remedy } = item;
    if (!remedy || (remedy === 'top-up' && !this.session.top_up)) return nothing;
    const words = REMEDIES[remedy];
    const to = this.address(remedy);
    const go = (event: Event) => this.navigate(event, item, to);
    return to
      ? html`<a class="button" part="remedy" href=${to} @click=${go}>${words}</a>`
      : html`<button class="button" part="remedy" @click=${go}>${words}</button>`;
  }

  private address(remedy: NonNullable<Remedy>): string | null {
    if (!this.billingUrl) return null;
    return `${this.billingUrl}${this.billingUrl.includes('?') ? '&' : '?'}tab=${TABS[remedy]}`;
  }

  private navigate(event: Event, { remedy, unit, limit }: Item, to: string | null): void {
    if (!this.tell('toll-navigate', { to, remedy, unit, limit }, true)) event.preventDefault();
    else if (!to) this.bringUp(`toll-${remedy}`);
  }

  /** The widget of the same page that has the remedy. */
  private bringUp(widget: string): void {
    const found = (this.getRootNode() as ParentNode).querySelector<HTMLElement>(widget);
    found?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    found?.shadowRoot?.querySelector<HTMLElement>('button, a')?.focus({ preventScroll: true });
  }

  private past(earlier: Item[]): TemplateResult {
    return html`<details part="earlier">
      <summary>${this.money.count(earlier.length, 'earlier alert')}</summary>
      <ul class="past">${repeat(
        earlier,
        ({ key }) => key,
        (item) => html`<li><span>${item.title}</span>${item.at ? this.when(item.at) : nothing}</li>`,
      )}</ul>
    </details>`;
  }

  private restore(hidden: number): TemplateResult {
    return html`<button class="again" @click=${() => this.remember(new Set())}>Show ${hidden} dismissed</button>`;
  }

  /** The focus goes on to the next one: its button is gone. */
  private async dismiss(item: Item): Promise<void> {
    const buttons = [...this.renderRoot.querySelectorAll('.dismiss')];
    const at = buttons.indexOf((this.renderRoot as ShadowRoot).activeElement as Element);
    this.remember(new Set([...this.dismissed, this.mark(item)]));
    await this.updateComplete;
    const left = this.renderRoot.querySelectorAll<HTMLElement>('.dismiss');
    (left[Math.min(at, left.length - 1)] ?? this.renderRoot.querySelector<HTMLElement>('.again'))?.focus();
  }

  /** Another customer's alerts in the same tab are others. */
  private mark(item: Item): string {
    return `${this.session.customer} ${item.key}`;
  }

  private remember(dismissed: Set<string>): void {
    this.dismissed = dismissed;
    try {
      sessionStorage.setItem(DISMISSED, JSON.stringify([...dismissed]));
    } catch {
      // Storage may be forbidden in a frame: then it holds until the page is left.
    }
  }
}

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(DISMISSED) ?? '[]');
    return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}
