/**
 * `tollkeeper.js`: defines every widget, and exports what our own pages are made of, so that it's loaded once.
 *
 *     <script type="module" src="https://billing.example.com/tollkeeper.js"></script>
 *     <toll-balance token="tollp_…"></toll-balance>
 */
import { define } from './widgets/index.ts';

export type { CSSResultGroup, PropertyValues, TemplateResult } from 'lit';
export { css, html, LitElement, nothing, render, svg } from 'lit';
export { customElement, property, query as element, state } from 'lit/decorators.js';
export { guard } from 'lit/directives/guard.js';
export { ifDefined } from 'lit/directives/if-defined.js';
export { live } from 'lit/directives/live.js';
export { repeat } from 'lit/directives/repeat.js';
export * from './core/api.ts';
export * from './core/cache.ts';
export * from './core/chart.ts';
export * from './core/dates.ts';
export * from './core/decimal.ts';
export * from './core/dialog.ts';
export * from './core/download.ts';
export * from './core/element.ts';
export * from './core/http.ts';
export { icon } from './core/icons.ts';
export * from './core/live.ts';
export * from './core/money.ts';
export * from './core/ranges.ts';
export * from './core/scale.ts';
export * from './core/table.ts';
export * from './core/theme.ts';
export type * from './core/types.ts';
export { titled, words } from './core/words.ts';
export { choices } from './widgets/breakdown-figures.ts';
export * from './widgets/index.ts';
export { isCharged, trend } from './widgets/usage-figures.ts';

define();
