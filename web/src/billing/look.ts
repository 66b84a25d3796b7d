/** The page's frame: header, tabs, notices. */
import { css } from 'tollkeeper';

export const pageStyles = css`
  :host { display: block; min-block-size: 100vh; background: var(--_canvas); }
  .wide { max-inline-size: 1120px; margin-inline: auto; padding-inline: 24px; }
  .skip { position: absolute; inset-inline-start: 12px; inset-block-start: -60px; transition: none; z-index: 9; }
  main:focus { outline: none; }
  .skip:focus { inset-block-start: 12px; }
  header { border-block-end: 1px solid var(--_border); background: var(--_surface); position: relative; z-index: 3; }
  .top { display: flex; align-items: center; gap: 10px 16px; padding-block: 14px 10px; min-block-size: 60px; }
  .who { display: flex; align-items: center; gap: 11px; min-inline-size: 0; margin-inline-end: auto; }
  .initial { flex: none; display: grid; place-items: center; inline-size: 32px; block-size: 32px; border-radius: 8px; background: var(--_accent); color: var(--_on-accent); font-weight: 600; font-size: 15px; }
  .who strong { display: block; font-size: 15px; font-weight: 600; letter-spacing: -0.01em; line-height: 1.25; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
  .who span { color: var(--_muted); font-size: 12.5px; }
  .who .initial { color: var(--_on-accent); font-size: 15px; }
  .live { display: inline-flex; align-items: center; gap: 7px; color: var(--_muted); font-size: 12.5px; white-space: nowrap; font-variant-numeric: tabular-nums; }
  .dot { flex: none; inline-size: 8px; block-size: 8px; border-radius: 50%; border: 1.5px solid var(--_border-strong); }
  .dot.on { background: var(--_good); border-color: var(--_good); box-shadow: 0 0 0 3px var(--_good-soft); }
  .dot.away { background: var(--_bad); border-color: var(--_bad); }
  .segments.themes button { display: grid; place-items: center; inline-size: 30px; padding: 0; }
  .back svg { transform: scaleX(-1); }
  nav { display: flex; gap: 4px; overflow-x: auto; scrollbar-width: none; margin-inline-start: -10px; }
  nav a { padding: 9px 10px 11px; color: var(--_muted); text-decoration: none; font-weight: 500; font-size: 14px; white-space: nowrap; border-block-end: 2px solid transparent; margin-block-end: -1px; }
  nav a:hover { color: var(--_text); }
  nav a[aria-current] { color: var(--_text); border-color: var(--_accent); }
  nav a:focus-visible { outline-offset: -3px; }
  main { display: block; padding-block: 24px 64px; }
  .stack { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
  h1:focus { outline: none; }
  .banner { display: flex; align-items: center; justify-content: center; gap: 8px; padding: 9px 16px; background: var(--_warn-soft); color: var(--_warn); font-size: 13.5px; text-align: center; }
  .alone { display: grid; place-items: center; min-block-size: 100vh; padding: 24px; }
  .alone .void { max-inline-size: 440px; padding: 40px 28px; background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); }
  .alone h1 { margin: 0; font-size: 17px; font-weight: 600; letter-spacing: -0.01em; }
  .alone .void .button { margin-block-start: 14px; }
  .spin { inline-size: 20px; block-size: 20px; border: 2px solid var(--_border); border-block-start-color: var(--_accent); border-radius: 50%; animation: turn 0.9s linear infinite; }
  @keyframes turn { to { transform: rotate(360deg); } }
  .bar select.control { border-color: var(--_border); }
  .bar { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
  .end { color: var(--_muted); font-size: 12.5px; padding-block: 0 28px; }
  @media (max-width: 620px) {
    .wide { padding-inline: 14px; }
    nav { gap: 0; margin-inline-start: 0; } nav a { font-size: 13.5px; padding-inline: 7px; }
    .top { flex-wrap: wrap; padding-block: 12px 6px; } .who { flex: 1 1 0; }
    .top .back span { display: none; } .live { order: 5; flex-basis: 100%; } .themes button { min-block-size: 32px; }
    main { padding-block: 16px 48px; }
  }
  @media print {
    :host { background: none; } .themes, nav, .skip, .back, .banner { display: none !important; } main { padding-block: 12px; } header { border: 0; }
  }
`;
