/** Changing the catalog: the text, what it would change in words, its problems at their lines, and applying it. */
import { css, html, icon, nothing, type Problem, state, type TemplateResult } from 'tollkeeper';
import { app } from './app.ts';
import { changeList, changeStyles } from './catalog.ts';
import { told } from './client.ts';
import { failed } from './load.ts';
import { look, panel, View } from './look.ts';
import type { CatalogProblem, Proposal } from './types.ts';

/** @fires catalog-applied - A new version is in force. */
export class CatalogChange extends View {
  @state() private source = '';
  @state() private found: Proposal | null = null;
  @state() private problem: Problem | null = null;
  @state() private busy = false;
  /** The text that `found` and `problem` are about. */
  private compared = '';

  static override styles = [
    look,
    changeStyles,
    css`
      .sheet { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
      .paper { display: grid; grid-template-columns: auto minmax(0, 1fr); max-block-size: 62vh; overflow: auto; border: 1px solid var(--_border-strong); border-radius: var(--_radius-small); background: var(--_surface); font: 13px/20px var(--_mono); }
      .paper:focus-within { outline: 2px solid var(--_accent); outline-offset: 1px; }
      .numbers { padding: 10px 8px 10px 12px; text-align: end; color: var(--_muted); background: var(--_subtle); user-select: none; white-space: pre; }
      .numbers .bad { color: var(--_bad); font-weight: 700; background: var(--_bad-soft); display: inline-block; min-inline-size: 100%; }
      textarea { display: block; inline-size: 100%; padding: 10px 12px; border: 0; outline: 0; resize: none; overflow-y: hidden; white-space: pre; overflow-wrap: normal; background: none; color: inherit; font: inherit; tab-size: 4; }
      textarea:focus-visible { outline: 0; }
      .bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
      .file { position: relative; }
      .file input { position: absolute; inset: 0; inline-size: 100%; opacity: 0; cursor: pointer; }
      .problems { list-style: none; margin: 0; padding: 0; display: grid; gap: 6px; }
      .problems button { display: flex; gap: 10px; inline-size: 100%; padding: 7px 10px; border: 0; border-radius: var(--_radius-small); background: var(--_bad-soft); color: var(--_bad); text-align: start; cursor: pointer; overflow-wrap: anywhere; }
      .problems strong { flex: none; font-weight: 600; }
      .warning { margin-block-start: 10px; }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.begin();
  }

  protected override updated(): void {
    // As high as its text, so that the line numbers scroll with it.
    const paper = this.renderRoot.querySelector('textarea');
    if (paper) paper.style.height = `${Math.max(320, (this.source.split('\n').length + 1) * 20 + 20)}px`;
  }

  protected override render(): TemplateResult {
    return html`<div class="sheet">
      <div class="paper">
        <div class="numbers" aria-hidden="true">${this.numbers()}</div>
        <textarea aria-label="The catalog as TOML" spellcheck="false" autocapitalize="off" wrap="off" .value=${this.source} @input=${this.onInput}></textarea>
      </div>
      <div class="bar">
        <button class="button primary" ?disabled=${this.busy || !this.source.trim()} @click=${this.compare}>${this.busy ? 'One moment …' : 'See what it changes'}</button>
        <span class="button file">Open a file<input type="file" accept=".toml,text/plain" aria-label="Open a catalog file" @change=${this.onFile} /></span>
        <button class="button quiet" @click=${this.begin}>Back to what’s in force</button>
      </div>
      <div aria-live="polite">${this.outcome()}</div>
    </div>`;
  }

  private get problems(): CatalogProblem[] {
    return (this.problem?.extra.problems as CatalogProblem[] | undefined) ?? [];
  }

  private numbers(): unknown {
    const bad = new Set(this.problems.map(({ line }) => line));
    return this.source
      .split('\n')
      .map((_, at) => (bad.has(at + 1) ? html`<span class="bad">${at + 1}</span>\n` : `${at + 1}\n`));
  }

  private outcome(): unknown {
    if (this.problem && this.problems.length) {
      const { problems } = this;
      return panel(
        problems.length === 1 ? 'One problem' : `${problems.length} problems`,
        html`<ul class="problems">${problems.map((each) => html`<li><button @click=${() => this.toLine(each.line)}>${each.line === null ? nothing : html`<strong>Line ${each.line}</strong>`}<span><span class="code">${each.key}</span> ${each.message}</span></button></li>`)}</ul>`,
      );
    }
    if (this.problem) return failed(this.problem);
    const { found } = this;
    if (!found) return nothing;
    const stale = this.source !== this.compared;
    if (!found.changes.length)
      return panel(
        'No changes',
        html`<p class="muted">It says what version ${found.version} says.</p>${this.warnings(found)}`,
      );
    return panel(
      `What it changes in version ${found.version}`,
      html`${changeList(found.changes)}${this.warnings(found)}`,
      stale
        ? html`<span class="muted small">The text has changed since.</span>`
        : html`<button class="button primary" @click=${() => this.apply(found)}>Apply …</button>`,
    );
  }

  private warnings(found: Proposal): unknown {
    return found.warnings.map((text) => html`<p class="notice warning">${icon('alert')}<span>${text}</span></p>`);
  }

  private readonly begin = async (): Promise<void> => {
    [this.found, this.problem] = [null, null];
    const { version } = app.catalog;
    if (!version) return;
    try {
      this.source = (await app.client.get<{ source: string }>(`/v1/catalog/history/${version}`)).source;
    } catch (error) {
      this.problem = told(error);
    }
  };

  private readonly compare = async (): Promise<void> => {
    [this.busy, this.found, this.problem, this.compared] = [true, null, null, this.source];
    try {
      this.found = await app.client.post<Proposal>('/v1/catalog/plan', { source: this.source });
    } catch (error) {
      this.problem = told(error);
    } finally {
      this.busy = false;
    }
  };

  private async apply(found: Proposal): Promise<void> {
    const source = this.compared;
    const done = await app.ask<Proposal>({
      title: `Apply ${found.changes.length === 1 ? 'this change' : `these ${found.changes.length} changes`}?`,
      text: 'The text becomes the next version, whole or not at all. Prices and limits hold at once, or from the time that they say; what was charged stays as it is.',
      action: 'Apply the catalog',
      done: 'The catalog is applied.',
      send: () => app.client.put('/v1/catalog', { source }),
    });
    if (!done) return;
    this.found = null;
    await app.readCatalog();
    this.dispatchEvent(new CustomEvent('catalog-applied', { bubbles: true }));
  }

  private toLine(line: number | null): void {
    const paper = this.renderRoot.querySelector('textarea')!;
    const lines = this.source.split('\n');
    const start = lines.slice(0, (line ?? 1) - 1).reduce((sum, each) => sum + each.length + 1, 0);
    paper.focus();
    paper.setSelectionRange(start, start + (lines[(line ?? 1) - 1]?.length ?? 0));
    paper.parentElement!.scrollTop = Math.max(0, ((line ?? 1) - 6) * 20);
  }

  private readonly onInput = (event: Event): void => {
    this.source = (event.target as HTMLTextAreaElement).value;
  };

  private readonly onFile = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    if (file) this.source = await file.text();
    input.value = '';
  };
}
