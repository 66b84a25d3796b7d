/** The page's frame: tabs, notices, what stands alone. */
import { css } from 'tollkeeper';

export const aloneStyles = css`
  .alone { display: grid; place-items: center; padding: 48px 0; }
  .alone .void { max-inline-size: 440px; padding: 40px 28px; background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); }
  .alone h1, .alone h2 { margin: 0; font-size: 17px; font-weight: 600; letter-spacing: -0.01em; }
  .alone .void .button { margin-block-start: 14px; }
  .spin { inline-size: 20px; block-size: 20px; border: 2px solid var(--_border); border-block-start-color: var(--_accent); border-radius: 50%; animation: turn 0.9s linear infinite; }
  @keyframes turn { to { transform: rotate(360deg); } }
`;

/** `.whole` is our own page, which has the window to itself. Widths are the element's, which may stand beside a sidebar. */
export const pageStyles = css`
  :host { container-type: inline-size; contain-intrinsic-inline-size: 960px; min-inline-size: 0; }
  .whole .wide { max-inline-size: 1120px; margin-inline: auto; padding-inline: 24px; }
  .whole .alone { min-block-size: 70vh; padding: 24px; }
  .frame { border-block-end: 1px solid var(--_border); }
  .whole .frame { background: var(--_surface); }
  .tabs { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0 16px; }
  nav { display: flex; gap: 22px; overflow-x: auto; scrollbar-width: none; margin-block-end: -1px; min-inline-size: 0; }
  nav a { padding: 9px 0 11px; color: var(--_muted); text-decoration: none; font-weight: 500; font-size: 14px; white-space: nowrap; border-block-end: 2px solid transparent; }
  nav a:hover { color: var(--_text); }
  nav a[aria-current] { color: var(--_text); border-color: var(--_accent); }
  nav a:focus-visible { outline-offset: -3px; }
  .live { display: inline-flex; align-items: center; gap: 7px; padding-block-end: 2px; color: var(--_muted); font-size: 12.5px; white-space: nowrap; font-variant-numeric: tabular-nums; }
  .dot { flex: none; inline-size: 8px; block-size: 8px; border-radius: 50%; border: 1.5px solid var(--_border-strong); }
  .dot.on { background: var(--_good); border-color: var(--_good); box-shadow: 0 0 0 3px var(--_good-soft); }
  .dot.away { background: var(--_bad); border-color: var(--_bad); }
  .content { padding-block: 24px; }
  .whole .content { padding-block: 24px 64px; }
  .content:focus, .heading:focus { outline: none; }
  .stack { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
  .banner { display: flex; align-items: center; justify-content: center; gap: 8px; padding: 9px 16px; background: var(--_warn-soft); color: var(--_warn); font-size: 13.5px; text-align: center; }
  .bar select.control { border-color: var(--_border); }
  .bar { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
  .end { color: var(--_muted); font-size: 12.5px; }
  .whole .end { padding-block-end: 28px; }
  @container (max-width: 680px) {
    .live { order: -1; flex-basis: 100%; padding-block-end: 4px; }
  }
  @container (max-width: 620px) {
    .whole .wide { padding-inline: 14px; }
    nav { gap: 15px; } nav a { font-size: 13.5px; }
    .content { padding-block: 16px; } .whole .content { padding-block: 16px 48px; }
  }
  @media print {
    nav, .banner { display: none !important; } .content { padding-block: 12px; } .frame { border: 0; }
  }
`;
