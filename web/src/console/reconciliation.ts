/** Reconciliation: providers' reports against our calls, by day, provider and model; each difference with its parts. */
import {
  type Column,
  css,
  html,
  isZero,
  nothing,
  rangeControl,
  rangeStyles,
  state,
  type TemplateResult,
  titled,
} from 'tollkeeper';
import { app, badge, count } from './app.ts';
import { part } from './client.ts';
import { empty, lines, Pages, rowsOfBones, Task } from './load.ts';
import { choice, everything, look, panel, table, tile, View } from './look.ts';
import { signed } from './margins.ts';
import { toCustomer } from './router.ts';
import type { ExplainedReconciliation, Page, ReconciledDay, Reconciliation, ReconciliationRun } from './types.ts';

const FINDINGS = [
  ['', 'All'],
  ['missing_here', 'Missing here'],
  ['extra_here', 'Extra here'],
  ['price_gap', 'Price gap'],
  ['match', 'Match'],
] as const;
const PROVIDERS = ['openai', 'anthropic'] as const;
const LOOKS: Record<string, string> = { match: 'good', missing_here: 'bad', extra_here: 'warn', price_gap: 'warn' };

interface Booked {
  provider: string;
  unit: string;
  grains: number;
  booked: string;
}

export class ReconciliationPage extends View {
  /** What opened rows have asked for. */
  @state() private explained = new Map<string, ExplainedReconciliation | Error>();
  private readonly pages = new Pages<Reconciliation>(
    this,
    (cursor) => this.ask(cursor, 50),
    () => this.filter,
    true,
  );
  private readonly totals = new Task<{ data: Booked[] }>(
    this,
    () => app.client.get('/v1/reconciliations/totals', { ...this.days, provider: app.router.value('provider') }),
    () => this.filter,
  );
  private readonly closed = new Task<ReconciledDay[]>(
    this,
    async () => {
      const found = await Promise.all(
        PROVIDERS.map((provider) =>
          app.client.get<{ data: ReconciledDay[] }>('/v1/reconciliations/days', { provider, ...this.days }),
        ),
      );
      return found.flatMap(({ data }) => data).sort((left, right) => right.start.localeCompare(left.start));
    },
    () => this.filter,
  );

  static override styles = [look, rangeStyles, css`.tiles { margin-block-end: 16px; }`];

  protected override render(): TemplateResult {
    const provider = app.router.value('provider');
    return html`<div class="top">
        <div><h1>Reconciliation</h1><p>What providers report, compared with our calls; the difference is booked once a day is over.</p></div>
        <div class="actions"><button class="button primary" @click=${this.reconcile}>Reconcile now</button></div>
      </div>
      <div class="tools">
        ${rangeControl(app.dates, this.range, (range) => app.router.set({ range }))}
        ${choice('Finding', FINDINGS, app.router.value('finding'), (finding) => app.router.set({ finding }))}
        <label><span class="hidden">Provider</span><select class="control" @change=${(event: Event) => app.router.set({ provider: (event.target as HTMLSelectElement).value })}>
          <option value="">All providers</option>
          ${PROVIDERS.map((each) => html`<option value=${each} ?selected=${each === provider}>${each}</option>`)}
        </select></label>
      </div>
      ${this.totals.render(({ data }) => this.sums(data), nothing)}
      <div class="stack">
        ${this.pages.render((page) => this.view(page), rowsOfBones())}
        ${panel(
          'Days',
          this.closed.render((days) => this.dayList(days), rowsOfBones(4)),
        )}
      </div>`;
  }

  private get range() {
    return app.dates.range(app.router.value('range') || '30');
  }

  /** Providers' days are UTC's. */
  private get days() {
    const { first, last } = this.range;
    return { from: `${first}T00:00:00Z`, to: new Date(Date.parse(`${last}T00:00:00Z`) + 86_400_000).toISOString() };
  }

  private get filter(): string {
    return ['range', 'finding', 'provider'].map((name) => app.router.value(name)).join('\n');
  }

  private ask(cursor: string | null, limit: number): Promise<Page<Reconciliation>> {
    const { router } = app;
    return app.client.get('/v1/reconciliations', {
      ...this.days,
      finding: router.value('finding'),
      provider: router.value('provider'),
      limit,
      cursor,
    });
  }

  private sums(data: Booked[]): unknown {
    if (!data.length) return nothing;
    return html`<dl class="tiles">${data.map(({ provider, unit, grains, booked }) => tile(`Difference booked, ${provider}`, signed(booked, unit), count(grains, 'comparison')))}</dl>`;
  }

