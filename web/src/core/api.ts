/**
 * The client of `/v1/portal/*`. Widgets with the same token share one: one cache, one live stream, one renewal of the
 * token.
 */
import { Cache } from './cache.ts';
import { bodyOf, Http, type HttpOptions, type Params, query, SessionEnded } from './http.ts';
import { Live, type LiveStatus } from './live.ts';
import type * as t from './types.ts';

export interface PortalOptions extends HttpOptions {
  /** Where Tollkeeper is, with or without a slash at the end. */
  base: string;
  token?: string | null;
  /** The product's own address that answers `{token}`; asked when there's no token, or it has ended. */
  tokenUrl?: string | null;
  now?: () => number;
}

/** At most one round of fetching per live update within this time, in ms. */
const REFRESH_EVERY = 2_000;

export interface PortalListener {
  /** A newer state has come: show it at once. */
  onState?: (state: t.LiveState) => void;
  /** Something may have changed: ask again (answers kept until now are forgotten). */
  onRefresh?: () => void;
  onStatus?: (status: LiveStatus) => void;
  /** The session is over and no token-url gives a new one. */
  onEnded?: (problem: SessionEnded) => void;
}

export class Portal {
  readonly base: string;
  private readonly http: Http;
  private readonly cache: Cache;
  private readonly live: Live<t.LiveState>;
  private readonly listeners = new Set<PortalListener>();
  private token: string | null;
  private renewal: Promise<string> | null = null;
  private refreshTimer: ReturnType<typeof setTimeout> | undefined;
  private refreshedAt = 0;
  private wasLive = false;
  /** The clock, in ms; fixtures have their own. */
  readonly now: () => number;

  constructor(private readonly options: PortalOptions) {
    this.base = options.base.replace(/\/+$/, '');
    this.token = options.token ?? null;
    this.now = options.now ?? (() => Date.now());
    this.http = new Http(options);
    this.cache = new Cache(5_000, this.now);
    this.live = new Live<t.LiveState>({
      open: (signal) => this.call('/live', { signal, headers: { Accept: 'text/event-stream' } }),
      poll: async () => this.refresh(),
      onState: (state) => this.receive(state),
      onStatus: (status) => this.turned(status),
      onEnd: (code) => this.streamEnded(code),
    });
  }

  get liveStatus(): LiveStatus {
    return this.live.status;
  }

  session = (): Promise<t.Session> => this.get('/session');
  overview = (): Promise<t.Overview> => this.get('/overview');
  usage = (params: Params): Promise<t.Usage> => this.get('/usage', params);
  models = (params: Params): Promise<t.Models> => this.get('/models', params);
  events = (params: Params = {}): Promise<t.Page<t.UsageEvent>> => this.get('/events', params);
  explanation = (event: string): Promise<t.Explanation> => this.get(`/events/${encodeURIComponent(event)}/explanation`);
  ledger = (params: Params = {}): Promise<t.Page<t.LedgerEntry>> => this.get('/ledger', params);
  grants = (params: Params = {}): Promise<t.Page<t.Grant>> => this.get('/grants', params);
  members = (params: Params = {}): Promise<t.Page<t.Member>> => this.get('/members', params);
  limits = (params: Params = {}): Promise<{ data: t.Limit[] }> => this.get('/limits', params);
  alerts = (params: Params = {}): Promise<t.Page<t.Alert>> => this.get('/alerts', params);
  plans = (): Promise<t.Plans> => this.get('/plans');
  offers = (): Promise<t.Offers> => this.get('/offers');
  topUps = (params: Params = {}): Promise<t.Page<t.TopUp>> => this.get('/top-ups', params);
  changePlan = (plan: string, from: 'now' | 'period_end'): Promise<t.Plans> => this.post('/plan', { plan, from });

  /** Safe to repeat: `id` is chosen by the caller once per intention. */
  startTopUp = (body: { id: string; unit: string; amount: string } | { id: string; pack: string }): Promise<t.TopUp> =>
    this.post('/top-ups', body);

  /** Never from the cache: whoever asks waits for it to change. */
  topUp = (id: string): Promise<t.TopUp> => this.read(`/top-ups/${encodeURIComponent(id)}`);

  cancelTopUp = (id: string): Promise<t.TopUp> => this.post(`/top-ups/${encodeURIComponent(id)}/cancel`, {});

  payTest = (id: string, outcome: 'paid' | 'failed'): Promise<t.TopUp> =>
    this.post(`/top-ups/${encodeURIComponent(id)}/test-payment`, { outcome });

