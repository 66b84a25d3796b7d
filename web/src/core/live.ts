/**
 * Server-sent events over `fetch`, because an `EventSource` can't send a bearer token. Reconnects with growing pauses, asks
 * for the state every 15 seconds while it has no stream, and rests while nobody looks at the page.
 */

export type LiveStatus = 'connecting' | 'live' | 'polling' | 'resting' | 'ended';

export interface LiveOptions<T> {
  /** Opens the stream; rejects when that fails. */
  open: (signal: AbortSignal) => Promise<Response>;
  /** Asks once, without a stream. */
  poll: () => Promise<void>;
  onState: (state: T) => void;
  onStatus?: (status: LiveStatus) => void;
  /** The session is over: the code says why. */
  onEnd?: (code: string) => void;
  pollEvery?: number;
  /** Silence after which a stream counts as broken; the server sends a ping every 15 s. */
  silence?: number;
  random?: () => number;
}

export interface ServerEvent {
  event: string;
  data: string;
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

export class Live<T> {
  status: LiveStatus = 'resting';
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private poller: ReturnType<typeof setInterval> | undefined;
  private failures = 0;
  private started = false;
  private readonly onVisibility = (): void => (document.hidden ? this.rest() : this.connect());

  constructor(private readonly options: LiveOptions<T>) {}

  start(): void {
    if (this.started) return;
    this.started = true;
    document.addEventListener('visibilitychange', this.onVisibility);
    if (!document.hidden) this.connect();
  }

  stop(): void {
    this.started = false;
    document.removeEventListener('visibilitychange', this.onVisibility);
    this.rest();
  }

  private rest(): void {
    clearTimeout(this.timer);
    this.stopPolling();
    this.abort?.abort();
    this.abort = null;
    this.tell('resting');
  }

  private connect(): void {
    if (!this.started || this.abort || this.status === 'ended') return;
    clearTimeout(this.timer);
    if (this.status !== 'polling') this.tell('connecting');
    const abort = new AbortController();
    this.abort = abort;
    this.follow(abort)
      .catch(() => {})
      .finally(() => {
        if (this.abort !== abort) return;
        this.abort = null;
        if (this.started && this.status !== 'ended') this.connectLater();
      });
  }

  private async follow(abort: AbortController): Promise<void> {
    const answer = await this.options.open(abort.signal);
    if (!answer.body) throw new TypeError('a stream without a body');
    const alive = watchdog(this.options.silence ?? 45_000, () => abort.abort());
    try {
      for await (const { event, data } of serverEvents(answer.body, alive.touch)) {
        if (abort.signal.aborted) return;
        this.receive(event, data);
      }
    } finally {
      alive.stop();
    }
  }

  private receive(event: string, data: string): void {
    if (event === 'state') {
      this.failures = 0;
      this.stopPolling();
      this.tell('live');
      this.options.onState(JSON.parse(data) as T);
    } else if (event === 'end') {
      const { code } = JSON.parse(data || '{}') as { code?: string };
      this.tell('ended');
      this.options.onEnd?.(code ?? 'portal_session_expired');
    }
  }

  private connectLater(): void {
    // Half of each pause is chance, so that a thousand pages don't come back at once.
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures);
    const pause = longest / 2 + ((this.options.random ?? Math.random)() * longest) / 2;
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), pause);
    if (this.failures > 1) this.startPolling();
  }

  private startPolling(): void {
    this.tell('polling');
    this.poller ??= setInterval(() => void this.options.poll().catch(() => {}), this.options.pollEvery ?? 15_000);
  }

  private stopPolling(): void {
    clearInterval(this.poller);
    this.poller = undefined;
  }

  private tell(status: LiveStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.options.onStatus?.(status);
  }
}

/** Splits a stream into its events, whatever the chunks; comments (pings) only count as signs of life. */
export async function* serverEvents(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void = () => {},
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const read = rest + decoder.decode(value, { stream: true });
      // A \r at the end may be the first half of a line's end: it waits for the next chunk.
      const half = read.endsWith('\r') ? '\r' : '';
      const blocks = read
        .slice(0, read.length - half.length)
        .replace(/\r\n?/g, '\n')
        .split('\n\n');
      rest = (blocks.pop() ?? '') + half;
      for (const block of blocks) {
        const found = parse(block);
        if (found) yield found;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block: string): ServerEvent | null {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
  }
  return data.length ? { event, data: data.join('\n') } : null;
}

function watchdog(after: number, bark: () => void): { touch: () => void; stop: () => void } {
  let timer = setTimeout(bark, after);
  return {
    touch: () => {
      clearTimeout(timer);
      timer = setTimeout(bark, after);
    },
    stop: () => clearTimeout(timer),
  };
}
