/** The console's shared look, and small pieces that several pages are made of. */
import {
  base,
  type Column,
  type CSSResultGroup,
  css,
  csv,
  html,
  icon,
  LitElement,
  nothing,
  type TemplateResult,
  TollTable,
} from 'tollkeeper';
import { app } from './app.ts';
import type { Page } from './types.ts';

export const look = [
  base,
  css`
    :host { display: block; --_bleed: 16px; }
    h1 { font-size: 22px; line-height: 1.25; font-weight: 600; letter-spacing: -0.02em; overflow-wrap: anywhere; margin: 0; outline: none; }
    a { color: var(--_accent); text-decoration: none; }
    a:hover { text-decoration: underline; }
    a.button { color: var(--_text); }
    a.button:hover { text-decoration: none; }
    a.button.primary { color: var(--_on-accent); }
    p { overflow-wrap: anywhere; }
    .top { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-start; gap: 12px 20px; margin-block-end: 20px; }
    .top > div:first-child { min-inline-size: 0; }
    .top p { color: var(--_muted); margin-block-start: 3px; }
    .actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
    .tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin-block-end: 14px; }
    .tools .grow { flex: 1 1 220px; }
    .tools > *, .top > *, .head > * { max-inline-size: 100%; }
    .segments { flex-wrap: wrap; }
    .segments button { white-space: nowrap; }
    .stack { display: grid; gap: 20px; grid-template-columns: minmax(0, 1fr); }
    .two { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); align-items: start; }
    .two > * { min-inline-size: 0; }
    .panel { padding: 16px; }
    .panel > .head { margin-block-end: 10px; }
    .panel.flush:has(console-table), .panel.flush:has(details) { padding-block-end: 6px; }
    .void { background: var(--_surface); border: 1px solid var(--_border); border-radius: var(--_radius); }
    .panel .void { border: 0; background: none; padding-block: 18px; }
    .search { position: relative; display: block; }
    .search svg { position: absolute; inset-inline-start: 10px; inset-block-start: 9px; color: var(--_muted); pointer-events: none; }
    .search input { inline-size: 100%; padding-inline-start: 33px; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(50%, 156px), 1fr)); border: 1px solid var(--_border); border-radius: var(--_radius); overflow: hidden; background: var(--_surface); }
    .tile { padding: 14px 16px 13px; border: solid var(--_border); border-width: 0 1px 1px 0; margin: 0 -1px -1px 0; min-inline-size: 0; }
    .tile dt { color: var(--_muted); font-size: 13px; }
    .tile dd { margin: 3px 0 0; font-size: 21px; line-height: 1.3; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .tile small { display: block; font-size: 12.5px; font-weight: 400; letter-spacing: 0; color: var(--_muted); }
    .negative { color: var(--_bad); }
    .tabs { display: flex; gap: 2px; overflow-x: auto; overflow-y: hidden; border-block-end: 1px solid var(--_border); margin-block-end: 20px; scrollbar-width: none; }
    .tabs a { padding: 8px 11px; color: var(--_muted); font-weight: 500; white-space: nowrap; border-block-end: 2px solid transparent; margin-block-end: -1px; outline-offset: -3px; }
    .tabs a:hover { color: var(--_text); text-decoration: none; }
    .tabs a[aria-current] { color: var(--_text); border-color: var(--_accent); }
    .pager { display: flex; justify-content: end; align-items: center; gap: 8px; margin-block-start: 10px; padding-block-end: 8px; }
    .pager .button { min-block-size: 30px; font-size: 13px; }
    .bones { display: grid; gap: 11px; padding-block: 6px; }
    .bones.rows { gap: 15px; }
    .bones.rows .bone { block-size: 20px; }
    .task { transition: opacity 120ms; }
    .task.busy { opacity: 0.6; }
    .crumb { font-size: 13px; margin-block-end: 6px; }
    .facts { display: grid; grid-template-columns: minmax(110px, max-content) minmax(0, 1fr); gap: 7px 18px; margin: 0; font-size: 13.5px; }
    .facts dt { color: var(--_muted); }
    .facts dd { margin: 0; overflow-wrap: anywhere; }
    .as-of { color: var(--_muted); font-size: 12.5px; margin-block-start: 10px; }
    .as-of a { text-decoration: underline; }
    .button.small { min-block-size: 28px; font-size: 12.5px; padding: 0 9px; }
    pre { margin: 0; padding: 12px 14px; border-radius: var(--_radius-small); background: var(--_subtle); font: 12.5px/1.55 var(--_mono); overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
    ul.plain { list-style: none; margin: 0; padding: 0; }
    @media (max-width: 560px) { h1 { font-size: 20px; } .tile dd { font-size: 18px; } .tile { padding: 11px 12px; } }
  `,
];

