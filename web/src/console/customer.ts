/** One customer: what it sees itself, by its own widgets, and what the operator does for it. */
import {
  css,
  html,
  icon,
  ifDefined,
  nothing,
  type Portal,
  portalFor,
  property,
  state,
  type TemplateResult,
  WIDGETS,
} from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { secret } from './dialog.ts';
import { lines, Task } from './load.ts';
import { look, View } from './look.ts';
import { to, toCustomer } from './router.ts';
import type { Customer, PortalSession } from './types.ts';

const TABS = [
  ['', 'Overview'],
  ['breakdown', 'Breakdown'],
  ['activity', 'Activity'],
  ['events', 'Events and calls'],
  ['suggestions', 'Suggestions'],
  ['value', 'Prepaid value'],
  ['limits', 'Limits'],
  ['plan', 'Plan'],
  ['members', 'Members'],
  ['holds', 'Holds'],
  ['access', 'Access'],
] as const;
const SESSION_SECONDS = 3_600;

/** The widgets by name: who builds without one of them still has the others. */
const widget = (name: string, portal: Portal, again: (event: Event) => void, go: (event: Event) => void): unknown => {
  if (!(name in WIDGETS)) return nothing;
  switch (name) {
    case 'toll-balance':
      return html`<toll-balance .portal=${portal} @toll-navigate=${go} @toll-session-expired=${again}></toll-balance>`;
    case 'toll-usage':
      return html`<toll-usage .portal=${portal} range=${ifDefined(app.router.value('range') || undefined)} @toll-range=${keepRange} @toll-session-expired=${again}></toll-usage>`;
    case 'toll-limits':
      return html`<toll-limits .portal=${portal} @toll-session-expired=${again}></toll-limits>`;
    case 'toll-breakdown':
      return html`<toll-breakdown .portal=${portal} @toll-session-expired=${again}></toll-breakdown>`;
    case 'toll-activity':
      return html`<toll-activity .portal=${portal} @toll-session-expired=${again}></toll-activity>`;
    default:
      return html`<toll-alerts .portal=${portal} @toll-session-expired=${again}></toll-alerts>`;
  }
};

const keepRange = (event: CustomEvent<{ range: string }>): void =>
  app.router.set({ range: event.detail.range }, { replace: true });

export class CustomerPage extends View {
  @property({ attribute: false }) customer = '';
  @state() private renewed = 0;
  private readonly record = new Task<Customer>(
    this,
    () => app.client.get(`/v1/customers/${part(this.customer)}`),
    () => this.customer,
  );
  /** The customer's own widgets look through a session of the customer's, which allows reading alone. */
  private readonly portal = new Task<Portal>(
    this,
    async () => {
      const asked = { customer: this.customer, expires_in: SESSION_SECONDS };
      const { token } = await app.client.post<PortalSession>('/v1/portal-sessions', asked);
      return portalFor({ base: '', token });
    },
    () => (this.showsWidgets ? `${this.customer}\n${this.renewed}` : null),
  );

  static override styles = [
    look,
    css`
      .own { display: grid; grid-template-columns: minmax(0, 1fr) 300px; gap: 20px; align-items: start; }
      .own > * { min-inline-size: 0; }
      .own > .side { display: grid; gap: 20px; }
      .title { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
      .tab { display: none; }
      .tab select { inline-size: 100%; }
      @media (max-width: 620px) { .tab { display: block; margin-block-end: 16px; } .tabs { display: none; } }
      @media (max-width: 1080px) { .own { grid-template-columns: minmax(0, 1fr); } .own > .side { order: -1; grid-template-columns: repeat(auto-fit, minmax(min(100%, 280px), 1fr)); } }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<p class="crumb"><a href=${to('customers')}>Customers</a></p>
      ${this.record.render((customer) => this.page(customer), lines(3))}`;
  }

  private page(customer: Customer): TemplateResult {
    const { tab } = this;
    return html`<div class="top">
        <div>
          <div class="title"><h1>${customer.name}</h1>${customer.archived_at ? badge('Archived') : nothing}${customer.suspended_at ? badge('Suspended', 'warn') : nothing}</div>
          <p><span class="code">${customer.key}</span> · ${customer.currency} · ${customer.timezone} · since ${app.dates.date(customer.created_at)}</p>
        </div>
        <div class="actions">
          <button class="button" @click=${() => this.rename(customer)}>Rename</button>
          <button class="button" @click=${() => this.suspend(customer)}>${customer.suspended_at ? 'Let go on' : 'Suspend'}</button>
          <button class="button" @click=${() => this.archive(customer)}>${customer.archived_at ? 'Bring back' : 'Archive'}</button>
          <button class="button primary" @click=${() => this.viewAs(customer)}>View as the customer</button>
        </div>
      </div>
      <label class="tab"><span class="hidden">About ${customer.name}</span><select class="control" @change=${this.turn}>
        ${TABS.map(([key, name]) => html`<option value=${key} ?selected=${key === tab}>${name}</option>`)}
      </select></label>
      <nav class="tabs" aria-label="About ${customer.name}">${TABS.map(([key, name]) => html`<a href=${toCustomer(customer.key, { tab: key })} aria-current=${key === tab ? 'page' : nothing}>${name}</a>`)}</nav>
      ${this.content(customer, tab)}`;
  }

