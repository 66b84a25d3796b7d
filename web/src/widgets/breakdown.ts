import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import type { Portal } from '../core/api.ts';
import { compare } from '../core/decimal.ts';
import { csv } from '../core/download.ts';
import { TollElement } from '../core/element.ts';
import { icon } from '../core/icons.ts';
import { filtersOf } from '../core/ranges.ts';
import { type Column, NONE, type Sorting } from '../core/table.ts';
import { narrow } from '../core/theme.ts';
import type { Meter, Models, Usage } from '../core/types.ts';
import { titled, words } from '../core/words.ts';
import {
  type Cell,
  choices,
  columnsOf,
  type Line,
  type ModelLine,
  ordered,
  orderedModels,
  pivot,
  sums,
} from './breakdown-figures.ts';

/** Lines shown at a time: ten thousand stay quick, and a page stays printable. */
const PAGE = 50;
interface Found {
  by: string;
  usage: Usage | null;
  models: Models | null;
}

interface Arranged {
  made: unknown[];
  lines: Line[];
  meters: Meter[];
  columns: Column<Line>[];
}

/**
 * Usage by job, member, model or any declared dimension: a line for each value, a column for each meter, totals.
 *
 * @element toll-breakdown
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} by - `job`, `member`, `model` or any declared dimension; without it, people choose.
 * @attr {string} range - `7`, `30` (the default), `90` or `365` days until today, or `2026-11-01..2026-11-15`.
 * @attr {string} meter - Only this meter.
 * @attr {string} filter - Only usage with these dimensions: `job:engineer`, several separated by commas.
 * @attr {boolean} pick - Values can be pressed, which fires `toll-pick`.
 * @fires toll-by - `{by}`: another dimension was chosen.
 * @fires toll-pick - `{dimension, value}`: a value was pressed.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart by - The choice of the dimension.
 * @csspart search - The box that filters lines.
 * @csspart table - The table.
 */
export class TollBreakdown extends TollElement<Found> {
  @property() by: string | null = null;
  @property() range = '30';
  @property() meter: string | null = null;
  @property() filter: string | readonly string[] | null = null;
  @property({ type: Boolean }) pick = false;
  /** The dimension that's chosen at first, where people choose; the page sets it. */
  @property({ attribute: false }) chosen: string | null = null;
  @state() private search = '';
  @state() private page = 0;
  @state() private sorting: Sorting = { key: 'total', descending: true };
  private lines: Line[] = [];
  private pivoted: Found | null = null;
  private arrangement: Arranged | null = null;

  protected readonly heading = 'Breakdown';
  protected override readonly asksAgainFor = ['by', 'chosen', 'range', 'meter', 'filter'];

  static override styles = [
    TollElement.styles,
    css`
      :host { --_bleed: var(--_gap); }
      :host([plain]) { --_bleed: 0px; }
      .tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
      .search { position: relative; display: inline-flex; align-items: center; }
      .search svg { position: absolute; inset-inline-start: 9px; color: var(--_muted); pointer-events: none; }
      .search input { inline-size: 168px; padding-inline-start: 30px; border-color: var(--_border); }
      .search input:hover { border-color: var(--_border-strong); }
      .pager { display: flex; align-items: center; gap: 6px; margin-block-start: 10px; color: var(--_muted); font-size: 12.5px; font-variant-numeric: tabular-nums; }
      .pager .button { min-block-size: 30px; }
      .pager .back svg { transform: rotate(180deg); }
      ${narrow(480, '.tools, .search, .search input { inline-size: 100%; }')}
      @media print { .tools, .pager { display: none; } }
    `,
  ];