  private view(page: Page<Reconciliation>): TemplateResult {
    if (!page.data.length)
      return empty(
        'Nothing compared in these days',
        'Set an admin key of the provider, and its reports are read each hour.',
      );
    const columns = this.columns();
    return html`<section class="panel flush">
      ${table<Reconciliation>({
        caption: 'Comparisons',
        columns,
        rows: page.data,
        key: ({ reconciliation_id }) => reconciliation_id,
        file: 'reconciliation.csv',
        download: () => everything(columns, (cursor) => this.ask(cursor, 1000)),
        detail: (row) => this.about(row),
        onOpen: (row) => void this.explain(row.reconciliation_id),
      })}
      ${this.pages.pager()}
    </section>`;
  }

  private columns(): Column<Reconciliation>[] {
    const money = (key: 'our_cost' | 'their_money' | 'difference', title: string): Column<Reconciliation> => ({
      key,
      title,
      numeric: true,
      main: key === 'difference',
      value: (row) => row[key] ?? '',
      cell: (row) => (row[key] === null ? '–' : app.money.amount(row[key], row.unit, { signed: key === 'difference' })),
    });
    return [
      {
        key: 'model',
        title: 'Model',
        value: ({ model }) => model,
        cell: (row) =>
          html`${row.model}<span class="sub">${[row.provider, row.project, row.api_key].filter(Boolean).join(' · ')}</span>`,
      },
      {
        key: 'day',
        title: 'Day (UTC)',
        value: ({ start }) => start.slice(0, 10),
        cell: ({ start }) => app.dates.shortDay(start.slice(0, 10)),
      },
      {
        key: 'requests',
        title: 'Requests, ours / theirs',
        numeric: true,
        value: (row) => `${ourRequests(row)} / ${row.their_requests ?? ''}`,
        cell: requests,
      },
      money('our_cost', 'Our cost'),
      money('their_money', 'Their bill'),
      money('difference', 'Difference'),
      {
        key: 'finding',
        title: 'Finding',
        value: ({ finding }) => finding,
        cell: ({ finding }) => badge(titled(finding), LOOKS[finding]),
      },
    ];
  }

  private async explain(id: string): Promise<void> {
    if (this.explained.has(id)) return;
    const said = await app.client
      .get<ExplainedReconciliation>(`/v1/reconciliations/${part(id)}`)
      .catch((error: Error) => error);
    this.explained = new Map(this.explained).set(id, said);
  }

  private about(row: Reconciliation): unknown {
    const said = this.explained.get(row.reconciliation_id);
    if (said instanceof Error) return html`<p>${said.message}</p>`;
    return html`<div class="more">
      ${row.parts.length ? html`<ul>${row.parts.map(({ because, finding }) => html`<li>${badge(titled(finding), LOOKS[finding])} ${because}</li>`)}</ul>` : html`<p class="muted">No difference in money.</p>`}
      <dl>
        ${row.units.map(({ unit, ours, theirs }) => html`<dt>${titled(unit)}</dt><dd>${ours === null ? '–' : app.money.quantity(ours)} here, ${theirs === null ? 'not told' : app.money.quantity(theirs)} there</dd>`)}
        ${row.vague_requests ? html`<dt>Not known exactly</dt><dd>${count(row.vague_requests, 'call')} of ours: the usage or the price was missing when the call was recorded, and is taken from the report</dd>` : nothing}
        <dt>Booked</dt><dd>${app.money.amount(row.booked, row.unit, { signed: true })}${isZero(row.change) ? '' : `, ${app.money.amount(row.change, row.unit, { signed: true })} of it by this revision`}</dd>
        <dt>Compared</dt><dd>${app.time(row.compared_at)} by ${row.compared_by}, revision ${row.revision}</dd>
        ${said && said.revisions.length > 1 ? html`<dt>Revisions</dt><dd>${said.revisions.map(({ revision, difference, unit, compared_at }) => html`<div>${revision}: ${difference === null ? 'not billed yet' : app.money.amount(difference, unit, { signed: true })}, ${app.time(compared_at)}</div>`)}</dd>` : nothing}
        ${said?.shares.length ? html`<dt>Given to</dt><dd>${said.shares.slice(0, 20).map(({ customer, amount, reason }) => html`<div><a href=${toCustomer(customer)}>${customer}</a> ${app.money.amount(amount, row.unit)} <span class="muted">${titled(reason)}</span></div>`)}</dd>` : nothing}
      </dl>
      ${said ? nothing : lines(1)}
    </div>`;
  }

