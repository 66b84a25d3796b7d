import { css } from 'lit';

export const topUpStyles = css`
  :host { container-type: inline-size; }
  .offer + .offer { margin-block-start: 22px; padding-block-start: 20px; border-block-start: 1px solid var(--_border); }
  .offer > .row { flex-wrap: wrap; gap: 2px 12px; margin-block-end: 10px; }
  .offer h3 { color: var(--_text); font-size: 14px; overflow-wrap: anywhere; min-inline-size: 0; }
  .quick { display: grid; gap: 8px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 104px), 1fr)); }
  .packs { display: grid; gap: 8px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 250px), 1fr)); }
  .quick + .packs, .lifetime + .packs { margin-block-start: 14px; }
  .lifetime { margin-block-start: 8px; }

  .tile { min-inline-size: 0; border: 1px solid color-mix(in oklab, var(--_border-strong) 40%, var(--_border)); border-radius: var(--_radius-small); background: var(--_surface); text-align: start; font: inherit; transition: border-color 120ms, background 120ms; }
  div.tile { border-color: var(--_border); }
  button.tile { cursor: pointer; }
  button.tile:hover { border-color: var(--_accent); background: var(--_accent-soft); }
  button.tile:focus-visible { border-radius: var(--_radius-small); }
  .amount { display: grid; justify-items: start; padding: 10px 13px; font-variant-numeric: tabular-nums; }
  .amount .plus { font-size: 19px; line-height: 1.25; font-weight: 600; letter-spacing: -0.02em; }
  button.amount .plus { color: var(--_accent); }
  .pack { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 1px 14px; align-items: baseline; align-content: start; padding: 12px 14px; }
  .pack .name { font-weight: 600; }
  .pack .what { overflow-wrap: anywhere; }
  .pack .price { font-weight: 600; font-variant-numeric: tabular-nums; text-align: end; }
  .pack .each { text-align: end; }
  .pack .extra { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px; margin-block-start: 7px; }

  .notice { background: var(--_subtle); color: var(--_text); }
  .notice > span { flex: 1 1 150px; min-inline-size: 0; overflow-wrap: anywhere; }
  .notice .button { margin-inline-start: 0; border-color: var(--_border-strong); }
  .notice .button.quiet { border-color: transparent; }
  .notice > svg { flex: none; }
  .notice.good { background: var(--_good-soft); color: var(--_good); }
  .notice.bad { background: var(--_bad-soft); color: var(--_bad); }
  .notice .buttons { display: flex; gap: 4px; }
  .aside { margin-block-start: 14px; color: var(--_muted); font-size: 13px; display: flex; gap: 7px; }
  .aside svg { flex: none; margin-block-start: 1px; }

  .summary { display: grid; gap: 9px; padding: 13px 14px; border: 1px solid var(--_border); border-radius: var(--_radius-small); }
  .summary dt { color: var(--_muted); flex: none; }
  .summary dd { text-align: end; font-variant-numeric: tabular-nums; min-inline-size: 0; overflow-wrap: anywhere; }
  .summary .pay { padding-block-start: 9px; border-block-start: 1px solid var(--_border); }
  .summary .pay dd { font-size: 17px; font-weight: 600; letter-spacing: -0.015em; }
  .test { margin-block-end: 12px; padding: 12px 14px; border: 1px dashed var(--_warn); border-radius: var(--_radius-small); background: var(--_warn-soft); }
  .test strong { display: flex; gap: 7px; align-items: center; color: var(--_warn); font-weight: 600; }
  .test p { margin-block-start: 3px; }
  .outcome { display: grid; justify-items: center; gap: 5px; padding: 8px 0 10px; text-align: center; }
  .outcome .mark { inline-size: 44px; block-size: 44px; display: grid; place-items: center; margin-block-end: 6px; border-radius: 50%; background: var(--_subtle); color: var(--_muted); }
  .outcome .mark svg { inline-size: 22px; block-size: 22px; }
  .outcome.paid .mark { background: var(--_good-soft); color: var(--_good); animation: pop 320ms cubic-bezier(0.2, 1.6, 0.4, 1); }
  .outcome.failed .mark { background: var(--_bad-soft); color: var(--_bad); }
  .outcome .what { font-size: 17px; font-weight: 600; letter-spacing: -0.015em; }
  @keyframes pop { from { transform: scale(0.6); opacity: 0; } }
  .spinner { inline-size: 22px; block-size: 22px; border: 2px solid var(--_border); border-block-start-color: var(--_accent); border-radius: 50%; animation: turn 900ms linear infinite; }
  @keyframes turn { to { transform: rotate(1turn); } }
  .problem { display: flex; gap: 8px; margin-block-start: 12px; padding: 9px 12px; border-radius: var(--_radius-small); background: var(--_bad-soft); color: var(--_bad); }
  .problem svg { flex: none; margin-block-start: 2px; }
`;
