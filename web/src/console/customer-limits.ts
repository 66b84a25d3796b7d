/** A customer's limits: those of its plan, and what it has instead or beside. */
import { approximate, type Column, html, nothing, property, share, type TemplateResult, titled } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { isKey } from './customer-value.ts';
import { type Field, notNegative, orNothing, several, severalDecimals, type Values } from './forms.ts';
import { empty, rowsOfBones, Task } from './load.ts';
import { panel, table, View } from './look.ts';
import type { Limit } from './types.ts';

const MODES = [
  ['hard', 'Hard: what doesn’t fit is refused'],
  ['soft', 'Soft: it only warns'],
] as const;
const PERIODS = ['day', 'week', 'month', 'rolling_hour'].map((per) => [per, titled(per)] as const);

export class CustomerLimits extends View {
  @property({ attribute: false }) customer = '';
  private readonly limits = new Task<{ as_of: string; data: Limit[] }>(
    this,
    () => app.client.get(this.path()),
    () => this.customer,
  );

  protected override render(): TemplateResult {
    return panel(
      'Limits in force',
      this.limits.render(({ data, as_of }) => this.list(data, as_of), rowsOfBones(4)),
      html`<button class="button primary" @click=${this.create}>New limit</button>`,
    );
  }

  private path(name = ''): string {
    return `/v1/customers/${part(this.customer)}/limits${name && `/${part(name)}`}`;
  }

  private list(data: Limit[], asOf: string): TemplateResult {
    if (!data.length) return empty('No limits', 'The catalog and the plan have none, and neither has the customer.');
    const columns: Column<Limit>[] = [
      {
        key: 'limit',
        title: 'Limit',
        value: ({ limit }) => limit,
        cell: (limit) =>
          html`${limit.name}<span class="sub">${counted(limit)} per ${titled(limit.per).toLowerCase()}${limit.by === 'member' ? ', each member' : ''}</span>`,
      },
      { key: 'used', title: 'Used', numeric: true, value: ({ used }) => used ?? '', cell: (limit) => used(limit) },
      { key: 'cap', title: 'Cap', numeric: true, value: ({ cap }) => cap, cell: (limit) => shown(limit.cap, limit) },
      {
        key: 'mode',
        title: 'Mode',
        value: ({ mode, enabled }) => (enabled ? mode : 'off'),
        cell: ({ mode, enabled }) => (enabled ? titled(mode) : badge('Off', 'warn')),
      },
      {
        key: 'warn',
        title: 'Warns at',
        value: ({ warn_at }) => warn_at.map((each) => `${each} %`).join(', '),
        cell: ({ warn_at }) => warn_at.map((each) => `${each} %`).join(', ') || '–',
      },
      {
        key: 'own',
        title: 'From',
        value: ({ own }) => (own ? 'customer' : 'plan or catalog'),
        cell: ({ own }) => (own ? badge('Its own', 'accent') : html`<span class="muted">Plan or catalog</span>`),
      },
      { key: 'act', title: 'Actions', quiet: true, value: () => '', cell: (limit) => this.buttons(limit) },
    ];
    return html`${table({ caption: 'Limits', columns, rows: data, key: ({ limit }) => limit, file: `limits-${this.customer}.csv` })}
      <p class="as-of">As of ${app.time(asOf)}</p>`;
  }

  private buttons(limit: Limit): TemplateResult {
    return html`<span class="buttons">
      <button class="button" @click=${() => this.change(limit)}>Change</button>
      <button class="button" @click=${() => this.switch(limit)}>${limit.enabled ? 'Switch off' : 'Switch on'}</button>
      ${limit.own ? html`<button class="button" @click=${() => this.removeOwn(limit)}>Remove own</button>` : nothing}
    </span>`;
  }

  private async change(limit: Limit): Promise<void> {
    const done = await app.ask({
      title: `Change “${limit.name}”`,
      text: ({ cap, mode }) =>
        `From now on this customer may use ${safeShown(cap, limit)} per ${titled(limit.per).toLowerCase()}${mode === 'soft' ? ', and is warned beyond it' : '; what doesn’t fit is refused'}. Others on its plan aren’t touched.`,
      fields: capFields(limit),
      action: 'Change',
      done: 'The limit is changed.',
      send: (values) => app.client.put(this.path(limit.limit), capOf(values)),
    });
    if (done) await this.limits.run();
  }

