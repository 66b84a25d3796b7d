/** Holds: what operations have reserved. Those in doubt wait for somebody who knows how they ended. Of one customer or all. */
import { type Column, html, nothing, property, type TemplateResult, titled } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { isDecimal, NOTE, notNegative, orNothing } from './forms.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { choice, everything, table, View } from './look.ts';
import { toCustomer } from './router.ts';
import type { Hold, Page } from './types.ts';

const STATES = [
  ['waiting', 'Open and in doubt'],
  ['in_doubt', 'In doubt'],
  ['open', 'Open'],
  ['settled', 'Settled'],
  ['released', 'Released'],
  ['expired', 'Expired'],
] as const;
const LOOKS: Record<string, string> = { open: 'accent', in_doubt: 'warn', settled: 'good' };

export class HoldsPage extends View {
  /** Null: everybody's. */
  @property({ attribute: false }) customer: string | null = null;
  private readonly holds = new Pages<Hold>(
    this,
    (cursor) => this.ask(cursor, 50),
    () => `${this.customer}\n${this.state}`,
    true,
  );

  protected override render(): TemplateResult {
    return html`${this.customer === null ? html`<div class="top"><div><h1>Holds</h1><p>What operations have reserved before they begin. Of those in doubt nobody has told how they ended.</p></div></div>` : nothing}
      <div class="tools">${choice('State', STATES, this.state, (state) => app.router.set({ state }))}</div>
      ${this.holds.render((page) => this.list(page), rowsOfBones(6))}`;
  }

  private get state(): string {
    return app.router.value('state') || (this.customer === null ? 'in_doubt' : 'waiting');
  }

  private get waiting(): boolean {
    return ['waiting', 'open', 'in_doubt'].includes(this.state);
  }

  private ask(cursor: string | null, limit: number): Promise<Page<Hold>> {
    const state = this.state === 'waiting' ? ['open', 'in_doubt'] : [this.state];
    return app.client.get('/v1/holds', { customer: this.customer, state, limit, cursor });
  }

  private list(page: Page<Hold>): TemplateResult {
    if (!page.data.length)
      return empty(
        'No such holds',
        this.state === 'in_doubt'
          ? 'Of every operation it’s known how it ended.'
          : 'An operation that asks before it begins has one, until it has ended.',
      );
    const columns = this.columns();
    return html`<section class="panel flush">
      ${table<Hold>({
        caption: 'Holds',
        columns,
        rows: page.data,
        key: ({ customer, id }) => `${customer}\n${id}`,
        file: 'holds.csv',
        download: () => everything(columns, (cursor) => this.ask(cursor, 1000)),
      })}
      ${this.holds.pager()}
    </section>`;
  }

  private columns(): Column<Hold>[] {
    const who: Column<Hold>[] = [
      {
        key: 'customer',
        title: 'Customer',
        value: ({ customer }) => customer,
        cell: ({ customer }) => html`<a href=${toCustomer(customer, { tab: 'holds' })}>${customer}</a>`,
      },
    ];
    return [
      {
        key: 'id',
        title: 'Hold',
        value: ({ id }) => id,
        cell: (hold) =>
          html`${app.meterName(hold.meter)}<span class="sub">${hold.id}${hold.member ? ` · ${hold.member}` : ''}</span>`,
      },
      ...(this.customer === null ? who : []),
      {
        key: 'state',
        title: 'State',
        value: ({ state }) => state,
        cell: ({ state, note }) =>
          html`${badge(titled(state), LOOKS[state])}${note ? html`<span class="sub wrap">${note}</span>` : nothing}`,
      },
      {
        key: 'amount',
        title: 'Reserved',
        numeric: true,
        main: true,
        value: ({ amount }) => amount,
        cell: ({ amount, unit }) => app.money.amount(amount, unit),
      },
      ...(this.waiting ? [] : [charged]),
      {
        key: 'since',
        title: 'Since',
        value: ({ created_at }) => created_at,
        cell: ({ created_at }) => app.ago(created_at),
      },
      {
        key: 'until',
        title: 'Ends',
        value: ({ expires_at }) => expires_at,
        cell: ({ expires_at, ended_at }) => (ended_at ? app.time(ended_at) : app.ago(expires_at)),
      },
      { key: 'act', title: 'Actions', quiet: true, value: () => '', cell: (hold) => this.buttons(hold) },
    ];
  }

  private buttons(hold: Hold): unknown {
    if (hold.ended_at) return nothing;
    return html`<span class="buttons"><button class="button" @click=${() => this.settle(hold)}>Settle</button><button class="button" @click=${() => this.release(hold)}>Release</button></span>`;
  }

  private async release(hold: Hold): Promise<void> {
    const done = await app.ask({
      title: `Release ${hold.id}?`,
      text: `The operation has cost nothing: ${app.money.amount(hold.amount, hold.unit)} of ${hold.customer} are free again, and nothing is charged. It can’t be undone.`,
      fields: [NOTE],
      action: 'Release',
      danger: true,
      done: 'The hold is released.',
      send: ({ note }) =>
        app.client.post(`/v1/holds/${part(hold.id)}/release`, { customer: hold.customer, note: orNothing(note!) }),
    });
    if (done) await this.holds.run();
  }

  private async settle(hold: Hold): Promise<void> {
    const unit = app.meter(hold.meter)?.unit ?? '';
    const counted = app.meter(hold.meter)?.aggregation !== 'sum';
    const done = await app.ask({
      title: `Settle ${hold.id}?`,
      text: ({ quantity }) =>
        `The operation has taken place: ${hold.customer} is charged for ${app.money.quantity(quantity && isDecimal(quantity) ? quantity : hold.quantity, unit)} of ${app.meterName(hold.meter)}. ${app.money.amount(hold.amount, hold.unit)} were reserved; what’s left is free again, what’s more is charged too.`,
      fields: counted
        ? []
        : [
            {
              name: 'quantity',
              label: `Quantity (${unit})`,
              kind: 'decimal',
              required: true,
              value: hold.quantity,
              check: notNegative,
            },
          ],
      action: 'Settle',
      done: 'The hold is settled.',
      send: ({ quantity }) =>
        app.client.post(`/v1/holds/${part(hold.id)}/settle`, { customer: hold.customer, quantity }),
    });
    if (done) await this.holds.run();
  }
}

const charged: Column<Hold> = {
  key: 'charged',
  title: 'Charged',
  numeric: true,
  value: ({ charged }) => charged ?? '',
  cell: ({ charged, unit }) => (charged === null ? '–' : app.money.amount(charged, unit)),
};
