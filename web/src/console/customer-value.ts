/** A customer's prepaid value: grants given, taken back, and those that come again. */
import { type Column, html, isZero, nothing, property, type TemplateResult, titled } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { type Field, instant, NOTE, orNothing, positive, type Values } from './forms.ts';
import { empty, Pages, rowsOfBones, Task } from './load.ts';
import { choice, panel, table, tile, View } from './look.ts';
import type { Customer, Grant, Page, RecurringGrant } from './types.ts';

const STATES = [
  ['', 'All'],
  ['active', 'Active'],
  ['scheduled', 'Scheduled'],
  ['ended', 'Ended'],
] as const;
const KINDS = [
  ['paid', 'Paid: money came in'],
  ['promotional', 'Promotional: given away'],
  ['compensation', 'Compensation: to make up for something'],
] as const;

interface Balances {
  as_of: string;
  wallets: { unit: string; balance: string; held: string; available: string }[];
}

export class CustomerValue extends View {
  @property({ attribute: false }) customer!: Customer;
  private readonly balances = new Task<Balances>(
    this,
    () => app.client.get(this.path('balance')),
    () => this.customer.key,
  );
  private readonly grants = new Pages<Grant>(
    this,
    (cursor) => app.client.get(this.path('grants'), { state: this.state, limit: 20, cursor }),
    () => `${this.customer.key}\n${this.state}`,
  );
  private readonly recurring = new Task<{ data: RecurringGrant[] }>(
    this,
    () => app.client.get(this.path('recurring-grants')),
    () => this.customer.key,
  );

  protected override render(): TemplateResult {
    const states = choice('State', STATES, this.state, (state) => app.router.set({ state }, { replace: true }));
    return html`<div class="stack">
      ${this.balances.render((balances) => this.wallets(balances))}
      ${panel(
        'Grants',
        this.grants.render((page) => this.list(page), rowsOfBones(4)),
        html`${states}<button class="button" @click=${() => this.give('compensation')}>Compensate</button><button class="button primary" @click=${() => this.give('paid')}>Give value</button>`,
      )}
      ${panel(
        'Value that comes again',
        this.recurring.render(({ data }) => this.repeats(data), rowsOfBones(2)),
        html`<button class="button" @click=${() => this.putRecurring()}>New</button>`,
      )}
    </div>`;
  }

  private path(what: string): string {
    return `/v1/customers/${part(this.customer.key)}/${what}`;
  }

  private get state(): string {
    return app.router.value('state');
  }

  private wallets({ wallets }: Balances): unknown {
    if (!wallets.length) return nothing;
    return html`<dl class="tiles">${wallets.map(({ unit, balance, held, available }) => tile(`${app.money.name(unit)} available`, app.money.amount(available, unit), isZero(held) ? nothing : `${app.money.amount(held, unit)} of ${app.money.amount(balance, unit)} on hold`))}</dl>`;
  }

  private list(page: Page<Grant>): TemplateResult {
    if (!page.data.length) return empty('No grants', 'What’s given, bought or made up for appears here.');
    return html`${table<Grant>({
      caption: 'Grants',
      columns: this.columns(),
      rows: page.data,
      key: ({ id }) => id,
      file: `grants-${this.customer.key}.csv`,
      detail: (grant) => about(grant),
    })}
    ${this.grants.pager()}`;
  }

  private columns(): Column<Grant>[] {
    const amount = (key: 'amount' | 'remaining' | 'spent', title: string): Column<Grant> => ({
      key,
      title,
      numeric: true,
      main: key === 'remaining',
      value: (grant) => grant[key],
      cell: (grant) => app.money.amount(grant[key], grant.unit, { floor: key === 'remaining' }),
    });
    return [
      {
        key: 'kind',
        title: 'Grant',
        value: ({ kind, reference }) => [kind, reference].filter(Boolean).join(' '),
        cell: (grant) =>
          html`${titled(grant.kind)} <span class="muted">${grant.reference ?? grant.recurring ?? ''}</span>`,
      },
      amount('amount', 'Given'),
      amount('remaining', 'Left'),
      amount('spent', 'Spent'),
      {
        key: 'from',
        title: 'From',
        value: ({ effective_at }) => effective_at,
        cell: ({ effective_at }) => app.time(effective_at),
      },
      {
        key: 'until',
        title: 'Until',
        value: ({ expires_at }) => expires_at ?? '',
        cell: ({ expires_at }) => app.time(expires_at, 'no end'),
      },
      {
        key: 'state',
        title: 'State',
        value: ({ state }) => state,
        cell: ({ state }) => badge(titled(state), state === 'active' ? 'good' : ''),
      },
      {
        key: 'take',
        title: 'Actions',
        quiet: true,
        value: () => '',
        cell: (grant) =>
          isZero(grant.remaining)
            ? nothing
            : html`<span class="buttons"><button class="button" @click=${() => this.takeBack(grant, 'void')}>Void</button>${grant.kind === 'paid' ? html`<button class="button" @click=${() => this.takeBack(grant, 'refund')}>Refund</button>` : nothing}</span>`,
      },
    ];
  }

