/** One dialog for every change: what will happen, the fields it needs, problems at their fields, and the same id at each try. */
import {
  base,
  css,
  html,
  icon,
  LitElement,
  nothing,
  type Problem,
  repeat,
  state,
  type TemplateResult,
} from 'tollkeeper';
import { told } from './client.ts';
import { type Ask, cleaned, type Field, initial, mistakes, newId, placed, type Values, visible } from './forms.ts';

export class ConsoleDialog extends LitElement {
  @state() private asked: Ask | null = null;
  @state() private values: Values = {};
  @state() private errors: Values = {};
  @state() private problem: Problem | null = null;
  @state() private busy = false;
  @state() private shown: unknown = null;
  private intention = '';
  private answer: unknown = null;
  private resolve: ((answer: unknown) => void) | null = null;

  static override styles = [
    base,
    css`
      dialog { inline-size: min(520px, calc(100vw - 24px)); max-block-size: calc(100vh - 40px); padding: 0; border: 1px solid var(--_border); border-radius: calc(var(--_radius) + 2px); background: var(--_surface); color: var(--_text); overflow: auto; }
      dialog::backdrop { background: color-mix(in oklab, #0b0d0e 45%, transparent); }
      form { display: grid; gap: 16px; padding: 22px; }
      h2 { font-size: 17px; overflow-wrap: anywhere; }
      .text { color: var(--_muted); overflow-wrap: anywhere; }
      .fields { display: grid; gap: 14px; grid-template-columns: 1fr 1fr; }
      .field { grid-column: 1 / -1; min-inline-size: 0; }
      .field.half { grid-column: auto; }
      @media (max-width: 460px) { .field.half { grid-column: 1 / -1; } }
      label, .label { display: block; font-weight: 500; font-size: 13px; margin-block-end: 5px; }
      .field input:not([type="checkbox"]), .field select, .field textarea { inline-size: 100%; }
      .field textarea { padding: 8px 12px; border: 1px solid var(--_border-strong); border-radius: var(--_radius-small); background: var(--_surface); color: inherit; font: inherit; resize: vertical; }
      .field [aria-invalid="true"] { border-color: var(--_bad); }
      .check { display: flex; gap: 8px; align-items: center; font-weight: 450; margin: 0; }
      .check input { inline-size: 16px; block-size: 16px; margin: 0; accent-color: var(--_accent); }
      .hint { margin-block-start: 4px; color: var(--_muted); font-size: 12.5px; }
      .error { margin-block-start: 4px; color: var(--_bad); font-size: 12.5px; overflow-wrap: anywhere; display: flex; gap: 5px; }
      .error svg { flex: none; margin-block-start: 1px; }
      .refused { padding: 10px 12px; border-radius: var(--_radius-small); background: var(--_bad-soft); color: var(--_bad); font-size: 13px; overflow-wrap: anywhere; }
      .refused .code { opacity: 0.85; }
      .effect { padding: 10px 12px; border-radius: var(--_radius-small); background: var(--_subtle); font-size: 13.5px; overflow-wrap: anywhere; }
      .buttons { position: sticky; inset-block-end: 0; margin: 0 -22px -22px; padding: 14px 22px; background: var(--_surface); border-block-start: 1px solid var(--_border); display: flex; flex-wrap: wrap; justify-content: end; gap: 8px; }
      .button.danger { background: var(--_bad); border-color: var(--_bad); color: var(--_surface); }
      .button.danger:hover { background: color-mix(in oklab, var(--_bad) 86%, var(--_text)); }
      .secret { display: flex; gap: 8px; align-items: center; padding: 10px 12px; border-radius: var(--_radius-small); background: var(--_subtle); }
      .secret code { flex: 1; min-inline-size: 0; overflow-wrap: anywhere; font: 12.5px/1.5 var(--_mono); user-select: all; }
      .result { display: grid; gap: 12px; }
      .result ul { list-style: disc; margin: 0; padding-inline-start: 18px; overflow-wrap: anywhere; }
    `,
  ];

