import { type CSSResultGroup, css, html, LitElement, nothing, type TemplateResult, unsafeCSS } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { csv, save } from './download.ts';
import { icon } from './icons.ts';
import { base } from './theme.ts';

export interface Column<Row> {
  key: string;
  title: string;
  /** Only screen readers hear its title, and CSV leaves it out: a column of buttons. */
  quiet?: boolean;
  /** To the end of its cell, in tabular digits. */
  numeric?: boolean;
  /** The bare value: what CSV gets, and what's shown where `cell` doesn't say otherwise. */
  value: (row: Row) => string;
  cell?: (row: Row) => unknown;
  /** Below the column, such as a sum. */
  total?: unknown;
  /** Makes the column sortable; `true` where the server sorts. */
  sort?: ((left: Row, right: Row) => number) | true;
  /** What a row comes to: beside its name where rows are cards. */
  main?: boolean;
}

/** What a cell shows that has nothing to say; a card leaves it out. */
export const NONE = '–';

export interface Sorting {
  key: string;
  descending: boolean;
}

/**
 * Where a table has no room its rows are cards: the row's name, beside it what it comes to, below a line for each column.
 * It stays a table for screen readers, by the roles below; so cells that say nothing are hidden from the eye alone.
 */
const CARDS = `
  .order { display: flex; }
  .scroll { overflow: visible; max-block-size: none; }
  table, tbody, tfoot { display: block; }
  thead { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
  .sorter { visibility: hidden; }
  tr { display: grid; grid-template-columns: minmax(0, 1fr) fit-content(62%); gap: 5px 14px; padding: 11px max(var(--_bleed, 0px), 2px); border-block-end: 1px solid var(--_border); }
  tbody:last-child > tr:last-child, tfoot > tr { border-block-end: 0; }
  tbody:not(:empty) + tfoot > tr { border-block-start: 1px solid var(--_border-strong); margin-block-start: -1px; }
  tbody > tr:hover > * { background: none; }
  tr > th, tr > td { display: flex; grid-column: 1 / -1; justify-content: space-between; gap: 0 18px; min-inline-size: 0; padding: 0; border: 0; white-space: normal; overflow-wrap: anywhere; background: none; font-size: 13px; font-weight: 400; }
  td:not([data-label]) { padding-block: 5px 3px; }
  tr > .first { display: block; grid-row: 1; font-size: inherit; font-weight: 550; }
  tr:has(> .main) > .first { grid-column: 1; }
  .first .muted { font-weight: 400; }
  tr > .main { display: block; grid-area: 1 / 2; font-size: inherit; font-weight: 600; text-align: end; }
  td[data-label]:not(.main)::before { content: attr(data-label); content: attr(data-label) / ""; flex: none; max-inline-size: 50%; color: var(--_muted); }
  td[data-label] > .content { display: block; min-inline-size: 0; text-align: end; }
  td[data-label]:not(.main) br { display: none; }
  td[data-label]:not(.main) :is(br + *, .sub) { display: inline; margin-inline-start: 7px; }
  td.none:not(.main) { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
  tr.detail { display: block; padding: 0; }
  tr.detail > td { display: block; padding: 12px max(var(--_bleed, 0px), 2px); background: var(--_subtle); }
`;
/** With room, names and what `pinLast` pins stay in sight where the rest still scrolls. */
const STICKY = `
  &.pinned tr:not(.detail) > :last-child { position: sticky; inset-inline-end: 0; border-inline-start: 1px solid var(--_border); white-space: normal; min-inline-size: 92px; }
  th:first-child { position: sticky; inset-inline-start: 0; }
  thead th:first-child, &.pinned thead th:last-child { z-index: 2; }
`;
/** Up to which width a table's rows are cards, in pixels: the more columns, the sooner. */
const ROOM = { few: 380, many: 640, lots: 820 };
const roomFor = (columns: number): keyof typeof ROOM => (columns < 5 ? 'few' : columns < 7 ? 'many' : 'lots');

/**
 * A table that sorts, downloads, opens rows, and shows its rows as cards where it's too narrow for them.
 *
 * @element toll-table
 * @fires toll-sort - `{key, descending}`: a sortable heading was pressed. Tables with `remote` wait for new `rows`.
 * @fires toll-row - `{row, open}`: a row was opened or closed.
 * @csspart table - the table
 * @csspart scroll - what scrolls; `--toll-table-height` limits its height, then the header stays
 * @csspart download - the CSV button
 */
