import type { UsageRow } from '../src/tollkeeper.ts';

/** A row of usage by job. */
export const row = (
  job: string | null,
  meter: string,
  quantity: string,
  charge: string,
  more: Partial<UsageRow> = {},
): UsageRow => ({
  start: '2026-10-30T00:00:00Z',
  end: '2026-11-29T00:00:00Z',
  meter,
  group: { job },
  events: 1,
  quantity,
  charge,
  unit: 'USD',
  unpriced: 0,
  estimated: 0,
  ...more,
});
