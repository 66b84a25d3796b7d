/** Margins: what is left of charges when AI providers have taken theirs; by meter, model, customer and time. */
import {
  type Column,
  css,
  html,
  isNegative,
  isZero,
  nothing,
  rangeControl,
  rangeStyles,
  share,
  type TemplateResult,
} from 'tollkeeper';
import { app, badge } from './app.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { choice, look, table, tile, View } from './look.ts';
import { toCustomer } from './router.ts';
import type { MarginRow, Margins, MarginTotal } from './types.ts';

const BY = [
  ['meter', 'Meter'],
  ['model', 'Model'],
  ['provider', 'Provider'],
  ['customer', 'Customer'],
  ['day', 'Day'],
  ['month', 'Month'],
] as const;
const PAGE = 50;

/** `"12.5"` of `"50"` → `25%`; null where there's no whole. */
export function percentOf(amount: string, whole: string, more = ''): string | null {
  if (isZero(whole)) return null;
  const digits = { style: 'percent', maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(app.money.locale, digits).format(notQuiteAll(share(amount, whole))) + more;
}

/** While something is taken it isn't 100 %. */
const notQuiteAll = (part: number): number => (part > 0.999 && part < 1 ? 0.999 : part);

export class MarginsPage extends View {
  private readonly pages = new Pages<MarginRow, Margins>(
    this,
    (cursor) => app.client.get('/v1/margins', { ...this.params(), limit: PAGE, cursor }),
    () => ['by', 'range', 'sort', 'customer', 'meter'].map((name) => app.router.value(name)).join('\n'),
    true,
  );

  static override styles = [
    look,
    rangeStyles,
    css`.tiles { margin-block-end: 16px; } .filter { display: inline-flex; gap: 6px; align-items: center; }`,
  ];

  protected override render(): TemplateResult {
    return html`<div class="top">
        <div><h1>Margins</h1><p>Charges less what AI providers take, of events with their corrections.</p></div>
        ${rangeControl(app.dates, this.range, (range) => app.router.set({ range }))}
      </div>
      <div class="tools">
        ${choice('Grouped by', BY, this.by, (by) => app.router.set({ by }))}
        <label><span class="hidden">Only this meter</span><select class="control" @change=${(event: Event) => app.router.set({ meter: (event.target as HTMLSelectElement).value })}>
          <option value="">All meters</option>
          ${app.catalog.meters.map(({ key, name }) => html`<option value=${key} ?selected=${key === app.router.value('meter')}>${name}</option>`)}
        </select></label>
        ${app.router.value('customer') ? html`<span class="badge accent">${app.router.value('customer')}</span><button class="button quiet" @click=${() => app.router.set({ customer: null })}>All customers</button>` : nothing}
      </div>
      ${this.pages.render((margins) => this.view(margins), rowsOfBones())}`;
  }

  private get by(): string {
    return app.router.value('by') || 'meter';
  }

  private get range() {
    return app.dates.range(app.router.value('range') || '30');
  }

  private get sort(): string {
    return app.router.value('sort') || (['day', 'month'].includes(this.by) ? 'group' : 'charge');
  }

  private params() {
    const { value } = { value: (name: string) => app.router.value(name) || null };
    return {
      ...app.dates.interval(this.range),
      group_by: this.by,
      sort: this.sort,
      timezone: app.dates.timezone,
      customer: value('customer'),
      meter: value('meter'),
    };
  }

  private view(margins: Margins): TemplateResult {
    if (!margins.data.length) return empty('No usage in these days', 'Choose other days, or another meter.');
    return html`${this.totals(margins)}
      <section class="panel flush">
        ${table<MarginRow>({
          caption: `Margins by ${this.by}`,
          columns: this.columns(margins),
          rows: margins.data,
          key: (row) => JSON.stringify([row.start, row.group, row.unit]),
          sorting: { key: this.sort, descending: this.sort !== 'group' },
          onSort: ({ key }) => app.router.set({ sort: key }),
          file: `margins-by-${this.by}.csv`,
          download: () => app.client.csv('/v1/margins', { ...this.params(), limit: 1000 }),
        })}
        ${this.pages.pager()}
      </section>
      <p class="as-of">${app.dates.period(margins.start, margins.end)} (${app.dates.timezone}) · as of ${app.time(margins.as_of)}. By provider or model, an event’s charge is shared over its calls by what they cost. Events without provider calls count as cost 0.</p>`;
  }

  private totals(margins: Margins): TemplateResult {
    const { currency } = margins;
    const main = margins.totals.find(({ unit }) => unit === currency);
    const others = margins.totals.filter(({ unit }) => unit !== null && unit !== currency);
    const { charge = '0', cost = '0', margin = '0' } = main ?? {};
    return html`<dl class="tiles">
      ${tile('Charges', app.money.amount(charge, currency))}
      ${main && untoldCost(main) ? tile('Provider cost', '–', NO_COST) : tile('Provider cost', app.money.amount(cost, currency), main ? spokenFor(main) : nothing)}
      ${margin !== null && main && untoldCost(main) ? tile('Margin', '–', NO_COST) : tile('Margin', margin === null ? '–' : signed(margin, currency), percentOf(margin ?? '0', charge, ' of charges') ?? nothing)}
      ${others.map(({ unit, charge, cost }) => tile('Charged in another unit', app.money.amount(charge, unit ?? currency), isZero(cost) ? nothing : `at a cost of ${app.money.amount(cost, currency)}`))}
    </dl>`;
  }

  private columns(margins: Margins): Column<MarginRow>[] {
    const { currency } = margins;
    const amount = (key: 'charge' | 'cost' | 'margin', title: string): Column<MarginRow> => ({
      key,
      title,
      numeric: true,
      main: key === 'charge',
      sort: true,
      value: (row) => row[key] ?? '',
      cell: (row) => figure(row, key, currency),
    });
    return [
      {
        key: 'group',
        title: BY.find(([key]) => key === this.by)?.[1] ?? this.by,
        value: (row) => row.group[this.by] ?? '',
        cell: (row) => this.group(row),
        sort: true,
      },
      { key: 'events', title: 'Events', numeric: true, value: (row) => app.money.quantity(String(row.events)) },
      ...(byCalls(this.by) ? [calls] : []),
      amount('charge', 'Charges'),
      amount('cost', 'Cost'),
      amount('margin', 'Margin'),
      {
        key: 'share',
        title: 'Of charges',
        numeric: true,
        value: (row) => ofCharges(row) ?? '',
        cell: (row) => ofCharges(row) ?? '–',
      },
      {
        key: 'open',
        title: 'Notes',
        value: (row) => notFinal(row).join(', '),
        cell: (row) => notFinal(row).map((text) => badge(text, text.includes('unpriced') ? 'warn' : '')),
      },
    ];
  }

  private group(row: MarginRow): unknown {
    // Windows of time aren't groups: their rows say when they begin.
    if (this.by === 'day') return app.dates.longDay(app.dates.dayOf(row.start));
    if (this.by === 'month') return app.dates.period(row.start, row.end);
    const name = row.group[this.by];
    if (name === null || name === undefined)
      return html`<span class="muted">${byCalls(this.by) ? 'Without calls' : 'None'}</span>`;
    if (this.by === 'customer') return html`<a href=${toCustomer(name)}>${name}</a>`;
    if (this.by === 'meter') return app.meterName(name);
    return name;
  }
}

/** Only here calls are told apart. */
const byCalls = (by: string): boolean => by === 'model' || by === 'provider';

const calls: Column<MarginRow> = {
  key: 'calls',
  title: 'Calls',
  numeric: true,
  value: (row) => app.money.quantity(String(row.calls)),
};

const notFinal = (row: MarginRow): string[] =>
  [
    [row.unpriced, 'unpriced'],
    [row.uncosted, 'without a cost'],
    [row.estimated, 'estimated'],
    [row.without_calls ?? 0, 'without calls'],
  ].flatMap(([number, text]) => (number ? [`${app.money.quantity(String(number))} ${text}`] : []));

export const signed = (amount: string, unit: string): TemplateResult =>
  html`<span class=${isNegative(amount) ? 'negative' : ''}>${app.money.amount(amount, unit)}</span>`;

function figure(row: MarginRow, key: 'charge' | 'cost' | 'margin', currency: string): unknown {
  const value = row[key];
  if (value === null) return '–';
  if (key !== 'charge' && untoldCost(row)) return key === 'margin' ? '–' : html`–<span class="sub">${NO_COST}</span>`;
  if (key === 'margin') return signed(value, currency);
  if (key === 'charge')
    return row.unit === null ? html`<span class="muted">not charged</span>` : app.money.amount(value, row.unit);
  if (unknownCost(row)) return badge('Unknown', 'warn');
  return app.money.amount(value, currency);
}

export const NO_COST = 'no cost reported';

/** Whether nothing that is charged here told of a provider call: then a cost of 0 is nobody's word. */
export const untoldCost = ({ charge, cost, without_calls_charge: untold }: MarginTotal): boolean =>
  isZero(cost) && !isZero(charge) && untold === charge;

/** How much of the charges the cost, and so the margin, speaks for; nothing where that's all. */
export function spokenFor({ charge, without_calls_charge: untold }: MarginTotal): string | typeof nothing {
  if (untold === null || isZero(untold) || isZero(charge)) return nothing;
  const known = 1 - share(untold, charge);
  const percent = new Intl.NumberFormat(app.money.locale, { style: 'percent', maximumFractionDigits: 1 });
  return `known for ${known > 0 && known < 0.001 ? `<${percent.format(0.001)}` : percent.format(notQuiteAll(known))} of charges`;
}

const ofCharges = (row: MarginRow): string | null =>
  row.margin === null || untoldCost(row) || unknownCost(row) ? null : percentOf(row.margin, row.charge);

/** What no event had a cost of isn't 0. */
export const unknownCost = (row: MarginRow): boolean =>
  row.uncosted > 0 && row.uncosted === row.events && isZero(row.cost);
