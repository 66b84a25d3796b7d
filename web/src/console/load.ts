/** Reactive controllers that fetch: what's loading, here, or failed, and how that looks. */
import { html, icon, type LitElement, nothing, type Problem, SessionEnded, type TemplateResult } from 'tollkeeper';
import { app } from './app.ts';
import { told } from './client.ts';
import type { Page } from './types.ts';

/** One question, asked again when its key changes. What was answered stays in sight until the next answer is there. */
export class Task<T> {
  value: T | null = null;
  problem: Problem | null = null;
  busy = false;
  private key: string | null = null;
  private round = 0;

  constructor(
    protected readonly host: LitElement,
    private readonly ask: () => Promise<T>,
    private readonly keyOf: () => string | null = () => '',
  ) {
    host.addController(this);
  }

  hostUpdate(): void {
    const key = this.keyOf();
    if (key === this.key) return;
    this.key = key;
    if (key !== null) void this.run();
  }

  hostDisconnected(): void {
    this.round++;
    this.key = null;
  }

  /** Ask again, now. */
  async run(): Promise<void> {
    const round = ++this.round;
    this.busy = true;
    this.host.requestUpdate();
    try {
      const value = await this.ask();
      if (round !== this.round) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (round !== this.round) return;
      this.problem = told(error);
      if (this.problem instanceof SessionEnded) return;
    } finally {
      if (round === this.round) this.busy = false;
    }
    this.host.requestUpdate();
  }

  render(view: (value: T) => unknown, bones: unknown = lines(3)): unknown {
    const { problem, value } = this;
    if (problem && value === null) return failed(problem, () => void this.run());
    if (value === null) return html`<div><span class="hidden" role="status">Loading</span>${bones}</div>`;
    return html`${problem ? stale(problem, () => void this.run()) : nothing}
      <div class=${this.busy ? 'task busy' : 'task'} aria-busy=${this.busy}>${view(value)}</div>`;
  }
}

/** A list by pages; where it is stands in memory, or in the address (`inAddress`), so that the way back leads there. */
export class Pages<Row, Answer extends Page<Row> = Page<Row>> extends Task<Answer> {
  private cursor: string | null = null;
  private back: (string | null)[] = [];
  private filter: string | null = null;

  constructor(
    host: LitElement,
    ask: (cursor: string | null) => Promise<Answer>,
    filterOf: () => string = () => '',
    private readonly inAddress = false,
  ) {
    super(
      host,
      () => ask(this.here),
      () => {
        const filter = filterOf();
        if (filter !== this.filter) [this.filter, this.cursor, this.back] = [filter, null, []];
        return `${filter}\n${this.here ?? ''}`;
      },
    );
  }

  get rows(): Row[] {
    return this.value?.data ?? [];
  }

  /** To the first page, and ask again. */
  async restart(): Promise<void> {
    [this.cursor, this.back] = [null, []];
    await this.run();
  }

  pager(): TemplateResult | typeof nothing {
    const next = this.value?.next_cursor ?? null;
    if (!this.here && !next) return nothing;
    return html`<nav class="pager" aria-label="Pages">
      <span class="muted small">Page ${this.before.length + 1}</span>
      <button class="button" ?disabled=${!this.here || this.busy} @click=${this.previous}>Previous</button>
      <button class="button" ?disabled=${!next || this.busy} @click=${() => this.move(next, [...this.before, this.here])}>Next</button>
    </nav>`;
  }

  private get here(): string | null {
    return this.inAddress ? app.router.value('cursor') || null : this.cursor;
  }

  private get before(): (string | null)[] {
    return this.inAddress ? app.router.back : this.back;
  }

  private readonly previous = (): void => {
    const { before } = this;
    this.move(before.at(-1) ?? null, before.slice(0, -1));
  };

  private move(cursor: string | null, back: (string | null)[]): void {
    if (this.inAddress) {
      app.router.set({ cursor }, { kept: { back } });
    } else {
      [this.cursor, this.back] = [cursor, back];
      this.host.requestUpdate();
    }
  }
}

/** Bones in place of lines of text. */
export const lines = (count: number): TemplateResult =>
  html`<div class="bones">${Array.from({ length: count }, (_, at) => html`<span class="bone" .style=${`inline-size:${90 - ((at * 37) % 50)}%`}></span>`)}</div>`;

/** Bones in place of a table. */
export const rowsOfBones = (count = 8): TemplateResult =>
  html`<div class="bones rows">${Array.from({ length: count }, () => html`<span class="bone"></span>`)}</div>`;

export const failed = (problem: Problem, again: (() => void) | null = null): TemplateResult =>
  html`<div class="void bad" role="alert">
    <span class="mark">${icon('alert')}</span>
    <strong>${problem.status === 404 ? 'There’s nothing here' : 'This can’t be shown right now'}</strong>
    <p>${problem.detail} <span class="code muted">${problem.code}</span></p>
    ${again ? html`<button class="button" @click=${again}>Try again</button>` : nothing}
  </div>`;

const stale = (problem: Problem, again: () => void): TemplateResult =>
  html`<div class="notice" role="status">${icon('alert')}<span>Not up to date: ${problem.detail}</span><button class="button" @click=${again}>Try again</button></div>`;

export const empty = (title: string, text: unknown = nothing): TemplateResult =>
  html`<div class="void"><span class="mark">${icon('empty')}</span><strong>${title}</strong>${text === nothing ? nothing : html`<p>${text}</p>`}</div>`;
