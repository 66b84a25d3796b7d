/** Who can open a customer's billing page: its sessions, and how to end one. Keys are the operator's, and for all customers. */
import { type Column, html, nothing, property, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { panel, table, View } from './look.ts';
import type { Page } from './types.ts';

interface Access {
  id: string;
  permissions: string[];
  created_at: string;
  created_by: string;
  expires_at: string;
  /** The session whose link this one came of. */
  opened_from: string | null;
  revoked_at: string | null;
}

const MAY: Record<string, string> = { read: 'look', top_up: 'top up', change_plan: 'change the plan' };

export class CustomerAccess extends View {
  @property({ attribute: false }) customer = '';
  private readonly sessions = new Pages<Access>(
    this,
    (cursor) => app.client.get('/v1/portal-sessions', { customer: this.customer, limit: 25, cursor }),
    () => this.customer,
  );

  protected override render(): TemplateResult {
    return panel(
      'Sessions of the billing page',
      this.sessions.render((page) => this.list(page), rowsOfBones(4)),
    );
  }

  private list(page: Page<Access>): TemplateResult {
    if (!page.data.length)
      return empty(
        'No sessions',
        'Your backend makes one with POST /v1/portal-sessions; “View as the customer” does, too.',
      );
    const columns: Column<Access>[] = [
      {
        key: 'made',
        title: 'Made',
        value: ({ created_at }) => created_at,
        cell: ({ created_at, created_by }) => html`${app.time(created_at)}<span class="sub">by ${created_by}</span>`,
      },
      {
        key: 'how',
        title: 'For',
        value: ({ opened_from }) => (opened_from ? 'who opened a link' : 'a token or a link'),
      },
      {
        key: 'may',
        title: 'May',
        value: ({ permissions }) => permissions.map((each) => MAY[each] ?? each).join(', '),
      },
      {
        key: 'until',
        title: 'Until',
        value: ({ expires_at }) => expires_at,
        cell: ({ expires_at }) => app.time(expires_at),
      },
      {
        key: 'state',
        title: 'State',
        value: stateOf,
        cell: (session) => badge(stateOf(session), isOpen(session) ? 'good' : ''),
      },
      { key: 'act', title: 'Actions', quiet: true, value: () => '', cell: (session) => this.button(session) },
    ];
    return html`${table({ caption: 'Sessions', columns, rows: page.data, key: ({ id }) => id, file: `sessions-${this.customer}.csv` })}${this.sessions.pager()}`;
  }

  private button(session: Access): unknown {
    if (!isOpen(session)) return nothing;
    return html`<span class="buttons"><button class="button" @click=${() => this.revoke(session)}>Revoke</button></span>`;
  }

  private async revoke(session: Access): Promise<void> {
    const done = await app.ask({
      title: 'Revoke this session?',
      text: 'Whoever has the billing page open by it sees nothing more within five seconds, and so does everybody who came by its link. It can’t be undone.',
      action: 'Revoke',
      danger: true,
      done: 'The session is revoked.',
      send: () => app.client.post(`/v1/portal-sessions/${part(session.id)}/revoke?customer=${part(this.customer)}`, {}),
    });
    if (done) await this.sessions.run();
  }
}

const isOpen = ({ revoked_at, expires_at }: Access): boolean => !revoked_at && Date.parse(expires_at) > Date.now();

const stateOf = (session: Access): string => (session.revoked_at ? 'Revoked' : isOpen(session) ? 'Open' : 'Over');