  private async switch(limit: Limit): Promise<void> {
    const off = limit.enabled;
    const done = await app.ask({
      title: `Switch “${limit.name}” ${off ? 'off' : 'on'}?`,
      text: off
        ? 'This customer isn’t held to it until it’s switched on again. Usage is counted on.'
        : 'It counts again, with all that was used in the present window.',
      action: off ? 'Switch off' : 'Switch on',
      danger: off,
      done: `The limit is ${off ? 'off' : 'on'}.`,
      send: () => app.client.put(this.path(limit.limit), { enabled: !off }),
    });
    if (done) await this.limits.run();
  }

  private async removeOwn(limit: Limit): Promise<void> {
    const done = await app.ask({
      title: `Remove what the customer has of its own in “${limit.name}”?`,
      text: 'The plan’s or catalog’s limit of this name holds again; where there’s none, no limit does.',
      action: 'Remove',
      danger: true,
      done: 'The customer’s own limit is removed.',
      send: async () => (await app.client.delete(this.path(limit.limit))) ?? true,
    });
    if (done) await this.limits.run();
  }

  private readonly create = async (): Promise<void> => {
    const done = await app.ask({
      title: 'New limit for this customer',
      text: ({ limit, cap, per }) =>
        `Holds for this customer alone: ${cap || '…'} per ${titled(per ?? 'month').toLowerCase()}. Where its plan has a limit with the key ${limit || '…'}, it stands in its place.`,
      fields: newFields(),
      action: 'Set limit',
      done: 'The limit is set.',
      send: ({ limit, name, counts, per, by, ...values }) => {
        const [kind, key] = counts!.split(':');
        return app.client.put(this.path(limit), { name: orNothing(name!), [kind!]: key, per, by, ...capOf(values) });
      },
    });
    if (done) await this.limits.run();
  };
}

const capFields = (limit: Limit | null): Field[] => [
  { name: 'cap', label: 'Cap', kind: 'decimal', required: true, value: limit?.cap, check: notNegative },
  { name: 'mode', label: 'Mode', kind: 'choice', options: MODES, value: limit?.mode, required: true },
  {
    name: 'warn_at',
    label: 'Warns at (%)',
    value: limit ? limit.warn_at.join(', ') : '80, 100',
    check: severalDecimals,
  },
];

function newFields(): Field[] {
  const { catalog } = app;
  const counts = [
    ...app.units().map((unit) => [`spend:${unit}`, `Spend in ${app.money.name(unit)}`] as const),
    ...catalog.meters.map(({ key, name }) => [`meter:${key}`, name] as const),
    ...catalog.groups.map(({ key, name }) => [`group:${key}`, `${name} (group)`] as const),
  ];
  return [
    { name: 'limit', label: 'Key', required: true, check: isKey, half: true },
    { name: 'name', label: 'Name', half: true },
    { name: 'counts', label: 'Counts', kind: 'choice', options: counts, required: true },
    { name: 'per', label: 'Per', kind: 'choice', options: PERIODS, value: 'month', required: true },
    {
      name: 'by',
      label: 'By',
      kind: 'choice',
      options: [
        ['customer', 'The customer as a whole'],
        ['member', 'Each member'],
      ],
      required: true,
    },
    ...capFields(null),
  ];
}

const capOf = ({ cap, mode, warn_at }: Values) => ({ cap, mode, warn_at: several(warn_at ?? '') });

function counted(limit: Limit): string {
  if (limit.spend) return `Spend in ${app.money.name(limit.spend)}`;
  if (limit.group) return app.catalog.groups.find(({ key }) => key === limit.group)?.name ?? limit.group;
  return app.meterName(limit.meter ?? '');
}

const shown = (amount: string, limit: Limit): string =>
  limit.spend ? app.money.amount(amount, limit.spend) : app.money.quantity(amount);

function safeShown(amount: string | undefined, limit: Limit): string {
  try {
    return shown(amount || '0', limit);
  } catch {
    return '…';
  }
}

function used(limit: Limit): unknown {
  if (limit.used === null) return html`<span class="muted">by member</span>`;
  const part = share(limit.used, limit.cap);
  const held = limit.held && approximate(limit.held) > 0 ? ` + ${shown(limit.held, limit)} held` : '';
  const state = part >= 1 ? 'full' : part >= 0.8 ? 'warn' : '';
  return html`${shown(limit.used, limit)}${held} <span class="muted">${app.money.percent(part)}</span>
    <span class="track ${state}" aria-hidden="true"><span .style=${`inline-size:${Math.min(100, part * 100)}%`}></span></span>`;
}