export class TollTable<Row = unknown> extends LitElement {
  @property({ attribute: false }) columns: Column<Row>[] = [];
  @property({ attribute: false }) rows: readonly Row[] = [];
  /** What a row is known by, so that it keeps its place in the page (and its focus) when rows change. */
  @property({ attribute: false }) key: (row: Row, index: number) => unknown = (_row, index) => index;
  /** What an opened row shows below itself; without it rows don't open. */
  @property({ attribute: false }) detail: ((row: Row) => unknown) | null = null;
  @property({ attribute: false }) sorting: Sorting | null = null;
  /** What the table is of; screen readers hear it, and it names the CSV file. */
  @property() caption = '';
  /** The last column stays in sight where the table scrolls sideways. */
  @property({ type: Boolean, attribute: 'pin-last' }) pinLast = false;
  /** Sorting is the server's. */
  @property({ type: Boolean }) remote = false;
  /** CSV of everything, from the server; by default of the rows that are here. */
  @property({ attribute: false }) download: (() => Promise<Blob>) | null = null;
  /** Name of the CSV file; empty means no button. */
  @property() file = '';
  @state() private opened = new Set<unknown>();
  @state() private downloading: 'no' | 'busy' | 'failed' = 'no';

  static override styles: CSSResultGroup = [
    base,
    css`
      :host { container-type: inline-size; }
      .order { display: none; align-items: center; gap: 8px; margin-block-end: 6px; color: var(--_muted); font-size: 13px; }
      .order select { flex: 0 1 260px; min-inline-size: 0; }
      .scroll { overflow: auto; max-block-size: var(--toll-table-height, none); margin-inline: calc(var(--_bleed, 0px) * -1); overscroll-behavior-x: contain; }
      table { inline-size: 100%; border-collapse: separate; border-spacing: 0; font-size: 13.5px; }
      caption { text-align: start; }
      th, td { padding: 9px 12px; text-align: start; vertical-align: baseline; border-block-end: 1px solid var(--_border); white-space: nowrap; background: var(--_surface); }
      thead th { position: sticky; inset-block-start: 0; z-index: 1; padding-block: 7px; font-weight: 500; font-size: 12.5px; color: var(--_muted); }
      tbody tr:last-child > *, tfoot tr:last-child > * { border-block-end: 0; }
      tfoot > tr > * { border-block-start: 1px solid var(--_border); font-weight: 600; }
      tbody:not(:empty) + tfoot > tr > * { border-block-start-color: var(--_border-strong); }
      th:first-child, td:first-child { padding-inline-start: max(var(--_bleed, 0px), 2px); white-space: normal; overflow-wrap: anywhere; min-inline-size: 140px; }
      th:last-child, td:last-child { padding-inline-end: max(var(--_bleed, 0px), 2px); }
      tbody th { font-weight: 450; }
      .content { display: contents; }
      .none { color: var(--_muted); }
      .numeric { text-align: end; font-variant-numeric: tabular-nums; }
      tbody tr.line:hover > * { background: var(--_subtle); }
      .sorter { display: inline-flex; align-items: baseline; gap: 3px; border: 0; background: none; padding: 2px 4px; margin: -2px -4px; font: inherit; color: inherit; cursor: pointer; white-space: nowrap; }
      .numeric .sorter { flex-direction: row-reverse; }
      .sorter:hover, th[aria-sort] .sorter { color: var(--_text); }
      .sorter svg { align-self: center; inline-size: 13px; block-size: 13px; opacity: 0; }
      .sorter:hover svg, .sorter:focus-visible svg, th[aria-sort] .sorter svg { opacity: 1; }
      .opener { display: inline-flex; align-items: baseline; gap: 6px; border: 0; background: none; padding: 2px 4px; margin: -2px -4px; font: inherit; color: inherit; cursor: pointer; text-align: start; }
      .opener svg { flex: none; align-self: start; margin-block-start: 2px; color: var(--_muted); transition: transform 140ms; }
      .opener[aria-expanded="true"] svg { transform: rotate(90deg); }
      tr.detail > td { background: var(--_subtle); white-space: normal; padding: 14px max(var(--_bleed, 0px), 16px); }
      .bar { display: flex; justify-content: end; gap: 8px; margin-block-start: 8px; align-items: center; }
      .bar .button { min-block-size: 30px; font-size: 12.5px; }
      ${unsafeCSS(
        Object.entries(ROOM)
          .map(
            ([look, room]) =>
              `@container (max-width: ${room}px) { .${look} { ${CARDS} } } @container (min-width: ${room + 1}px) { .${look} { ${STICKY} } }`,
          )
          .join(''),
      )}
    `,
  ];

  protected override render(): TemplateResult {
    const rows = this.sorted();
    const look = `${roomFor(this.columns.length)} ${this.pinLast ? 'pinned' : ''}`;
    return html`<div class=${look}>
      ${rows.length > 1 ? this.order() : nothing}
      <div class="scroll" part="scroll" role="region" aria-label=${this.caption} tabindex="0">
        <table part="table" role="table">
          <caption class="hidden">${this.caption}</caption>
          <thead role="rowgroup"><tr role="row">${this.columns.map((column) => this.heading(column))}</tr></thead>
          <tbody role="rowgroup">${repeat(
            rows,
            (row, index) => this.key(row, index),
            (row, index) => this.line(row, index),
          )}</tbody>
          ${this.columns.some((column) => column.total !== undefined) && rows.length ? this.totals() : nothing}
        </table>
      </div>
      ${this.file && rows.length ? this.downloads() : nothing}
    </div>`;
  }

