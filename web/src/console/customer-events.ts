/** A customer's events and calls with what they cost and leave; correcting an event. */
import {
  type Column,
  html,
  negate,
  nothing,
  property,
  state,
  subtract,
  type TemplateResult,
  text,
  titled,
} from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { isDecimal, NOTE, positive } from './forms.ts';
import { empty, lines, Pages, rowsOfBones, Task } from './load.ts';
import { debounced, panel, searchField, table, View } from './look.ts';
import { signed } from './margins.ts';
import { to } from './router.ts';
import type { Call, Explanation, Ingested, Margins, UsageEvent } from './types.ts';

const CORRECTABLE = ['sum', 'count'];

export class CustomerEvents extends View {
  @property({ attribute: false }) customer = '';
  /** What opened rows have asked for. */
  @state() private explained = new Map<string, Explanation | Error>();
  private readonly events = new Pages<UsageEvent>(
    this,
    (cursor) => this.ask(cursor, 25),
    () => `${this.customer}\n${app.router.value('event')}\n${app.router.value('meter')}`,
  );
  private readonly calls = new Pages<Call>(
    this,
    (cursor) => app.client.get('/v1/calls', { customer: this.customer, limit: 15, cursor }),
    () => this.customer,
  );
  private readonly models = new Task<Margins>(
    this,
    () => app.client.get('/v1/margins', { customer: this.customer, group_by: 'model', sort: 'cost', limit: 50 }),
    () => this.customer,
  );
  private readonly find = debounced((event: string) => app.router.set({ event: event.trim() }, { replace: true }));

  protected override render(): TemplateResult {
    return html`<div class="stack">
      ${panel('Events', html`${this.tools()}${this.events.render((page) => this.list(page.data), rowsOfBones(6))}`)}
      ${panel(
        'Margin by model, 30 days',
        this.models.render((margins) => this.byModel(margins), rowsOfBones(3)),
        html`<a href="${to('margins')}?customer=${part(this.customer)}">All margins</a>`,
      )}
      ${panel(
        'Calls to AI providers',
        this.calls.render(() => this.callList(), rowsOfBones(5)),
      )}
    </div>`;
  }

  private tools(): TemplateResult {
    return html`<div class="tools">
      ${searchField('Find an event by its whole id', app.router.value('event'), this.find)}
      <label><span class="hidden">Only this meter</span><select class="control" @change=${(event: Event) => app.router.set({ meter: (event.target as HTMLSelectElement).value }, { replace: true })}>
        <option value="">All meters</option>
        ${app.catalog.meters.map(({ key, name }) => html`<option value=${key} ?selected=${key === app.router.value('meter')}>${name}</option>`)}
      </select></label>
    </div>`;
  }

  private async ask(cursor: string | null, limit: number) {
    const id = app.router.value('event');
    const { customer } = this;
    if (id)
      return { data: [await app.client.get<UsageEvent>(`/v1/events/${part(id)}`, { customer })], next_cursor: null };
    const meter = app.router.value('meter') || null;
    // Without a time all there is, newest first.
    return app.client.get<{ data: UsageEvent[]; next_cursor: string | null }>('/v1/events', {
      customer,
      meter,
      limit,
      cursor,
    });
  }

  private list(events: UsageEvent[]): TemplateResult {
    if (!events.length) return empty('No events', 'What the customer uses appears here.');
    return html`${table<UsageEvent>({
      caption: 'Events',
      columns: this.columns(),
      rows: events,
      key: ({ id }) => id,
      file: `events-${this.customer}.csv`,
      download: () =>
        app.client.csv('/v1/events', {
          customer: this.customer,
          meter: app.router.value('meter') || null,
          limit: 1000,
        }),
      detail: (event) => this.about(event),
      onOpen: (event) => void this.explain(event),
    })}${this.events.pager()}`;
  }

