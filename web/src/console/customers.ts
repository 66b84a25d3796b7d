/** All customers: search, sort and pages are the server's, so that 100,000 are as quick as ten. */
import { type Column, css, html, isZero, nothing, Problem, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { orNothing } from './forms.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { choice, debounced, everything, look, searchField, table, View } from './look.ts';
import { NO_COST, signed } from './margins.ts';
import { toCustomer } from './router.ts';
import type { Customer, CustomerPage, ListedCustomer } from './types.ts';

const SHOWN = [
  ['', 'Active'],
  ['yes', 'Archived'],
  ['all', 'All'],
] as const;
const PAGE = 50;

export class CustomersPage extends View {
  private readonly pages = new Pages<ListedCustomer, CustomerPage>(
    this,
    (cursor) => this.ask(cursor, PAGE),
    () => ['search', 'sort', 'archived'].map((name) => app.router.value(name)).join('\n'),
    true,
  );
  private readonly find = debounced((search: string) => app.router.set({ search: search.trim() }, { replace: true }));

  static override styles = [look, css`.tools { margin-block-end: 16px; }`];

  protected override render(): TemplateResult {
    return html`<div class="top">
        <div><h1>Customers</h1></div>
        <div class="actions"><button class="button primary" @click=${this.create}>New customer</button></div>
      </div>
      <div class="tools">
        ${searchField('Search by name or key', app.router.value('search'), this.find)}
        ${choice('Shown', SHOWN, app.router.value('archived'), (archived) => app.router.set({ archived }))}
      </div>
      ${this.pages.render((page) => this.view(page), rowsOfBones(12))}`;
  }

  private get sort(): string {
    return app.router.value('sort') || '-spent';
  }

  private ask(cursor: string | null, limit: number): Promise<CustomerPage> {
    const shown = app.router.value('archived');
    return app.client.get('/v1/console/customers', {
      search: app.router.value('search').slice(0, 500) || null,
      sort: this.sort,
      archived: shown === 'all' ? null : shown === 'yes',
      limit,
      cursor,
    });
  }

  private view(page: CustomerPage): TemplateResult {
    const search = app.router.value('search');
    if (!page.data.length) {
      if (search) return empty('Nobody is called so', html`No customer has “${search}” in its name or key.`);
      return empty('No customers here', 'Make one, or have your product make them with PUT /v1/customers/{key}.');
    }
    const columns = this.columns(page);
    return html`<section class="panel flush">
        ${table<ListedCustomer>({
          caption: 'Customers',
          columns,
          rows: page.data,
          key: ({ key }) => key,
          sorting: { key: this.sort.replace(/^-/, ''), descending: this.sort.startsWith('-') },
          onSort: ({ key, descending }) => app.router.set({ sort: (descending ? '-' : '') + key }),
          file: 'customers.csv',
          download: () => everything(columns, (cursor) => this.ask(cursor, 1000)),
        })}
        ${this.pages.pager()}
      </section>
      <p class="as-of">Sums are of this calendar month in each customer’s time zone${page.as_of ? html`, as of ${app.time(page.as_of)}` : nothing}; balances are of this moment.</p>`;
  }

  private columns(page: CustomerPage): Column<ListedCustomer>[] {
    return [
      {
        key: 'name',
        title: 'Customer',
        sort: true,
        value: ({ name }) => name,
        cell: (row) =>
          html`<a href=${toCustomer(row.key)}>${row.name}</a> ${states(row)}<span class="sub">${row.key}</span>`,
      },
      {
        key: 'plan',
        title: 'Plan',
        value: ({ plan }) => plan ?? '',
        cell: ({ plan }) => (plan ? app.planName(plan) : '–'),
      },
      {
        key: 'spent',
        title: 'Spent',
        numeric: true,
        main: true,
        sort: true,
        value: ({ spent }) => spent,
        cell: (row) =>
          html`${app.money.amount(row.spent, row.currency)}${row.also_spent.length ? html`<span class="sub">${app.amounts(row.also_spent)}</span>` : nothing}`,
      },
      {
        key: 'cost',
        title: 'Cost',
        numeric: true,
        value: ({ cost }) => cost,
        cell: (row) =>
          withoutCost(row) ? html`–<span class="sub">${NO_COST}</span>` : app.money.amount(row.cost, page.currency),
      },
      {
        key: 'margin',
        title: 'Margin',
        numeric: true,
        sort: true,
        value: ({ margin }) => margin ?? '',
        cell: (row) => (row.margin === null || withoutCost(row) ? '–' : signed(row.margin, page.currency)),
      },
      {
        key: 'balance',
        title: 'Balance',
        numeric: true,
        sort: true,
        value: ({ balance }) => balance.map(({ unit, available }) => `${available} ${unit}`).join(' + '),
        cell: ({ balance }) =>
          !balance.length
            ? '–'
            : balance.map(
                ({ unit, available }, at) =>
                  html`<span class=${at ? 'sub' : ''}>${app.money.amount(available, unit)}</span>`,
              ),
      },
      {
        key: 'last',
        title: 'Last event',
        numeric: true,
        value: ({ last_event_at }) => last_event_at ?? '',
        cell: ({ last_event_at }) => app.ago(last_event_at, '–'),
      },
    ];
  }

  private readonly create = async (): Promise<void> => {
    const made = await app.ask<Customer>({
      title: 'New customer',
      text: ({ key }) =>
        html`Makes the customer ${key ? html`<strong>${key}</strong>` : ''}. Its key can’t be changed; its currency and time zone can until it has usage.`,
      fields: [
        {
          name: 'key',
          label: 'Key',
          required: true,
          hint: 'Your own id of the customer, as your product sends it with events.',
        },
        { name: 'name', label: 'Name' },
        {
          name: 'currency',
          label: 'Currency',
          value: app.catalog.currency,
          check: (value) => (/^[A-Z]{3}$/.test(value) ? null : 'Three letters, such as USD.'),
        },
        {
          name: 'timezone',
          label: 'Time zone',
          value: 'UTC',
          hint: 'Its days and months begin by this zone, such as Europe/Berlin.',
        },
      ],
      action: 'Make customer',
      done: 'The customer is made.',
      send: ({ key, name, currency, timezone }) =>
        make(key!, { name: orNothing(name!), currency: orNothing(currency!), timezone: orNothing(timezone!) }),
    });
    if (made) app.router.go(toCustomer(made.key));
  };
}

const states = (row: ListedCustomer): unknown => [
  row.archived_at ? badge('Archived') : nothing,
  row.suspended_at ? badge('Suspended', 'warn') : nothing,
  row.unpriced ? badge(`${row.unpriced} unpriced`, 'warn') : nothing,
];

/** PUT would change a customer that's there already. */
async function make(key: string, body: Record<string, string | undefined>): Promise<Customer> {
  const path = `/v1/customers/${part(key)}`;
  const known = await app.client.get<Customer>(path).catch((error) => {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  });
  if (known) throw new Problem(409, 'customer_exists', `There is a customer ${key} already.`, { field: 'key' });
  return app.client.put<Customer>(path, body);
}

/** Whether it's charged, and nothing of it has a cost. */
const withoutCost = ({ spent, cost }: ListedCustomer): boolean => isZero(cost) && !isZero(spent);
