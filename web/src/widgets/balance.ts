import { css, html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import type { Portal } from '../core/api.ts';
import { compare, isZero } from '../core/decimal.ts';
import { TollElement } from '../core/element.ts';
import { icon } from '../core/icons.ts';
import type { LiveState, Overview, UnitAmount, Wallet } from '../core/types.ts';

/** What is said beside a wallet that has little, or nothing. */
function lowSign({ available, low }: Pick<Wallet, 'available' | 'low'>): TemplateResult | typeof nothing {
  if (!low) return nothing;
  const none = compare(available, '0') <= 0;
  return html`<span class="badge ${none ? 'bad' : 'warn'}">${icon('alert')}${none ? 'None left' : 'Low'}</span>`;
}

/**
 * What a customer has left, small enough for a sidebar: available and held, this period's spend and tokens, the way to the
 * billing page.
 *
 * @element toll-balance
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} billing-url - Where the "Billing" button leads; without it, the button only fires `toll-navigate`.
 * @attr {string} billing-label - What that button says; "Billing" by default.
 * @fires toll-navigate - The "Billing" button was pressed; prevent the default to stay.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart heading - The heading.
 * @csspart available - What can be spent.
 * @csspart facts - The list of further figures.
 * @csspart billing - The button.
 */
export class TollBalance extends TollElement<Overview> {
  @property({ attribute: 'billing-url' }) billingUrl: string | null = null;
  @property({ attribute: 'billing-label' }) billingLabel = 'Billing';

  protected readonly heading = 'Balance';

  static override styles = [
    TollElement.styles,
    css`
      :host { max-inline-size: 420px; container-type: inline-size; }
      .head { margin-block-end: 10px; }
      .wallet + .wallet { margin-block-start: 14px; padding-block-start: 14px; border-block-start: 1px solid var(--_border); }
      .wallet p { margin-block-start: 3px; }
      .wallet .row { flex-wrap: wrap; gap: 2px 12px; }
      .wallet .big { min-inline-size: 0; overflow-wrap: anywhere; }
      .wallet .big small { display: inline-block; max-inline-size: 100%; line-height: 1.3; }
      dl { margin-block-start: 16px; border-block-start: 1px solid var(--_border); padding-block-start: 10px; }
      dl .row { padding-block: 3px; font-size: 13.5px; }
      dt { color: var(--_muted); }
      dd { font-variant-numeric: tabular-nums; font-weight: 500; text-align: end; }
      .billing { inline-size: 100%; margin-block-start: 14px; }
    `,
  ];

  protected override load(portal: Portal): Promise<Overview> {
    return portal.overview();
  }

  protected override withLive(data: Overview, live: LiveState): Overview {
    const wallets = data.wallets.map((wallet) => ({
      ...wallet,
      ...live.wallets.find(({ unit }) => unit === wallet.unit),
    }));
    return { ...data, as_of: live.as_of, period: live.period, spent: live.spent, held: live.held, wallets };
  }

  protected override view(data: Overview): TemplateResult {
    return html`${data.wallets.length ? data.wallets.map((wallet) => this.wallet(wallet)) : this.postpaid(data)}
      <dl part="facts">
        ${data.wallets.length ? this.fact('Spent this period', this.amounts(data.spent)) : nothing}
        ${data.owed.some(({ amount }) => !isZero(amount)) ? this.fact('Owed', this.amounts(data.owed.filter(({ amount }) => !isZero(amount)))) : nothing}
        ${data.tokens ? this.fact('Tokens', this.tokens(data.tokens)) : nothing}
        ${data.plan ? this.fact('Plan', data.plan.name) : nothing}
      </dl>
      <a class="button billing" part="billing" href=${this.billingUrl ?? '#'} @click=${this.navigate}>${this.billingLabel} ${icon('arrow')}</a>`;
  }

  private wallet(wallet: Wallet): TemplateResult {
    const { number, name } = this.money.parts(wallet.available, wallet.unit, { floor: true });
    const [first] = wallet.expiring;
    return html`<div class="wallet">
      <div class="row">
        <p class="big" part="available">${number} <small>${name || 'available'}</small></p>
        ${lowSign(wallet)}
      </div>
      ${isZero(wallet.held) ? nothing : html`<p class="muted small">${this.money.amount(wallet.held, wallet.unit)} on hold</p>`}
      ${first ? html`<p class="muted small">${this.money.amount(first.amount, wallet.unit)} expiring ${this.dates.relative(first.expires_at)}</p>` : nothing}
    </div>`;
  }

  private postpaid(data: Overview): TemplateResult {
    const spent = data.spent.length ? data.spent : [{ unit: this.session.currency, amount: '0' }];
    return html`<p class="big" part="available">${this.amounts(spent)} <small>this period</small></p>`;
  }

  private fact(name: string, value: unknown): TemplateResult {
    return html`<div class="row"><dt>${name}</dt><dd>${value}</dd></div>`;
  }

  private amounts(amounts: UnitAmount[]): string {
    const unit = this.data?.wallets[0]?.unit ?? this.session.currency;
    const shown = amounts.length ? amounts : [{ unit, amount: '0' }];
    return shown.map((each) => this.money.amount(each.amount, each.unit)).join(' + ');
  }

  private tokens(tokens: NonNullable<Overview['tokens']>): string {
    return `${this.money.quantity(tokens.total, null, { compact: true })} in ${this.money.count(tokens.calls, 'call')}`;
  }

  private navigate(event: Event): void {
    if (!this.tell('toll-navigate', { to: this.billingUrl }, true) || !this.billingUrl) event.preventDefault();
  }
}