  protected override async load(portal: Portal): Promise<Found> {
    const by = this.dimension;
    const interval = this.dates.interval(this.dates.range(this.range));
    if (by === 'model') return { by, usage: null, models: await portal.models(interval) };
    const asked = { ...interval, window: 'total', group_by: by || null, meter: this.meter };
    return { by, usage: await portal.usage({ ...asked, filter: filtersOf(this.filter) }), models: null };
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (this.asksAgainFor.some((name) => changed.has(name))) this.page = 0;
    if (this.data && this.data !== this.pivoted) {
      this.pivoted = this.data;
      this.lines = this.data.usage ? pivot(this.data.usage.rows, this.data.by) : [];
    }
  }

  protected override isEmpty({ usage, models }: Found): boolean {
    return (usage?.rows ?? models?.data ?? []).length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    return { title: 'No usage in these days', text: 'Choose other days, or fewer filters.' };
  }

  protected override skeleton(): TemplateResult {
    return html`${[88, 96, 72, 92, 80].map((width) => html`<span class="bone" .style=${`inline-size:${width}%;margin-block:14px`}></span>`)}`;
  }

  protected override controls(): TemplateResult | typeof nothing {
    if (!this.session) return nothing;
    const dimensions = choices(this.session, this.meter);
    return html`<div class="tools">
      <label class="search"><span class="hidden">Find in the breakdown</span>${icon('search')}<input
        class="control" part="search" type="search" placeholder="Find ${words(this.dimension)}" .value=${this.search} @input=${this.find} /></label>
      ${this.by && dimensions.includes(this.by) ? nothing : this.choice(dimensions)}
    </div>`;
  }

  protected override view(data: Found): TemplateResult {
    return data.models ? this.modelsTable(data.models) : this.usageTable(data.usage!);
  }

  /** What's asked for, where the meter has it; else what most meters have. */
  private get dimension(): string {
    const dimensions = choices(this.session, this.meter);
    return [this.by, this.chosen].find((each) => each && dimensions.includes(each)) ?? dimensions[0] ?? '';
  }

  private choice(dimensions: string[]): TemplateResult | typeof nothing {
    if (dimensions.length < 2) return nothing;
    if (dimensions.length > 4)
      return html`<select class="control" part="by" aria-label="Break down by" @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value)}>
        ${dimensions.map((each) => html`<option value=${each} ?selected=${each === this.dimension}>By ${words(each)}</option>`)}
      </select>`;
    return html`<div class="segments" part="by" role="group" aria-label="Break down by">
      ${dimensions.map((each) => html`<button aria-pressed=${each === this.dimension} @click=${() => this.choose(each)}>${titled(each)}</button>`)}
    </div>`;
  }

  private choose(by: string): void {
    this.chosen = by;
    this.search = '';
    this.tell('toll-by', { by });
  }

  private readonly find = (event: Event): void => {
    this.search = (event.target as HTMLInputElement).value;
    this.page = 0;
  };

  private usageTable(usage: Usage): TemplateResult {
    const { by } = this.pivoted!;
    const { lines, meters, columns } = this.arranged(by);
    const from = this.page * PAGE;
    return html`<toll-table
        exportparts="table, download"
        caption="Usage by ${words(by)}, ${this.dates.period(usage.start, usage.end)}"
        remote
        pin-last
        file="usage-by-${by || 'meter'}.csv"
        .columns=${columns}
        .rows=${lines.slice(from, from + PAGE)}
        .key=${(line: Line) => line.value}
        .sorting=${this.sorting}
        .download=${async () => this.asCsv(by, meters, lines)}
        @toll-sort=${this.sort}
      ></toll-table>
      ${lines.length > PAGE ? this.pager(lines.length) : nothing}
      ${lines.length ? nothing : html`<p class="muted" role="status">Nothing matches “${this.search}”.</p>`}
      <p class="foot">${this.footnote(usage)}</p>`;
  }

