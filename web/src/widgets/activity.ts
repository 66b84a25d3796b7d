import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { csv, save } from '../core/download.ts';
import { TollElement } from '../core/element.ts';
import { Problem } from '../core/http.ts';
import { icon } from '../core/icons.ts';
import { filtersOf } from '../core/ranges.ts';
import type { Explanation, LedgerEntry, LiveState, Page, UsageEvent } from '../core/types.ts';
import { entryId, eventId, type Feed, isWanted, joined, meets, type Wanted, withLatest } from './activity-feed.ts';
import { entryDetail, entryTold, eventDetail, eventTold, lineStyles, type Told, type Words } from './activity-lines.ts';
import { activityTable } from './activity-table.ts';

const PAGE = 50;
/** How many pages a refresh asks for at most, to reach the lines that are here. */
const CATCH_UP = 5;
/** How many pages of a thousand a file has at most. */
const FILE_PAGES = 100;
/** How long a new line is marked, in ms. */
const FRESH_FOR = 4_000;

type Line = UsageEvent | LedgerEntry;

interface Found extends Feed<Line> {
  question: string;
}

const isEvent = (line: Line): line is UsageEvent => 'meter' in line;
const idOf = (line: Line): string => (isEvent(line) ? eventId(line) : entryId(line));

/**
 * What happened, newest first: usage events, each of which opens to its arithmetic, or the ledger with its reference ids.
 *
 * @element toll-activity
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {events|ledger} view - Usage events (the default), or postings.
 * @attr {string} range - Events of these days: `7`, `30` (the default), `90`, `365`, or `2026-11-01..2026-11-15`.
 * @attr {string} meter - Only events of this meter.
 * @attr {string} member - Only events of this member.
 * @attr {string} filter - Only events with these dimensions: `job:engineer`, several separated by commas.
 * @attr {string} kind - Only postings of this kind.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart line - A line.
 * @csspart detail - What an opened line shows.
 * @csspart news - The button for new lines.
 * @csspart more - The button for older lines.
 */
export class TollActivity extends TollElement<Found> {
  @property({ attribute: 'view' }) what: 'events' | 'ledger' = 'events';
  @property() range = '30';
  @property() meter: string | null = null;
  @property() member: string | null = null;
  @property() filter: string | readonly string[] | null = null;
  @property() kind: string | null = null;
  @state() private opened: ReadonlySet<string> = new Set();
  @state() private fresh: ReadonlySet<string> = new Set();
  /** New lines that wait for the button, so that nothing moves under who reads. */
  @state() private waiting: ReadonlySet<string> = new Set();
  @state() private busy: 'no' | 'more' | 'file' | 'failed' = 'no';
  @state() private explanations: ReadonlyMap<string, Explanation | Problem> = new Map();
  private known: Set<string> | null = null;
  private seen: Found | null = null;

  protected override readonly asksAgainFor = ['what', 'range', 'meter', 'member', 'filter', 'kind'];

  protected get heading(): string {
    return this.what === 'ledger' ? 'Ledger' : 'Activity';
  }

  static override styles = [
    TollElement.styles,
    lineStyles,
    css`
      :host { display: block; }
      section { container-type: inline-size; }
      @media print { .more, .news, .head .button { display: none; } }
    `,
  ];

  protected override async load(portal: Portal): Promise<Found> {
    const question = JSON.stringify([this.what, this.params()]);
    const here = (): Found | null => (this.data?.question === question ? this.data : null);
    let fresh: Feed<Line> = { lines: [], cursor: null };
    for (let page = 0; page < CATCH_UP; page += 1) {
      const next = await this.ask(portal, fresh.cursor, PAGE);
      fresh = { lines: [...fresh.lines, ...next.data], cursor: next.next_cursor };
      const known = here();
      if (!known?.lines.length || !fresh.cursor || meets(fresh.lines, known.lines, idOf)) break;
    }
    return { question, ...joined(fresh, here(), idOf) };
  }

