/**
 * What every widget has in common: attributes, the client, the states loading, ready, empty, stale and error, live updates
 * that keep focus and scroll. A widget says what to `load` and how to `view` it.
 */
import { type CSSResultGroup, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { type Portal, portalFor } from './api.ts';
import { Dates } from './dates.ts';
import { Problem, SessionEnded } from './http.ts';
import { icon } from './icons.ts';
import type { LiveStatus } from './live.ts';
import { Money } from './money.ts';
import { base, followScheme, type Theme, tokens } from './theme.ts';
import type { LiveState, Session } from './types.ts';

/** `stale`: what's shown was right at its `as_of`, but couldn't be refreshed. */
export type State = 'loading' | 'ready' | 'empty' | 'stale' | 'error';

const HERE = import.meta.url.replace(/\/(?:src\/core\/)?[^/]*$/, '');

export abstract class TollElement<T> extends LitElement {
  static override styles: CSSResultGroup = [tokens, base];

  /** The portal token, `tollp_…`. */
  @property() token: string | null = null;
  /** The product's own address that answers `{token}`; asked again when a session has ended. */
  @property({ attribute: 'token-url' }) tokenUrl: string | null = null;
  /** Where Tollkeeper is; by default where `tollkeeper.js` came from. */
  @property() base = HERE;
  /** Language and region of figures and dates; by default the browser's. */
  @property() locale: string = navigator.language || 'en';
  @property({ reflect: true }) theme: Theme = 'auto';
  /** Leave out the frame and the background, to stand in a card of the product's own. */
  @property({ type: Boolean, reflect: true }) plain = false;

  /** The client; set it in place of `token` where a page has one. */
  @property({ attribute: false }) portal: Portal | null = null;

  @state() protected state: State = 'loading';
  @state() protected data: T | null = null;
  @state() protected problem: Problem | null = null;
  @state() protected session!: Session;
  protected money = new Money('en');
  protected dates = new Dates('en', 'UTC');

  private unlisten: (() => void) | null = null;
  private unfollow: (() => void) | null = null;
  private round = 0;

  /** Which properties make for another question; a change of one loads anew. */
  protected readonly asksAgainFor: readonly string[] = [];

  /** What this widget shows; called at first, after each change, and to try again. */
  protected abstract load(portal: Portal): Promise<T>;

  /** The widget with its data. */
  protected abstract view(data: T): TemplateResult;

  /** The heading, also for screen readers; shown unless empty. */
  protected abstract readonly heading: string;

  /** Whether there's nothing to show yet. */
  protected isEmpty(_data: T): boolean {
    return false;
  }

  /** What may be done where there's nothing, such as clearing a filter. */
  protected emptyAction(): TemplateResult | typeof nothing {
    return nothing;
  }

  protected emptyText(): { title: string; text: string } {
    return { title: 'Nothing here yet', text: '' };
  }

  /** Bones in the shape of what will come. */
  protected skeleton(): TemplateResult {
    return html`<span class="bone" .style=${'inline-size:40%;block-size:30px;margin-block-end:14px'}></span
      ><span class="bone" .style=${'inline-size:70%'}></span>`;
  }

  /** A newer state has come by the live stream: the data with it, or the same data where it says nothing of them. */
  protected withLive(data: T, _live: LiveState): T {
    return data;
  }

  /** The live stream is there, or away. */
  protected turned(_status: LiveStatus): void {}

  /** Controls beside the heading, shown in every state so that a filter can be undone. */
  protected controls(): TemplateResult | typeof nothing {
    return nothing;
  }

  /** Ask again; what's shown stays until the answer is there. */
  async refresh(): Promise<void> {
    const round = ++this.round;
    const { portal } = this;
    if (!portal) return;
    try {
      const [session, data] = await Promise.all([portal.session(), this.prepared(portal)]);
      if (round !== this.round) return;
      this.useSession(session);
      this.data = data;
      this.problem = null;
      this.state = this.isEmpty(data) ? 'empty' : 'ready';
    } catch (error) {
      if (round === this.round) this.fail(error);
    }
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.unfollow = followScheme(this);
    if (this.portal) this.attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.unfollow?.();
    this.unlisten?.();
    this.unlisten = null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    const given = ['token', 'tokenUrl', 'base'].some((name) => changed.has(name));
    if (given && (this.token || this.tokenUrl)) {
      this.portal = portalFor({ base: this.base, token: this.token, tokenUrl: this.tokenUrl });
    }
    if (changed.has('portal') || (given && this.portal)) this.restart();
    else if (this.asksAgainFor.some((name) => changed.has(name))) void this.refresh();
    if (changed.has('locale') && this.session) this.useSession(this.session);
  }

  protected override render(): TemplateResult {
    return html`<section
      class=${this.plain ? '' : 'panel'}
      part="panel"
      aria-label=${this.heading}
      aria-busy=${this.state === 'loading'}
    >
      ${this.header()} ${this.body()}
    </section>`;
  }

  protected header(): TemplateResult | typeof nothing {
    return html`<div class="head" part="head"><h2 part="heading">${this.heading}</h2>${this.controls()}</div>`;
  }

  /** Tell the page; it may prevent the default. Returns whether it didn't. */
  protected tell(name: string, detail: unknown = {}, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }));
  }

  private async prepared(portal: Portal): Promise<T> {
    // Widgets may read `dates` and `session` in `load`: they depend on the customer's time zone.
    this.useSession(await portal.session());
    return this.load(portal);
  }

  private useSession(session: Session): void {
    const changed = this.session !== session || this.money.locale !== this.locale;
    if (!changed) return;
    this.session = session;
    this.money = new Money(this.locale, session.units);
    this.dates = new Dates(this.locale, session.timezone, () => new Date(this.portal?.now() ?? Date.now()));
  }

  private restart(): void {
    this.unlisten?.();
    this.unlisten = null;
    this.data = null;
    this.state = 'loading';
    if (this.portal && this.isConnected) this.attach();
  }

  private attach(): void {
    this.unlisten ??= this.portal!.listen({
      onState: (live) => {
        if (this.data === null) return;
        this.data = this.withLive(this.data, live);
        if (this.state === 'empty' && !this.isEmpty(this.data)) this.state = 'ready';
      },
      onRefresh: () => void this.refresh(),
      onStatus: (status) => this.turned(status),
      onEnded: (problem) => this.fail(problem),
    });
    void this.refresh();
  }

  private fail(error: unknown): void {
    const ended = error instanceof SessionEnded && !(this.problem instanceof SessionEnded);
    this.problem = error instanceof Problem ? error : new Problem(0, 'page_error', 'This part of the page has failed.');
    this.state = this.data !== null && !(error instanceof SessionEnded) ? 'stale' : 'error';
    if (ended) this.tell('toll-session-expired', { code: this.problem.code });
    if (!(error instanceof Problem)) reportError(error);
  }

  private body(): TemplateResult {
    if (this.state === 'error') return this.failed();
    if (this.data === null)
      return html`<div part="skeleton"><span class="hidden" role="status">Loading</span>${this.skeleton()}</div>`;
    if (this.state === 'empty') return this.nothingYet();
    return html`${this.state === 'stale' ? this.notRefreshed() : nothing}${this.view(this.data)}`;
  }

  protected failed(): TemplateResult {
    const ended = this.problem instanceof SessionEnded;
    return html`<div class="void bad" part="error" role="alert">
      <span class="mark">${icon(ended ? 'clock' : 'alert')}</span>
      <strong>${ended ? 'Your session has ended' : 'This can’t be shown right now'}</strong>
      <p>${ended ? 'Open billing again from the product to go on.' : this.problem?.detail}</p>
      ${ended ? nothing : html`<button class="button" part="retry" @click=${this.again}>Try again</button>`}
    </div>`;
  }

  private notRefreshed(): TemplateResult {
    return html`<div class="notice" part="stale" role="status">
      ${icon('alert')}<span>Not up to date: ${this.problem?.detail}</span>
      <button class="button" part="retry" @click=${this.again}>Try again</button>
    </div>`;
  }

  private nothingYet(): TemplateResult {
    const { title, text } = this.emptyText();
    const action = this.emptyAction();
    return html`<div class="void" part="empty">
      <span class="mark">${icon('empty')}</span><strong>${title}</strong>${text ? html`<p>${text}</p>` : nothing}${action}
    </div>`;
  }

  private again(): void {
    if (this.state === 'error') this.state = 'loading';
    void this.refresh();
  }
}