  private dayList(days: ReconciledDay[]): unknown {
    if (!days.length) return html`<p class="muted">No reports were read of these days.</p>`;
    const columns: Column<ReconciledDay>[] = [
      {
        key: 'day',
        title: 'Day (UTC)',
        value: ({ start }) => start.slice(0, 10),
        cell: ({ start }) => app.dates.shortDay(start.slice(0, 10)),
      },
      { key: 'provider', title: 'Provider', value: ({ provider }) => provider },
      {
        key: 'state',
        title: 'State',
        value: ({ closed_at }) => (closed_at ? 'closed' : 'open'),
        cell: ({ closed_at, reopened }) =>
          html`${closed_at ? badge('Closed', 'good') : badge('May still grow', 'warn')}${reopened ? badge(`Opened again ${reopened}×`, 'warn') : nothing}`,
      },
      {
        key: 'reads',
        title: 'Reports read',
        value: readings,
      },
      {
        key: 'last',
        title: 'Last read',
        value: ({ last_read_at }) => last_read_at,
        cell: ({ last_read_at }) => app.time(last_read_at),
      },
      {
        key: 'act',
        title: 'Actions',
        quiet: true,
        value: () => '',
        cell: (day) =>
          day.closed_at
            ? nothing
            : html`<span class="buttons"><button class="button" @click=${() => this.closeDay(day)}>Close</button></span>`,
      },
    ];
    return table({
      caption: 'Days',
      columns,
      rows: days,
      key: ({ provider, start }) => provider + start,
      file: 'reconciled-days.csv',
    });
  }

  private readonly reconcile = async (): Promise<void> => {
    const done = await app.ask<{ data: ReconciliationRun[] }>({
      title: 'Reconcile now',
      text: ({ from, to, book, close }) =>
        `Reads the providers’ reports of ${from && to ? `${from} to ${to}` : 'the latest days'}${book === 'dry' ? ' and shows what would be booked; nothing is kept' : `, books what differs${close ? ', and closes the days: what isn’t explained is shared out' : ''}`}.`,
      fields: [
        {
          name: 'provider',
          label: 'Provider',
          kind: 'choice',
          options: [['', 'All with an admin key'], ...PROVIDERS.map((each) => [each, each] as const)],
        },
        { name: 'from', label: 'First day (UTC)', kind: 'day' },
        {
          name: 'to',
          label: 'Last day (UTC)',
          kind: 'day',
          check: (to, { from }) => (from && to < from ? 'Before the first day.' : null),
        },
        {
          name: 'book',
          label: 'What to do',
          kind: 'choice',
          options: [
            ['dry', 'Only show it'],
            ['book', 'Book it'],
          ],
        },
        { name: 'close', label: 'Close the days at once', kind: 'check', shown: ({ book }) => book === 'book' },
      ],
      action: 'Reconcile',
      done: 'Reconciled.',
      send: ({ provider, from, to, book, close }) =>
        app.client.post('/v1/reconciliations', {
          provider: provider || null,
          from: from ? `${from}T00:00:00Z` : null,
          to: to ? dayAfter(to) : null,
          dry_run: book === 'dry',
          close: close === 'yes',
        }),
      result: ({ data }) => outcome(data),
    });
    if (done) await this.again();
  };

  private async closeDay(day: ReconciledDay): Promise<void> {
    const date = day.start.slice(0, 10);
    const done = await app.ask<{ data: ReconciliationRun[] }>({
      title: `Close ${date} of ${day.provider}?`,
      text: 'Reads the day once more and takes it for final: what our calls don’t explain is shared out to those it belongs to. If the report grows after all, it’s opened again.',
      action: 'Close the day',
      done: 'The day is closed.',
      send: () =>
        app.client.post('/v1/reconciliations', {
          provider: day.provider,
          from: day.start,
          to: dayAfter(date),
          close: true,
        }),
    });
    if (done) await this.again();
  }

  private async again(): Promise<void> {
    this.explained = new Map();
    await Promise.all([this.pages.run(), this.totals.run(), this.closed.run()]);
  }
}

const dayAfter = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString();

/** All of our calls: also those whose usage or cost wasn't known exactly, which the API counts apart. */
const ourRequests = (row: Reconciliation): number => row.our_requests + row.vague_requests;

function requests(row: Reconciliation): TemplateResult {
  const { money } = app;
  const theirs = row.their_requests === null ? '–' : money.quantity(String(row.their_requests));
  const vague = money.quantity(String(row.vague_requests));
  return html`${money.quantity(String(ourRequests(row)))} / ${theirs}${row.vague_requests ? html`<span class="sub">${vague} of ours not known exactly</span>` : nothing}`;
}

/** How often the day's report was read, and how often in a row without a change: that is what closes a day. */
function readings({ reads, stable_reads }: ReconciledDay): string {
  const alike = stable_reads ? `the last ${count(stable_reads, 'time')} unchanged` : 'nothing read twice alike yet';
  return `${count(reads, 'time')}${reads > 1 ? `, ${alike}` : ''}`;
}

function outcome(runs: ReconciliationRun[]): TemplateResult {
  if (!runs.length) return html`<p>No provider has an admin key, so there was nothing to read.</p>`;
  return html`<ul>${runs.map(({ provider, dry_run, days }) => {
    const grains = days.flatMap((day) => day.grains);
    const differ = grains.filter(({ finding }) => finding !== 'match').length;
    return html`<li><strong>${provider}</strong>: ${count(days.length, 'day')}, ${count(grains.length, 'comparison')}, ${differ} of them differ${dry_run ? ' (nothing was kept)' : ''}.</li>`;
  })}</ul>`;
}
