/** Whoever waits in a test has a busy machine's time. */
import { vi } from 'vitest';

const waitFor = vi.waitFor.bind(vi);
vi.waitFor = (reached, options) =>
  waitFor(reached, typeof options === 'number' ? options : { timeout: 10_000, ...options });
