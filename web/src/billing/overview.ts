import {
  compare,
  css,
  type Dates,
  daysBetween,
  html,
  icon,
  isCharged,
  isZero,
  type LiveState,
  type MeterTotal,
  nothing,
  type Overview,
  type Portal,
  property,
  repeat,
  type Series,
  share,
  type TemplateResult,
  TollElement,
  trend,
  type UnitAmount,
  type Usage,
  type Wallet,
} from 'tollkeeper';

import type { Place } from './address.ts';

interface Found {
  overview: Overview;
  usage: Usage;
}

/** What a customer has, has used, owes, and should know, on one screen. */
export class BillingOverview extends TollElement<Found> {
  /** Where another place of the page is. */
  @property({ attribute: false }) address: (change: Partial<Place>) => string = () => '';

  protected readonly heading = 'Overview';

  static override styles = [
    TollElement.styles,
    css`
      section { display: grid; gap: 16px; }
      .two { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 8fr); gap: 16px; align-items: stretch; }
      .panel { display: flex; flex-direction: column; min-inline-size: 0; }
      .panel .head { margin-block-end: 10px; }
      .wallet + .wallet { margin-block-start: 16px; padding-block-start: 16px; border-block-start: 1px solid var(--_border); }
      .wallet .row { margin-block-start: 4px; font-size: 13.5px; }
      .rows .row > :last-child { font-variant-numeric: tabular-nums; white-space: nowrap; }
      .rows { margin-block-start: 14px; padding-block-start: 8px; border-block-start: 1px solid var(--_border); }
      .expiring svg { inline-size: 13px; block-size: 13px; vertical-align: -2px; margin-inline-end: 4px; }
      .push { margin-block-start: auto; padding-block-start: 16px; }
      .push .button { inline-size: 100%; }
      .beside { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 2px 16px; margin-block-end: 12px; }
      .strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 150px), 1fr)); padding: 0; overflow: hidden; }
      .strip > div { padding: 14px 20px; margin: 0 -1px -1px 0; border: solid var(--_border); border-width: 0 1px 1px 0; min-inline-size: 0; }
      .strip dd { font-size: 17px; font-weight: 600; letter-spacing: -0.015em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; margin-block-start: 2px; }
      .strip dd small { font-size: 12.5px; font-weight: 400; letter-spacing: 0; color: var(--_muted); }
      .strip dd .note { display: block; }
      .strip dt { color: var(--_muted); font-size: 13px; }
      .halves { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 16px; align-items: start; }
      .meters { display: grid; gap: 14px; }
      .meters .row { gap: 12px; }
      .meters .figure { font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
      .length { block-size: 4px; border-radius: 9px; background: var(--_subtle); margin-block: 5px 3px; overflow: hidden; }
      .length span { display: block; block-size: 100%; border-radius: 9px; background: var(--_series-1); min-inline-size: 2px; }
      @container (max-width: 760px) { .two, .halves { grid-template-columns: minmax(0, 1fr); } }
      @container (max-width: 420px) { .strip { grid-template-columns: 1fr 1fr; } .strip > div { padding: 12px 14px; } }
      @media print { .push { display: none; } .panel { break-inside: avoid; } }
    `,
  ];

  override plain = true;

  protected override header(): typeof nothing {
    return nothing;
  }

  protected override async load(portal: Portal): Promise<Found> {
    const overview = await portal.overview();
    const { start: from, end: to } = overview.period;
    return { overview, usage: await portal.usage({ from, to, window: 'day' }) };
  }

  protected override withLive({ overview, usage }: Found, live: LiveState): Found {
    const { as_of, period, spent, held } = live;
    const wallets = overview.wallets.map((wallet) => ({
      ...wallet,
      ...live.wallets.find(({ unit }) => unit === wallet.unit),
    }));
    const meters = overview.meters.map((meter) => {
      return { ...meter, ...live.meters.find((each) => each.meter === meter.meter && each.unit === meter.unit) };
    });
    return { overview: { ...overview, as_of, period, spent, held, wallets, meters }, usage };
  }

