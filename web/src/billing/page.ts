import {
  html,
  icon,
  type LiveState,
  type LiveStatus,
  nothing,
  type Portal,
  type PropertyValues,
  property,
  type Session,
  SessionEnded,
  state,
  type TemplateResult,
  TollElement,
} from 'tollkeeper';
import { type Naming, type Place, placeOf, searchOf, TABS, type Tab, withFilter } from './address.ts';
import { away, otherCustomer, signedOut, starting } from './alone.ts';
import { aloneStyles, pageStyles } from './look.ts';
import { persist } from './watch.ts';

const TITLES: Record<Tab, string> = {
  overview: 'Overview',
  usage: 'Usage',
  activity: 'Activity',
  plans: 'Plans and credits',
};
const KINDS: Record<string, string> = {
  grant_spent: 'Usage paid from credits',
  usage: 'Usage owed',
  grant_returned: 'Usage returned to credits',
  usage_credit: 'Usage credited',
  grant_paid: 'Credits bought',
  grant_given: 'Credits given',
  grant_expired: 'Credits expired',
  grant_voided: 'Credits taken back',
  grant_refunded: 'Credits refunded',
};
const LIVENESS: Partial<Record<LiveStatus, { look: string; word: string }>> = {
  live: { look: 'on', word: 'Live' },
  polling: { look: '', word: 'Every 15 seconds' },
  resting: { look: '', word: 'Resting' },
};
const CONNECTING = { look: '', word: 'Connecting' };
/** How long a stream may be away before the page asks whether the server is. */
const PATIENCE = 800;

/**
 * The whole billing page within a page of yours: overview, usage with its filters, activity, plans and credits. Which of
 * them is shown stands in your page's address, so that it can be linked to, shared and gone back through; its path, its
 * fragment and parameters of yours stay as they are.
 *
 * @element toll-billing-page
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {string} address-dimensions - Dimensions that stand in the address by their own name: with `job,member` it's `?job=engineer` in place of `?filter=job:engineer`.
 * @attr {string} address-prefix - Before the names of its parameters, where your page has such names itself: `billing-` makes `?billing-tab=usage`.
 * @fires toll-address - `{tab, address}`: another tab or filter was chosen, which stands at `address`. Prevent the default where your router is to write it.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart tabs - The row of tabs.
 * @csspart content - What the tab shows.
 */
export class TollBillingPage extends TollElement<Session> {
  @property({ attribute: 'address-dimensions' }) addressDimensions = '';
  @property({ attribute: 'address-prefix' }) addressPrefix = '';
  /** Our own page, which has the window to itself: landmarks, the window's title, whose filters they are. */
  @property({ attribute: false }) whole = false;

  @state() private place = placeOf('');
  @state() private away = false;
  @state() private status: LiveStatus = 'connecting';
  @state() private asOf: string | null = null;
  /** Where it stands; a router that leaves this path takes the page away next. */
  private path = '';
  private reaching: { portal: Portal; answer: Promise<void> } | null = null;

  protected readonly heading = 'Billing';

  static override styles = [TollElement.styles, aloneStyles, pageStyles];