  private async give(kind: string): Promise<void> {
    const given = await app.ask<Grant>({
      title: kind === 'compensation' ? 'Give compensation' : 'Give value',
      text: (values) => this.whatIsGiven(values),
      fields: this.fields(kind),
      action: 'Give',
      done: 'The grant is given.',
      send: ({ amount, unit, kind, priority, effective_at, expires_at, reference, note }, id) =>
        app.client.post(this.path('grants'), {
          id,
          amount,
          unit,
          kind,
          priority: Number(priority),
          effective_at: instant(effective_at ?? ''),
          expires_at: instant(expires_at ?? ''),
          reference: orNothing(reference ?? ''),
          note: orNothing(note ?? ''),
        }),
    });
    if (given) await Promise.all([this.grants.restart(), this.balances.run()]);
  }

  private fields(kind: string): Field[] {
    const units = app.units(this.customer.currency).map((unit) => [unit, app.money.name(unit)] as const);
    return [
      { name: 'amount', label: 'Amount', kind: 'decimal', half: true, required: true, check: positive },
      { name: 'unit', label: 'Unit', kind: 'choice', half: true, options: units, required: true },
      { name: 'kind', label: 'Kind', kind: 'choice', options: KINDS, value: kind, required: true },
      { name: 'effective_at', half: true, label: 'From', kind: 'time', hint: 'At once, where it’s left empty.' },
      { name: 'expires_at', half: true, label: 'Until', kind: 'time', hint: 'What is left then lapses.' },
      {
        name: 'priority',
        label: 'Priority',
        value: '50',
        required: true,
        hint: 'Lower is spent first.',
        check: (value) => (/^-?\d+$/.test(value) ? null : 'A whole number.'),
      },
      { name: 'reference', label: 'Reference', hint: 'Such as your order’s number.' },
      NOTE,
    ];
  }

  private whatIsGiven({ amount, unit, kind, expires_at }: Values): string {
    const shown = safeAmount(amount, unit);
    const until = expires_at ? `, to be spent by ${app.dates.dateTime(instant(expires_at)!)}` : '';
    return `${this.customer.name} gets ${shown} (${kind})${until}. It’s booked at once, and spent before anything is owed.`;
  }

  private async takeBack(grant: Grant, how: 'void' | 'refund'): Promise<void> {
    const left = app.money.amount(grant.remaining, grant.unit, { floor: true });
    const done = await app.ask({
      title: how === 'void' ? 'Void the grant?' : 'Refund the grant?',
      text: html`Takes back the <strong>${left}</strong> that are left. ${how === 'refund' ? 'The ledger says that the money goes back; sending it is yours.' : 'What is spent stays spent.'} It can’t be undone; what is held goes once its holds don’t need it.`,
      fields: [NOTE],
      action: how === 'void' ? 'Void' : 'Refund',
      danger: true,
      done: how === 'void' ? 'The grant is void.' : 'The grant is refunded.',
      send: ({ note }) =>
        app.client.post(`/v1/grants/${part(grant.id)}/${how}`, { customer: this.customer.key, note: orNothing(note!) }),
    });
    if (done) await Promise.all([this.grants.run(), this.balances.run()]);
  }