  protected override isEmpty({ lines }: Found): boolean {
    return lines.length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    if (this.what === 'ledger') return { title: 'Nothing booked yet', text: 'Charges and prepaid value appear here.' };
    const { meter, member, filters } = this.wanted();
    if (meter || member || filters.length)
      return { title: 'No events with these filters', text: 'Choose other days, or fewer filters.' };
    return { title: 'No events in these days', text: 'What’s used appears here within a second.' };
  }

  protected override withLive(data: Found, live: LiveState): Found {
    if (this.what === 'ledger') return data;
    const wanted = this.wanted();
    const latest = live.events.filter((event) => isWanted(event, wanted));
    const lines = withLatest(data.lines as UsageEvent[], latest);
    return lines === data.lines ? data : { ...data, lines };
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (this.data && this.data !== this.seen) this.arrived(this.data);
  }

  protected override skeleton(): TemplateResult {
    return html`${[70, 84, 62, 90, 76].map((width) => html`<span class="bone" .style=${`inline-size:${width}%;margin-block:16px`}></span>`)}`;
  }

  protected override controls(): TemplateResult | typeof nothing {
    if (!this.data?.lines.length) return nothing;
    const text = { no: 'CSV', more: 'CSV', file: 'Preparing…', failed: 'Failed: try again' }[this.busy];
    return html`<button class="button quiet" part="download" ?disabled=${this.busy === 'file'} @click=${this.saveAll}>${icon('download')}${text}<span class="hidden"> of ${this.heading}</span></button>`;
  }

  protected override view(data: Found): TemplateResult {
    const lines = data.lines.filter((line) => !this.waiting.has(idOf(line)));
    const days: string[] = [];
    const items = lines.flatMap((line) => {
      const told = isEvent(line) ? eventTold(line, this.words) : entryTold(line, this.words);
      const day = this.dates.dayOf(told.at);
      if (days.at(-1) === day) return [{ key: idOf(line), line, told }];
      days.push(day);
      return [
        { key: `day ${day} ${days.length}`, day },
        { key: idOf(line), line, told },
      ];
    });
    return html`${this.news()}
      <ol class="list">
        ${repeat(
          items,
          ({ key }) => key,
          (item) =>
            'line' in item
              ? this.line(item.line!, item.told!)
              : html`<li class="day">${this.dates.dayName(item.day!)}</li>`,
        )}
      </ol>
      ${data.cursor ? this.more() : nothing}`;
  }

  private get words(): Words {
    return { money: this.money, dates: this.dates, session: this.session };
  }

  private news(): TemplateResult {
    const count = this.waiting.size;
    return html`<div class="news" role="status">
      ${count ? html`<button class="button primary" part="news" @click=${this.showNews}>${icon('up')}${this.money.quantity(String(count))} new</button>` : nothing}
    </div>`;
  }

  private line(line: Line, { at, title, about, quantity, amount }: Told): TemplateResult {
    const id = idOf(line);
    const open = this.opened.has(id);
    return html`<li class="line ${this.fresh.has(id) ? 'fresh' : ''}" part="line">
      <button class="opener" aria-expanded=${open} @click=${() => this.toggle(line)}>
        ${icon('chevron')}
        <span class="what"><span class="title">${title}</span><span class="about">${about}</span></span>
        <span class="quantity">${quantity}</span><span class="amount">${amount}</span>
        <time class="at" datetime=${at} title=${this.dates.second(at)}>${this.dates.clockTime(at)}</time>
      </button>
      ${open ? html`<div class="detail" part="detail">${this.detail(line)}</div>` : nothing}
    </li>`;
  }

  private detail(line: Line): TemplateResult {
    if (!isEvent(line)) return entryDetail(line, this.words);
    return eventDetail(line, this.explanations.get(line.id), this.words, () => void this.explain(line.id));
  }

  private more(): TemplateResult {
    return html`<div class="more"><button class="button" part="more" ?disabled=${this.busy === 'more'} @click=${this.loadMore}>
      ${this.busy === 'more' ? 'Loading…' : 'Load more'}
    </button></div>`;
  }

