/** `/billing`: our own page around the billing page. Who it is comes by a link; the window and its theme are ours. */

import { aloneStyles, away, otherLink, over, persist, starting, type TollBillingPage } from 'billing-page';
import {
  base,
  chooseTheme,
  chosenTheme,
  css,
  dressPage,
  html,
  icon,
  LitElement,
  nothing,
  type Portal,
  Problem,
  portalFor,
  type Session,
  state,
  type TemplateResult,
  type Theme,
} from 'tollkeeper';
import { exchange, keep, kept, safeUrl, takeLink } from './session.ts';

const link = takeLink();
dressPage();

const THEMES = {
  light: { icon: 'sun', title: 'Light' },
  dark: { icon: 'moon', title: 'Dark' },
  auto: { icon: 'half', title: 'As the system' },
} as const;

/** Who a page can be opened for. */
interface Opening {
  token: string;
  portal: Portal;
  session: Session;
}

class BillingSite extends LitElement {
  @state() private theme: Theme = chosenTheme();
  @state() private session: Session | null = null;
  /** Why there's no session any more, by the code of the refusal. */
  @state() private over: string | null = null;
  @state() private away = false;
  /** The tab's session, and the one that a link would put in its place. */
  @state() private asked: { present: Opening; linked: Opening } | null = null;
  private portal: Portal | null = null;
  private returnUrl: string | null = kept()?.returnUrl ?? null;
  private round = 0;

  static override styles = [
    base,
    aloneStyles,
    css`
      :host { min-block-size: 100vh; background: var(--_canvas); }
      .alone { min-block-size: 100vh; padding: 24px; }
      .skip { position: absolute; inset-inline-start: 12px; inset-block-start: -60px; transition: none; z-index: 9; }
      .skip:focus { inset-block-start: 12px; }
      header { background: var(--_surface); }
      .top { display: flex; align-items: center; gap: 10px 16px; max-inline-size: 1120px; margin-inline: auto; padding: 14px 24px 10px; min-block-size: 60px; }
      .who { display: flex; align-items: center; gap: 11px; min-inline-size: 0; margin-inline-end: auto; }
      .initial { flex: none; display: grid; place-items: center; inline-size: 32px; block-size: 32px; border-radius: 8px; background: var(--_accent); color: var(--_on-accent); font-weight: 600; font-size: 15px; }
      .who strong { font-size: 15px; font-weight: 600; letter-spacing: -0.01em; line-height: 1.25; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
      .who div span { color: var(--_muted); font-size: 12.5px; }
      .segments.themes button { display: grid; place-items: center; inline-size: 30px; padding: 0; }
      .back svg { transform: scaleX(-1); }
      @media (max-width: 620px) {
        .top { padding: 12px 14px 6px; }
        .who { flex: 1 1 0; } .top .back span { display: none; } .themes button { min-block-size: 32px; }
      }
      @media print {
        :host { background: none; } .themes, .skip, .back { display: none !important; }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.onHash);
    void this.begin(link);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.onHash);
  }

  protected override render(): TemplateResult {
    if (this.asked) return otherLink(this.asked.present.session, this.asked.linked.session, this.chosen);
    if (this.over) return over(this.over, this.returnUrl);
    if (!this.session) return this.away ? away(true) : starting(true);
    return html`<header>
        <button class="skip button" @click=${this.skip}>Skip to content</button>
        ${this.top(this.session)}
      </header>
      <toll-billing-page .portal=${this.portal} .whole=${true} theme=${this.theme} @toll-session-expired=${this.onExpired}></toll-billing-page>`;
  }

  /** Exchanges the link, or takes up what this tab has kept; waits for a server that's away. */
  private async begin(secret: string | null): Promise<void> {
    const round = ++this.round;
    this.session = this.over = this.asked = null;
    try {
      const before = kept()?.token ?? null;
      const token = secret ? await this.patiently(() => exchange(location.origin, secret)) : before;
      if (!token) throw new Problem(401, 'portal_token_missing', '');
      const linked = await this.patiently(() => openingOf(token));
      const present = secret && before ? await openingOf(before).catch(() => null) : null;
      if (round === this.round) this.settle(present, linked);
    } catch (error) {
      if (round !== this.round) return;
      this.end(error instanceof Problem ? error.code : 'page_error');
      if (!(error instanceof Problem)) reportError(error);
    }
  }

  /** A link of another customer doesn't take the tab's session away by itself. */
  private settle(present: Opening | null, linked: Opening): void {
    this.away = false;
    if (present && present.session.customer !== linked.session.customer) this.asked = { present, linked };
    else this.open(linked);
  }

  private readonly chosen = (linked: boolean): void => {
    if (this.asked) this.open(linked ? this.asked.linked : this.asked.present);
  };

  private open({ token, portal, session }: Opening): void {
    this.asked = null;
    this.portal = portal;
    this.session = session;
    this.returnUrl = safeUrl(session.return_url);
    keep({ token, returnUrl: this.returnUrl });
  }

  private end(code: string): void {
    this.session = null;
    this.over = code;
    this.away = false;
    keep(null);
    document.title = 'Billing';
  }

  private patiently<T>(what: () => Promise<T>): Promise<T> {
    return persist(what, () => {
      this.away = true;
    });
  }

  private readonly onExpired = (event: CustomEvent<{ code: string }>): void => this.end(event.detail.code);

  private readonly onHash = (): void => {
    const secret = takeLink();
    if (secret) void this.begin(secret);
  };

  private readonly skip = (): void => {
    this.renderRoot.querySelector<TollBillingPage>('toll-billing-page')?.focusContent();
  };

  private top(session: Session): TemplateResult {
    const name = session.name || session.customer;
    return html`<div class="top">
      <div class="who"><span class="initial" aria-hidden="true">${[...name][0]?.toLocaleUpperCase() ?? '·'}</span><div><strong class="name">${name}</strong><span>Billing and usage</span></div></div>
      ${this.returnUrl ? html`<a class="button back" href=${this.returnUrl} rel="noreferrer" aria-label="Back to the app">${icon('arrow')}<span>Back to the app</span></a>` : nothing}
      <div class="segments themes" role="group" aria-label="Theme">
        ${(['light', 'dark', 'auto'] as const).map((theme) => html`<button aria-pressed=${theme === this.theme} title=${THEMES[theme].title} @click=${() => this.wear(theme)}>${icon(THEMES[theme].icon)}<span class="hidden">${THEMES[theme].title}</span></button>`)}
      </div>
    </div>`;
  }

  private wear(theme: Theme): void {
    this.theme = theme;
    chooseTheme(theme);
  }
}

async function openingOf(token: string): Promise<Opening> {
  const portal = portalFor({ base: location.origin, token });
  return { token, portal, session: await portal.session() };
}

customElements.define('toll-billing-site', BillingSite);
