/** Quarantine: what was refused and why; replay it once the cause is mended, or give it up with a note. */
import { type Column, css, html, nothing, state, type TemplateResult } from 'tollkeeper';
import { app, count } from './app.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { choice, debounced, everything, look, searchField, table, View } from './look.ts';
import { toCustomer } from './router.ts';
import type { Page, Quarantined, Replayed } from './types.ts';

const STATES = [
  ['open', 'Waiting'],
  ['replayed', 'Replayed'],
  ['discarded', 'Discarded'],
] as const;
const CODES = [
  'unknown_customer',
  'unknown_meter',
  'unknown_dimension',
  'unknown_field',
  'missing_field',
  'invalid_quantity',
  'event_conflict',
  'customer_archived',
  'currency_mismatch',
  'time_in_future',
];
const PAGE = 50;

export class QuarantinePage extends View {
  @state() private chosen = new Set<string>();
  private readonly pages = new Pages<Quarantined>(
    this,
    (cursor) => this.ask(cursor, PAGE),
    () => ['status', 'code', 'customer'].map((name) => app.router.value(name)).join('\n'),
    true,
  );
  private readonly find = debounced((customer: string) =>
    app.router.set({ customer: customer.trim() }, { replace: true }),
  );

  static override styles = [
    look,
    css`.chosen { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; min-block-size: 34px; margin-block-end: 12px; }`,
  ];

  protected override render(): TemplateResult {
    return html`<div class="top"><div><h1>Quarantine</h1><p>Refused items, kept as they came. Mend the cause, then replay them.</p></div></div>
      <div class="tools">
        ${choice('State', STATES, this.status, (status) => app.router.set({ status }))}
        <label><span class="hidden">Reason</span><select class="control" @change=${(event: Event) => app.router.set({ code: (event.target as HTMLSelectElement).value })}>
          <option value="">Every reason</option>
          ${this.codes().map((code) => html`<option value=${code} ?selected=${code === app.router.value('code')}>${code}</option>`)}
        </select></label>
        ${searchField('Customer, by its whole key', app.router.value('customer'), this.find)}
      </div>
      ${this.pages.render((page) => this.view(page), rowsOfBones())}`;
  }

  private get status(): string {
    return app.router.value('status') || 'open';
  }

  private codes(): string[] {
    return [...new Set([...CODES, ...this.pages.rows.map(({ code }) => code), app.router.value('code')])]
      .filter(Boolean)
      .sort();
  }

  private ask(cursor: string | null, limit: number): Promise<Page<Quarantined>> {
    const { router } = app;
    return app.client.get('/v1/quarantine', {
      status: this.status,
      code: router.value('code'),
      customer: router.value('customer'),
      limit,
      cursor,
    });
  }

  private view(page: Page<Quarantined>): TemplateResult {
    if (!page.data.length)
      return this.status === 'open'
        ? empty(
            'Nothing waits here',
            'Events that can’t be booked, such as those of an unknown meter, are kept here with the reason.',
          )
        : empty('No such items');
    const columns = this.columns();
    return html`${this.status === 'open' ? this.bulk(page.data) : nothing}
      <section class="panel flush">
        ${table<Quarantined>({
          caption: 'Refused items',
          columns,
          rows: page.data,
          key: ({ quarantine_id }) => quarantine_id,
          file: 'quarantine.csv',
          download: () => everything(columns, (cursor) => this.ask(cursor, 1000)),
          detail: (item) => this.about(item),
        })}
        ${this.pages.pager()}
      </section>`;
  }

  private bulk(rows: Quarantined[]): TemplateResult {
    const chosen = rows
      .filter(({ quarantine_id }) => this.chosen.has(quarantine_id))
      .map(({ quarantine_id }) => quarantine_id);
    const all = chosen.length === rows.length;
    return html`<div class="chosen" role="group" aria-label="Chosen items">
      <button class="button" @click=${() => this.choose(all ? [] : rows)}>${all ? 'Choose none' : `Choose all ${rows.length} on this page`}</button>
      ${chosen.length ? html`<span class="muted">${count(chosen.length, 'item')} chosen</span><button class="button primary" @click=${() => this.replay(chosen)}>Replay</button><button class="button" @click=${() => this.discard(chosen)}>Discard</button>` : nothing}
    </div>`;
  }

