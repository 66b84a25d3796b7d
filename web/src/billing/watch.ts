/** Keeps asking a server that's away, with growing pauses, and at once when the browser is online again. */
import { Problem, SessionEnded } from 'tollkeeper';

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 10_000;

/** Whether asking again may help: the network, a server that starts, too many at once. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Problem) || error instanceof SessionEnded) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** The answer, however long it takes; `onAway` hears of each failure. What can't pass is thrown. */
export async function persist<T>(
  what: () => Promise<T>,
  onAway: (problem: Problem) => void,
  pause: (ms: number) => Promise<void> = rest,
): Promise<T> {
  for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 1.6, LONGEST_PAUSE)) {
    try {
      return await what();
    } catch (error) {
      if (!mayPass(error)) throw error;
      onAway(error as Problem);
      await pause(wait);
    }
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      removeEventListener('online', end);
      done();
    }
    addEventListener('online', end);
  });
}
