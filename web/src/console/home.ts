/** The first page: this month, what waits for somebody, the trend, and who and what the money goes with. */
import {
  type Column,
  compare,
  css,
  daysBetween,
  html,
  icon,
  isNegative,
  isZero,
  nothing,
  rangeControl,
  rangeStyles,
  type TemplateResult,
} from 'tollkeeper';
import { app, badge, count } from './app.ts';
import { lines, rowsOfBones, Task } from './load.ts';
import { allRows, look, panel, table, tile, View } from './look.ts';
import { NO_COST, percentOf, spokenFor, unknownCost, untoldCost } from './margins.ts';
import { to, toCustomer } from './router.ts';
import type { CustomerPage, ListedCustomer, MarginRow, Margins, Span, Summary } from './types.ts';

export class HomePage extends View {
  private readonly summary = new Task<Summary>(this, () => app.client.get('/v1/console/summary'));
  private readonly month = new Task<Margins>(this, () => {
    const last = app.dates.today();
    const month = app.dates.interval({ first: `${last.slice(0, 8)}01`, last, days: null });
    return app.client.get('/v1/margins', { ...month, limit: 1 });
  });
  private readonly trend = new Task<MarginRow[]>(
    this,
    () => {
      const { timezone } = app.dates;
      const asked = { ...app.dates.interval(this.range), group_by: 'day', timezone, limit: 1000 };
      // A year of several units of value is more than a page.
      return allRows((cursor) => app.client.get<Margins>('/v1/margins', { ...asked, cursor }));
    },
    () => app.router.value('range'),
  );
  private readonly customers = new Task<CustomerPage>(this, () =>
    app.client.get('/v1/console/customers', { sort: '-spent', archived: false, limit: 6 }),
  );
  private readonly models = new Task<Margins>(
    this,
    () =>
      app.client.get('/v1/margins', { ...app.dates.interval(this.range), group_by: 'model', sort: 'cost', limit: 8 }),
    () => app.router.value('range'),
  );

  static override styles = [
    look,
    rangeStyles,
    css`
      .todo { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 10px; }
      .todo a { display: flex; gap: 10px; align-items: flex-start; padding: 11px 13px; border: 1px solid var(--_border); border-radius: var(--_radius); background: var(--_surface); color: var(--_text); }
      .todo a:hover { text-decoration: none; border-color: var(--_border-strong); }
      .todo svg { flex: none; margin-block-start: 2px; color: var(--_warn); }
      .todo strong { display: block; font-weight: 500; }
      .others { display: block; }
      .fine { display: flex; align-items: center; gap: 8px; color: var(--_muted); }
      .fine svg { color: var(--_good); }
      h2.alone { margin-block-end: 10px; }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<div class="top"><div><h1>Home</h1></div></div>
      <div class="stack">
        <section aria-label="This month">${this.summary.render((summary) => this.figures(summary), this.tileBones())}</section>
        <section aria-label="Needs attention"><h2 class="alone">Needs attention</h2>${this.summary.render((summary) => this.todo(summary), lines(2))}</section>
        ${panel(
          'Charges and cost',
          this.trend.render(
            (trend) => this.chart(trend),
            html`<span class="bone" .style=${'block-size:240px'}></span>`,
          ),
          rangeControl(app.dates, this.range, (range) => app.router.set({ range }, { replace: true })),
        )}
        <div class="two">
          ${panel(
            'Top customers this month',
            this.customers.render((page) => this.top(page), rowsOfBones(6)),
            html`<a href=${to('customers')}>All customers</a>`,
          )}
          ${panel(
            'Top models by cost',
            this.models.render((margins) => this.topModels(margins), rowsOfBones(6)),
            html`<a href="${to('margins')}?by=model">Margins</a>`,
          )}
        </div>
      </div>`;
  }

  private get range() {
    return app.dates.range(app.router.value('range') || '30');
  }

  private figures(summary: Summary): TemplateResult {
    const { month, today, currency } = summary;
    const active = summary.customers - summary.archived;
    return html`<dl class="tiles">
        ${tile('Spent this month', app.money.amount(charged(month, currency), currency), this.below(month, today, currency))}
        ${tile('Provider cost', untold(month, currency) ? '–' : app.money.amount(month.cost, currency), untold(month, currency) ? NO_COST : `${app.money.amount(today.cost, currency)} today`)}
        ${tile('Margin', untold(month, currency) ? '–' : html`<span class=${isNegative(month.margin) ? 'negative' : ''}>${app.money.amount(month.margin, currency)}</span>`, this.ofCharge(month, currency))}
        ${tile('Events', app.money.quantity(String(month.events)), `${app.money.quantity(String(today.events))} today`)}
        ${tile('Customers', app.money.quantity(String(active)), summary.suspended ? `${summary.suspended} suspended` : 'active')}
      </dl>
      <p class="as-of">Each customer’s calendar month, in its time zone${summary.as_of ? html` · as of ${app.time(summary.as_of)}` : nothing}</p>
      ${this.month.render((margins) => this.unknown(margins), nothing)}`;
  }

  /** How much of the month's charges cost and margin can't speak for. */
  private unknown({ totals, currency }: Margins): TemplateResult | typeof nothing {
    const main = totals.find(({ unit }) => unit === currency);
    const known = main ? spokenFor(main) : nothing;
    if (!main || known === nothing) return nothing;
    return html`<p class="as-of">Provider cost is ${known} this month: ${app.money.amount(main.without_calls_charge ?? '0', currency)} are charged for usage that told of no provider call, whose cost counts as 0 here. <a href="${to('margins')}?by=meter">See which</a></p>`;
  }

