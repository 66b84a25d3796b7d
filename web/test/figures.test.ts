import { afterEach, describe, expect, it } from 'vitest';
import { stage } from './stage.ts';
import { row } from './usage-row.ts';

afterEach(() => document.body.replaceChildren());

describe('a limit on the page', () => {
  const limit = {
    limit: 'calls',
    name: 'Calls',
    meter: 'cv',
    group: null,
    spend: null,
    per: 'day',
    by: 'customer',
    mode: 'hard',
    enabled: true,
    warn_at: [],
    member: null,
    cap: '1000',
    used: '2',
    held: '0',
    remaining: '998',
    percent: '0.2',
    meter_unit: 'call',
    window: { start: '2026-11-28T00:00:00Z', end: '2026-11-29T00:00:00Z' },
  };
  const spend = { ...limit, limit: 'spend', name: 'Spend', meter: null, spend: 'USD', meter_unit: null };

  it('says that little is used, and never that more is left than there is', async () => {
    const { widget, server, all } = await stage('toll-limits');
    const data = [limit, { ...spend, cap: '50', used: '0.00034', remaining: '49.99966' }];
    server.refuse = ({ path }) => (path === '/limits' ? Response.json({ data, next_cursor: null }) : null);
    await expect.poll(() => all('.notes').length, { message: widget.localName }).toBe(2);
    const told = all('.notes').map((each) => each.firstElementChild!.textContent);
    expect(told).toEqual(['<1% · 998 calls left', '<1% · $49.99 left']);
  });
});

describe('a breakdown with usage that has no job', () => {
  it('counts those that have a name', async () => {
    const { widget, server, all } = await stage('toll-breakdown');
    const rows = [row('a', 'cv', '1', '1'), row('b', 'cv', '1', '1'), row(null, 'cv', '1', '1')];
    const usage = {
      start: '2026-10-30T00:00:00Z',
      end: '2026-11-29T00:00:00Z',
      timezone: 'UTC',
      as_of: '2026-11-28T14:03:00Z',
    };
    server.refuse = ({ path }) =>
      path === '/usage'
        ? Response.json({ ...usage, window: 'total', totals: [], unpriced: 0, estimated: 0, rows })
        : null;
    widget.setAttribute('by', 'job');
    const table = () => all('toll-table')[0]?.shadowRoot ?? all('toll-table')[0];
    await expect.poll(() => table()?.textContent?.replace(/\s+/g, ' ')).toContain('Total of 2 jobs, and without job');
  });
});

describe('usage', () => {
  const empty = {
    start: '2026-10-30T00:00:00Z',
    end: '2026-11-29T00:00:00Z',
    window: 'day',
    timezone: 'UTC',
    as_of: '2026-11-28T14:03:00Z',
    totals: [],
    unpriced: 0,
    estimated: 0,
    rows: [],
  };

  it('says that filters hide it, and clears them', async () => {
    const { widget, server, text, press, sent } = await stage('toll-usage');
    server.refuse = ({ path }) => (path === '/usage' ? Response.json(empty) : null);
    widget.setAttribute('filter', 'job:nobody');
    await expect.poll(() => text('.void')).toContain('No usage with these filters');
    press('Clear the filters');
    await expect.poll(() => text('.void')).toContain('No usage in these days');
    expect((widget as unknown as { filter: unknown }).filter).toBeNull();
    expect(sent('GET').length).toBeGreaterThan(1);
  });

  it('leaves the filters to a page that keeps them', async () => {
    const { widget, server, text, press } = await stage('toll-usage');
    server.refuse = ({ path }) => (path === '/usage' ? Response.json(empty) : null);
    widget.setAttribute('filter', 'job:nobody');
    await expect.poll(() => text('.void')).toContain('No usage with these filters');
    const told: unknown[] = [];
    widget.addEventListener('toll-filter', (event) => {
      event.preventDefault();
      told.push((event as CustomEvent).detail);
    });
    press('Clear the filters');
    expect(told).toEqual([{ meter: null, filters: [] }]);
    expect((widget as unknown as { filter: unknown }).filter).toBe('job:nobody');
  });

  it('joins several units', async () => {
    const { server, text } = await stage('toll-usage');
    const totals = [
      { unit: 'USD', charge: '204.42' },
      { unit: 'EUR', charge: '10' },
    ];
    server.refuse = ({ path }) =>
      path === '/usage' ? Response.json({ ...empty, totals, rows: [row('a', 'cv', '1', '1')] }) : null;
    await expect.poll(() => text('.big')).toBe('$204.42 + €10.00');
  });
});

describe('a balance', () => {
  it('of nothing is none, not low', async () => {
    const { server, text } = await stage('toll-balance');
    const wallet = { unit: 'USD', balance: '0', held: '0', available: '0', low: true, expiring: [] };
    const overview = {
      as_of: '2026-11-28T14:03:00Z',
      period: { start: '2026-11-01T00:00:00Z', end: '2026-12-01T00:00:00Z' },
      plan: null,
      wallets: [wallet],
      spent: [],
      owed: [],
      held: [],
      tokens: null,
      limits: [],
      meters: [],
    };
    server.refuse = ({ path }) => (path === '/overview' ? Response.json(overview) : null);
    await expect.poll(() => text('.badge')).toBe('None left');
  });
});