  override connectedCallback(): void {
    super.connectedCallback();
    this.path = location.pathname;
    this.place = placeOf(location.search, this.naming);
    for (const each of changes()) each.target?.addEventListener(each.event, this.readAddress);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const each of changes()) each.target?.removeEventListener(each.event, this.readAddress);
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const named = ['addressPrefix', 'addressDimensions', 'whole'].some((name) => changed.has(name));
    if (named) this.place = placeOf(location.search, this.naming);
  }

  /** Give the keyboard what the tab shows. */
  focusContent(): void {
    this.renderRoot.querySelector<HTMLElement>('.content')?.focus();
  }

  protected override render(): TemplateResult {
    return html`<div class=${this.whole ? 'whole' : ''}>${this.shown()}</div>`;
  }

  protected override view(session: Session): TemplateResult {
    const { tab } = this.place;
    const { whole } = this;
    const shown = {
      overview: this.overviewTab,
      usage: this.usageTab,
      activity: this.activityTab,
      plans: this.plansTab,
    };
    const title = TITLES[tab];
    return html`<div class="frame"><div class="tabs wide" part="tabs">${this.tabs()} ${this.liveness()}</div></div>
      ${this.banner()}
      <div class="content wide" part="content" tabindex="-1" role=${whole ? 'main' : 'region'} aria-label=${whole ? nothing : title}
        @click=${this.follow} @toll-navigate=${this.onNavigate}>
        ${whole ? html`<h1 class="hidden heading" tabindex="-1">${title}</h1>` : html`<h2 class="hidden heading" tabindex="-1">${title}</h2>`}
        ${shown[tab](session)}
      </div>
      <p class="end wide" role=${whole ? 'contentinfo' : nothing}>Times and days are of ${session.timezone.replaceAll('_', ' ')}. Estimated figures are replaced by exact ones; unpriced usage is counted and not charged yet.</p>`;
  }

  protected override updated(): void {
    if (this.whole && this.data && this.state !== 'error') {
      const { name, customer } = this.data;
      document.title = `${TITLES[this.place.tab]} · ${name || customer} · Billing`;
    }
  }

  private shown(): TemplateResult {
    if (this.state === 'error') return this.problem instanceof SessionEnded ? signedOut() : this.failed();
    if (!this.data) return this.away ? away(this.whole) : starting(this.whole);
    const { customer } = this.place;
    if (customer !== null && customer !== this.data.customer) return otherCustomer(customer, this.data, this.showOwn);
    return this.view(this.data);
  }

  // Whether the server is there.

  /** Asks until the server answers, however long it's away. */
  override async refresh(): Promise<void> {
    const { portal } = this;
    if (!portal) return;
    await this.reach(portal, () => portal.session());
    if (portal === this.portal && this.isConnected) await super.refresh();
  }

  protected override async load(portal: Portal): Promise<Session> {
    const [session, overview] = await Promise.all([portal.session(), portal.overview().catch(() => null)]);
    this.status = portal.liveStatus;
    if (overview) this.asOf = overview.as_of;
    return session;
  }

  protected override withLive(data: Session, { as_of }: LiveState): Session {
    this.asOf = as_of;
    return data;
  }

  protected override turned(status: LiveStatus): void {
    this.status = status;
    if (status === 'connecting' || status === 'polling') setTimeout(() => void this.probe(), PATIENCE);
  }

  /** A stream that's away may be a proxy's doing; a server that doesn't answer is away. */
  private async probe(): Promise<void> {
    const { portal } = this;
    if (!portal || !this.isConnected || this.status === 'live' || !this.data) return;
    await this.reach(portal, () => portal.get('/session', { at: Date.now() }));
  }

  /** Waits until the server answers; what it refuses is told to whoever listens, or asks next. */
  private reach(portal: Portal, ask: () => Promise<unknown>): Promise<void> {
    if (this.reaching?.portal === portal) return this.reaching.answer;
    const isWanted = (): boolean => portal === this.portal && this.isConnected;
    const wait = async (): Promise<void> => {
      const turnedAway = (): void => {
        this.away = isWanted();
      };
      await persist(async () => isWanted() && ask(), turnedAway).catch(() => {});
      if (this.reaching?.portal === portal) this.reaching = null;
      if (!this.away || portal !== this.portal) return;
      this.away = false;
      if (this.data) portal.refresh();
    };
    const answer = wait();
    this.reaching = { portal, answer };
    return answer;
  }

  // Where we are.

  private get naming(): Naming {
    const dimensions = this.addressDimensions.split(/[\s,]+/).filter(Boolean);
    return { prefix: this.addressPrefix, dimensions, customer: this.whole };
  }

  private readonly addressOf = (change: Partial<Place>): string => {
    const { pathname, search, hash } = location;
    return pathname + searchOf({ ...this.place, ...change }, search, this.naming) + hash;
  };

  /** A place as if nothing were filtered. */
  private readonly afresh = (change: Partial<Place>): string => this.addressOf({ ...placeOf(''), ...change });

  private readonly readAddress = (): void => {
    if (location.pathname !== this.path) return;
    const next = placeOf(location.search, this.naming);
    if (searchOf(next) !== searchOf(this.place)) this.move(next);
  };

  private readonly go = (change: Partial<Place>): void => {
    const filters = change.filters ?? this.place.filters;
    const customer = filters.length && this.whole ? this.session.customer : null;
    const next = { ...this.place, ...change, customer };
    const address = this.addressOf(next);
    if (address === this.addressOf({})) return;
    this.move(next);
    if (this.tell('toll-address', { tab: next.tab, address }, true)) history.pushState(null, '', address);
  };

  private move(next: Place): void {
    const moved = next.tab !== this.place.tab;
    this.place = next;
    if (moved && this.hasUpdated) void this.focusHeading();
  }

  private async focusHeading(): Promise<void> {
    await this.updateComplete;
    const { top } = this.getBoundingClientRect();
    if (this.whole) scrollTo({ top: 0 });
    else if (top < 0) this.scrollIntoView({ block: 'start' });
    this.renderRoot.querySelector<HTMLElement>('.heading')?.focus({ preventScroll: true });
  }

  /** Links of ours change the place without a reload. */
  private readonly follow = (event: MouseEvent): void => {
    const anchor = event.composedPath().find((each): each is HTMLAnchorElement => each instanceof HTMLAnchorElement);
    if (!anchor?.href || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.defaultPrevented)
      return;
    const { origin, pathname, search } = new URL(anchor.href);
    if (origin !== location.origin || pathname !== location.pathname || anchor.target) return;
    event.preventDefault();
    this.go(placeOf(search, this.naming));
  };

  private readonly showOwn = (): void => this.go({ ...placeOf(''), tab: this.place.tab });

  // The frame.

  private tabs(): TemplateResult {
    return html`<nav aria-label="Billing" @click=${this.follow}>
      ${TABS.map((tab) => html`<a href=${this.addressOf({ tab })} aria-current=${tab === this.place.tab ? 'page' : nothing}>${TITLES[tab]}</a>`)}
    </nav>`;
  }

  private liveness(): TemplateResult {
    const { look, word } = this.away ? { look: 'away', word: 'Not reachable' } : (LIVENESS[this.status] ?? CONNECTING);
    const { asOf, dates } = this;
    const at = (time: string): TemplateResult =>
      html`<span> · as of <time datetime=${time} title=${dates.second(time)}>${dates.time(time)}</time></span>`;
    return html`<span class="live"><span class="dot ${look}"></span><span>${word}${asOf ? at(asOf) : nothing}</span></span>`;
  }

  private banner(): TemplateResult {
    return html`<div role="status">${this.away ? html`<p class="banner">${icon('alert')}<span>Billing can’t be reached right now. What you see was right ${this.asOf ? `at ${this.dates.time(this.asOf)}` : 'before'}; the page comes back by itself.</span></p>` : nothing}</div>`;
  }

  // The tabs.

  private readonly overviewTab = (): TemplateResult =>
    html`<toll-billing-overview .portal=${this.portal} .locale=${this.locale} theme=${this.theme} .address=${this.afresh}></toll-billing-overview>`;

  private readonly usageTab = (): TemplateResult => {
    const { range, meter, filters, by } = this.place;
    return html`<div class="stack">
      ${this.filterBar()}
      <toll-usage .portal=${this.portal} .locale=${this.locale} theme=${this.theme} fixed-range .range=${range} .meter=${meter} .filter=${filters}
        @toll-filter=${this.onClear}></toll-usage>
      <toll-breakdown
        .portal=${this.portal} .locale=${this.locale} theme=${this.theme} pick .range=${range} .meter=${meter} .filter=${filters} .chosen=${by}
        @toll-by=${(event: CustomEvent<{ by: string }>) => this.go({ by: event.detail.by })}
        @toll-pick=${this.onPick}
      ></toll-breakdown>
    </div>`;
  };

  private readonly activityTab = (): TemplateResult => {
    const { range, meter, filters, view, kind } = this.place;
    return html`<div class="stack">
      <div class="bar">
        <div class="segments" role="group" aria-label="What to list">
          ${(['events', 'ledger'] as const).map((each) => html`<button aria-pressed=${each === view} @click=${() => this.go({ view: each })}>${each === 'events' ? 'Events' : 'Ledger'}</button>`)}
        </div>
        ${view === 'ledger' ? this.kinds() : nothing}
      </div>
      ${view === 'events' ? this.filterBar() : nothing}
      <toll-activity .portal=${this.portal} .locale=${this.locale} theme=${this.theme} view=${view} .range=${range} .meter=${meter} .filter=${filters} .kind=${kind}></toll-activity>
    </div>`;
  };

  private kinds(): TemplateResult {
    const choose = (event: Event): void => this.go({ kind: (event.target as HTMLSelectElement).value || null });
    return html`<select class="control" aria-label="Kind of posting" @change=${choose}>
      <option value="" ?selected=${!this.place.kind}>All postings</option>
      ${Object.entries(KINDS).map(([kind, name]) => html`<option value=${kind} ?selected=${kind === this.place.kind}>${name}</option>`)}
    </select>`;
  }

  private readonly plansTab = ({ top_up }: Session): TemplateResult => html`<div class="stack">
    ${top_up ? html`<toll-top-up .portal=${this.portal} .locale=${this.locale} theme=${this.theme}></toll-top-up>` : nothing}
    <toll-billing-grants .portal=${this.portal} .locale=${this.locale} theme=${this.theme}></toll-billing-grants>
    <toll-plans .portal=${this.portal} .locale=${this.locale} theme=${this.theme}></toll-plans>
  </div>`;

  private filterBar(): TemplateResult {
    const { range, meter, filters } = this.place;
    return html`<toll-billing-filters .portal=${this.portal} .locale=${this.locale} theme=${this.theme} plain .range=${range} .meter=${meter} .filters=${filters}
      @toll-filter=${(event: CustomEvent<Partial<Place>>) => this.go(event.detail)}></toll-billing-filters>`;
  }

  /** The page's address has the filters. */
  private readonly onClear = (event: CustomEvent<Partial<Place>>): void => {
    event.preventDefault();
    this.go(event.detail);
  };

  /** An alert's remedy that another tab has. */
  private readonly onNavigate = (event: CustomEvent<{ remedy?: string }>): void => {
    if (event.detail.remedy !== 'top-up') return;
    event.preventDefault();
    event.stopPropagation();
    this.go({ tab: 'plans' });
  };

  private readonly onPick = (event: CustomEvent<{ dimension: string; value: string }>): void => {
    const { dimension, value } = event.detail;
    this.go({ filters: withFilter(this.place.filters, dimension, value) });
  };
}

/** What tells of another address: the browser's buttons, and where browsers tell of it, a router of the product's. */
const changes = (): { target: EventTarget | undefined; event: string }[] => [
  { target: window, event: 'popstate' },
  { target: (window as { navigation?: EventTarget }).navigation, event: 'currententrychange' },
];
