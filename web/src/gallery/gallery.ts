/** Every widget in every state, from fixtures: for those who choose, build and test them. */
import {
  base,
  chooseTheme,
  chosenTheme,
  css,
  dressPage,
  html,
  LitElement,
  nothing,
  state,
  type TemplateResult,
  type Theme,
  type TollElement,
  WIDGETS,
} from 'tollkeeper';
import 'billing-page';
import { fixturePortal } from './fixtures/index.ts';
import { ONLY, SCENARIOS, type Scenario } from './fixtures/world.ts';

dressPage();

/** The widgets, and the whole page that's made of them. */
const SHOWN = [...Object.keys(WIDGETS), 'toll-billing-page'];
/** Widgets that fit a sidebar; the others get the whole width. */
const NARROW = ['toll-balance'];
/** What else a widget's places show, beside the states that all have: attributes by name. */
const WIDTHS = { wide: 'none', phone: '360px' } as const;

class GalleryPage extends LitElement {
  @state() private widget = '';
  @state() private only: Scenario | null = null;
  @state() private theme: Theme = chosenTheme();
  @state() private width: keyof typeof WIDTHS = 'wide';
  private readonly shown = new Map<string, TollElement<unknown>>();

  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-columns: 216px minmax(0, 1fr); min-block-size: 100vh; }
      nav { position: sticky; inset-block-start: 0; align-self: start; block-size: 100vh; overflow: auto; padding: 22px 14px; border-inline-end: 1px solid var(--_border); }
      nav h1 { font-size: 15px; font-weight: 600; margin: 0 8px 14px; letter-spacing: -0.01em; }
      nav a { display: block; padding: 6px 8px; border-radius: var(--_radius-small); color: var(--_muted); text-decoration: none; font: 13px/1.4 var(--_mono); }
      nav a:hover { background: var(--_subtle); color: var(--_text); }
      nav a[aria-current] { background: var(--_accent-soft); color: var(--_accent); }
      main { padding: 22px 28px 60px; min-inline-size: 0; }
      .tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; justify-content: space-between; margin-block-end: 26px; }
      .tools h2 { font: 600 18px/1.3 var(--_mono); letter-spacing: -0.02em; }
      .tools div { display: flex; flex-wrap: wrap; gap: 10px; }
      .places { display: grid; gap: 34px 24px; grid-template-columns: minmax(0, 1fr); max-inline-size: 1040px; }
      .places.narrow { grid-template-columns: repeat(auto-fill, minmax(min(100%, 280px), 1fr)); align-items: start; }
      .place > h3 { margin-block-end: 10px; }
      .place > div { max-inline-size: var(--_place, none); }
      @media (max-width: 720px) {
        :host { display: block; }
        nav { position: static; block-size: auto; display: flex; gap: 4px; align-items: center; flex-wrap: wrap; padding: 10px 12px; border: 0; border-block-end: 1px solid var(--_border); }
        nav h1 { margin: 0 6px 0 4px; }
        main { padding: 16px 12px 40px; }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('popstate', this.readAddress);
    this.readAddress();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('popstate', this.readAddress);
  }

  protected override render(): TemplateResult {
    const scenarios = (Object.keys(SCENARIOS) as Scenario[]).filter((each) =>
      this.only ? each === this.only : (ONLY[each]?.includes(this.widget) ?? true),
    );
    return html`<nav aria-label="Widgets">
        <h1>Widgets</h1>
        ${SHOWN.map((name) => html`<a href="?widget=${name}" aria-current=${name === this.widget ? 'page' : nothing} @click=${this.go}>${name}</a>`)}
      </nav>
      <main>
        <div class="tools">
          <h2>&lt;${this.widget}&gt;</h2>
          <div>
            ${this.choice('Width', Object.keys(WIDTHS) as (keyof typeof WIDTHS)[], this.width, (width) => {
              this.width = width;
            })}
            ${this.choice('Theme', ['light', 'dark', 'auto'] as const, this.theme, (theme) => this.wear(theme))}
          </div>
        </div>
        <div class="places ${NARROW.includes(this.widget) ? 'narrow' : ''}" .style=${`--_place:${WIDTHS[this.width]}`}>
          ${scenarios.map((scenario) => html`<div class="place" data-scenario=${scenario}><h3>${SCENARIOS[scenario]}</h3><div>${this.place(scenario)}</div></div>`)}
        </div>
      </main>`;
  }

  private place(scenario: Scenario): TollElement<unknown> {
    const key = `${this.widget} ${scenario}`;
    let element = this.shown.get(key);
    if (!element) {
      element = document.createElement(this.widget) as TollElement<unknown>;
      element.portal = fixturePortal(scenario);
      this.shown.set(key, element);
    }
    element.theme = this.theme;
    return element;
  }

  private choice<T extends string>(
    label: string,
    values: readonly T[],
    chosen: T,
    choose: (value: T) => void,
  ): TemplateResult {
    return html`<span class="segments" role="group" aria-label=${label}>
      ${values.map((value) => html`<button aria-pressed=${value === chosen} @click=${() => choose(value)}>${value[0]!.toUpperCase() + value.slice(1)}</button>`)}
    </span>`;
  }

  private wear(theme: Theme): void {
    this.theme = theme;
    chooseTheme(theme);
  }

  private readonly readAddress = (): void => {
    const search = new URLSearchParams(location.search);
    const [widget, scenario, theme] = ['widget', 'state', 'theme'].map((name) => search.get(name));
    this.widget = widget && SHOWN.includes(widget) ? widget : SHOWN[0]!;
    this.only = scenario && scenario in SCENARIOS ? (scenario as Scenario) : null;
    if (theme === 'light' || theme === 'dark') {
      this.theme = theme;
      dressPage(theme);
    }
  };

  private readonly go = (event: Event): void => {
    event.preventDefault();
    history.pushState(null, '', (event.currentTarget as HTMLAnchorElement).href);
    this.readAddress();
  };
}

customElements.define('toll-gallery-page', GalleryPage);
