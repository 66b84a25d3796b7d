import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live, type LiveStatus, serverEvents } from '../src/core/live.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A stream that is written to by hand. */
function stream(): { answer: Response; write: (text: string) => void; close: () => void } {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  return {
    answer: { ok: true, body } as Response,
    write: (text) => controller.enqueue(bytes(text)),
    close: () => controller.close(),
  };
}

function started(open: (signal: AbortSignal) => Promise<Response>) {
  const seen = { states: [] as unknown[], statuses: [] as LiveStatus[], ended: [] as string[] };
  const poll = vi.fn(async () => {});
  const live = new Live<unknown>({
    open,
    poll,
    random: () => 1,
    onState: (state) => seen.states.push(state),
    onStatus: (status) => seen.statuses.push(status),
    onEnd: (code) => seen.ended.push(code),
  });
  live.start();
  return { live, poll, seen };
}

function setHidden(hidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  setHidden(false);
});

describe('the stream', () => {
  it('is read whatever its chunks and line ends, pings aside', async () => {
    const source = ': ping\n\nevent: state\ndata: {"a":\ndata: "é"}\n\nevent: end\r\ndata: {}\r\n\r\ndata: cut off';
    for (const size of [1, 3, 1000]) {
      const all = bytes(source);
      const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
        all.slice(index * size, (index + 1) * size),
      );
      const body = new ReadableStream<Uint8Array>({
        start: (to) => {
          chunks.forEach((chunk) => {
            to.enqueue(chunk);
          });
          to.close();
        },
      });
      const found = [];
      for await (const event of serverEvents(body)) found.push(event);
      expect(found).toEqual([
        { event: 'state', data: '{"a":\n"é"}' },
        { event: 'end', data: '{}' },
      ]);
    }
  });

  it('hands on each state', async () => {
    const { answer, write } = stream();
    const { live, seen } = started(async () => answer);
    write('event: state\ndata: {"n":1}\n\n');
    await vi.advanceTimersByTimeAsync(1);
    write('event: state\ndata: {"n":2}\n\n');
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.states).toEqual([{ n: 1 }, { n: 2 }]);
    expect(seen.statuses).toEqual(['connecting', 'live']);
    live.stop();
  });

  it('comes back with growing pauses, and polls meanwhile', async () => {
    const open = vi.fn(async () => Promise.reject(new TypeError('refused')));
    const { live, poll, seen } = started(open);
    const attempts: number[] = [];
    for (const wait of [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      await vi.advanceTimersByTimeAsync(wait);
      attempts.push(open.mock.calls.length);
    }
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seen.statuses.at(-1)).toBe('polling');
    expect(poll.mock.calls.length).toBeGreaterThan(4);
    live.stop();
    const before = poll.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([poll.mock.calls.length, open.mock.calls.length]).toEqual([before, 8]);
  });

  it('that goes silent is opened anew', async () => {
    const opened: AbortSignal[] = [];
    const { live } = started(async (signal) => {
      opened.push(signal);
      const { answer, write, close } = stream();
      signal.addEventListener('abort', close);
      write('event: state\ndata: {}\n\n');
      return answer;
    });
    await vi.advanceTimersByTimeAsync(47_000);
    expect(opened[0]!.aborted).toBe(true);
    expect(opened).toHaveLength(2);
    live.stop();
  });

  it('rests while the page is hidden', async () => {
    const opened: AbortSignal[] = [];
    const { live, seen } = started(async (signal) => {
      opened.push(signal);
      return stream().answer;
    });
    await vi.advanceTimersByTimeAsync(10);
    setHidden(true);
    expect(opened[0]!.aborted).toBe(true);
    expect(seen.statuses.at(-1)).toBe('resting');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(opened).toHaveLength(1);
    setHidden(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(opened).toHaveLength(2);
    live.stop();
  });

  it('that the server ends stays closed', async () => {
    const { answer, write, close } = stream();
    const open = vi.fn(async () => answer);
    const { seen } = started(open);
    write('event: end\ndata: {"code":"portal_session_revoked"}\n\n');
    close();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(seen.ended).toEqual(['portal_session_revoked']);
    expect(open).toHaveBeenCalledTimes(1);
  });
});