/** The core's table, with what cells of the console hold: links, second lines, checkboxes, small buttons, bars. */
export class ConsoleTable<Row = unknown> extends TollTable<Row> {
  static override styles = [
    TollTable.styles,
    css`
      th:first-child, td:first-child { min-inline-size: 156px; }
      a { color: var(--_text); font-weight: 500; text-decoration: none; }
      a:hover { color: var(--_accent); text-decoration: underline; }
      .sub { display: block; color: var(--_muted); font-size: 12.5px; font-weight: 400; }
      .wrap { display: block; white-space: normal; overflow-wrap: anywhere; }
      .keep { white-space: nowrap; }
      .numeric .track { margin-inline-start: auto; }
      @container (min-width: 641px) {
        td:last-child:has(.buttons) { position: sticky; inset-inline-end: 0; }
        .wrap { inline-size: max-content; max-inline-size: 400px; }
        .sub.wrap { max-inline-size: 230px; }
      }
      .negative { color: var(--_bad); }
      .buttons { display: inline-flex; gap: 6px; margin-block: -4px; }
      .buttons .button { min-block-size: 28px; font-size: 12.5px; padding: 0 9px; }
      .pick { display: inline-flex; gap: 10px; align-items: baseline; }
      input[type="checkbox"] { inline-size: 16px; block-size: 16px; margin: 0; accent-color: var(--_accent); align-self: center; }
      .track { display: block; inline-size: 110px; block-size: 5px; margin-block-start: 5px; border-radius: 3px; background: var(--_subtle); box-shadow: inset 0 0 0 1px var(--_border); overflow: hidden; }
      .track span { display: block; block-size: 100%; background: var(--_accent); border-radius: 3px; }
      .track.warn span { background: var(--_warn); }
      .track.full span { background: var(--_bad); }
      pre { margin: 0; font: 12.5px/1.55 var(--_mono); white-space: pre-wrap; overflow-wrap: anywhere; }
      .more { display: grid; gap: 10px; }
      .more ul { margin: 0; padding-inline-start: 18px; list-style: disc; display: grid; gap: 4px; }
      dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 16px; margin: 0; }
      dt { color: var(--_muted); }
      dd { margin: 0; overflow-wrap: anywhere; }
    `,
  ];
}

export interface TableOptions<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  key: (row: Row) => unknown;
  detail?: (row: Row) => unknown;
  sorting?: { key: string; descending: boolean } | null;
  onSort?: (sorting: { key: string; descending: boolean }) => void;
  onOpen?: (row: Row) => void;
  file?: string;
  download?: () => Promise<Blob>;
}

export const table = <Row>(options: TableOptions<Row>): TemplateResult =>
  html`<console-table
    caption=${options.caption}
    file=${options.file ?? ''}
    ?remote=${Boolean(options.onSort)}
    .columns=${options.columns}
    .rows=${options.rows}
    .key=${options.key}
    .detail=${options.detail ?? null}
    .sorting=${options.sorting ?? null}
    .download=${options.download ?? null}
    @toll-sort=${(event: CustomEvent) => options.onSort?.(event.detail)}
    @toll-row=${(event: CustomEvent) => event.detail.open && options.onOpen?.(event.detail.row)}
  ></console-table>`;

/** All rows of a list that the server gives by pages. */
export async function allRows<Row>(ask: (cursor: string | null) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Row> = await ask(cursor);
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}

/** CSV of all of them. */
export async function everything<Row>(
  columns: readonly Column<Row>[],
  ask: (cursor: string | null) => Promise<Page<Row>>,
): Promise<Blob> {
  const shown = columns.filter(({ quiet }) => !quiet);
  const lines = (await allRows(ask)).map((row) => shown.map(({ value }) => value(row)));
  return new Blob([csv([shown.map(({ title }) => title), ...lines])], { type: 'text/csv' });
}

export const tile = (name: string, value: unknown, below: unknown = nothing): TemplateResult =>
  html`<div class="tile"><dt>${name}</dt><dd>${value}${below === nothing ? nothing : html`<small>${below}</small>`}</dd></div>`;

/** Buttons of which one is chosen. */
export const choice = <T extends string>(
  label: string,
  values: readonly (readonly [value: T, name: string])[],
  chosen: string,
  choose: (value: T) => void,
): TemplateResult =>
  html`<span class="segments" role="group" aria-label=${label}>
    ${values.map(([value, name]) => html`<button aria-pressed=${value === chosen} @click=${() => choose(value)}>${name}</button>`)}
  </span>`;

export const searchField = (label: string, value: string, onInput: (value: string) => void): TemplateResult =>
  html`<label class="search grow">${icon('search')}<span class="hidden">${label}</span><input class="control" type="search" placeholder=${label} autocomplete="off" spellcheck="false" .value=${value} @input=${(event: Event) => onInput((event.target as HTMLInputElement).value)} /></label>`;

export const facts = (pairs: readonly (readonly [name: string, value: unknown])[]): TemplateResult =>
  html`<dl class="facts">${pairs.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

export const panel = (title: string, content: unknown, controls: unknown = nothing): TemplateResult =>
  html`<section class="panel flush"><div class="head"><h2>${title}</h2><div class="actions">${controls}</div></div>${content}</section>`;

/** Calls `what` once the last call is `pause` ms ago. */
export function debounced<T>(what: (value: T) => void, pause = 220): (value: T) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => what(value), pause);
  };
}

/** What every page of the console is. */
export abstract class View extends LitElement {
  static override styles: CSSResultGroup = look;

  override connectedCallback(): void {
    super.connectedCallback();
    app.router.views.add(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    app.router.views.delete(this);
  }
}