  /** What the headings do, where there are none to be seen. */
  private order(): TemplateResult | typeof nothing {
    const columns = this.columns.filter(({ sort }) => sort);
    const choose = (event: Event): void => this.sortBy(columns[(event.target as HTMLSelectElement).selectedIndex - 1]!);
    if (columns.length < 2) return nothing;
    return html`<label class="order">Sort by <select class="control" @change=${choose}>
      <option hidden>…</option>
      ${columns.map(({ key, title }) => html`<option ?selected=${key === this.sorting?.key}>${title}</option>`)}
    </select></label>`;
  }

  private heading(column: Column<Row>): TemplateResult {
    const active = this.sorting?.key === column.key ? this.sorting : null;
    const direction = active ? (active.descending ? 'descending' : 'ascending') : nothing;
    const mark = active ? (active.descending ? 'down' : 'up') : 'updown';
    const shown = column.sort
      ? html`<button class="sorter" @click=${() => this.sortBy(column)}>${column.title}${icon(mark)}</button>`
      : html`<span class=${column.quiet ? 'hidden' : ''}>${column.title}</span>`;
    return html`<th scope="col" role="columnheader" class=${column.numeric ? 'numeric' : ''} aria-label=${column.title} aria-sort=${direction}>${shown}</th>`;
  }

  private line(row: Row, index: number): TemplateResult {
    const key = this.key(row, index);
    const open = this.opened.has(key);
    return html`<tr class="line" part="row" role="row">
        ${this.columns.map((column, place) => this.cell(column, row, place === 0 ? { key, open } : null))}
      </tr>
      ${open && this.detail ? html`<tr class="detail" role="row"><td role="cell" colspan=${this.columns.length}>${this.detail(row)}</td></tr>` : nothing}`;
  }

  private cell(column: Column<Row>, row: Row, first: { key: unknown; open: boolean } | null): TemplateResult {
    const content = column.cell ? column.cell(row) : column.value(row);
    if (!first) return this.figure(column, content);
    if (!this.detail) return this.name(content);
    return this.name(html`<button class="opener" aria-expanded=${first.open} @click=${() => this.toggle(row, first.key)}>
      ${icon('chevron')}<span>${content}</span>
    </button>`);
  }

  private name(content: unknown): TemplateResult {
    return html`<th scope="row" role="rowheader" class="first">${content}</th>`;
  }

  private figure({ title, numeric, main, quiet }: Column<Row>, content: unknown): TemplateResult {
    const none =
      content == null || content === NONE || content === nothing || (content as ArrayLike<unknown>).length === 0;
    const look = [numeric && 'numeric', main && 'main', none && 'none'].filter(Boolean).join(' ');
    return html`<td role="cell" class=${look} data-label=${quiet ? nothing : title}><span class="content">${content}</span></td>`;
  }

  private totals(): TemplateResult {
    const cell = (column: Column<Row>, place: number): TemplateResult =>
      place === 0 ? this.name(column.total ?? 'Total') : this.figure(column, column.total ?? nothing);
    return html`<tfoot role="rowgroup"><tr role="row">${this.columns.map(cell)}</tr></tfoot>`;
  }

  private downloads(): TemplateResult {
    return html`<div class="bar">
      ${this.downloading === 'failed' ? html`<span class="small" role="status">The download failed.</span>` : nothing}
      <button class="button quiet" part="download" ?disabled=${this.downloading === 'busy'} @click=${this.saveAsCsv}>
        ${icon('download')}CSV<span class="hidden"> of ${this.caption}</span>
      </button>
    </div>`;
  }

  private sorted(): readonly Row[] {
    const sort = this.columns.find((column) => column.key === this.sorting?.key)?.sort;
    if (this.remote || typeof sort !== 'function') return this.rows;
    const sign = this.sorting?.descending ? -1 : 1;
    return [...this.rows].sort((left, right) => sign * sort(left, right));
  }

  private sortBy(column: Column<Row>): void {
    // Figures are looked at from the largest down, names from A.
    const known = this.sorting?.key === column.key;
    this.sorting = { key: column.key, descending: known ? !this.sorting!.descending : Boolean(column.numeric) };
    this.dispatchEvent(new CustomEvent('toll-sort', { detail: this.sorting, bubbles: true, composed: true }));
  }

  private toggle(row: Row, key: unknown): void {
    const opened = new Set(this.opened);
    const open = !opened.delete(key);
    if (open) opened.add(key);
    this.opened = opened;
    this.dispatchEvent(new CustomEvent('toll-row', { detail: { row, open }, bubbles: true, composed: true }));
  }

  private async saveAsCsv(): Promise<void> {
    this.downloading = 'busy';
    try {
      save(this.file, this.download ? await this.download() : this.asCsv());
      this.downloading = 'no';
    } catch {
      this.downloading = 'failed';
    }
  }

  private asCsv(): Blob {
    const columns = this.columns.filter(({ quiet }) => !quiet);
    const lines = this.sorted().map((row) => columns.map((column) => column.value(row)));
    return new Blob([csv([columns.map((column) => column.title), ...lines])], { type: 'text/csv' });
  }
}
