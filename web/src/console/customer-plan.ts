/** A customer's plan, now and later, and its members. */
import { type Column, html, nothing, property, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { instant } from './forms.ts';
import { empty, Pages, rowsOfBones, Task } from './load.ts';
import { facts, panel, table, View } from './look.ts';
import { to } from './router.ts';
import type { Member, Page, PlanHistory } from './types.ts';

type PlanChange = PlanHistory['history'][number];

export class CustomerPlan extends View {
  @property({ attribute: false }) customer = '';
  private readonly plan = new Task<PlanHistory>(
    this,
    () => app.client.get(this.path),
    () => this.customer,
  );

  protected override render(): TemplateResult {
    return html`${this.plan.render((plan) => this.view(plan), rowsOfBones(5))}`;
  }

  private get path(): string {
    return `/v1/customers/${part(this.customer)}/plan`;
  }

  private view(plan: PlanHistory): TemplateResult {
    const known = app.catalog.plans.find(({ key }) => key === plan.plan);
    return html`<div class="stack">
      ${panel(
        'Plan in force',
        facts([
          [
            'Plan',
            html`<strong>${plan.name ?? 'No plan'}</strong> ${plan.plan === app.catalog.default_plan && plan.plan ? html`<span class="muted">the catalog’s default</span>` : nothing}`,
          ],
          ['Since', app.time(plan.since, 'the beginning')],
          [
            'Next',
            plan.next ? html`${app.planName(plan.next.plan)} from ${app.time(plan.next.from)}` : 'Nothing is planned',
          ],
          ...(known?.description ? [['About', known.description] as const] : []),
          ...(known ? terms(known) : []),
        ]),
        html`${plan.next ? html`<button class="button" @click=${() => this.withdraw(plan)}>Withdraw the change</button>` : nothing}<button class="button primary" @click=${() => this.change(plan)}>Change plan</button>`,
      )}
      ${panel('History', this.history(plan.history))}
    </div>`;
  }

  private history(history: PlanChange[]): TemplateResult {
    if (!history.length)
      return empty('No change yet', 'The customer has been on the catalog’s default plan since the beginning.');
    const columns: Column<PlanChange>[] = [
      {
        key: 'plan',
        title: 'Plan',
        value: ({ plan }) => app.planName(plan),
        cell: ({ plan }) => (plan === null ? 'The catalog’s default' : app.planName(plan)),
      },
      { key: 'from', title: 'From', value: ({ from }) => from, cell: ({ from }) => app.time(from) },
      {
        key: 'decided',
        title: 'Decided',
        value: ({ decided_at }) => decided_at,
        cell: ({ decided_at }) => app.time(decided_at),
      },
      { key: 'by', title: 'By', value: ({ decided_by }) => decided_by },
      {
        key: 'state',
        title: 'State',
        value: ({ withdrawn_at }) => (withdrawn_at ? 'withdrawn' : ''),
        cell: ({ withdrawn_at }) => (withdrawn_at ? badge('Withdrawn') : nothing),
      },
    ];
    return html`${table({ caption: 'Changes of plan', columns, rows: history, key: ({ decided_at, from }) => decided_at + from, file: `plans-${this.customer}.csv` })}`;
  }

  private async withdraw(plan: PlanHistory): Promise<void> {
    const done = await app.ask<PlanHistory>({
      title: 'Withdraw the change?',
      text: html`The customer stays on <strong>${plan.name ?? 'no plan'}</strong>; it won’t move to ${app.planName(plan.next?.plan ?? null)}.`,
      action: 'Withdraw',
      danger: true,
      done: 'The change is withdrawn.',
      send: () => app.client.put(this.path, { plan: plan.plan, from: 'now' }),
    });
    if (done) await this.plan.run();
  }

  private async change(plan: PlanHistory): Promise<void> {
    const plans = app.catalog.plans.map(({ key, name }) => [key, name] as const);
    const fallback = app.catalog.default_plan
      ? `The catalog’s default (${app.planName(app.catalog.default_plan)})`
      : 'No plan';
    const done = await app.ask<PlanHistory>({
      title: 'Change the plan',
      text: ({ plan: wanted, from, at }) => {
        const when =
          from === 'now'
            ? 'now'
            : from === 'period_end'
              ? 'when its calendar month is over'
              : at
                ? `on ${app.dates.dateTime(instant(at)!)}`
                : '…';
        return html`Moves the customer from <strong>${plan.name ?? 'no plan'}</strong> to <strong>${wanted ? app.planName(wanted) : fallback}</strong> ${when}. Prices, limits and what’s given again follow by themselves.${plan.next ? html` It takes the place of the change to ${app.planName(plan.next.plan)} that’s planned.` : nothing}`;
      },
      fields: [
        { name: 'plan', label: 'Plan', kind: 'choice', options: [...plans, ['', fallback]], value: plan.plan ?? '' },
        {
          name: 'from',
          label: 'From',
          kind: 'choice',
          options: [
            ['period_end', 'The end of its month'],
            ['now', 'Now'],
            ['at', 'A time'],
          ],
          required: true,
        },
        { name: 'at', label: 'Time', kind: 'time', required: true, api: 'from', shown: ({ from }) => from === 'at' },
      ],
      action: 'Change plan',
      done: 'The plan is changed.',
      send: ({ plan: wanted, from, at }) =>
        app.client.put(this.path, { plan: wanted || null, from: from === 'at' ? instant(at!) : from }),
    });
    if (done) await this.plan.run();
  }
}

const terms = (plan: (typeof app.catalog.plans)[number]): [string, unknown][] =>
  (
    [
      ['Prices', plan.prices.map(({ meter, words }) => `${app.meterName(meter)}: ${words}`)],
      ['Limits', plan.limits.map(({ name, words }) => `${name}: ${words}`)],
      ['Gives', plan.grants.map(({ words }) => words)],
    ] as const
  )
    .filter(([, texts]) => texts.length)
    .map(([name, texts]) => [name, html`<ul class="plain">${texts.map((text) => html`<li>${text}</li>`)}</ul>`]);

export class CustomerMembers extends View {
  @property({ attribute: false }) customer = '';
  private readonly members = new Pages<Member>(
    this,
    (cursor) => app.client.get(this.path, { limit: 50, cursor }),
    () => this.customer,
  );

  protected override render(): TemplateResult {
    return panel(
      'Members',
      this.members.render((page) => this.list(page), rowsOfBones(4)),
      html`<button class="button primary" @click=${() => this.put()}>New member</button>`,
    );
  }

  private get path(): string {
    return `/v1/customers/${part(this.customer)}/members`;
  }

  private list(page: Page<Member>): TemplateResult {
    if (!page.data.length)
      return empty('No members', 'Events may name members all the same; here they get names and can be archived.');
    const columns: Column<Member>[] = [
      {
        key: 'name',
        title: 'Member',
        value: ({ name }) => name,
        cell: ({ key, name }) => html`${name}<span class="sub">${key}</span>`,
      },
      {
        key: 'since',
        title: 'Since',
        value: ({ created_at }) => created_at,
        cell: ({ created_at }) => app.time(created_at),
      },
      {
        key: 'state',
        title: 'State',
        value: ({ archived_at }) => (archived_at ? 'archived' : 'active'),
        cell: ({ archived_at }) => (archived_at ? badge('Archived') : badge('Active', 'good')),
      },
      {
        key: 'usage',
        title: 'Actions',
        quiet: true,
        value: () => '',
        cell: (member) =>
          html`<span class="buttons"><button class="button" @click=${() => this.put(member)}>Rename</button><button class="button" @click=${() => this.archive(member)}>${member.archived_at ? 'Bring back' : 'Archive'}</button></span>`,
      },
    ];
    return html`${table({ caption: 'Members', columns, rows: page.data, key: ({ key }) => key, file: `members-${this.customer}.csv` })}${this.members.pager()}
      <p class="as-of"><a href="${to('margins')}?customer=${part(this.customer)}&by=meter">Margins of this customer</a></p>`;
  }

  private async put(old: Member | null = null): Promise<void> {
    const done = await app.ask<Member>({
      title: old ? `Rename ${old.name}` : 'New member',
      text: old
        ? 'The name is for people; the key in events stays.'
        : 'Gives a member its name. A member that’s there already gets the new one.',
      fields: [
        ...(old ? [] : [{ name: 'key', label: 'Key', required: true, hint: 'As events name it in “member”.' }]),
        { name: 'name', label: 'Name', required: true, value: old?.name },
      ],
      action: old ? 'Rename' : 'Add member',
      done: old ? 'The member is renamed.' : 'The member is added.',
      send: ({ key, name }) => app.client.put(`${this.path}/${part(old?.key ?? key!)}`, { name }),
    });
    if (done) await this.members.run();
  }

  private async archive(member: Member): Promise<void> {
    const on = !member.archived_at;
    const done = await app.ask({
      title: on ? `Archive ${member.name}?` : `Bring ${member.name} back?`,
      text: on
        ? 'The member is left out where members are chosen. Its usage stays, and events that name it are taken.'
        : 'The member is listed again.',
      action: on ? 'Archive' : 'Bring back',
      danger: on,
      done: on ? 'The member is archived.' : 'The member is back.',
      send: () => app.client.put(`${this.path}/${part(member.key)}`, { archived: on }),
    });
    if (done) await this.members.run();
  }
}