  /** What's found, in order, with its sums; kept, because turning a page changes none of it. */
  private arranged(by: string): Arranged {
    const wanted = this.search.trim().toLocaleLowerCase();
    const made = [this.lines, wanted, this.sorting, this.session, this.locale, this.pick];
    if (this.arrangement?.made.every((each, place) => each === made[place])) return this.arrangement;
    const found = this.lines.filter(({ value }) => (value ?? without(by)).toLocaleLowerCase().includes(wanted));
    const meters = columnsOf(this.lines, this.session.meters);
    const lines = ordered(found, this.sorting.key, this.sorting.descending, this.locale);
    this.arrangement = { made, lines, meters, columns: this.columns(by, meters, found) };
    return this.arrangement;
  }

  private columns(by: string, meters: Meter[], lines: Line[]): Column<Line>[] {
    const below = sums(lines, meters);
    const sortable = true as const;
    const name: Column<Line> = {
      key: 'name',
      title: titled(by) || 'Usage',
      value: ({ value }) => value ?? '',
      cell: ({ value }) => this.name(by, value),
      total: this.totalOf(by, lines),
      sort: sortable,
    };
    const perMeter = meters.map((meter): Column<Line> => {
      const unit = meter.unit || null;
      return {
        key: meter.key,
        title: meter.name,
        numeric: true,
        value: ({ cells }) => cells.get(meter.key)?.charges[0]?.amount ?? '',
        cell: ({ cells }) => this.cell(cells.get(meter.key), unit),
        total: this.cell(below.get(meter.key), unit),
        sort: sortable,
      };
    });
    const total: Column<Line> = {
      key: 'total',
      title: 'Total',
      numeric: true,
      main: true,
      value: (line) => line.total.charges[0]?.amount ?? '',
      cell: (line) => html`<strong>${this.charges(line.total)}</strong>${this.marks(line.total)}`,
      total: html`${this.charges(below.get('')!)}${this.marks(below.get('')!)}`,
      sort: sortable,
    };
    return [name, ...perMeter, total];
  }

  /** How many jobs, models, … the sums are of; usage without one is none. */
  private totalOf(by: string, lines: Line[]): string {
    const named = lines.filter(({ value }) => value !== null).length;
    if (!by || lines.length < 2 || !named) return 'Total';
    const rest = named < lines.length ? `, and ${without(by).toLowerCase()}` : '';
    return `Total of ${this.money.count(named, words(by))}${rest}`;
  }

  private name(by: string, value: string | null): TemplateResult {
    if (value === null) return html`<span class="muted">${without(by)}</span>`;
    if (!this.pick) return html`<span class="name">${value}</span>`;
    const press = () => this.tell('toll-pick', { dimension: by, value });
    return html`<button class="opener name" title="Show only this ${words(by)}" @click=${press}>${value}</button>`;
  }

  private cell(cell: Cell | undefined, unit: string | null): unknown {
    if (!cell?.events) return NONE;
    return html`${this.charges(cell)}<br /><span class="muted small">${this.money.quantity(cell.quantity, unit)}</span>`;
  }

  private charges({ charges, unpriced }: Cell): string {
    if (!charges.length) return unpriced ? 'No price yet' : '–';
    return charges.map(({ unit, amount }) => this.money.amount(amount, unit)).join(' + ');
  }

  private marks({ unpriced, estimated }: Cell): TemplateResult {
    const count = (events: number): string => this.money.quantity(String(events));
    return html`${estimated ? html`<br /><span class="badge" title="Will be replaced by the exact figure">${count(estimated)} estimated</span>` : nothing}${
      unpriced
        ? html`<br /><span class="badge warn" title="Counted, but not charged until a price is known">${count(unpriced)} unpriced</span>`
        : nothing
    }`;
  }

  private pager(count: number): TemplateResult {
    const last = Math.ceil(count / PAGE) - 1;
    const from = this.page * PAGE;
    const turn = (by: number) => () => {
      this.page += by;
    };
    const number = (value: number): string => this.money.quantity(String(value));
    return html`<nav class="pager" aria-label="Pages of the breakdown">
      <button class="button quiet back" aria-label="Previous page" ?disabled=${this.page === 0} @click=${turn(-1)}>${icon('chevron')}</button>
      <span role="status">${number(from + 1)}–${number(Math.min(count, from + PAGE))} of ${number(count)}</span>
      <button class="button quiet" aria-label="Next page" ?disabled=${this.page >= last} @click=${turn(1)}>${icon('chevron')}</button>
    </nav>`;
  }