  private repeats(data: RecurringGrant[]): TemplateResult {
    if (!data.length)
      return html`<p class="muted">Nothing of its own; what its plan gives again is in the catalog.</p>`;
    const columns: Column<RecurringGrant>[] = [
      { key: 'name', title: 'Name', value: ({ name }) => name },
      {
        key: 'amount',
        title: 'Amount',
        numeric: true,
        main: true,
        value: ({ amount }) => amount,
        cell: ({ amount, unit }) => app.money.amount(amount, unit),
      },
      { key: 'every', title: 'Every', value: ({ every }) => every },
      {
        key: 'rollover',
        title: 'What is left',
        value: ({ rollover }) =>
          rollover === 'none' ? 'lapses' : rollover === 'all' ? 'goes over' : `goes over up to ${rollover}`,
      },
      {
        key: 'state',
        title: 'State',
        value: ({ ended_at }) => (ended_at ? 'Ended' : 'Active'),
        cell: ({ ended_at }) => (ended_at ? badge('Ended') : badge('Active', 'good')),
      },
      {
        key: 'end',
        title: 'Actions',
        quiet: true,
        value: () => '',
        cell: (row) =>
          row.ended_at
            ? nothing
            : html`<span class="buttons"><button class="button" @click=${() => this.putRecurring(row)}>Change</button><button class="button" @click=${() => this.endRecurring(row)}>End</button></span>`,
      },
    ];
    return table({ caption: 'Value that comes again', columns, rows: data, key: ({ name }) => name });
  }

  private async putRecurring(old: RecurringGrant | null = null): Promise<void> {
    const units = app.units(this.customer.currency).map((unit) => [unit, app.money.name(unit)] as const);
    const done = await app.ask<RecurringGrant>({
      title: old ? `Change ${old.name}` : 'Value that comes again',
      text: ({ amount, unit, every }) =>
        `${this.customer.name} gets ${safeAmount(amount, unit)} every ${every}${old ? ', from the next period on' : ', the first time now'}.`,
      fields: [
        ...(old ? [] : [{ name: 'name', label: 'Name', required: true, check: isKey } satisfies Field]),
        {
          name: 'amount',
          label: 'Amount',
          kind: 'decimal',
          half: true,
          required: true,
          value: old?.amount,
          check: positive,
        },
        { name: 'unit', label: 'Unit', kind: 'choice', half: true, options: units, value: old?.unit, required: true },
        {
          name: 'every',
          label: 'Every',
          kind: 'choice',
          options: ['day', 'week', 'month'].map((each) => [each, titled(each)] as const),
          value: old?.every ?? 'month',
          required: true,
        },
        {
          name: 'rollover',
          label: 'What is left over',
          value: old?.rollover ?? 'none',
          hint: '“none” lapses, “all” goes over to the next period, a number is the most that does.',
          required: true,
        },
      ],
      action: old ? 'Change' : 'Give',
      done: 'It comes again from now on.',
      send: ({ name, ...body }) => app.client.put(this.path(`recurring-grants/${part(old?.name ?? name!)}`), body),
    });
    if (done) await Promise.all([this.recurring.run(), this.grants.restart(), this.balances.run()]);
  }

  private async endRecurring({ name }: RecurringGrant): Promise<void> {
    const done = await app.ask({
      title: `End ${name}?`,
      text: 'It comes no more. What it gave stays, until its period is over.',
      action: 'End',
      danger: true,
      done: 'It comes no more.',
      send: () => app.client.delete(this.path(`recurring-grants/${part(name)}`)),
    });
    if (done) await this.recurring.run();
  }
}

/** The form of names that the catalog's have. */
export const isKey = (value: string): string | null =>
  /^[a-z][a-z0-9_]{0,62}$/.test(value) ? null : 'Small letters, digits and _, a letter first.';

export function safeAmount(amount: string | undefined, unit: string | undefined): string {
  try {
    return app.money.amount(amount || '0', unit ?? '');
  } catch {
    return '…';
  }
}

const about = (grant: Grant): TemplateResult => html`<dl>
  <dt>Id</dt><dd class="code">${grant.id}</dd>
  <dt>Given</dt><dd>${app.time(grant.created_at)} by ${grant.created_by}</dd>
  <dt>Priority</dt><dd>${grant.priority}</dd>
  ${isZero(grant.expired) ? nothing : html`<dt>Lapsed</dt><dd>${app.money.amount(grant.expired, grant.unit)}</dd>`}
  ${isZero(grant.voided) ? nothing : html`<dt>Taken back</dt><dd>${app.money.amount(grant.voided, grant.unit)}</dd>`}
  ${grant.note ? html`<dt>Note</dt><dd>${grant.note}</dd>` : nothing}
</dl>`;
