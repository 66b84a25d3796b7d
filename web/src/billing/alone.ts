/** What stands alone on the page: no session, a session that's over, another customer's address, a server that's away. */
import { html, icon, nothing, type Session, type TemplateResult } from 'tollkeeper';
import { overText, safeUrl } from './session.ts';

/** `whole` where nothing else is in the window, which then needs a main part and a heading of its own. */
export function alone(mark: string, title: string, body: unknown, whole: boolean): TemplateResult {
  const heading = whole ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`;
  return html`<div class="alone" role=${whole ? 'main' : nothing}><div class="void"><span class="mark">${icon(mark)}</span>${heading}${body}</div></div>`;
}

export const starting = (whole: boolean): TemplateResult =>
  html`<div class="alone" role=${whole ? 'main' : nothing} aria-busy="true">${whole ? html`<h1 class="hidden">Billing</h1>` : nothing}<span class="spin"></span><span class="hidden" role="status">Loading</span></div>`;

export const away = (whole: boolean): TemplateResult =>
  alone(
    'alert',
    'Billing can’t be reached right now',
    html`<p role="status">Nothing is lost. This page tries again by itself, and opens as soon as it can.</p>`,
    whole,
  );

export function over(code: string, returnUrl: string | null): TemplateResult {
  const { title, text } = overText(code);
  const back = safeUrl(returnUrl);
  const link = html`<a class="button primary" href=${back} rel="noreferrer">Back to the app</a>`;
  return alone('clock', title, html`<p>${text}</p>${back ? link : nothing}<p class="code">${code}</p>`, true);
}

/** In a product's own page, where only the product can say who is there. */
export const signedOut = (): TemplateResult =>
  alone(
    'clock',
    'Your session has ended',
    html`<p role="status">Sign in again, or reload this page, to go on.</p>`,
    false,
  );

/** A link that somebody followed while the tab has another customer's session: it may be somebody else's doing. */
export function otherLink(present: Session, linked: Session, choose: (linked: boolean) => void): TemplateResult {
  const [own, other] = [present, linked].map(({ name, customer }) => name || customer);
  return alone(
    'alert',
    'This link is of another customer',
    html`<p>You are here for “${own}”. The link that you’ve followed opens the page of “${other}”. If you didn’t expect that, stay.</p>
      <button class="button primary" @click=${() => choose(false)}>Stay with ${own}</button>
      <button class="button" @click=${() => choose(true)}>Open the page of ${other}</button>`,
    true,
  );
}

/** Values of one customer mean nothing on the page of another. */
export function otherCustomer(wanted: string, { name, customer }: Session, showOwn: () => void): TemplateResult {
  const own = name || customer;
  return alone(
    'alert',
    'This address is of another customer',
    html`<p>It was shared from the page of “${wanted}”. You are here for “${own}”.</p>
      <button class="button primary" @click=${showOwn}>Show the page of ${own}</button>`,
    true,
  );
}
