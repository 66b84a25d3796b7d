/** The operator's console: who's signed in, where we are, and the frame around each page. */
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
  state,
  type TemplateResult,
  type Theme,
} from 'tollkeeper';
import { app } from './app.ts';
import { told } from './client.ts';
import { ConsoleDialog } from './dialog.ts';
import { empty, failed } from './load.ts';
import { ConsoleTable } from './look.ts';
import { to } from './router.ts';
import { SignIn } from './signin.ts';
import type { Summary } from './types.ts';
import { pageAt, SECTIONS, VIEWS } from './views.ts';

dressPage();
for (const [name, element] of Object.entries(VIEWS)) customElements.define(name, element);
customElements.define('console-table', ConsoleTable);
customElements.define('console-dialog', ConsoleDialog);
customElements.define('console-sign-in', SignIn);

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const COUNTED_EVERY = 60_000;

class ConsolePage extends LitElement {
  /** `unknown`: whether the browser has a session isn't known yet. */
  @state() private who: 'unknown' | 'nobody' | 'somebody' | 'failed' = 'unknown';
  @state() private ended = '';
  @state() private problem: unknown = null;
  @state() private menu = false;
  @state() private summary: Summary | null = null;
  @state() private said = '';
  @state() private theme: Theme = chosenTheme();
  private timer: ReturnType<typeof setInterval> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  static override styles = [base, frame()];

  override connectedCallback(): void {
    super.connectedCallback();
    app.onEnded = () => this.leave('Your session has ended. Sign in to go on where you were.');
    app.asks = (ask) => this.renderRoot.querySelector<ConsoleDialog>('console-dialog')!.open(ask);
    app.says = (text) => this.say(text);
    app.onChanged = () => void this.count();
    app.router.start((changed) => this.moved(changed));
    this.timer = setInterval(() => void this.count(), COUNTED_EVERY);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
    app.router.stop();
  }

  protected override render(): TemplateResult {
    if (this.who === 'unknown') return html`<p class="hidden" role="status">Loading</p>`;
    if (this.who === 'failed')
      return html`<main class="alone">${failed(told(this.problem), () => void this.begin())}</main>`;
    if (this.who === 'nobody')
      return html`<console-sign-in .ended=${this.ended} @signed-in=${this.enter}></console-sign-in>`;
    const page = pageAt(app.router.place);
    return html`<nav class="skip" aria-label="Shortcut"><button class="button" @click=${this.skip}>Skip to the page</button></nav>
      <header>
        <a class="brand" href=${to()}>${mark()}Tollkeeper</a>
        <button class="button quiet burger" aria-expanded=${this.menu} aria-controls="nav" @click=${this.toggleMenu}>${this.menu ? icon('close') : bars()}Menu</button>
      </header>
      <aside id="nav" class=${this.menu ? 'open' : ''}>
        <a class="brand" href=${to()}>${mark()}Tollkeeper</a>
        <nav aria-label="Console">${SECTIONS.map((section) => this.section(section, page?.section ?? ''))}</nav>
        ${this.person()}
      </aside>
      <main id="main" tabindex="-1">${page ? page.view() : empty('There’s no such page', html`<a href=${to()}>Go to the first page</a>`)}</main>
      <console-dialog></console-dialog>
      <div class="toast" role="status">${this.said ? html`<span>${icon('check')}${this.said}</span>` : nothing}</div>`;
  }

  private section(section: (typeof SECTIONS)[number], current: string): TemplateResult {
    return html`<div class="section" role="group" aria-label=${section.name || 'Overview'}>
      ${section.name ? html`<p>${section.name}</p>` : nothing}
      ${section.pages.map(({ path, name, counted }) => {
        const number = counted && this.summary ? counted(this.summary) : 0;
        return html`<a href=${to(...(path ? [path] : []))} aria-current=${path === current ? 'page' : nothing}><span>${name}</span>${number ? html`<span class="badge ${counted ? 'warn' : ''}">${app.money.quantity(String(number), null, { compact: true })}<span class="hidden"> waiting</span></span>` : nothing}</a>`;
      })}
    </div>`;
  }

  private person(): TemplateResult {
    const key = app.client.signedIn?.key;
    return html`<div class="person">
      <span class="segments" role="group" aria-label="Theme">${THEMES.map((theme) => html`<button aria-pressed=${theme === this.theme} @click=${() => this.wear(theme)}>${theme[0]!.toUpperCase() + theme.slice(1)}</button>`)}</span>
      <div class="row"><span class="name small">${key?.name} <span class="code muted">${key?.prefix}…</span></span>
      <button class="button quiet" @click=${this.signOut}>Sign out</button></div>
    </div>`;
  }

  private async begin(): Promise<void> {
    this.who = 'unknown';
    try {
      if (await app.client.restore()) await this.enter();
      else this.leave('');
    } catch (error) {
      [this.problem, this.who] = [error, 'failed'];
    }
  }

  private readonly enter = async (): Promise<void> => {
    try {
      await app.readCatalog();
      [this.who, this.ended] = ['somebody', ''];
      this.entitle();
      void this.count();
    } catch (error) {
      if (this.who !== 'nobody') [this.problem, this.who] = [error, 'failed'];
    }
  };

