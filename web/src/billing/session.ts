/** How the page comes to its token: a link in the fragment is exchanged, the token stays in this tab. */
import { bodyOf, Http, type Problem, SessionEnded } from 'tollkeeper';

const KEPT = 'toll-portal';

/** What a tab keeps. The return address helps when the session has ended and the server says nothing more. */
export interface Kept {
  token: string;
  returnUrl: string | null;
}

/** The link's secret, taken out of the address bar (and its history entry) before anything else happens. */
export function takeLink(where: Location = location, past: History = history): string | null {
  const link = new URLSearchParams(where.hash.slice(1)).get('link');
  if (link === null) return null;
  past.replaceState(past.state, '', where.pathname + where.search);
  return link || null;
}

/** Storage may be forbidden in a frame: then the session ends with the page. */
export function kept(storage: () => Storage = () => sessionStorage): Kept | null {
  try {
    const found = JSON.parse(storage().getItem(KEPT) ?? 'null') as Partial<Kept> | null;
    return found?.token ? { token: found.token, returnUrl: found.returnUrl ?? null } : null;
  } catch {
    return null;
  }
}

export function keep(session: Kept | null, storage: () => Storage = () => sessionStorage): void {
  try {
    if (session) storage().setItem(KEPT, JSON.stringify(session));
    else storage().removeItem(KEPT);
  } catch {
    // As above.
  }
}

/** A token for the link; refused as `portal_link_expired` and the like. */
export async function exchange(base: string, link: string, http = new Http()): Promise<string> {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  const body = JSON.stringify({ link });
  const answer = await http.call(`${base}/v1/portal-sessions/exchange`, {
    method: 'POST',
    body,
    headers,
    credentials: 'omit',
  });
  return (await bodyOf<{ token: string }>(answer)).token;
}

/** Whether only another link helps; everything else may pass. */
export const isOver = (problem: Problem): boolean => problem instanceof SessionEnded;

/** What to tell whose session is over, by the code of the refusal. */
export function overText(code: string): { title: string; text: string } {
  const open = 'Open the billing page again from your app.';
  switch (code) {
    case 'portal_session_revoked':
      return { title: 'This session was ended', text: `Access to this page was withdrawn. ${open}` };
    case 'portal_link_expired':
      return { title: 'This link is no longer valid', text: `Links work for a few minutes only. ${open}` };
    case 'portal_token_missing':
      return {
        title: 'Open the billing page from your app',
        text: 'You come here by its “Billing” link: the link says whose page it is.',
      };
    case 'portal_session_expired':
      return { title: 'Your session has ended', text: `Sessions end after a while, for your safety. ${open}` };
    default:
      return { title: 'This session isn’t known here', text: open };
  }
}

/** Only web addresses are led to; nothing that would run. */
export function safeUrl(url: string | null): string | null {
  if (!url) return null;
  try {
    return /^https?:$/.test(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}
