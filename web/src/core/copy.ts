import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { icon } from './icons.ts';
import { base } from './theme.ts';

/**
 * A button that copies an id, and says that it did.
 *
 * @element toll-copy
 */
export class TollCopy extends LitElement {
  /** What's copied. */
  @property() text = '';
  /** What it is, for screen readers: `event id`. */
  @property() label = '';
  @state() private done = false;

  static override styles = [
    base,
    css`
      :host { display: inline-flex; vertical-align: -4px; position: relative; }
      button { display: inline-grid; place-items: center; inline-size: 26px; block-size: 26px; padding: 0; border: 0; border-radius: var(--_radius-small); background: none; color: var(--_muted); cursor: pointer; }
      button:hover { color: var(--_text); background: var(--_subtle); }
      button svg { inline-size: 14px; block-size: 14px; }
      .done { color: var(--_good); }
      @media print { :host { display: none; } }
    `,
  ];

  protected override render(): TemplateResult {
    return html`<button type="button" class=${this.done ? 'done' : ''} title="Copy" @click=${this.copy}>
        ${icon(this.done ? 'check' : 'copy')}<span class="hidden">Copy ${this.label} ${this.text}</span>
      </button><span class="hidden" role="status">${this.done ? 'Copied' : nothing}</span>`;
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.text);
    } catch {
      // Without https there's no clipboard; what's selected can be copied all the same.
      copySelected(this.text);
    }
    this.done = true;
    setTimeout(() => {
      this.done = false;
    }, 1_500);
  }
}

function copySelected(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