  private columns(): Column<Quarantined>[] {
    return [
      {
        key: 'code',
        title: 'Reason',
        value: ({ code }) => code,
        cell: ({ code, field }) =>
          html`<span class="code keep">${code}</span>${field ? html`<span class="sub">${field}</span>` : nothing}`,
      },
      ...(this.status === 'open'
        ? [
            {
              key: 'pick',
              title: 'Chosen',
              quiet: true,
              value: () => '',
              cell: (item: Quarantined) => this.picker(item),
            },
          ]
        : []),
      {
        key: 'event',
        title: 'Event',
        value: ({ event_id }) => event_id ?? '',
        cell: ({ event_id }) => event_id ?? '–',
      },
      {
        key: 'customer',
        title: 'Customer',
        value: ({ customer_key }) => customer_key ?? '',
        cell: ({ customer_key }) =>
          customer_key ? html`<a href=${toCustomer(customer_key)}>${customer_key}</a>` : '–',
      },
      {
        key: 'detail',
        title: 'What’s wrong',
        value: ({ detail }) => detail,
        cell: ({ detail }) => html`<span class="wrap">${detail}</span>`,
      },
      {
        key: 'attempts',
        title: 'Sent',
        numeric: true,
        value: ({ attempts }) => String(attempts),
        cell: ({ attempts }) => `${attempts}×`,
      },
      {
        key: 'seen',
        title: 'Last',
        value: ({ last_seen_at }) => last_seen_at,
        cell: ({ last_seen_at }) => app.ago(last_seen_at),
      },
    ];
  }

  private picker({ quarantine_id, event_id }: Quarantined): TemplateResult {
    return html`<input type="checkbox" aria-label="Choose ${event_id ?? quarantine_id}" .checked=${this.chosen.has(quarantine_id)} @change=${() => this.toggle(quarantine_id)} />`;
  }

  private about(item: Quarantined): TemplateResult {
    return html`<div class="more">
      <dl>
        <dt>First sent</dt><dd>${app.time(item.first_seen_at)}</dd>
        <dt>Last sent</dt><dd>${app.time(item.last_seen_at)}</dd>
        ${item.resolved_at ? html`<dt>${item.status === 'replayed' ? 'Replayed' : 'Discarded'}</dt><dd>${app.time(item.resolved_at)} by ${item.resolved_by}</dd>` : nothing}
        ${item.note ? html`<dt>Note</dt><dd>${item.note}</dd>` : nothing}
        <dt>Item</dt><dd class="code">${item.quarantine_id}</dd>
      </dl>
      <pre tabindex="0" aria-label="The item as it came">${pretty(item.item)}</pre>
      ${item.status === 'open' ? html`<span class="buttons"><button class="button" @click=${() => this.replay([item.quarantine_id])}>Replay</button><button class="button" @click=${() => this.discard([item.quarantine_id])}>Discard</button></span>` : nothing}
    </div>`;
  }

  private toggle(id: string): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.chosen = chosen;
  }

  private choose(rows: Quarantined[]): void {
    this.chosen = new Set(rows.map(({ quarantine_id }) => quarantine_id));
  }

  private async replay(ids: string[]): Promise<void> {
    const done = await app.ask<{ results: Replayed[] }>({
      title: `Replay ${count(ids.length, 'item')}?`,
      text: 'They’re sent through the gate again. What is taken now is charged, in the period of its own time; what’s still wrong waits on with its reason.',
      action: 'Replay',
      done: 'They were sent again.',
      send: () => app.client.post('/v1/quarantine/replay', { ids }),
      result: ({ results }) => outcome(results),
    });
    if (done) await this.settled();
  }

  private async discard(ids: string[]): Promise<void> {
    const done = await app.ask({
      title: `Discard ${count(ids.length, 'item')}?`,
      text: 'They’re never charged. They stay readable among the discarded ones; it can’t be undone.',
      fields: [{ name: 'note', label: 'Why', required: true, hint: 'It’s kept with them.' }],
      action: 'Discard',
      danger: true,
      done: 'They are discarded.',
      send: ({ note }) => app.client.post('/v1/quarantine/discard', { ids, note }),
    });
    if (done) await this.settled();
  }

  private async settled(): Promise<void> {
    this.chosen = new Set();
    await this.pages.run();
  }
}

function outcome(results: Replayed[]): TemplateResult {
  const refused = results.filter(({ code }) => code !== null);
  const taken = results.length - refused.length;
  return html`<p>${count(taken, 'item')} taken${refused.length ? html`, ${refused.length} still refused:` : '.'}</p>
    ${refused.length ? html`<ul>${refused.slice(0, 8).map(({ id, quarantine_id, detail }) => html`<li><strong>${id ?? quarantine_id}</strong>: ${detail}</li>`)}${refused.length > 8 ? html`<li>and ${refused.length - 8} more</li>` : nothing}</ul>` : nothing}`;
}

/** JSON with its lines and indents; anything else as it came. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