  private columns(): Column<UsageEvent>[] {
    return [
      {
        key: 'meter',
        title: 'Event',
        value: ({ id }) => id,
        cell: (event) => html`${app.meterName(event.meter)}<span class="sub">${event.id}</span>`,
      },
      { key: 'time', title: 'Time', value: ({ time }) => time, cell: ({ time }) => app.time(time) },
      {
        key: 'quantity',
        title: 'Quantity',
        numeric: true,
        value: ({ quantity }) => quantity,
        cell: ({ quantity, meter }) => app.money.quantity(quantity, app.meter(meter)?.unit ?? null),
      },
      {
        key: 'charge',
        title: 'Charge',
        numeric: true,
        main: true,
        value: ({ charge }) => charge ?? '',
        cell: (event) => charge(event),
      },
      {
        key: 'cost',
        title: 'Cost',
        numeric: true,
        value: ({ cost }) => cost ?? '',
        cell: ({ cost }) => (cost === null ? '–' : app.money.amount(cost, app.catalog.currency)),
      },
      {
        key: 'margin',
        title: 'Margin',
        numeric: true,
        value: (event) => margin(event) ?? '',
        cell: (event) => marginCell(event),
      },
      { key: 'act', title: 'Actions', quiet: true, value: () => '', cell: (event) => this.button(event) },
    ];
  }

  private button(event: UsageEvent): unknown {
    if (event.corrects) return badge('Correction');
    if (!CORRECTABLE.includes(app.meter(event.meter)?.aggregation ?? '')) return nothing;
    return html`<span class="buttons"><button class="button" @click=${() => this.correct(event)}>Correct</button></span>`;
  }

  private async explain(event: UsageEvent): Promise<void> {
    if (this.explained.has(event.id)) return;
    const path = `/v1/events/${part(event.id)}/explanation`;
    const said = await app.client.get<Explanation>(path, { customer: this.customer }).catch((error: Error) => error);
    this.explained = new Map(this.explained).set(event.id, said);
  }

  private about(event: UsageEvent): TemplateResult {
    const said = this.explained.get(event.id);
    const dimensions = Object.entries(event.dimensions).map(
      ([name, value]) => html`<dt>${titled(name)}</dt><dd>${value}</dd>`,
    );
    return html`<div class="more">
      <dl>
        <dt>Recorded</dt><dd>${app.time(event.recorded_at)}</dd>
        ${event.member ? html`<dt>Member</dt><dd>${event.member}</dd>` : nothing}${dimensions}
        ${event.corrects ? html`<dt>Corrects</dt><dd class="code">${event.corrects}</dd>` : nothing}
        ${event.corrected_by.length ? html`<dt>Corrected by</dt><dd class="code">${event.corrected_by.join(', ')}</dd>` : nothing}
        ${event.cost_source ? html`<dt>Cost from</dt><dd>${event.cost_source.replaceAll('_', ' ')}</dd>` : nothing}
      </dl>
      ${said === undefined ? lines(2) : said instanceof Error ? html`<p>${said.message}</p>` : html`<ul>${said.steps.map(({ text }) => html`<li>${text}</li>`)}</ul>`}
    </div>`;
  }

  private async correct(event: UsageEvent): Promise<void> {
    const meter = app.meter(event.meter);
    const counted = meter?.aggregation === 'count';
    const unit = meter?.unit ?? '';
    const done = await app.ask<Ingested>({
      title: `Correct ${event.id}`,
      text: ({ quantity }) =>
        counted
          ? 'Takes this event back whole: its charge is given back, at the price that was charged, in the period it was in.'
          : `Takes back ${quantity && isDecimal(quantity) ? app.money.quantity(quantity, unit) : '…'} of ${app.money.quantity(event.quantity, unit)}, at the price that was charged, in the period it was in.`,
      fields: [
        ...(counted
          ? []
          : [
              {
                name: 'quantity',
                label: `Too much (${unit})`,
                kind: 'decimal' as const,
                required: true,
                value: event.quantity,
                check: positive,
              },
            ]),
        ...(event.amount === null
          ? []
          : [
              {
                name: 'amount',
                label: 'Amount that was too much',
                kind: 'decimal' as const,
                required: true,
                value: '0',
              },
            ]),
        NOTE,
      ],
      action: 'Take back',
      danger: true,
      done: 'The event is corrected.',
      send: ({ quantity, amount, note }, id) =>
        app.client.post('/v1/events', {
          id: `console-${id}`,
          customer: this.customer,
          meter: event.meter,
          corrects: event.id,
          quantity: counted ? undefined : text(negate(quantity!)),
          amount: amount === undefined ? undefined : text(negate(amount)),
          metadata: note ? { note } : undefined,
        }),
    });
    if (done) await this.events.run();
  }

