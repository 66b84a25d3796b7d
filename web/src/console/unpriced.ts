/** What no price is known for: events that aren't charged, and calls whose cost isn't known. */
import { type Column, html, nothing, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { callTable } from './customer-events.ts';
import { empty, Pages, rowsOfBones, Task } from './load.ts';
import { panel, table, View } from './look.ts';
import { to, toCustomer } from './router.ts';
import type { Call, Unpriced } from './types.ts';

export class UnpricedPage extends View {
  private readonly unpriced = new Task<Unpriced>(this, () => app.client.get('/v1/console/unpriced'));
  private readonly calls = new Pages<Call>(this, (cursor) =>
    app.client.get('/v1/calls', { unpriced: true, limit: 25, cursor }),
  );

  protected override render(): TemplateResult {
    return html`<div class="top"><div><h1>Unpriced usage</h1><p>It’s counted, but an unknown price is never taken for 0.</p></div>
        <div class="actions"><a class="button primary" href="${to('catalog')}?tab=change">Add a price</a></div></div>
      <div class="stack">
        ${panel(
          'Events without a charge, by meter',
          this.unpriced.render(({ meters }) => this.meters(meters), rowsOfBones(3)),
        )}
        ${panel(
          'Calls without a cost, by model',
          this.unpriced.render(({ models }) => this.models(models), rowsOfBones(3)),
        )}
        ${this.calls.render(() => this.list(), rowsOfBones(5))}
      </div>`;
  }

  private meters(meters: Unpriced['meters']): unknown {
    if (!meters.length)
      return empty('Every event has its charge', 'Usage of a meter without a price is listed here, until it has one.');
    const columns: Column<Unpriced['meters'][number]>[] = [
      {
        key: 'name',
        title: 'Meter',
        value: ({ name }) => name,
        cell: ({ meter, name }) => html`${name}<span class="sub">${meter}</span>`,
      },
      { key: 'events', title: 'Events', numeric: true, value: ({ events }) => app.money.quantity(String(events)) },
      {
        key: 'customers',
        title: 'Customers',
        numeric: true,
        value: ({ customers }) => app.money.quantity(String(customers)),
      },
      { key: 'since', title: 'First day', value: ({ since }) => since, cell: ({ since }) => app.dates.shortDay(since) },
      { key: 'until', title: 'Last day', value: ({ until }) => until, cell: ({ until }) => app.dates.shortDay(until) },
    ];
    return table({
      caption: 'Unpriced events',
      columns,
      rows: meters,
      key: ({ meter }) => meter,
      file: 'unpriced-events.csv',
    });
  }

  private models(models: Unpriced['models']): unknown {
    if (!models.length) return empty('Every call has its cost', 'Models that the price book lacks are listed here.');
    const columns: Column<Unpriced['models'][number]>[] = [
      {
        key: 'model',
        title: 'Model',
        value: ({ model }) => model,
        cell: ({ provider, model }) => html`${model}<span class="sub">${provider}</span>`,
      },
      {
        key: 'missing',
        title: 'What’s missing',
        value: ({ missing }) => missing.join(', '),
        cell: ({ missing }) => missing.map((each) => badge(each.replaceAll('_', ' '), 'warn')),
      },
      { key: 'calls', title: 'Calls', numeric: true, value: ({ calls }) => app.money.quantity(String(calls)) },
      {
        key: 'customers',
        title: 'Customers',
        numeric: true,
        value: ({ customers }) => app.money.quantity(String(customers)),
      },
      { key: 'since', title: 'First', value: ({ since }) => since, cell: ({ since }) => app.time(since) },
      { key: 'until', title: 'Last', value: ({ until }) => until, cell: ({ until }) => app.time(until) },
    ];
    return html`${table({ caption: 'Unpriced calls', columns, rows: models, key: ({ provider, model }) => `${provider} ${model}`, file: 'unpriced-models.csv' })}
      <p class="as-of">Prices that come later are used by <span class="code">tollkeeper prices reprice</span>.</p>`;
  }

  private list(): unknown {
    const { rows } = this.calls;
    if (!rows.length) return nothing;
    return panel(
      'The calls',
      html`${callTable(rows, 'unpriced-calls.csv', { unpriced: true }, (call) => html`<a href=${toCustomer(call.customer, { tab: 'events', event: call.event })}>${call.event}</a><span class="sub">${call.customer}</span>`)}${this.calls.pager()}`,
    );
  }
}
