import {
  base,
  chooseTheme,
  chosenTheme,
  Dates,
  dressPage,
  html,
  icon,
  LitElement,
  type LiveStatus,
  nothing,
  type Portal,
  Problem,
  portalFor,
  type Session,
  state,
  type TemplateResult,
  type Theme,
} from 'tollkeeper';
import { type Place, placeOf, searchOf, TABS, type Tab, withFilter } from './address.ts';
import { away, otherCustomer, over, starting } from './alone.ts';
import { BillingFilters } from './filters.ts';
import { BillingGrants } from './grants.ts';
import { pageStyles } from './look.ts';
import { BillingOverview } from './overview.ts';
import { exchange, isOver, keep, kept, safeUrl, takeLink } from './session.ts';
import { persist } from './watch.ts';

const link = takeLink();
dressPage();

const NAMES: Record<Tab, string> = {
  overview: 'Overview',
  usage: 'Usage',
  activity: 'Activity',
  plans: 'Plans and credits',
};
const KINDS: Record<string, string> = {
  usage: 'Usage',
  usage_credit: 'Usage credited',
  grant_paid: 'Credits bought',
  grant_given: 'Credits given',
  grant_spent: 'Paid from credits',
  grant_returned: 'Returned to credits',
  grant_expired: 'Credits expired',
  grant_voided: 'Credits taken back',
  grant_refunded: 'Credits refunded',
};
/** How long a stream may be away before the page asks whether the server is. */
const PATIENCE = 800;

type Phase = 'starting' | 'open' | 'over' | 'other';

/** The customer's page: who it is, which tab is shown, whether it's live. Tabs are made of the widgets. */
class BillingPage extends LitElement {
  @state() private phase: Phase = 'starting';
  @state() private place: Place = placeOf(location.search);
  @state() private theme: Theme = chosenTheme();
  @state() private session: Session | null = null;
  @state() private code = 'portal_token_missing';
  @state() private away: Problem | null = null;
  @state() private status: LiveStatus = 'connecting';
  @state() private asOf: string | null = null;
  private portal: Portal | null = null;
  private dates = new Dates(navigator.language || 'en', 'UTC');
  private returnUrl: string | null = kept()?.returnUrl ?? null;
  private unlisten: (() => void) | null = null;
  private probing = false;
  private round = 0;

