import { html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { approximate, decimal, isZero, sum } from '../core/decimal.ts';
import { TollElement } from '../core/element.ts';
import { icon } from '../core/icons.ts';
import type { LiveState, Offer, Offers, Overview, Pack, QuickAmount, TopUp } from '../core/types.ts';
import { Checkout, type Purchase } from './checkout.ts';
import { isAtPar, orderDialog, purchaseOf, whatIsBought } from './top-up-dialog.ts';
import { topUpStyles } from './top-up-styles.ts';

interface Shop {
  as_of: string;
  offers: Offers;
  wallets: Pick<Overview['wallets'][number], 'unit' | 'available'>[];
  /** The latest top-ups, newest first. */
  latest: TopUp[];
}

/** An end is news for so long, in ms. */
const NEWS = 15 * 60_000;
/** So many that wait to be paid are shown. */
const WAITING = 2;

/**
 * What customers buy for themselves: quick amounts, and packs with their bonus. Choosing one leads to where it's paid; the widget
 * waits, and shows how it ended. It never adds anything itself: the server does, when the money has come.
 *
 * @element toll-top-up
 * @attr {string} token - The portal token; buying needs its permission `top_up`.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} unit - Only this unit of value, such as `interview_credit`.
 * @attr {new-tab|same-tab} checkout - Where the payment page opens; `new-tab` by default.
 * @fires toll-topped-up - `{id, unit, amount, bonus, pack}`: a top-up was paid while the widget waited for it.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart heading - The heading.
 * @csspart offer - All that can be bought of one unit.
 * @csspart amount - A quick amount.
 * @csspart pack - A pack.
 * @csspart waiting - A top-up that waits to be paid.
 * @csspart outcome - How the latest one ended.
 * @csspart dialog - The dialog of a purchase.
 */
export class TollTopUp extends TollElement<Shop> {
  @property() unit: string | null = null;
  @property() checkout: 'new-tab' | 'same-tab' = 'new-tab';

  protected readonly heading = 'Top up';
  private readonly dismissed = new Set<string>();
  private readonly order = new Checkout(this, {
    portal: () => this.portal,
    sameTab: () => this.checkout === 'same-tab',
    onEnded: (topUp) => this.ended(topUp),
  });

  static override styles = [TollElement.styles, topUpStyles];

  protected override async load(portal: Portal): Promise<Shop> {
    const [offers, overview, latest] = await Promise.all([
      portal.offers(),
      portal.overview(),
      portal.topUps({ limit: 5 }),
    ]);
    if (offers.allowed) this.order.seen(latest.data);
    return { as_of: overview.as_of, offers, wallets: overview.wallets, latest: latest.data };
  }

  protected override withLive(data: Shop, live: LiveState): Shop {
    return { ...data, as_of: live.as_of, wallets: live.wallets };
  }

  protected override isEmpty(data: Shop): boolean {
    return !this.offered(data).length && !this.news(data).length;
  }

  protected override emptyText(): { title: string; text: string } {
    return { title: 'Nothing to buy here', text: 'What you use is charged as it comes.' };
  }

  protected override skeleton(): TemplateResult {
    const bones = (size: string): TemplateResult => html`<span class="bone" .style=${`block-size:${size}`}></span>`;
    return html`<div class="quick">${[1, 2, 3].map(() => bones('62px'))}</div>
      <div class="packs">${[1, 2].map(() => bones('66px'))}</div>`;
  }

  protected override view(data: Shop): TemplateResult {
    const { offers } = data;
    return html`${this.notices(data)}
      ${repeat(
        this.offered(data),
        ({ unit }) => unit,
        (offer) => this.offer(offer, data),
      )}
      ${offers.allowed ? nothing : html`<p class="aside">${icon('info')}<span>${this.whyNot()}</span></p>`}
      ${offers.allowed && offers.test ? html`<p class="aside"><span class="badge warn">Test</span><span>Payments are only pretended here.</span></p>` : nothing}
      ${this.order.order ? this.dialog(data) : nothing}`;
  }

  private offered({ offers }: Shop): Offer[] {
    const some = offers.data.filter(({ amounts, packs }) => amounts.length || packs.length);
    return this.unit ? some.filter(({ unit }) => unit === this.unit) : some;
  }

  private whyNot(): string {
    return this.session.permissions.includes('top_up')
      ? 'Nothing can be paid for here at the moment.'
      : 'You can look, but not buy here. Ask whoever looks after billing.';
  }

  private offer(offer: Offer, data: Shop): TemplateResult {
    const { unit, amounts, packs, expires_after } = offer;
    const available = this.available(data, unit);
    return html`<section class="offer" part="offer" aria-label=${this.named(offer)}>
      <div class="row"><h3>${this.named(offer)}</h3>${available ? html`<span class="muted small figure">${available} available</span>` : nothing}</div>
      ${amounts.length ? html`<div class="quick">${amounts.map((amount) => this.amount(offer, amount, data))}</div>` : nothing}
      ${amounts.length && expires_after ? html`<p class="muted small lifetime">Can be spent for ${expires_after}.</p>` : nothing}
      ${packs.length ? html`<div class="packs">${packs.map((pack) => this.pack(offer, pack, data))}</div>` : nothing}
    </section>`;
  }

  /** `Interview credits`; `Balance in USD` */
  private named({ unit, name }: Offer): string {
    const credits = this.money.parts('2', unit).name || name;
    const isCurrency = !this.money.parts('2', unit).name;
    return isCurrency ? `Balance in ${unit}` : credits.charAt(0).toUpperCase() + credits.slice(1);
  }

  private available({ wallets }: Shop, unit: string): string | null {
    const wallet = wallets.find((each) => each.unit === unit);
    return wallet ? this.money.amount(wallet.available, unit) : null;
  }

  private amount({ unit, expires_after }: Offer, { amount, price, currency }: QuickAmount, data: Shop): TemplateResult {
    const { number, name } = this.money.parts(amount, unit, { signed: true });
    const cost = this.money.amount(price, currency);
    const purchase = {
      unit,
      amount,
      bonus: null,
      price,
      currency,
      pack: null,
      name: null,
      expiresAfter: expires_after,
    };
    return this.tile(
      'amount',
      purchase,
      data,
      html`<span class="plus">${number}</span><span class="hidden"> ${name} for </span>
      <span class=${isAtPar(purchase) ? 'hidden' : 'muted'}>${cost}</span>`,
    );
  }

  private pack({ unit }: Offer, pack: Pack, data: Shop): TemplateResult {
    const { key, name, amount, price, currency, bonus, expires_after } = pack;
    const purchase = { unit, amount, bonus, price, currency, pack: key, name, expiresAfter: expires_after };
    const extras = [
      bonus && !isZero(bonus)
        ? html`<span class="badge good">+ ${this.money.parts(bonus, unit).number} bonus</span>`
        : null,
      expires_after ? html`<span class="badge">${icon('clock')}${expires_after}</span>` : null,
    ].filter(Boolean);
    return this.tile(
      'pack',
      purchase,
      data,
      html`<span class="name">${name}</span>
      <span class="price">${this.money.amount(price, currency)}</span>
      <span class="muted small what">${this.contents(pack, unit)}</span>
      <span class="muted small each">${this.each(pack, unit)}</span>
      ${extras.length ? html`<span class="extra">${extras}</span>` : nothing}`,
    );
  }

  /** `200 interview credits`; `$110.00 to spend`, the bonus counted. */
  private contents({ amount, bonus }: Pack, unit: string): string {
    const isCredit = this.money.parts(amount, unit).name !== '';
    return isCredit
      ? this.money.amount(amount, unit)
      : `${this.money.amount(sum([amount, bonus ?? '0']), unit)} to spend`;
  }

  /** `$0.81 each`, the bonus counted; shown only, never charged, so that rounding does no harm. */
  private each({ amount, bonus, price, currency }: Pack, unit: string): string {
    const count = approximate(amount) + approximate(bonus ?? '0');
    if (unit === currency || !count) return '';
    const digits = Number((approximate(price) / count).toPrecision(3));
    return `${this.money.amount(decimal(digits.toFixed(12)), currency)} each`;
  }

  private tile(part: 'amount' | 'pack', purchase: Purchase, data: Shop, content: TemplateResult): TemplateResult {
    if (!data.offers.allowed) return html`<div class="tile ${part}" part=${part}>${content}</div>`;
    return html`<button class="tile ${part}" part=${part} @click=${() => this.order.choose(purchase)}>${content}</button>`;
  }

  /** What waits to be paid, and how the latest that have ended did; not what was given up. */
  private news({ latest, offers }: Shop): TopUp[] {
    if (!offers.allowed) return [];
    const shown = latest.filter(({ id, state }) => !this.dismissed.has(id) && state !== 'cancelled');
    const waiting = shown.filter(({ state }) => state === 'pending').slice(0, WAITING);
    const since = (this.portal?.now() ?? Date.now()) - NEWS;
    const over = shown.find(({ ended_at }) => ended_at && Date.parse(ended_at) > since);
    return over ? [over, ...waiting] : waiting;
  }

  private notices(data: Shop): TemplateResult {
    const open = this.order.order?.topUp?.id;
    const shown = this.news(data).filter(({ id }) => id !== open);
    return html`<div role="status">${repeat(
      shown,
      ({ id }) => id,
      (topUp) => (topUp.state === 'pending' ? this.waiting(topUp) : this.outcome(topUp)),
    )}</div>`;
  }

  private waiting(topUp: TopUp): TemplateResult {
    const price = this.money.amount(topUp.price, topUp.currency);
    return html`<div class="notice" part="waiting">
      ${icon('clock')}<span><strong>Waiting for your payment</strong><br />${isAtPar(topUp) ? price : `${whatIsBought(this.money, topUp)} for ${price}`}</span>
      <span class="buttons"><button class="button" @click=${() => this.order.resume(topUp, purchaseOf(topUp))}>Continue</button></span>
    </div>`;
  }

  private outcome(topUp: TopUp): TemplateResult {
    const what = whatIsBought(this.money, topUp);
    const when = topUp.ended_at ? this.dates.relative(topUp.ended_at) : '';
    const dismiss = () => {
      this.dismissed.add(topUp.id);
      this.requestUpdate();
    };
    const paid = topUp.state === 'paid';
    const failed = topUp.state === 'failed' ? `The payment for ${what} failed ${when}.` : `${what}: not paid in time.`;
    return html`<div class="notice ${paid ? 'good' : 'bad'}" part="outcome">
      ${icon(paid ? 'check' : 'alert')}<span>${paid ? html`<strong>${what}</strong> added ${when}` : failed}</span>
      <button class="button quiet" aria-label="Dismiss" @click=${dismiss}>${icon('close')}</button>
    </div>`;
  }

  private dialog(data: Shop): TemplateResult {
    return orderDialog(this.order.order!, {
      checkout: this.order,
      money: this.money,
      test: data.offers.test,
      available: ({ unit, ended_at }) => (ended_at && data.as_of >= ended_at ? this.available(data, unit) : null),
      close: () => this.renderRoot.querySelector('toll-dialog')?.close(),
    });
  }

  private ended(topUp: TopUp): void {
    if (this.order.order?.topUp?.id === topUp.id) this.dismissed.add(topUp.id);
    const { id, unit, amount, bonus, pack } = topUp;
    if (topUp.state === 'paid') this.tell('toll-topped-up', { id, unit, amount, bonus, pack });
  }
}
