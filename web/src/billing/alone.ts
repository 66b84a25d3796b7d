/** What stands alone on the page: no session, a session that's over, another customer's address, a server that's away. */
import { html, icon, nothing, type Session, type TemplateResult } from 'tollkeeper';
import { overText, safeUrl } from './session.ts';

function alone(mark: string, title: string, body: unknown): TemplateResult {
  return html`<main class="alone"><div class="void"><span class="mark">${icon(mark)}</span><h1>${title}</h1>${body}</div></main>`;
}

export const starting = (): TemplateResult =>
  html`<main class="alone" aria-busy="true"><h1 class="hidden">Billing</h1><span class="spin"></span><span class="hidden" role="status">Loading</span></main>`;

export const away = (): TemplateResult =>
  alone(
    'alert',
    'Billing can’t be reached right now',
    html`<p role="status">Nothing is lost. This page tries again by itself, and opens as soon as it can.</p>`,
  );

export function over(code: string, returnUrl: string | null): TemplateResult {
  const { title, text } = overText(code);
  const back = safeUrl(returnUrl);
  const link = html`<a class="button primary" href=${back} rel="noreferrer">Back to the app</a>`;
  return alone('clock', title, html`<p>${text}</p>${back ? link : nothing}<p class="code">${code}</p>`);
}

/** Values of one customer mean nothing on the page of another. */
export function otherCustomer(wanted: string, { name, customer }: Session, showOwn: () => void): TemplateResult {
  const own = name || customer;
  return alone(
    'alert',
    'This address is of another customer',
    html`<p>It was shared from the page of “${wanted}”. You are here for “${own}”.</p>
      <button class="button primary" @click=${showOwn}>Show the page of ${own}</button>`,
  );
}