  /** New lines on top are shown at once where nobody is disturbed, else they wait. */
  private arrived(data: Found): void {
    const known = data.question === this.seen?.question ? this.known : null;
    if (!known) {
      this.opened = new Set();
      this.waiting = new Set();
      this.explanations = new Map();
    } else {
      const first = data.lines.findIndex((line) => known.has(idOf(line)));
      const above = data.lines.slice(0, Math.max(0, first)).map(idOf);
      if (above.length && this.disturbs()) this.waiting = new Set([...above, ...this.waiting]);
      else if (above.length) this.mark(above);
      this.forgetChanged(data);
    }
    this.known = new Set(data.lines.map(idOf));
    this.seen = data;
  }

  /** An event that was corrected meanwhile has another explanation. */
  private forgetChanged(data: Found): void {
    const before = new Map(this.seen!.lines.map((line) => [idOf(line), line]));
    for (const line of data.lines) {
      const old = before.get(idOf(line));
      const same = !old || !isEvent(old) || !isEvent(line) || old.corrected_by.length === line.corrected_by.length;
      if (!same && this.opened.has(idOf(line))) void this.explain(idOf(line));
    }
  }

  private disturbs(): boolean {
    const list = this.renderRoot.querySelector('.list');
    return this.opened.size > 0 || (list !== null && list.getBoundingClientRect().top < 0);
  }

  private mark(ids: string[]): void {
    this.fresh = new Set([...this.fresh, ...ids]);
    setTimeout(() => {
      this.fresh = new Set([...this.fresh].filter((id) => !ids.includes(id)));
    }, FRESH_FOR);
  }

  private async showNews(): Promise<void> {
    this.mark([...this.waiting]);
    this.waiting = new Set();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('.opener')?.focus();
    const top = this.getBoundingClientRect().top;
    if (top < 0) this.scrollIntoView({ block: 'start' });
  }

  private toggle(line: Line): void {
    const id = idOf(line);
    const opened = new Set(this.opened);
    if (!opened.delete(id)) opened.add(id);
    this.opened = opened;
    if (isEvent(line) && opened.has(id) && !(this.explanations.get(id) instanceof Problem)) void this.explain(id);
  }

  private async explain(id: string): Promise<void> {
    const answer = await this.portal!.explanation(id).catch((error: unknown) =>
      error instanceof Problem ? error : new Problem(0, 'page_error', 'The explanation can’t be shown.'),
    );
    this.explanations = new Map(this.explanations).set(id, answer);
  }

  private async loadMore(): Promise<void> {
    const { question, cursor } = this.data!;
    this.busy = 'more';
    try {
      const page = await this.ask(this.portal!, cursor, PAGE);
      if (this.data?.question !== question) return;
      const here = new Set(this.data.lines.map(idOf));
      const lines = [...this.data.lines, ...page.data.filter((line) => !here.has(idOf(line)))];
      this.data = { question, lines, cursor: page.next_cursor };
    } catch {
      // The button is there for another try.
    } finally {
      this.busy = 'no';
    }
  }

  private async saveAll(): Promise<void> {
    this.busy = 'file';
    try {
      const lines: Line[] = [];
      let cursor: string | null = null;
      for (let count = 0; count < FILE_PAGES; count += 1) {
        const page: Page<Line> = await this.ask(this.portal!, cursor, 1000);
        lines.push(...page.data);
        cursor = page.next_cursor;
        if (!cursor) break;
      }
      save(`${this.what}.csv`, new Blob([csv(activityTable(lines, this.session))], { type: 'text/csv' }));
      this.busy = 'no';
    } catch {
      this.busy = 'failed';
    }
  }

  private ask(portal: Portal, cursor: string | null, limit: number): Promise<Page<Line>> {
    const params = { ...this.params(), limit, cursor };
    return this.what === 'ledger' ? portal.ledger(params) : portal.events(params);
  }

  private params(): Record<string, string | null | readonly string[]> {
    if (this.what === 'ledger') return { kind: this.kind };
    const { meter, member, filters, ...interval } = this.wanted();
    return { ...interval, meter, member, filter: filters };
  }

  private wanted(): Wanted {
    const interval = this.dates.interval(this.dates.range(this.range));
    return { ...interval, meter: this.meter || null, member: this.member || null, filters: filtersOf(this.filter) };
  }
}
