/** Line icons, 16 × 16, in the colour of their text; they only accompany words, so screen readers skip them. */
import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

const PATHS: Record<string, SVGTemplateResult> = {
  alert: svg`<path d="M8 2.2 14.4 13.5H1.6Z" /><path d="M8 6.5v3.2M8 11.6v.1" />`,
  arrow: svg`<path d="M3 8h10M9 4l4 4-4 4" />`,
  check: svg`<path d="m3 8.5 3.2 3.2L13 5" />`,
  chevron: svg`<path d="m6 4 4 4-4 4" />`,
  clock: svg`<circle cx="8" cy="8" r="6" /><path d="M8 4.8V8l2.2 1.6" />`,
  close: svg`<path d="m4 4 8 8M12 4l-8 8" />`,
  down: svg`<path d="M8 3v10M4.5 9.5 8 13l3.5-3.5" />`,
  download: svg`<path d="M8 2.5v7.5M5 7.2l3 3 3-3M2.8 13.2h10.4" />`,
  empty: svg`<path d="M2.5 9.5 4.3 3.6h7.4l1.8 5.9v3H2.5Z" /><path d="M2.5 9.5h3l1 1.6h3l1-1.6h3" />`,
  gauge: svg`<path d="M2.6 11.6a6 6 0 1 1 10.8 0" /><path d="m8 9 2.6-3" />`,
  plus: svg`<path d="M8 3.2v9.6M3.2 8h9.6" />`,
  copy: svg`<rect x="5.5" y="5.5" width="7.5" height="7.5" rx="1.5" /><path d="M10.5 3H4.5A1.5 1.5 0 0 0 3 4.5v6" />`,
  half: svg`<circle cx="8" cy="8" r="5.5" /><path d="M8 2.5a5.5 5.5 0 0 1 0 11Z" fill="currentColor" />`,
  info: svg`<circle cx="8" cy="8" r="6" /><path d="M8 7.3v3.6M8 5v.1" />`,
  moon: svg`<path d="M12.8 9.6A5.3 5.3 0 0 1 6.4 3.2a5.3 5.3 0 1 0 6.4 6.4Z" />`,
  search: svg`<circle cx="7" cy="7" r="4.2" /><path d="m10.2 10.2 3.3 3.3" />`,
  sun: svg`<circle cx="8" cy="8" r="2.8" /><path d="M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1" />`,
  up: svg`<path d="M8 13V3M4.5 6.5 8 3l3.5 3.5" />`,
  updown: svg`<path d="m5 6 3-3 3 3M5 10l3 3 3-3" />`,
};

export const icon = (name: string): TemplateResult =>
  html`<svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
