import {
  type Column,
  compare,
  css,
  type Grant,
  html,
  type Portal,
  state,
  type TemplateResult,
  TollElement,
} from 'tollkeeper';

const STATES: Record<string, string> = { scheduled: 'Later', active: 'Active', ended: 'Ended' };

/** What was bought or given, what is left of it, and until when. */
export class BillingGrants extends TollElement<Grant[]> {
  @state() private which: 'active' | 'all' = 'active';

  protected readonly heading = 'Credits';
  protected override readonly asksAgainFor = ['which'];

  static override styles = [TollElement.styles, css`:host { --_bleed: var(--_gap); }`];

  protected override async load(portal: Portal): Promise<Grant[]> {
    return (await portal.grants({ state: this.which, limit: 1000 })).data;
  }

  protected override isEmpty(data: Grant[]): boolean {
    return data.length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    return {
      title: this.which === 'active' ? 'No credits left' : 'No credits yet',
      text: 'What you buy or are given is listed here, with its expiry.',
    };
  }

  protected override controls(): TemplateResult {
    const choice = (which: 'active' | 'all', text: string): TemplateResult =>
      html`<button aria-pressed=${this.which === which} @click=${() => {
        this.which = which;
      }}>${text}</button>`;
    return html`<div class="segments" role="group" aria-label="Which credits">${choice('active', 'Active')}${choice('all', 'All')}</div>`;
  }

  protected override view(data: Grant[]): TemplateResult {
    return html`<toll-table caption="List of credits" file="credits.csv" .columns=${this.columns()} .rows=${data} .key=${(grant: Grant) => grant.id}></toll-table>`;
  }

  private columns(): Column<Grant>[] {
    const amount = (key: 'amount' | 'spent' | 'remaining', heading: string): Column<Grant> => ({
      key,
      title: heading,
      numeric: true,
      main: key === 'remaining',
      value: (grant) => grant[key],
      cell: (grant) => this.money.amount(grant[key], grant.unit, { floor: key === 'remaining' }),
      sort: (left, right) => compare(left[key], right[key]),
    });
    const kind = ({ kind: each, reference }: Grant): string =>
      `${each === 'paid' ? 'Bought' : 'Given'}${reference ? `, ${reference}` : ''}`;
    return [
      {
        key: 'id',
        title: 'Received',
        value: ({ created_at }) => created_at,
        cell: (grant) =>
          html`${this.dates.date(grant.created_at)}<br /><span class="muted small name">${kind(grant)}</span>`,
      },
      amount('amount', 'Amount'),
      amount('spent', 'Used'),
      amount('remaining', 'Left'),
      {
        key: 'expires',
        title: 'Expires',
        value: ({ expires_at }) => expires_at ?? '',
        cell: ({ expires_at }) =>
          expires_at
            ? html`<span title=${this.dates.relative(expires_at)}>${this.dates.date(expires_at)}</span>`
            : html`<span class="muted">Never</span>`,
      },
      {
        key: 'state',
        title: 'State',
        value: ({ state: each }) => each,
        cell: ({ state: each }) =>
          html`<span class="badge ${each === 'active' ? 'good' : ''}">${STATES[each] ?? each}</span>`,
      },
      {
        key: 'reference',
        title: 'Id',
        value: ({ id }) => id,
        cell: ({ id }) =>
          html`<span class="code" title=${id}>…${id.slice(-8)}</span><toll-copy .text=${id} label="grant"></toll-copy>`,
      },
    ];
  }
}