  private readonly turn = (event: Event): void => {
    app.router.go(toCustomer(this.customer, { tab: (event.target as HTMLSelectElement).value }));
  };

  private content(customer: Customer, tab: string): unknown {
    switch (tab) {
      case 'events':
        return html`<console-customer-events .customer=${customer.key}></console-customer-events>`;
      case 'suggestions':
        return html`<console-customer-suggestions .customer=${customer.key}></console-customer-suggestions>`;
      case 'value':
        return html`<console-customer-value .customer=${customer}></console-customer-value>`;
      case 'limits':
        return html`<console-customer-limits .customer=${customer.key}></console-customer-limits>`;
      case 'plan':
        return html`<console-customer-plan .customer=${customer.key}></console-customer-plan>`;
      case 'members':
        return html`<console-customer-members .customer=${customer.key}></console-customer-members>`;
      case 'holds':
        return html`<console-holds .customer=${customer.key}></console-holds>`;
      case 'access':
        return html`<console-customer-access .customer=${customer.key}></console-customer-access>`;
      default:
        return this.portal.render((portal) => this.widgets(customer, portal, tab), lines(6));
    }
  }

  private widgets(customer: Customer, portal: Portal, tab: string): TemplateResult {
    const again = (event: Event): void => {
      event.stopPropagation();
      this.renewed += 1;
    };
    const go = (event: Event): void => {
      event.preventDefault();
      void this.viewAs(customer);
    };
    const show = (name: string): unknown => widget(name, portal, again, go);
    if (tab === 'breakdown') return html`<div class="stack">${show('toll-breakdown')}</div>`;
    if (tab === 'activity') return html`<div class="stack">${show('toll-activity')}${show('toll-alerts')}</div>`;
    return html`<div class="own"><div class="stack">${show('toll-usage')}</div><div class="side">${show('toll-balance')}${show('toll-limits')}</div></div>`;
  }

  private get tab(): string {
    const asked = app.router.value('tab');
    return TABS.find(([key]) => key === asked)?.[0] ?? '';
  }

  private get showsWidgets(): boolean {
    return ['', 'breakdown', 'activity'].includes(this.tab);
  }

  private async change(body: Record<string, unknown>): Promise<Customer> {
    return app.client.put<Customer>(`/v1/customers/${part(this.customer)}`, body);
  }

  private async rename(customer: Customer): Promise<void> {
    const done = await app.ask({
      title: 'Rename the customer',
      text: 'The name is for people, on this page and on the customer’s own. The key stays.',
      fields: [{ name: 'name', label: 'Name', value: customer.name, required: true }],
      action: 'Rename',
      done: 'The customer is renamed.',
      send: ({ name }) => this.change({ name }),
    });
    if (done) await this.record.run();
  }

  private async suspend(customer: Customer): Promise<void> {
    const on = !customer.suspended_at;
    const done = await app.ask({
      title: on ? `Suspend ${customer.name}?` : `Let ${customer.name} go on?`,
      text: on
        ? 'It may begin nothing new: holds are refused. What has happened already is still taken and charged.'
        : 'It may begin operations again, as its wallet and limits allow.',
      action: on ? 'Suspend' : 'Let go on',
      danger: on,
      done: on ? 'The customer is suspended.' : 'The customer goes on.',
      send: () => this.change({ suspended: on }),
    });
    if (done) await this.record.run();
  }

  private async archive(customer: Customer): Promise<void> {
    const on = !customer.archived_at;
    const done = await app.ask({
      title: on ? `Archive ${customer.name}?` : `Bring ${customer.name} back?`,
      text: on
        ? 'Its events and holds are refused from now on, and it’s left out of the list. Nothing of its history is lost, and it can be brought back.'
        : 'Its events and holds are taken again.',
      action: on ? 'Archive' : 'Bring back',
      danger: on,
      done: on ? 'The customer is archived.' : 'The customer is back.',
      send: () => this.change({ archived: on }),
    });
    if (done) await this.record.run();
  }

  private async viewAs(customer: Customer): Promise<void> {
    await app.ask<PortalSession>({
      title: `View as ${customer.name}`,
      text: ({ top_up, change_plan }) =>
        `Opens a billing session of this customer for an hour. Whoever has the link within five minutes may look${top_up ? ', buy' : ''}${change_plan ? ', change the plan' : ''}${top_up || change_plan ? '' : ', and do nothing else'}.`,
      fields: [
        { name: 'top_up', label: 'May top up', kind: 'check' },
        { name: 'change_plan', label: 'May change the plan', kind: 'check' },
      ],
      action: 'Make the link',
      done: 'The link is ready.',
      send: ({ top_up, change_plan }) =>
        app.client.post('/v1/portal-sessions', {
          customer: customer.key,
          permissions: ['read', ...(top_up ? ['top_up'] : []), ...(change_plan ? ['change_plan'] : [])],
          expires_in: SESSION_SECONDS,
        }),
      result: ({ url }) =>
        html`<p><a class="button primary" href=${safe(url)} target="_blank" rel="noopener">Open the billing page ${icon('arrow')}</a></p>${secret(url)}`,
    });
  }
}

/** An address that a link may have. */
function safe(url: string): string {
  return /^https?:\/\//.test(url) ? url : '';
}
