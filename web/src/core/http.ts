/** One HTTP call: JSON both ways, problem documents as errors, reads repeated when the network fails. */

/** An RFC 9457 problem document as an exception. Programs look at `code`, people read `detail`. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = new.target.name;
  }

  /** Seconds to wait, where the server says so. */
  get retryAfter(): number | null {
    const said = this.extra.retry_after;
    return typeof said === 'number' ? said : null;
  }
}

/** No answer at all: offline, refused, or cut off. */
export class Unreachable extends Problem {
  constructor() {
    super(0, 'unreachable', 'The billing server can’t be reached. Check the connection and try again.');
  }
}

/** The portal session has ended or was never there; only a new token helps. */
export class SessionEnded extends Problem {}

/** The session may look, but not do this. */
export class NotAllowed extends Problem {}

/** A limit on how often something may be tried; `retryAfter` says when again. */
export class TooMany extends Problem {}

export type Send = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpOptions {
  send?: Send;
  /** Pauses before each repetition of a read, in ms. */
  pauses?: readonly number[];
  sleep?: (ms: number) => Promise<void>;
}

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class Http {
  private readonly send: Send;
  private readonly pauses: readonly number[];
  private readonly sleep: (ms: number) => Promise<void>;

  constructor(options: HttpOptions = {}) {
    this.send = options.send ?? ((url, init) => fetch(url, init));
    this.pauses = options.pauses ?? [300, 900, 2700];
    this.sleep = options.sleep ?? later;
  }

  /** The answer if it's a good one; a Problem otherwise. Only GETs are repeated: they change nothing. */
  async call(url: string, init: RequestInit = {}): Promise<Response> {
    const pauses = (init.method ?? 'GET') === 'GET' ? this.pauses : [];
    for (const pause of [...pauses, null]) {
      const answer = await this.attempt(url, init);
      if (answer?.ok) return answer;
      if (pause === null || (answer && !isBusy(answer))) throw answer ? await problem(answer) : new Unreachable();
      await this.sleep(pause);
    }
    throw new Unreachable();
  }

  /** The answer, or null where there's none; who has broken it off himself gets his exception. */
  private async attempt(url: string, init: RequestInit): Promise<Response | null> {
    try {
      return await this.send(url, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      return null;
    }
  }

  async json<T>(url: string, init: RequestInit = {}): Promise<T> {
    const headers = new Headers(init.headers);
    headers.set('Accept', 'application/json');
    const answer = await this.call(url, { ...init, headers });
    return answer.status === 204 ? (undefined as T) : bodyOf<T>(answer, init.signal);
  }
}

/** What an answer says. One whose connection breaks within it is of a server that's away; one that isn't JSON is an error. */
export async function bodyOf<T>(answer: Response, signal?: AbortSignal | null): Promise<T> {
  try {
    return (await answer.json()) as T;
  } catch (error) {
    if (error instanceof TypeError && !signal?.aborted) throw new Unreachable();
    throw error;
  }
}

/** A server that starts, or has too much to do, says so with 502 to 504: worth another try. */
const isBusy = (answer: Response): boolean => answer.status >= 502 && answer.status <= 504;

/** The exception for an answer that isn't good, also when its body is no problem document (a proxy's page). */
export async function problem(answer: Response): Promise<Problem> {
  const body: Record<string, unknown> = await answer.json().catch(() => ({}));
  const code = typeof body.code === 'string' ? body.code : `http_${answer.status}`;
  const detail = typeof body.detail === 'string' ? body.detail : `The server answered ${answer.status}.`;
  const wait = Number(answer.headers.get('Retry-After') ?? Number.NaN);
  const extra = Number.isNaN(wait) ? body : { ...body, retry_after: wait };
  const kind = { 401: SessionEnded, 403: NotAllowed, 429: TooMany }[answer.status] ?? Problem;
  return new kind(answer.status, code, detail, extra);
}

/** `{a: 1, b: ['x', 'y'], c: null}` → `?a=1&b=x&b=y` */
export type Params = Record<string, string | number | boolean | null | undefined | readonly string[]>;

export function query(params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== '') search.append(name, String(each));
    }
  }
  return search.size ? `?${search}` : '';
}