  private readonly sort = (event: CustomEvent<Sorting>): void => {
    this.sorting = event.detail;
    this.page = 0;
  };

  private asCsv(by: string, meters: Meter[], lines: Line[]): Blob {
    const units = [...new Set(lines.flatMap(({ total }) => total.charges.map(({ unit }) => unit)))];
    const priced = (name: string): string[] => units.map((unit) => `${name} ${unit}`);
    const amounts = (cell?: Cell): string[] =>
      units.map((key) => cell?.charges.find(({ unit }) => unit === key)?.amount ?? '');
    const heads = meters.flatMap(({ name, unit }) => [`${name} quantity${unit ? ` (${unit})` : ''}`, ...priced(name)]);
    const body = lines.map((line) => [
      line.value ?? '',
      ...meters.flatMap(({ key }) => [line.cells.get(key)?.quantity ?? '', ...amounts(line.cells.get(key))]),
      ...amounts(line.total),
      String(line.total.estimated),
      String(line.total.unpriced),
    ]);
    const table = csv([[titled(by), ...heads, ...priced('Total'), 'Estimated events', 'Unpriced events'], ...body]);
    return new Blob([table], { type: 'text/csv' });
  }

  private modelsTable(models: Models): TemplateResult {
    const wanted = this.search.trim().toLocaleLowerCase();
    const found = models.data.filter(({ model, provider }) =>
      `${provider} ${model}`.toLocaleLowerCase().includes(wanted),
    );
    return html`<toll-table
        exportparts="table, download"
        caption="Usage by model"
        file="usage-by-model.csv"
        .columns=${this.modelColumns()}
        .rows=${orderedModels(found)}
        .key=${(line: ModelLine) => JSON.stringify([line.provider, line.model, line.unit])}
      ></toll-table>
      <p class="foot">As of ${this.dates.time(models.as_of)} · usage that took several models is charged to each by its share</p>`;
  }

  private modelColumns(): Column<ModelLine>[] {
    const count = (key: 'input' | 'output' | 'total', heading: string): Column<ModelLine> => ({
      key,
      title: heading,
      numeric: true,
      value: (line) => line[key],
      cell: (line) => this.money.quantity(line[key]),
      sort: (left, right) => compare(left[key], right[key]),
    });
    return [
      { key: 'model', title: 'Model', value: ({ model }) => model, cell: this.model },
      {
        key: 'calls',
        title: 'Calls',
        numeric: true,
        value: ({ calls }) => String(calls),
        cell: ({ calls }) => this.money.quantity(String(calls)),
        sort: (left, right) => left.calls - right.calls,
      },
      count('input', 'Input tokens'),
      count('output', 'Output tokens'),
      count('total', 'All tokens'),
      {
        key: 'charge',
        title: 'Charge',
        numeric: true,
        main: true,
        value: ({ charge }) => charge,
        cell: ({ charge, unit }) => html`<strong>${unit ? this.money.amount(charge, unit) : 'No price yet'}</strong>`,
        sort: (left, right) => compare(left.charge, right.charge),
      },
    ];
  }

  private readonly model = ({ provider, model }: ModelLine): TemplateResult =>
    html`<span class="name">${model}</span> <span class="muted small">${provider}</span>`;

  private footnote({ as_of, estimated, unpriced }: Usage): string {
    const notes = [
      estimated && `${this.money.quantity(String(estimated))} of the events estimated`,
      unpriced && `${this.money.quantity(String(unpriced))} unpriced`,
    ].filter(Boolean);
    return `As of ${this.dates.time(as_of)} · ${notes.length ? notes.join(' · ') : 'all figures final'}`;
  }
}

const without = (by: string): string => (by ? `Without ${words(by)}` : 'All usage');
