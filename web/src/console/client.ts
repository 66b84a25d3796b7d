/**
 * The client of `/v1` as the console uses it: signed in by cookie, with the CSRF header that only this page can know. An ended
 * session is told to the page, which asks for the key and goes on where it was.
 */
import { bodyOf, Http, type HttpOptions, NotAllowed, type Params, Problem, query, SessionEnded } from 'tollkeeper';
import type { SignedIn } from './types.ts';

export const CSRF_HEADER = 'X-Toll-CSRF';
const SESSION = '/v1/console/session';

export interface ClientOptions extends HttpOptions {
  /** Where `/v1` is: here, but for tests. */
  base?: string;
  /** The session is over; until somebody signs in again, nothing will be answered. */
  onEnded?: (why: SessionEnded) => void;
}

export class Client {
  /** Who is signed in. */
  signedIn: SignedIn | null = null;
  private readonly http: Http;

  constructor(private readonly options: ClientOptions = {}) {
    this.http = new Http(options);
  }

  /** Take up the session that the browser's cookie stands for. False where there's none. */
  async restore(): Promise<boolean> {
    try {
      this.signedIn = await this.http.json<SignedIn>(this.address(SESSION), { credentials: 'same-origin' });
      return true;
    } catch (error) {
      if (!(error instanceof SessionEnded)) throw error;
      this.signedIn = null;
      return false;
    }
  }

  async signIn(key: string): Promise<void> {
    this.signedIn = await this.http.json<SignedIn>(this.address(SESSION), {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key }),
    });
  }

  async signOut(): Promise<void> {
    try {
      await this.call(SESSION, { method: 'DELETE' }, false);
    } catch (error) {
      // A session that is over already is what was wanted.
      if (!(error instanceof SessionEnded)) throw error;
    }
    this.signedIn = null;
  }

  get<T>(path: string, params: Params = {}): Promise<T> {
    return this.json<T>(path + query(params), { method: 'GET' });
  }

  post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.sent<T>('POST', path, body, headers);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.sent<T>('PUT', path, body);
  }

  delete(path: string): Promise<void> {
    return this.json<void>(path, { method: 'DELETE' });
  }

  async csv(path: string, params: Params = {}): Promise<Blob> {
    return (await this.call(path + query(params), { headers: { Accept: 'text/csv' } })).blob();
  }

  private sent<T>(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    const type = { 'Content-Type': 'application/json' };
    return this.json<T>(path, { method, headers: { ...type, ...headers }, body: JSON.stringify(body) });
  }

  private async json<T>(path: string, init: RequestInit): Promise<T> {
    const headers = new Headers(init.headers);
    headers.set('Accept', 'application/json');
    const answer = await this.call(path, { ...init, headers });
    return answer.status === 204 ? (undefined as T) : bodyOf<T>(answer);
  }

  private async call(path: string, init: RequestInit, tells = true): Promise<Response> {
    try {
      return await this.attempt(path, init);
    } catch (error) {
      if (error instanceof NotAllowed && error.code === 'csrf_failed' && (await this.restore())) {
        // Somebody has signed in anew in another tab: the cookie is that session's, and so must the header be.
        return this.attempt(path, init);
      }
      if (error instanceof SessionEnded && tells) this.ended(error);
      throw error;
    }
  }

  private attempt(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set(CSRF_HEADER, this.signedIn?.csrf ?? '');
    return this.http.call(this.address(path), { ...init, headers, credentials: 'same-origin' });
  }

  private ended(why: SessionEnded): void {
    this.signedIn = null;
    this.options.onEnded?.(why);
  }

  private address(path: string): string {
    return (this.options.base ?? '') + path;
  }
}

/** A part of a path: customers' keys may hold any character. */
export const part = (text: string): string => encodeURIComponent(text);

/** A problem for people, whatever was thrown. */
export function told(error: unknown): Problem {
  if (error instanceof Problem) return error;
  reportError(error);
  return new Problem(0, 'page_error', 'This part of the page has failed. Reload it and try again.');
}