  /** Any read below `/v1/portal`, kept for seconds and shared. */
  get<T>(path: string, params: Params = {}): Promise<T> {
    const address = path + query(params);
    return this.cache.get(address, () => this.read<T>(address));
  }

  /** A change; what was read before is asked for anew by everyone. */
  async post<T>(path: string, body: unknown): Promise<T> {
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
    const answer = await this.call(path, { method: 'POST', body: JSON.stringify(body), headers });
    const said = await bodyOf<T>(answer);
    this.refresh();
    return said;
  }

  /** A table as the server writes it, of everything that matches, not only of what's shown. */
  async csv(path: string, params: Params = {}): Promise<Blob> {
    return (await this.call(path + query(params), { headers: { Accept: 'text/csv' } })).blob();
  }

  /** Hear of changes; the stream runs while anyone listens. Returns what ends it. */
  listen(listener: PortalListener): () => void {
    this.listeners.add(listener);
    this.live.start();
    return () => {
      this.listeners.delete(listener);
      if (!this.listeners.size) this.live.stop();
    };
  }

  /** Forget what was read and have everyone ask again, at most once in two seconds. */
  refresh(): void {
    if (this.refreshTimer !== undefined) return;
    const due = Math.max(0, this.refreshedAt + REFRESH_EVERY - this.now());
    this.refreshTimer = setTimeout(() => {
      this.refreshTimer = undefined;
      this.refreshedAt = this.now();
      this.cache.forget();
      this.tell((listener) => listener.onRefresh?.());
    }, due);
  }

  private async read<T>(address: string): Promise<T> {
    return bodyOf<T>(await this.call(address, { headers: { Accept: 'application/json' } }));
  }

  private receive(state: t.LiveState): void {
    this.tell((listener) => listener.onState?.(state));
    if (state.changed.length) this.refresh();
  }

  private turned(status: LiveStatus): void {
    // What happened while the stream was away is in no later state.
    if (status === 'live' && this.wasLive) this.refresh();
    this.wasLive ||= status === 'live';
    this.tell((listener) => listener.onStatus?.(status));
  }

  private streamEnded(code: string): void {
    if (!this.options.tokenUrl) return void this.ended(new SessionEnded(401, code, 'This billing session has ended.'));
    this.token = null;
    this.live.stop();
    this.live.start();
  }

  private tell(what: (listener: PortalListener) => void): void {
    for (const listener of [...this.listeners]) what(listener);
  }

  private async call(path: string, init: RequestInit): Promise<Response> {
    const token = this.token ?? (await this.renew(null));
    try {
      return await this.authorized(path, init, token);
    } catch (error) {
      if (!(error instanceof SessionEnded)) throw error;
      if (!this.options.tokenUrl) throw this.ended(error);
      return this.authorized(path, init, await this.renew(token));
    }
  }

  private authorized(path: string, init: RequestInit, token: string): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${token}`);
    return this.http.call(`${this.base}/v1/portal${path}`, { ...init, headers, credentials: 'omit' });
  }

  /** A new token from the product; everyone whose token has ended meanwhile waits for the same answer. */
  private async renew(used: string | null): Promise<string> {
    if (this.token && this.token !== used) return this.token;
    const { tokenUrl } = this.options;
    if (!tokenUrl) throw this.ended(new SessionEnded(401, 'portal_token_missing', 'No billing session was given.'));
    this.renewal ??= this.askForToken(tokenUrl).finally(() => {
      this.renewal = null;
    });
    this.token = await this.renewal;
    return this.token;
  }

  private async askForToken(url: string): Promise<string> {
    const said = await this.http.json<{ token?: string } | undefined>(url).catch((error: unknown) => {
      throw error instanceof SessionEnded ? this.ended(error) : error;
    });
    if (!said?.token) throw new SessionEnded(401, 'portal_token_missing', 'The product gave no billing session.');
    return said.token;
  }

  private ended(error: SessionEnded): SessionEnded {
    this.live.stop();
    this.tell((listener) => listener.onEnded?.(error));
    return error;
  }
}

const shared = new Map<string, Portal>();

/** The one client for a token (or the address that gives tokens) of a server. */
export function portalFor(options: PortalOptions): Portal {
  const key = [options.base, options.tokenUrl ?? '', options.token ?? ''].join(' ');
  const known = shared.get(key) ?? new Portal(options);
  shared.set(key, known);
  return known;
}
