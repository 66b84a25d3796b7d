import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { icon } from './icons.ts';
import { base } from './theme.ts';

/**
 * A modal dialog; it's open while it's in the page. Escape, its cross and a press beside it close it, unless it's `busy`; then
 * focus goes back to where it was.
 *
 * @element toll-dialog
 * @slot - What it's about.
 * @slot actions - The buttons, the one that goes on last.
 * @fires toll-close - It has closed: take it out of the page.
 * @csspart dialog - The dialog.
 * @csspart title - Its heading.
 * @csspart close - The cross.
 */
export class TollDialog extends LitElement {
  @property() heading = '';
  /** Something is under way that can't be left. */
  @property({ type: Boolean }) busy = false;

  static override styles = [
    base,
    css`
      dialog { inline-size: min(var(--_dialog, 440px), calc(100vw - 32px)); max-block-size: calc(100dvh - 48px); padding: 0; overflow: auto; overscroll-behavior: contain; border: 1px solid var(--_border); border-radius: calc(var(--_radius) + 4px); background: var(--_surface); color: var(--_text); box-shadow: 0 24px 64px -16px rgb(0 0 0 / 34%); animation: rise 160ms cubic-bezier(0.2, 0.8, 0.3, 1); }
      dialog::backdrop { background: rgb(8 12 14 / 46%); animation: fade 160ms; }
      @keyframes rise { from { opacity: 0; transform: translateY(10px) scale(0.985); } }
      @keyframes fade { from { opacity: 0; } }
      header { display: flex; align-items: start; justify-content: space-between; gap: 12px; padding: 20px 22px 0; }
      h2 { font-size: 17px; letter-spacing: -0.015em; overflow-wrap: anywhere; min-inline-size: 0; }
      h2:focus-visible { outline: none; }
      .cross { flex: none; inline-size: 30px; block-size: 30px; margin: -4px -8px 0 0; padding: 0; display: grid; place-items: center; border: 0; border-radius: var(--_radius-small); background: none; color: var(--_muted); cursor: pointer; }
      .cross:hover { background: var(--_subtle); color: var(--_text); }
      .cross:disabled { opacity: 0.4; cursor: default; }
      .content { padding: 14px 22px 4px; overflow-wrap: anywhere; }
      .actions { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; padding: 16px 22px 20px; }
      @media (max-width: 480px) {
        dialog { inline-size: 100%; max-inline-size: none; margin-block-end: 0; border-end-start-radius: 0; border-end-end-radius: 0; border-inline: 0; border-block-end: 0; }
        .actions { padding-block-end: max(20px, env(safe-area-inset-bottom)); }
        .actions ::slotted(*) { flex: 1 1 auto; min-block-size: 44px !important; }
        .cross { inline-size: 40px; block-size: 40px; margin: -9px -12px 0 0; }
      }
      @media (forced-colors: active) { dialog { border: 2px solid CanvasText; } }
    `,
  ];

  close(): void {
    this.shadowRoot?.querySelector('dialog')?.close();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.close();
  }

  protected override firstUpdated(): void {
    const dialog = this.shadowRoot!.querySelector('dialog')!;
    dialog.showModal();
    // The heading, so that it's read out first, and so that Enter pays nothing by accident.
    dialog.querySelector<HTMLElement>('h2')!.focus();
  }

  /** Another step: its heading is read out, and focus doesn't stay on a button that's gone. */
  protected override updated(changed: PropertyValues): void {
    if (changed.get('heading')) this.shadowRoot!.querySelector('h2')!.focus();
  }

  protected override render(): TemplateResult {
    return html`<dialog
      part="dialog"
      aria-labelledby="heading"
      aria-busy=${this.busy}
      @cancel=${this.cancel}
      @close=${this.closed}
      @click=${this.pressed}
    >
      <header>
        <h2 id="heading" part="title" tabindex="-1">${this.heading}</h2>
        <button class="cross" part="close" aria-label="Close" ?disabled=${this.busy} @click=${this.close}>${icon('close')}</button>
      </header>
      <div class="content"><slot></slot></div>
      <div class="actions"><slot name="actions"></slot></div>
    </dialog>`;
  }

  private cancel(event: Event): void {
    if (this.busy) event.preventDefault();
  }

  private closed(): void {
    this.dispatchEvent(new CustomEvent('toll-close'));
  }

  /** Beside the dialog is its backdrop, which counts as the dialog itself. */
  private pressed(event: MouseEvent): void {
    const dialog = event.currentTarget as HTMLDialogElement;
    if (event.target !== dialog || this.busy) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (!inside) this.close();
  }
}
