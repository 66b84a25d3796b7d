import { base, css, dressPage, html, LitElement } from 'tollkeeper';

dressPage();

/** The whole page; to be built. */
class BillingPage extends LitElement {
  static override styles = [base, css`:host { padding: 40px 20px; text-align: center; }`];

  protected override render() {
    return html`<p class="muted">Nothing here yet.</p>`;
  }
}

customElements.define('toll-billing-page', BillingPage);