  /** Show it; resolves with the answer of what was sent, or null where it was left. */
  async open(asked: Ask): Promise<unknown> {
    this.close();
    [this.asked, this.intention, this.answer, this.shown] = [asked, newId(), null, null];
    [this.values, this.errors, this.problem] = [initial(asked.fields ?? []), {}, null];
    await this.updateComplete;
    this.dialog.showModal();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Leave it, as by Escape. */
  close(): void {
    if (this.resolve) this.dialog.close();
  }

  protected override render(): TemplateResult {
    const { asked } = this;
    return html`<dialog aria-labelledby="title" aria-describedby=${this.shown ? nothing : 'effect'} @close=${this.onClose} @cancel=${this.onCancel}>
      ${asked ? html`<form novalidate @submit=${this.submit}>${this.content(asked)}</form>` : nothing}
    </dialog>`;
  }

  private content(asked: Ask): TemplateResult {
    if (this.shown) {
      return html`<h2 id="title">${asked.done ?? asked.title}</h2>
        <div class="result" role="status">${this.shown}</div>
        <div class="buttons"><button class="button primary" type="button" autofocus @click=${() => this.dialog.close()}>Done</button></div>`;
    }
    const fields = visible(asked.fields ?? [], this.values);
    const text = typeof asked.text === 'function' ? asked.text(cleaned(fields, this.values)) : asked.text;
    return html`<h2 id="title">${asked.title}</h2>
      ${
        fields.length
          ? html`<div class="fields">${repeat(
              fields,
              ({ name }) => name,
              (field) => this.field(field),
            )}</div>`
          : nothing
      }
      <div class="effect" id="effect">${text}</div>
      ${this.refusal()}
      <div class="buttons">
        <button class="button" type="button" ?disabled=${this.busy} @click=${() => this.dialog.close()}>Cancel</button>
        <button class="button ${asked.danger ? 'danger' : 'primary'}" type="submit" aria-disabled=${this.busy} ?autofocus=${!fields.length}>${this.busy ? 'One moment …' : asked.action}</button>
      </div>`;
  }

  private refusal(): TemplateResult | typeof nothing {
    const said = this.errors[''];
    if (!said) return nothing;
    return html`<p class="refused" role="alert">${said} ${this.problem ? html`<span class="code">${this.problem.code}</span>` : nothing}${this.problem?.retryAfter ? ` Try again in ${this.problem.retryAfter} s.` : nothing}</p>`;
  }

  private field(field: Field): TemplateResult {
    const error = this.errors[field.name];
    const told = html`${field.hint ? html`<p class="hint" id=${`${field.name}-hint`}>${field.hint}</p>` : nothing}
      ${error ? html`<p class="error" id=${`${field.name}-error`}>${icon('alert')}<span>${error}${this.problem ? html` <span class="code">${this.problem.code}</span>` : nothing}</span></p>` : nothing}`;
    if (field.kind === 'check') {
      return html`<div class="field"><label class="check"><input id=${field.name} type="checkbox" .checked=${this.values[field.name] === 'yes'} @change=${(event: Event) => this.set(field, (event.target as HTMLInputElement).checked ? 'yes' : '')} />${field.label}</label>${told}</div>`;
    }
    return html`<div class="field ${field.half ? 'half' : ''}">
      <label for=${field.name}>${field.label}${field.required || field.kind === 'choice' ? nothing : html` <span class="muted">(optional)</span>`}</label>
      ${this.control(field, error !== undefined)} ${told}
    </div>`;
  }

  private control(field: Field, invalid: boolean): TemplateResult {
    const value = this.values[field.name] ?? '';
    const described = `${field.name}-hint ${field.name}-error`;
    const onInput = (event: Event): void => this.set(field, (event.target as HTMLInputElement).value);
    if (field.kind === 'choice') {
      return html`<select id=${field.name} class="control" aria-describedby=${described} aria-invalid=${invalid} @change=${onInput}>
        ${(field.options ?? []).map(([key, label]) => html`<option value=${key} ?selected=${key === value}>${label}</option>`)}
      </select>`;
    }
    if (field.kind === 'long') {
      return html`<textarea id=${field.name} rows="3" aria-describedby=${described} aria-invalid=${invalid} aria-required=${Boolean(field.required)} .value=${value} @input=${onInput}></textarea>`;
    }
    const type = field.kind === 'time' ? 'datetime-local' : field.kind === 'day' ? 'date' : 'text';
    return html`<input
      id=${field.name}
      class="control"
      type=${type}
      inputmode=${field.kind === 'decimal' ? 'decimal' : nothing}
      autocomplete="off"
      spellcheck="false"
      aria-describedby=${described}
      aria-invalid=${invalid}
      aria-required=${Boolean(field.required)}
      .value=${value}
      @input=${onInput}
    />`;
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector('dialog')!;
  }

  private set(field: Field, value: string): void {
    this.values = { ...this.values, [field.name]: value };
    if (this.errors[field.name]) {
      const { [field.name]: _, ...rest } = this.errors;
      this.errors = rest;
    }
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { asked } = this;
    if (!asked || this.busy) return;
    const fields = asked.fields ?? [];
    this.errors = mistakes(fields, this.values);
    this.problem = null;
    if (Object.keys(this.errors).length) return this.toMistake(fields);
    this.busy = true;
    try {
      this.answer = (await asked.send(cleaned(fields, this.values), this.intention)) ?? true;
      if (asked.result) this.shown = asked.result(this.answer);
      else this.dialog.close();
    } catch (error) {
      this.problem = told(error);
      this.errors = placed(this.problem, visible(fields, this.values));
      await this.toMistake(fields);
    } finally {
      this.busy = false;
    }
  };

  private async toMistake(fields: readonly Field[]): Promise<void> {
    await this.updateComplete;
    const first = fields.find(({ name }) => this.errors[name]);
    if (first) this.renderRoot.querySelector<HTMLElement>(`#${first.name}`)?.focus();
  }

  /** While it's being sent nobody can know what has become of it, so it stays. */
  private readonly onCancel = (event: Event): void => {
    if (this.busy) event.preventDefault();
  };

  private readonly onClose = (): void => {
    const { resolve, answer } = this;
    this.resolve = null;
    this.asked = null;
    resolve?.(answer);
  };
}

/** A secret with a button that copies it. */
export const secret = (text: string): TemplateResult =>
  html`<div class="secret"><code>${text}</code><button class="button" type="button" @click=${copy(text)}>Copy</button></div>`;

const copy =
  (text: string) =>
  async (event: Event): Promise<void> => {
    const button = event.currentTarget as HTMLButtonElement;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select it and copy';
    }
  };
