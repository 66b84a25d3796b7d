/**
 * The look, as CSS custom properties that any page may set on a widget or above it. Every colour pair meets WCAG AA in both
 * themes (test/theme.test.ts). Fine borders instead of shadows, one accent, figures in tabular digits.
 */
import { type CSSResult, css, unsafeCSS } from 'lit';

export type Theme = 'light' | 'dark' | 'auto';

/** Name, light value, dark value, what it's for. The docs' table of properties is made from this one. */
export const TOKENS = [
  ['canvas', '#f8f9f9', '#0b0d0e', 'the page behind, on our own pages'],
  ['surface', '#ffffff', '#131517', 'what widgets stand on'],
  ['subtle', '#f6f7f7', '#1a1d20', 'headers of tables, tracks of bars, hovered rows'],
  ['text', '#15191c', '#eceef0', 'text and figures'],
  ['muted', '#5b646b', '#9aa3ab', 'labels and what is said beside'],
  ['border', '#e3e6e8', '#272b2f', 'lines between and around'],
  ['border-strong', '#8a9299', '#6d767e', 'edges of controls'],
  ['accent', '#0b6e66', '#4cc2b3', 'what can be pressed, the first series'],
  ['on-accent', '#ffffff', '#06211e', 'text on the accent'],
  ['accent-soft', '#e6f3f1', '#122a28', 'behind what is chosen'],
  ['warn', '#8f5300', '#f0b357', 'warnings: near a limit, low, expiring'],
  ['warn-soft', '#fdf3e0', '#2c2213', 'behind a warning'],
  ['bad', '#b42331', '#ff8d8d', 'errors, limits that are reached'],
  ['bad-soft', '#fdeceb', '#331a1b', 'behind an error'],
  ['good', '#1b6e38', '#6fcf8e', 'done, paid, in order'],
  ['good-soft', '#e7f5ea', '#14291b', 'behind what is in order'],
  ['series-1', '#0f766e', '#3fb8a9', 'charts: the first series'],
  ['series-2', '#5361d6', '#8f9bff', 'charts'],
  ['series-3', '#c9700a', '#eba94a', 'charts'],
  ['series-4', '#c0407a', '#ee82b2', 'charts'],
  ['series-5', '#2b83bd', '#5fb6ec', 'charts'],
  ['series-6', '#7d5ac2', '#b99cf5', 'charts'],
  ['series-7', '#66832f', '#a6c26c', 'charts'],
  ['series-8', '#7b838a', '#8d969e', 'charts: all others'],
] as const;

const FONTS = `
  --_font: var(--toll-font, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
  --_mono: var(--toll-font-mono, ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace);
  --_radius: var(--toll-radius, 10px);
  --_radius-small: calc(var(--_radius) * 0.6);
  --_gap: var(--toll-gap, 20px);
`;

/** `--_text: var(--toll-text, light-dark(#15191c, #eceef0))`: widgets read `--_…`, pages write `--toll-…`. */
const VALUES = TOKENS.map(([name, light, dark]) => `--_${name}: var(--toll-${name}, light-dark(${light}, ${dark}));`);

/**
 * What a widget begins with. Which of two colours it is, `color-scheme` says: that of `theme`, with `auto` the one around
 * it. `scheme="system"` stands where there's none around it, see `followScheme`.
 */
export const tokens: CSSResult = unsafeCSS(`
  :host { ${FONTS} ${VALUES.join('')} }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  :host([theme="auto"][scheme="system"]) { color-scheme: light dark; }
`);

const pageTokens = unsafeCSS(`
  :root { ${FONTS} ${VALUES.join('')} color-scheme: light dark; }
  :root[data-theme="light"] { color-scheme: light; }
  :root[data-theme="dark"] { color-scheme: dark; }
`);

const followers = new Set<Element>();
let watch: MutationObserver | undefined;

/** A page that says nothing of a `color-scheme` has the light one; whoever wants the system's then gets it. */
function look(element: Element): void {
  const around = element.parentElement ?? (element.getRootNode() as ShadowRoot).host ?? document.documentElement;
  const { colorScheme } = getComputedStyle(around);
  element.setAttribute('scheme', !colorScheme || colorScheme === 'normal' ? 'system' : 'page');
}

/** Keeps a widget's `scheme` right, also where the page's root or body comes to another one; returns what ends that. */
export function followScheme(element: Element): () => void {
  watch ??= new MutationObserver(() => followers.forEach(look));
  if (!followers.size) {
    for (const each of [document.documentElement, document.body]) watch.observe(each, { attributes: true });
  }
  followers.add(element);
  look(element);
  return () => {
    followers.delete(element);
    if (!followers.size) watch?.disconnect();
  };
}

/** Gives a page of ours the properties and its theme: the person's own choice where there's one, else the system's. */
export function dressPage(theme: Theme = chosenTheme()): void {
  const { styleSheet } = pageTokens;
  if (styleSheet && !document.adoptedStyleSheets.includes(styleSheet)) document.adoptedStyleSheets.push(styleSheet);
  document.documentElement.dataset.theme = theme;
}

const CHOICE = 'toll-theme';

/** What the person chose on this origin; storage may be forbidden in a frame. */
export function chosenTheme(): Theme {
  try {
    const kept = localStorage.getItem(CHOICE);
    return kept === 'light' || kept === 'dark' ? kept : 'auto';
  } catch {
    return 'auto';
  }
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(CHOICE, theme);
  } catch {
    // Then the choice holds until the page is left.
  }
  dressPage(theme);
}