  protected override skeleton(): TemplateResult {
    const bone = (style: string): TemplateResult => html`<span class="bone" .style=${style}></span>`;
    const panel = (height: number): TemplateResult =>
      html`<div class="panel" .style=${`min-block-size:${height}px`}>${bone('inline-size:30%;margin-block-end:16px')}${bone('inline-size:45%;block-size:30px')}</div>`;
    return html`<div .style=${'display:grid;gap:16px'}><div class="two">${panel(250)}${panel(250)}</div>${panel(70)}<div class="halves">${panel(180)}${panel(180)}</div></div>`;
  }

  protected override view({ overview, usage }: Found): TemplateResult {
    return html`<toll-alerts class="warnings" quiet plain .portal=${this.portal} .locale=${this.locale} theme=${this.theme}></toll-alerts>
      <div class="two">${this.balance(overview)} ${this.month(overview, usage)}</div>
      ${this.strip(overview)}
      <div class="halves">
        ${this.meters(overview)}
        <toll-limits .portal=${this.portal} locale=${this.locale} theme=${this.theme}></toll-limits>
      </div>`;
  }

  private balance({ wallets, owed }: Overview): TemplateResult {
    const sells = this.session.top_up && this.session.permissions.includes('top_up');
    const due = owed.filter(({ amount }) => !isZero(amount));
    const postpaid = html`<p class="big">${this.amounts(due)} <small>owed</small></p>
      <p class="muted">Nothing is prepaid: what you use is billed afterwards.</p>`;
    return html`<div class="panel">
      <div class="head"><h2>Balance</h2></div>
      ${wallets.length ? wallets.map((wallet) => this.wallet(wallet)) : postpaid}
      ${sells ? html`<p class="push"><a class="button primary" href=${this.address({ tab: 'plans' })}>Top up</a></p>` : nothing}
    </div>`;
  }

  private wallet({ unit, balance, held, available, expiring, low }: Wallet): TemplateResult {
    const { number, name } = this.money.parts(available, unit, { floor: true });
    const row = (what: unknown, amount: string): TemplateResult =>
      html`<p class="row"><span class="muted">${what}</span><span>${this.money.amount(amount, unit)}</span></p>`;
    return html`<div class="wallet">
      <p class="row"><span class="big">${number} <small>${name ? `${name} available` : 'available'}</small></span>${this.lowSign(available, low)}</p>
      <div class="rows">${row('In the wallet', balance)} ${row('On hold for work under way', held)}
      ${expiring.map(({ amount, expires_at }) => row(html`<span class="expiring" title=${this.dates.dateTime(expires_at)}>${icon('clock')}Expires ${this.dates.relative(expires_at)}, ${this.dates.date(expires_at)}</span>`, amount))}</div>
    </div>`;
  }

  private lowSign(available: string, low: boolean): TemplateResult | typeof nothing {
    if (!low) return nothing;
    const none = compare(available, '0') <= 0;
    return html`<span class="badge ${none ? 'bad' : 'warn'}">${icon('alert')}${none ? 'None left' : 'Low'}</span>`;
  }

  private month(overview: Overview, usage: Usage): TemplateResult {
    const unit = overview.spent[0]?.unit ?? this.session.currency;
    const spent = overview.spent.length ? overview.spent : [{ unit, amount: '0' }];
    const { start, end } = overview.period;
    const days = daysBetween(this.dates.dayOf(start), this.dates.dayOf(new Date(Date.parse(end) - 1)));
    return html`<div class="panel">
      <div class="head"><h2>Spent this month</h2><a class="small" href=${this.address({ tab: 'usage' })}>See usage</a></div>
      <div class="beside">
        <p class="big">${this.amounts(spent)}</p>
        <span class="muted small">${this.dates.period(start, end)}</span>
      </div>
      <toll-chart
        height="156"
        caption="Spent by day"
        .points=${pointsOf(days, this.dates)}
        .series=${this.series(overview, usage, unit, days)}
        .format=${(value: string) => this.money.amount(value, unit)}
        .short=${(value: string) => this.money.parts(value, unit, { compact: true }).number}
      ></toll-chart>
    </div>`;
  }