  /** What was charged in credits, and today's. */
  private below(month: Span, today: Span, currency: string): TemplateResult {
    const others = month.spent.filter(({ unit }) => unit !== currency);
    return html`${others.length ? html`<span class="others">and ${app.amounts(others)}</span>` : nothing}${app.money.amount(charged(today, currency), currency)} today`;
  }

  private ofCharge(span: Span, currency: string): string {
    if (untold(span, currency)) return NO_COST;
    return percentOf(span.margin, charged(span, currency), ' of charges') ?? 'charges less cost';
  }

  private tileBones(): TemplateResult {
    return html`<div class="tiles">${[1, 2, 3, 4, 5].map(() => html`<div class="tile">${lines(2)}</div>`)}</div>`;
  }

  private todo(summary: Summary): TemplateResult {
    const things = [
      [summary.unpriced, 'event', 'without a price this month', 'They’re counted, but not charged.', 'unpriced'],
      [summary.quarantine, 'item', 'in quarantine', 'Refused; mend the cause and replay them.', 'quarantine'],
      [summary.holds_in_doubt, 'hold', 'in doubt', 'Nobody has told how they ended.', 'holds?state=in_doubt'],
      [summary.findings, 'difference', 'to providers’ bills', 'Found by reconciliation in 90 days.', 'reconciliation'],
    ] as const;
    const found = things.filter(([number]) => number > 0);
    if (!found.length) return html`<p class="fine">${icon('check')}Nothing waits for you.</p>`;
    return html`<div class="todo">
      ${found.map(([number, unit, what, why, where]) => html`<a href="${to()}/${where}">${icon('alert')}<span><strong>${count(number, unit)} ${what}</strong><span class="muted small">${why}</span></span></a>`)}
    </div>`;
  }

  private chart(trend: MarginRow[]): TemplateResult {
    const { currency } = app.catalog;
    const days = daysBetween(this.range.first, this.range.last);
    const rows = new Map(trend.filter(({ unit }) => unit === currency).map((row) => [dayOf(row), row]));
    const values = (name: 'cost' | 'margin') => days.map((day) => rows.get(day)?.[name] ?? '0');
    const points = days.map((day) => ({ key: day, label: app.dates.shortDay(day), long: app.dates.longDay(day) }));
    const series = [
      { key: 'margin', name: 'Margin', values: values('margin') },
      { key: 'cost', name: 'Provider cost', values: values('cost') },
    ];
    return html`<toll-chart
        caption="Charges by day: provider cost and margin together, ${app.money.name(currency)}"
        .height=${240}
        .points=${points}
        .series=${series}
        .format=${(value: string) => app.money.amount(value, currency)}
        .short=${(value: string) => app.money.parts(value, currency, { compact: true }).number}
      ></toll-chart>
      <p class="as-of">A bar is a day’s charges (${app.dates.timezone}); its parts are what providers take and what is left.</p>`;
  }

  private top(page: CustomerPage): unknown {
    const columns: Column<ListedCustomer>[] = [
      {
        key: 'name',
        title: 'Customer',
        value: ({ name }) => name,
        cell: ({ key, name }) => html`<a href=${toCustomer(key)}>${name}</a>`,
      },
      {
        key: 'spent',
        title: 'Spent',
        numeric: true,
        main: true,
        value: ({ spent }) => spent,
        cell: ({ spent, currency }) => app.money.amount(spent, currency),
      },
      {
        key: 'margin',
        title: 'Margin',
        numeric: true,
        value: ({ margin }) => margin ?? '',
        cell: ({ margin, cost, spent }) =>
          isZero(cost) && !isZero(spent)
            ? html`–<span class="sub">${NO_COST}</span>`
            : margin === null
              ? '–'
              : app.money.amount(margin, page.currency),
      },
    ];
    const rows = page.data.filter(({ spent }) => compare(spent, '0') > 0);
    if (!rows.length) return html`<p class="muted">No charges this month yet.</p>`;
    return table({ caption: 'Top customers this month', columns, rows, key: ({ key }) => key });
  }

  private topModels(margins: Margins): unknown {
    const rows = margins.data.filter(({ group }) => group.model !== null).slice(0, 6);
    const money = (amount: string | null) => (amount === null ? '–' : app.money.amount(amount, margins.currency));
    const columns: Column<MarginRow>[] = [
      { key: 'model', title: 'Model', value: ({ group }) => group.model ?? '' },
      { key: 'calls', title: 'Calls', numeric: true, value: ({ calls }) => app.money.quantity(String(calls)) },
      {
        key: 'cost',
        title: 'Cost',
        numeric: true,
        main: true,
        value: ({ cost }) => cost,
        cell: (row) => (unknownCost(row) ? badge('Unknown', 'warn') : money(row.cost)),
      },
      {
        key: 'margin',
        title: 'Margin',
        numeric: true,
        value: ({ margin }) => margin ?? '',
        cell: (row) => (untoldCost(row) || unknownCost(row) ? '–' : money(row.margin)),
      },
    ];
    if (!rows.length) return html`<p class="muted">No calls to AI providers in these days.</p>`;
    return table({ caption: 'Top models by cost', columns, rows, key: ({ group, unit }) => `${group.model} ${unit}` });
  }
}

const charged = (span: Span, currency: string): string =>
  span.spent.find(({ unit }) => unit === currency)?.amount ?? '0';

/** Whether there are charges, and no cost of anything. */
const untold = (span: Span, currency: string): boolean => isZero(span.cost) && !isZero(charged(span, currency));

/** The operator's day that a row is of: it begins at that day's midnight, which in UTC may be the day before. */
const dayOf = (row: MarginRow): string => app.dates.dayOf(row.start);