/** Rules for what is at most so many pixels wide: the window, or the part of a page that it's in. */
export const narrow = (pixels: number, rules: string): CSSResult =>
  unsafeCSS(`@media (max-width: ${pixels}px) { ${rules} } @container (max-width: ${pixels}px) { ${rules} }`);

/** What every shadow root of ours begins with: text, controls, cards, states. */
export const base = css`
  :host {
    display: block;
    color: var(--_text);
    font: 400 14px/1.45 var(--_font);
    font-feature-settings: "cv11", "ss01";
    text-align: start;
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) { display: none; }
  *, *::before, *::after { box-sizing: border-box; }
  h2, h3, p, ul, dl, dd, figure { margin: 0; padding: 0; }
  h2 { font-size: 15px; font-weight: 600; letter-spacing: -0.005em; }
  h3 { font-size: 13px; font-weight: 500; color: var(--_muted); }
  ul { list-style: none; }
  a { color: var(--_accent); text-underline-offset: 2px; }
  .figure { font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
  .big { font-size: 30px; line-height: 1.15; font-weight: 600; letter-spacing: -0.025em; font-variant-numeric: tabular-nums; }
  .big small { font-size: 14px; font-weight: 450; letter-spacing: 0; color: var(--_muted); }
  .muted { color: var(--_muted); }
  .small { font-size: 12.5px; }
  .code { font: 12px/1.4 var(--_mono); }
  .name { overflow-wrap: anywhere; }
  .name, .label, h3 { unicode-bidi: isolate; }
  .hidden { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

  .panel { background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); padding: var(--_gap); }
  .head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px; margin-block-end: 16px; }
  .row { display: flex; align-items: baseline; justify-content: space-between; gap: 16px; }
  .foot { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; margin-block-start: 14px; color: var(--_muted); font-size: 12.5px; }

  button, select, input { font: inherit; color: inherit; letter-spacing: inherit; }
  .button, select.control, input.control {
    min-block-size: 34px; padding: 0 12px; border: 1px solid var(--_border-strong); border-radius: var(--_radius-small);
    background: var(--_surface); font-weight: 500; font-size: 13.5px; white-space: nowrap;
  }
  .button { border-color: color-mix(in oklab, var(--_border-strong) 40%, var(--_border)); }
  .button { display: inline-flex; align-items: center; justify-content: center; gap: 6px; cursor: pointer; text-decoration: none; color: var(--_text); transition: background 120ms, border-color 120ms; }
  .button:hover { background: var(--_subtle); border-color: var(--_border-strong); }
  .button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
  .button.primary:hover { background: color-mix(in oklab, var(--_accent) 88%, var(--_text)); }
  .button.quiet { border-color: transparent; background: none; color: var(--_muted); padding: 0 8px; }
  .button.quiet:hover { color: var(--_text); background: var(--_subtle); }
  .button:disabled, .button[aria-disabled="true"] { opacity: 0.55; cursor: default; }
  :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; border-radius: 4px; }
  .button:focus-visible, .control:focus-visible { border-radius: var(--_radius-small); }

  .segments { display: inline-flex; padding: 2px; gap: 1px; background: var(--_subtle); border: 1px solid var(--_border); border-radius: calc(var(--_radius-small) + 2px); }
  .segments button { min-block-size: 28px; padding: 0 10px; border: 0; background: none; border-radius: var(--_radius-small); color: var(--_muted); font-size: 13px; font-weight: 500; cursor: pointer; }
  .segments button:hover { color: var(--_text); }
  .segments button[aria-pressed="true"] { background: var(--_surface); color: var(--_text); box-shadow: 0 0 0 1px var(--_border); }

  .badge { display: inline-flex; align-items: center; gap: 5px; padding: 1px 7px; border-radius: 99px; font-size: 12px; font-weight: 500; line-height: 18px; white-space: nowrap; background: var(--_subtle); color: var(--_muted); }
  .badge.warn { background: var(--_warn-soft); color: var(--_warn); }
  .badge.bad { background: var(--_bad-soft); color: var(--_bad); }
  .badge.good { background: var(--_good-soft); color: var(--_good); }
  .badge.accent { background: var(--_accent-soft); color: var(--_accent); }

  .notice { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; padding: 8px 12px; border-radius: var(--_radius-small); background: var(--_warn-soft); color: var(--_warn); font-size: 13px; margin-block-end: 14px; }
  .notice .button { min-block-size: 28px; margin-inline-start: auto; color: inherit; border-color: currentColor; background: none; }
  .void { display: grid; justify-items: center; gap: 6px; padding: 28px 12px; text-align: center; }
  .void .mark { inline-size: 34px; block-size: 34px; display: grid; place-items: center; border-radius: 50%; background: var(--_subtle); color: var(--_muted); margin-block-end: 4px; }
  .void.bad .mark { background: var(--_bad-soft); color: var(--_bad); }
  .void p { color: var(--_muted); max-inline-size: 42ch; overflow-wrap: anywhere; }
  .void .button { margin-block-start: 8px; }

  .bone { display: block; border-radius: 5px; background: var(--_subtle); block-size: 14px; position: relative; overflow: hidden; }
  .bone::after { content: ""; position: absolute; inset: 0; background: linear-gradient(90deg, transparent, color-mix(in oklab, var(--_surface) 65%, transparent), transparent); animation: shimmer 1.6s infinite; }
  @keyframes shimmer { from { transform: translateX(-100%); } to { transform: translateX(100%); } }
  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after { animation: none !important; transition: none !important; }
  }
  @media (pointer: coarse) {
    .button, select.control, input.control, .segments button { min-block-size: 40px; }
  }
  @media (forced-colors: active) {
    .segments button[aria-pressed="true"] { outline: 2px solid Highlight; }
  }
`;