  private byModel(margins: Margins): unknown {
    const rows = margins.data.filter(({ group }) => group.model !== null);
    if (!rows.length) return html`<p class="muted">No calls to AI providers in 30 days.</p>`;
    const columns: Column<Margins['data'][number]>[] = [
      { key: 'model', title: 'Model', value: ({ group }) => group.model ?? '' },
      { key: 'calls', title: 'Calls', numeric: true, value: ({ calls }) => app.money.quantity(String(calls)) },
      {
        key: 'charge',
        title: 'Charges',
        numeric: true,
        main: true,
        value: ({ charge }) => charge,
        cell: ({ charge, unit }) => app.money.amount(charge, unit ?? margins.currency),
      },
      {
        key: 'cost',
        title: 'Cost',
        numeric: true,
        value: ({ cost }) => cost,
        cell: ({ cost }) => app.money.amount(cost, margins.currency),
      },
      {
        key: 'margin',
        title: 'Margin',
        numeric: true,
        value: ({ margin }) => margin ?? '',
        cell: ({ margin }) => (margin === null ? '–' : signed(margin, margins.currency)),
      },
    ];
    return table({
      caption: 'Margin by model',
      columns,
      rows,
      key: ({ group, unit }) => `${group.model} ${unit}`,
      file: `models-${this.customer}.csv`,
    });
  }

  private callList(): TemplateResult {
    const { rows } = this.calls;
    if (!rows.length) return empty('No calls', 'Calls to AI providers that events bring appear here.');
    return html`${callTable(rows, `calls-${this.customer}.csv`, { customer: this.customer }, (call) => html`<a href="?tab=events&event=${part(call.event)}">${call.event}</a>`)}${this.calls.pager()}`;
  }
}

/** A table of provider calls. */
export function callTable(
  rows: Call[],
  file: string,
  params: Record<string, string | boolean>,
  event: (call: Call) => unknown,
): TemplateResult {
  const columns: Column<Call>[] = [
    {
      key: 'model',
      title: 'Model',
      value: ({ model }) => model,
      cell: ({ provider, model }) => html`${model}<span class="sub">${provider}</span>`,
    },
    { key: 'at', title: 'Time', value: ({ at }) => at, cell: ({ at }) => app.time(at) },
    { key: 'event', title: 'Event', value: ({ event }) => event, cell: event },
    {
      key: 'tokens',
      title: 'Units',
      numeric: true,
      value: ({ quantities }) => units(quantities),
      cell: ({ quantities }) => units(quantities) || '–',
    },
    {
      key: 'cost',
      title: 'Cost',
      numeric: true,
      main: true,
      value: ({ cost }) => cost ?? '',
      cell: ({ cost, missing }) =>
        cost === null
          ? badge(`Unpriced${missing.length ? `: ${missing.join(', ')}` : ''}`, 'warn')
          : app.money.amount(cost, app.catalog.currency),
    },
    { key: 'source', title: 'From', value: ({ cost_source }) => cost_source.replaceAll('_', ' ') },
  ];
  return html`${table({ caption: 'Calls', columns, rows, key: ({ provider, id, event, at }) => [provider, id, event, at].join('\n'), file, download: () => app.client.csv('/v1/calls', { ...params, limit: 1000 }) })}`;
}

const units = (quantities: Record<string, string> | null): string =>
  Object.entries(quantities ?? {})
    .map(([unit, quantity]) => `${app.money.quantity(quantity)} ${unit.replaceAll('_', ' ')}`)
    .join(' + ');

function charge(event: UsageEvent): unknown {
  if (event.charge === null || event.unit === null) return badge('Unpriced', 'warn');
  return html`${app.money.amount(event.charge, event.unit)}${event.estimated ? html`<span class="sub">estimated</span>` : nothing}`;
}

function margin(event: UsageEvent): string | null {
  if (event.charge === null || event.cost === null || event.unit !== app.catalog.currency) return null;
  return text(subtract(event.charge, event.cost));
}

function marginCell(event: UsageEvent): unknown {
  const left = margin(event);
  return left === null ? '–' : signed(left, app.catalog.currency);
}