  static override styles = [base, pageStyles];

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('popstate', this.readAddress);
    addEventListener('hashchange', this.onHash);
    void this.begin(link);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('popstate', this.readAddress);
    removeEventListener('hashchange', this.onHash);
    this.unlisten?.();
  }

  protected override render(): TemplateResult {
    if (this.phase === 'over') return over(this.code, this.returnUrl);
    if (!this.session) return this.away ? away() : starting();
    if (this.phase === 'other') return otherCustomer(this.place.customer!, this.session, this.showOwn);
    const { tab } = this.place;
    return html`<header>
        <button class="skip button" @click=${this.skip}>Skip to content</button>
        ${this.banner()} ${this.top(this.session)}${this.tabs()}
      </header>
      <main id="main" class="wide" tabindex="-1" @click=${this.follow} @toll-session-expired=${this.onExpired} @toll-navigate=${this.onNavigate}>
        <h1 class="hidden" tabindex="-1">${NAMES[tab]}</h1>
        ${{ overview: this.overviewTab, usage: this.usageTab, activity: this.activityTab, plans: this.plansTab }[tab]()}
      </main>
      <footer class="wide end">Times and days are of ${this.session.timezone.replaceAll('_', ' ')}. Estimated figures are replaced by exact ones; unpriced usage is counted and not charged yet.</footer>`;
  }

  // Who it is.

  /** Exchanges the link, or takes up what this tab has kept, and opens the page; waits for a server that's away. */
  private async begin(secret: string | null): Promise<void> {
    const round = ++this.round;
    this.close();
    try {
      const token = secret ? await this.patiently(() => exchange(location.origin, secret)) : kept()?.token;
      if (!token) return this.end('portal_token_missing');
      if (secret) keep({ token, returnUrl: null });
      this.portal = portalFor({ base: location.origin, token });
      const session = await this.patiently(() => this.portal!.session());
      if (round === this.round) this.open(session, token);
    } catch (error) {
      if (round !== this.round) return;
      const code = error instanceof Problem ? error.code : 'page_error';
      this.end(code);
      if (!(error instanceof Problem)) reportError(error);
    }
  }

  private open(session: Session, token: string): void {
    this.away = null;
    this.session = session;
    this.returnUrl = safeUrl(session.return_url);
    keep({ token, returnUrl: this.returnUrl });
    this.dates = new Dates(navigator.language || 'en', session.timezone);
    const { customer } = this.place;
    this.phase = customer !== null && customer !== session.customer ? 'other' : 'open';
    this.unlisten = this.portal!.listen({
      onState: ({ as_of }) => {
        this.asOf = as_of;
      },
      onRefresh: () => void this.readTime(),
      onStatus: (status) => this.turned(status),
      onEnded: (problem) => this.end(problem.code),
    });
    void this.readTime();
  }

  private close(): void {
    this.unlisten?.();
    this.unlisten = null;
    this.session = null;
    this.phase = 'starting';
  }

  private end(code: string): void {
    this.close();
    this.code = code;
    this.phase = 'over';
    this.away = null;
    keep(null);
    document.title = 'Billing';
  }

  private readonly onExpired = (event: Event): void => this.end((event as CustomEvent<{ code: string }>).detail.code);

  private readonly onHash = (): void => {
    const secret = takeLink();
    if (secret) void this.begin(secret);
  };

  private async readTime(): Promise<void> {
    const found = await this.portal?.overview().catch(() => null);
    if (found) this.asOf = found.as_of;
  }

  // Whether the server is there.

  private patiently<T>(what: () => Promise<T>): Promise<T> {
    return persist(what, (problem) => {
      this.away = problem;
    });
  }

  private turned(status: LiveStatus): void {
    this.status = status;
    if (status === 'connecting' || status === 'polling') setTimeout(() => void this.probe(), PATIENCE);
  }

  /** A stream that's away may be a proxy's doing; a server that doesn't answer is away. */
  private async probe(): Promise<void> {
    if (this.probing || this.status === 'live' || this.phase !== 'open') return;
    this.probing = true;
    try {
      await this.patiently(() => this.portal!.get('/session', { at: Date.now() }));
      if (this.away) this.portal!.refresh();
      this.away = null;
    } catch (error) {
      if (error instanceof Problem && isOver(error)) this.end(error.code);
    } finally {
      this.probing = false;
    }
  }

  // Where we are.

  private readonly readAddress = (): void => {
    const before = this.place;
    this.place = placeOf(location.search);
    if (this.session)
      this.phase = this.place.customer && this.place.customer !== this.session.customer ? 'other' : 'open';
    if (before.tab !== this.place.tab) void this.focusHeading();
  };

  private go(change: Partial<Place>): void {
    const customer = (change.filters ?? this.place.filters).length ? this.session!.customer : null;
    const next = { ...this.place, ...change, customer };
    const address = searchOf(next);
    if (address === searchOf(this.place)) return;
    history.pushState(null, '', address);
    const moved = next.tab !== this.place.tab;
    this.place = next;
    if (moved) void this.focusHeading();
  }

  private async focusHeading(): Promise<void> {
    await this.updateComplete;
    scrollTo({ top: 0 });
    this.renderRoot.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }

  /** Links of ours (`?tab=usage`) change the place without a reload. */
  private readonly follow = (event: MouseEvent): void => {
    const anchor = event.composedPath().find((each): each is HTMLAnchorElement => each instanceof HTMLAnchorElement);
    const href = anchor?.getAttribute('href');
    if (
      !href?.startsWith('?') ||
      event.button ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.defaultPrevented
    )
      return;
    event.preventDefault();
    this.go(placeOf(href));
  };

  private readonly skip = (): void => {
    this.renderRoot.querySelector<HTMLElement>('main')?.focus();
  };

  protected override updated(): void {
    if (this.phase === 'open' && this.session) {
      document.title = `${NAMES[this.place.tab]} · ${this.session.name || this.session.customer} · Billing`;
    }
  }

  // The frame.

  private top(session: Session): TemplateResult {
    const name = session.name || session.customer;
    return html`<div class="wide top">
      <div class="who"><span class="initial" aria-hidden="true">${[...name][0]?.toLocaleUpperCase() ?? '·'}</span><div><strong class="name">${name}</strong><span>Billing and usage</span></div></div>
      ${this.liveness()}
      ${this.returnUrl ? html`<a class="button back" href=${this.returnUrl} rel="noreferrer" aria-label="Back to the app">${icon('arrow')}<span>Back to the app</span></a>` : nothing}
      <div class="segments themes" role="group" aria-label="Theme">
        ${(['light', 'dark', 'auto'] as const).map((theme) => html`<button aria-pressed=${theme === this.theme} title=${THEMES[theme].title} @click=${() => this.wear(theme)}>${icon(THEMES[theme].icon)}<span class="hidden">${THEMES[theme].title}</span></button>`)}
      </div>
    </div>`;
  }

  private liveness(): TemplateResult {
    const { look, word } = this.away
      ? { look: 'away', word: 'Not reachable' }
      : (LIVENESS[this.status] ?? LIVENESS.connecting!);
    const at = this.asOf
      ? html`<span> · as of <time datetime=${this.asOf} title=${this.dates.second(this.asOf)}>${this.dates.time(this.asOf)}</time></span>`
      : nothing;
    return html`<span class="live"><span class="dot ${look}"></span><span>${word}${at}</span></span>`;
  }

  private tabs(): TemplateResult {
    const address = (tab: Tab): string => searchOf({ ...this.place, tab });
    return html`<nav class="wide" aria-label="Billing" @click=${this.follow}>
      ${TABS.map((tab) => html`<a href=${address(tab)} aria-current=${tab === this.place.tab ? 'page' : nothing}>${NAMES[tab]}</a>`)}
    </nav>`;
  }

  private banner(): TemplateResult {
    return html`<div role="status">${this.away ? html`<p class="banner">${icon('alert')}<span>Billing can’t be reached right now. What you see was right ${this.asOf ? `at ${this.dates.time(this.asOf)}` : 'before'}; the page comes back by itself.</span></p>` : nothing}</div>`;
  }

  private wear(theme: Theme): void {
    this.theme = theme;
    chooseTheme(theme);
  }

  private readonly showOwn = (): void => {
    this.phase = 'open';
    this.go({ ...placeOf(''), tab: this.place.tab });
  };

  // The tabs.

  private readonly overviewTab = (): TemplateResult =>
    html`<toll-billing-overview .portal=${this.portal} theme=${this.theme}></toll-billing-overview>`;

  private readonly usageTab = (): TemplateResult => {
    const { range, meter, filters, by } = this.place;
    return html`<div class="stack">
      ${this.filterBar()}
      <toll-usage .portal=${this.portal} theme=${this.theme} fixed-range .range=${range} .meter=${meter} .filter=${filters}></toll-usage>
      <toll-breakdown
        .portal=${this.portal} theme=${this.theme} pick .range=${range} .meter=${meter} .filter=${filters} .chosen=${by}
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
      <toll-activity .portal=${this.portal} theme=${this.theme} view=${view} .range=${range} .meter=${meter} .filter=${filters} .kind=${kind}></toll-activity>
    </div>`;
  };

  private kinds(): TemplateResult {
    const choose = (event: Event): void => this.go({ kind: (event.target as HTMLSelectElement).value || null });
    return html`<select class="control" aria-label="Kind of posting" @change=${choose}>
      <option value="" ?selected=${!this.place.kind}>All postings</option>
      ${Object.entries(KINDS).map(([kind, name]) => html`<option value=${kind} ?selected=${kind === this.place.kind}>${name}</option>`)}
    </select>`;
  }

  private readonly plansTab = (): TemplateResult => html`<div class="stack">
    ${this.session?.top_up ? html`<toll-top-up .portal=${this.portal} theme=${this.theme}></toll-top-up>` : nothing}
    <toll-billing-grants .portal=${this.portal} theme=${this.theme}></toll-billing-grants>
    <toll-plans .portal=${this.portal} theme=${this.theme}></toll-plans>
  </div>`;

  private filterBar(): TemplateResult {
    const { range, meter, filters } = this.place;
    return html`<toll-billing-filters .portal=${this.portal} theme=${this.theme} plain .range=${range} .meter=${meter} .filters=${filters}
      @toll-filter=${(event: CustomEvent<Partial<Place>>) => this.go(event.detail)}></toll-billing-filters>`;
  }

  /** An alert's remedy that another tab has. */
  private readonly onNavigate = (event: CustomEvent<{ remedy?: string }>): void => {
    if (event.detail.remedy !== 'top-up') return;
    event.preventDefault();
    this.go({ tab: 'plans' });
  };

  private readonly onPick = (event: CustomEvent<{ dimension: string; value: string }>): void => {
    const { dimension, value } = event.detail;
    this.go({ filters: withFilter(this.place.filters, dimension, value) });
  };
}

const THEMES = {
  light: { icon: 'sun', title: 'Light' },
  dark: { icon: 'moon', title: 'Dark' },
  auto: { icon: 'half', title: 'As the system' },
} as const;

const LIVENESS: Partial<Record<LiveStatus, { look: string; word: string }>> = {
  live: { look: 'on', word: 'Live' },
  polling: { look: '', word: 'Every 15 seconds' },
  resting: { look: '', word: 'Resting' },
  connecting: { look: '', word: 'Connecting' },
};

customElements.define('toll-billing-overview', BillingOverview);
customElements.define('toll-billing-filters', BillingFilters);
customElements.define('toll-billing-grants', BillingGrants);
customElements.define('toll-billing-page', BillingPage);