  private leave(ended: string): void {
    this.renderRoot.querySelector<ConsoleDialog>('console-dialog')?.close();
    [this.who, this.ended, this.summary] = ['nobody', ended, null];
    document.title = 'Sign in · Tollkeeper';
  }

  private readonly signOut = async (): Promise<void> => {
    try {
      await app.client.signOut();
      this.leave('');
    } catch (error) {
      this.say(told(error).detail);
    }
  };

  private async count(): Promise<void> {
    if (this.who !== 'somebody' || document.hidden) return;
    // The figures beside the names are a help; a page that needs them says what's wrong.
    this.summary = await app.client.get<Summary>('/v1/console/summary').catch(() => this.summary);
  }

  private moved(changed: 'path' | 'query'): void {
    this.menu = false;
    this.requestUpdate();
    this.entitle();
    if (changed === 'query' || this.who !== 'somebody') return;
    window.scrollTo(0, 0);
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true }),
    );
  }

  private entitle(): void {
    if (this.who !== 'somebody') return;
    document.title = `${pageAt(app.router.place)?.title ?? 'Console'} · Tollkeeper`;
  }

  private say(text: string): void {
    clearTimeout(this.silence);
    this.said = text;
    this.silence = setTimeout(() => {
      this.said = '';
    }, 5_000);
  }

  private wear(theme: Theme): void {
    this.theme = theme;
    chooseTheme(theme);
  }

  private readonly toggleMenu = (): void => {
    this.menu = !this.menu;
  };

  private readonly skip = (): void => {
    this.renderRoot.querySelector<HTMLElement>('#main')?.focus();
  };
}

const bars = (): TemplateResult =>
  html`<svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" aria-hidden="true"><path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" /></svg>`;

const mark = (): TemplateResult =>
  html`<svg class="mark" viewBox="0 0 16 16" width="22" height="22" aria-hidden="true"><rect width="16" height="16" rx="4" fill="var(--_accent)" /><path d="M4 5h8M8 5v7" stroke="var(--_on-accent)" stroke-width="1.8" stroke-linecap="round" /></svg>`;

function frame() {
  return css`
    :host { display: grid; grid-template-columns: 232px minmax(0, 1fr); min-block-size: 100vh; }
    :host:has(console-sign-in) { display: block; }
    header { display: none; }
    console-sign-in, .alone { grid-column: 1 / -1; }
    .alone { align-self: center; }
    aside { position: sticky; inset-block-start: 0; align-self: start; block-size: 100vh; overflow: auto; display: flex; flex-direction: column; gap: 14px; padding: 18px 12px 14px; border-inline-end: 1px solid var(--_border); background: var(--_surface); }
    .brand { display: flex; align-items: center; gap: 9px; padding: 2px 8px; color: var(--_text); font-weight: 600; font-size: 15px; letter-spacing: -0.01em; text-decoration: none; }
    aside nav { flex: 1; display: grid; gap: 16px; align-content: start; }
    .section { display: grid; gap: 1px; align-content: start; }
    .section p { padding: 0 8px 4px; font-size: 12px; font-weight: 500; color: var(--_muted); }
    .section a { display: flex; justify-content: space-between; align-items: center; gap: 8px; min-block-size: 32px; padding: 0 8px; border-radius: var(--_radius-small); color: var(--_muted); font-weight: 500; font-size: 13.5px; text-decoration: none; }
    .section a:hover { background: var(--_subtle); color: var(--_text); }
    .section a[aria-current] { background: var(--_accent-soft); color: var(--_accent); }
    .person { display: grid; gap: 10px; padding: 12px 8px 0; border-block-start: 1px solid var(--_border); }
    .person .segments { inline-size: 100%; }
    .person .segments button { flex: 1; padding: 0 4px; font-size: 12.5px; }
    .person .row { align-items: center; gap: 6px; }
    .person .name { min-inline-size: 0; }
    .person .code { display: block; white-space: nowrap; }
    .person .button { padding: 0 6px; font-size: 12.5px; }
    main { min-inline-size: 0; padding: 28px 32px 64px; outline: none; }
    main > * { max-inline-size: 1160px; margin-inline: auto; }
    .skip { position: absolute; inset-block-start: -60px; inset-inline-start: 12px; z-index: 9; }
    .skip:focus-within { inset-block-start: 10px; }
    .toast { position: fixed; inset-block-end: 20px; inset-inline: 0; display: grid; place-items: center; pointer-events: none; z-index: 5; }
    .toast span { display: inline-flex; align-items: center; gap: 8px; max-inline-size: calc(100vw - 40px); padding: 9px 15px; border-radius: 99px; background: var(--_text); color: var(--_canvas); font-size: 13.5px; overflow-wrap: anywhere; }
    @media (max-width: 860px) {
      :host { display: block; }
      header { position: sticky; inset-block-start: 0; z-index: 4; display: flex; justify-content: space-between; align-items: center; padding: 8px 12px; background: var(--_surface); border-block-end: 1px solid var(--_border); }
      aside { display: none; position: static; block-size: auto; border-inline-end: 0; border-block-end: 1px solid var(--_border); padding-block: 10px 16px; }
      aside.open { display: flex; }
      aside .brand { display: none; }
      aside nav { grid-template-columns: 1fr 1fr; gap: 14px 10px; }
      main { padding: 18px 14px 48px; }
    }
  `;
}

customElements.define('toll-console-page', ConsolePage);
