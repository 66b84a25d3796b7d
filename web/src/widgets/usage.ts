import { css, html, nothing, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { daysBetween, type Range } from '../core/dates.ts';
import { TollElement } from '../core/element.ts';
import { filtersOf, rangeControl, rangeStyles } from '../core/ranges.ts';
import type { Usage } from '../core/types.ts';
import { type Card, cards, isCharged, trend } from './usage-figures.ts';

/**
 * What was used in a range of days: a card per meter, the total, and the trend by day.
 *
 * @element toll-usage
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} range - `7`, `30` (the default), `90` or `365` days until today, or `2026-11-01..2026-11-15`.
 * @attr {string} meter - Only this meter.
 * @attr {string} filter - Only usage with these dimensions: `job:engineer`, several separated by commas.
 * @attr {boolean} fixed-range - Without the choice of days.
 * @fires toll-range - `{range}`: another range was chosen.
 * @fires toll-filter - `{meter, filters}`: the filters are to be cleared, which hide all usage. Prevent the default to keep them.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart range - The choice of days.
 * @csspart total - The total.
 * @csspart card - A meter's card.
 * @csspart chart - The trend.
 * @csspart clear - The button that clears filters which hide all usage.
 */
export class TollUsage extends TollElement<Usage> {
  @property({ reflect: true }) range = '30';
  @property() meter: string | null = null;
  @property() filter: string | readonly string[] | null = null;
  /** Leave out the choice of days, where the page has its own. */
  @property({ type: Boolean, attribute: 'fixed-range' }) fixedRange = false;
  /** The unit of value that the chart shows, where there are several. */
  @state() private unit: string | null = null;

  protected readonly heading = 'Usage';
  protected override readonly asksAgainFor = ['range', 'meter', 'filter'];

  static override styles = [
    TollElement.styles,
    rangeStyles,
    css`
      :host { container-type: inline-size; }
      .total { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px; margin-block-end: 16px; }
      .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 170px), 1fr)); margin-block-end: 22px; border: 1px solid var(--_border); border-radius: var(--_radius-small); overflow: hidden; }
      .card { padding: 13px 15px 12px; margin: 0 -1px -1px 0; border: solid var(--_border); border-width: 0 1px 1px 0; min-inline-size: 0; }
      @container (max-width: 430px) { .cards { grid-template-columns: 1fr 1fr; } .card { padding: 11px 12px 10px; } .card .charge { font-size: 17px; } }
      .card h3 { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; overflow-wrap: anywhere; }
      .card .charge { font-size: 20px; line-height: 1.3; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; margin-block-start: 3px; overflow-wrap: anywhere; }
      .card .charge small { font-size: 13px; font-weight: 450; letter-spacing: 0; color: var(--_muted); }
      .card.unused .charge { color: var(--_muted); font-weight: 500; }
      .card .badges { display: flex; flex-wrap: wrap; gap: 4px; margin-block-start: 7px; }
      .trend-head { display: flex; justify-content: space-between; align-items: center; gap: 12px; margin-block-end: 8px; }
    `,
  ];

  protected override load(portal: Portal): Promise<Usage> {
    const filter = filtersOf(this.filter);
    return portal.usage({ ...this.dates.interval(this.chosen), window: 'day', meter: this.meter, filter });
  }

  protected override isEmpty(data: Usage): boolean {
    return data.rows.length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    if (this.filtered)
      return { title: 'No usage with these filters', text: 'In these days, there may be other usage.' };
    return { title: 'No usage in these days', text: 'What’s used appears here within a second.' };
  }

  protected override emptyAction(): TemplateResult | typeof nothing {
    if (!this.filtered) return nothing;
    return html`<button class="button" part="clear" @click=${this.clear}>Clear the filters</button>`;
  }

  private get filtered(): boolean {
    return Boolean(this.meter) || filtersOf(this.filter).length > 0;
  }

  private readonly clear = (): void => {
    if (!this.tell('toll-filter', { meter: null, filters: [] }, true)) return;
    this.meter = null;
    this.filter = null;
  };

  protected override controls(): TemplateResult | typeof nothing {
    if (this.fixedRange) return nothing;
    return rangeControl(this.dates, this.chosen, (range) => {
      this.range = range;
      this.tell('toll-range', { range });
    });
  }

  protected override skeleton(): TemplateResult {
    return html`<span class="bone" .style=${'inline-size:120px;block-size:32px;margin-block-end:18px'}></span>
      <div class="cards">${[1, 2, 3].map(() => html`<div class="card"><span class="bone" .style=${'inline-size:60%'}></span><span class="bone" .style=${'inline-size:40%;block-size:22px;margin-block-start:10px'}></span></div>`)}</div>
      <span class="bone" .style=${'block-size:220px'}></span>`;
  }

  protected override view(data: Usage): TemplateResult {
    const meters = this.session.meters.filter(({ key }) => !this.meter || key === this.meter);
    // Of one job or member, what it didn't use says nothing.
    const shown = cards(data.rows, meters, !filtersOf(this.filter).length);
    return html`${this.total(data)}
      <div class="cards" part="cards">${repeat(
        shown,
        (card) => card.meter + card.unit,
        (card) => this.card(card),
      )}</div>
      ${this.trend(data, shown)}
      <p class="foot">${this.footnote(data)}</p>`;
  }

  private get chosen(): Range {
    return this.dates.range(this.range);
  }

  private total(data: Usage): TemplateResult {
    const totals = data.totals.length ? data.totals : [{ unit: this.session.currency, charge: '0' }];
    return html`<div class="total" part="total">
      <p class="big">${totals.map(({ unit, charge }, place) => html`${place ? ' + ' : ''}${this.figure(charge, unit)}`)}</p>
      <span class="muted">in all, ${this.dates.period(data.start, data.end)}</span>
    </div>`;
  }

  /** The number large, a credit's name beside it small. */
  private figure(amount: string, unit: string): TemplateResult {
    const { number, name } = this.money.parts(amount, unit);
    return html`${number}${name ? html` <small>${name}</small>` : nothing}`;
  }

  private card(card: Card): TemplateResult {
    const charge = isCharged(card) ? this.figure(card.charge, card.unit!) : card.events ? 'No price yet' : '–';
    const quantity = this.money.quantity(card.quantity, card.meterUnit);
    return html`<div class="card ${card.events ? '' : 'unused'}" part="card">
      <h3 title=${card.name}>${card.name}</h3>
      <p class="charge">${charge}</p>
      <p class="muted small">${quantity}</p>
      ${
        card.estimated || card.unpriced
          ? html`<p class="badges">
        ${card.estimated ? html`<span class="badge" title="Will be replaced by the exact figure">${this.money.quantity(String(card.estimated))} estimated</span>` : nothing}
        ${card.unpriced ? html`<span class="badge warn" title="Counted, but not charged until a price is known">${this.money.quantity(String(card.unpriced))} unpriced</span>` : nothing}
      </p>`
          : nothing
      }
    </div>`;
  }

  private trend(data: Usage, shown: Card[]): TemplateResult {
    const units = [...new Set(data.rows.flatMap(({ unit }) => (unit ? [unit] : [])))];
    const unit = units.includes(this.unit ?? '') ? this.unit! : (units[0] ?? this.session.currency);
    const { first, last } = this.chosen;
    const days = daysBetween(first, last);
    const points = days.map((day) => ({ key: day, label: this.dates.shortDay(day), long: this.dates.longDay(day) }));
    const names = shown.filter((card) => card.unit === unit);
    return html`<div class="trend-head"><h3>Trend</h3>${units.length > 1 ? this.unitControl(units, unit) : nothing}</div>
      <toll-chart
        part="chart"
        exportparts="legend, tooltip"
        caption="Charges by day, ${this.money.name(unit)}"
        .points=${points}
        .series=${trend(data.rows, unit, days, (at) => this.dates.dayOf(at), names)}
        .format=${(value: string) => this.money.amount(value, unit)}
        .short=${(value: string) => this.money.parts(value, unit, { compact: true }).number}
      ></toll-chart>`;
  }

  private unitControl(units: string[], chosen: string): TemplateResult {
    return html`<div class="segments" role="group" aria-label="Unit of the chart">
      ${units.map(
        (unit) =>
          html`<button aria-pressed=${unit === chosen} @click=${() => {
            this.unit = unit;
          }}>${this.money.name(unit)}</button>`,
      )}
    </div>`;
  }

  private footnote(data: Usage): string {
    const notes = [
      data.estimated ? `${this.money.quantity(String(data.estimated))} of the events estimated` : null,
      data.unpriced ? `${this.money.quantity(String(data.unpriced))} without a price yet, not in the total` : null,
    ].filter(Boolean);
    return `As of ${this.dates.time(data.as_of)} (${this.dates.timezone}) · ${notes.length ? notes.join(' · ') : 'all figures final'}`;
  }
}
