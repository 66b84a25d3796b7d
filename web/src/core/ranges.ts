/** The choice of a range of days: the latest 7, 30, 90 or 365, or chosen ones. */
import { css, html, type TemplateResult } from 'lit';
import { type Dates, QUICK_RANGES, type Range, rangeText } from './dates.ts';
import { narrow } from './theme.ts';

/** Buttons for the quick ranges and two date fields; `choose` gets the new range as text (see `Dates.range`). */
export function rangeControl(dates: Dates, range: Range, choose: (range: string) => void): TemplateResult {
  const custom = (side: 'first' | 'last') => (event: Event) => {
    const { value } = event.target as HTMLInputElement;
    if (value)
      choose(
        rangeText(dates.range(`${side === 'first' ? value : range.first}..${side === 'last' ? value : range.last}`)),
      );
  };
  const field = (side: 'first' | 'last', label: string): TemplateResult =>
    html`<input class="control" type="date" aria-label=${label} .value=${range[side]} max=${dates.today()} @change=${custom(side)} />`;
  return html`<div class="ranges" part="range">
    <div class="segments" role="group" aria-label="Range of days">
      ${QUICK_RANGES.map(
        (days) =>
          html`<button type="button" aria-pressed=${range.days === days} @click=${() => choose(String(days))}>${days}<span aria-hidden="true">d</span><span class="hidden"> days</span></button>`,
      )}
    </div>
    <div class="days">${field('first', 'First day')}<span class="muted" aria-hidden="true">–</span>${field('last', 'Last day')}</div>
  </div>`;
}

export const rangeStyles = css`
  .ranges, .ranges .days { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
  .ranges .days { gap: 5px; flex-wrap: nowrap; }
  .ranges input { inline-size: 132px; padding-inline: 8px; font-size: 13px; font-variant-numeric: tabular-nums; border-color: var(--_border); }
  .ranges input:hover { border-color: var(--_border-strong); }
  ${narrow(420, '.ranges, .ranges .segments { inline-size: 100%; } .ranges .segments button { flex: 1; } .ranges .days, .ranges input { flex: 1; min-inline-size: 0; }')}
`;

/** The attribute `filter` as the API wants it: `job:engineer, stage:2` is two; an array (whose values may hold commas) is itself. */
export function filtersOf(filter: string | readonly string[] | null): readonly string[] {
  if (typeof filter !== 'string') return filter ?? [];
  return filter
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}