  private figure({ unit, amount }: UnitAmount): TemplateResult {
    const { number, name } = this.money.parts(amount, unit);
    return html`${number}${name ? html` <small>${name}</small>` : nothing}`;
  }

  private series({ meters }: Overview, usage: Usage, unit: string, days: string[]): Series[] {
    const used = meters.filter((each) => each.unit === unit).sort((left, right) => compare(right.charge, left.charge));
    return trend(usage.rows, unit, days, (at) => this.dates.dayOf(at), used);
  }

  private strip({ total_spent, owed, held, tokens, plan }: Overview): TemplateResult {
    const due = owed.filter(({ amount }) => !isZero(amount));
    return html`<dl class="panel strip">
      ${this.fact('Spent in all', this.amounts(total_spent))}
      ${this.fact('Owed', due.length ? this.amounts(due) : this.amounts([]), due.length ? 'used, not prepaid' : 'all is paid')}
      ${this.fact('On hold', this.amounts(held.filter(({ amount }) => !isZero(amount))))}
      ${tokens ? this.fact('Tokens this month', this.money.quantity(tokens.total, null, { compact: true }), `in ${this.money.count(tokens.calls, 'AI call')}`) : nothing}
      ${plan || this.session.change_plan ? this.fact('Plan', html`<a href=${this.address({ tab: 'plans' })}>${plan?.name ?? 'Choose one'}</a>`, plan ? this.planNote(plan) : undefined) : nothing}
    </dl>`;
  }

  private planNote({ next, since }: NonNullable<Overview['plan']>): string | undefined {
    if (next) return `${next.name ?? 'none'} from ${this.dates.date(next.from)}`;
    return since === null ? undefined : `since ${this.dates.date(since)}`;
  }

  private fact(name: string, value: unknown, note?: string): TemplateResult {
    return html`<div><dt>${name}</dt><dd>${value}${note ? html`<small class="note">${note}</small>` : nothing}</dd></div>`;
  }

  private amounts(amounts: UnitAmount[]): TemplateResult {
    const unit = this.data?.overview.wallets[0]?.unit ?? this.session.currency;
    const shown = amounts.length ? amounts : [{ unit, amount: '0' }];
    return html`${shown.map((each, place) => html`${place ? ' + ' : ''}${this.figure(each)}`)}`;
  }

  private meters({ meters }: Overview): TemplateResult {
    const used = meters.filter(({ events }) => events > 0).sort((left, right) => compare(right.charge, left.charge));
    return html`<div class="panel">
      <div class="head"><h2>What it went to</h2></div>
      ${
        used.length
          ? html`<ul class="meters">${repeat(
              used,
              ({ meter, unit }) => meter + unit,
              (meter) => this.meter(meter, used),
            )}</ul>`
          : html`<p class="muted">Nothing was used this month yet.</p>`
      }
    </div>`;
  }

  private meter(
    { name, meter, meter_unit, quantity, events, charge, unit, estimated, unpriced }: MeterTotal,
    all: MeterTotal[],
  ): TemplateResult {
    const most = all
      .filter((each) => each.unit === unit)
      .reduce((top, each) => (compare(each.charge, top) > 0 ? each.charge : top), '0');
    const notes = [
      estimated && `${this.money.quantity(String(estimated))} estimated`,
      unpriced && `${this.money.quantity(String(unpriced))} unpriced`,
    ].filter(Boolean);
    return html`<li>
      <div class="row"><a class="name" href=${this.address({ tab: 'usage', meter })}>${name}</a><span class="figure">${isCharged({ unit, events, unpriced }) ? this.money.amount(charge, unit!) : 'No price yet'}</span></div>
      <div class="length" aria-hidden="true"><span .style=${`inline-size:${(Math.max(0, share(charge, most)) * 100).toFixed(1)}%`}></span></div>
      <p class="muted small">${[this.money.quantity(quantity, meter_unit), ...notes].join(' · ')}</p>
    </li>`;
  }
}

const pointsOf = (days: string[], dates: Dates) =>
  days.map((day) => ({ key: day, label: dates.shortDay(day), long: dates.longDay(day) }));
