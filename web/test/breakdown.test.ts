import { describe, expect, it } from 'vitest';
import type { Session, UsageEvent } from '../src/tollkeeper.ts';
import { isWanted, joined, meets, withLatest } from '../src/widgets/activity-feed.ts';
import { choices, columnsOf, ordered, pivot, sums } from '../src/widgets/breakdown-figures.ts';
import { levelOf } from '../src/widgets/limits.ts';
import { row } from './usage-row.ts';

const METERS = [
  { key: 'cv', name: 'CV parsing', unit: 'CV', dimensions: ['job'] },
  { key: 'minute', name: 'Interviews', unit: 'minute', dimensions: ['job', 'candidate'] },
];

describe('the breakdown', () => {
  const rows = [
    row('welder', 'minute', '75', '7.5'),
    row('engineer', 'cv', '10', '5'),
    row('engineer', 'minute', '1', '0.1', { estimated: 1 }),
    row(null, 'cv', '2', '0.010000000001'),
    row('engineer', 'cv', '1', '3', { unit: 'credit' }),
    row('nurse', 'cv', '1', '0', { unit: null, unpriced: 1 }),
  ];

  it('has a line for each value, with exact sums in each unit of value', () => {
    const lines = pivot(rows, 'job');
    expect(lines.map(({ value }) => value)).toEqual(['welder', 'engineer', null, 'nurse']);
    const engineer = lines[1]!;
    expect(engineer.cells.get('cv')).toMatchObject({ quantity: '11', events: 2 });
    expect(engineer.total.charges).toEqual([
      { unit: 'USD', amount: '5.1' },
      { unit: 'credit', amount: '3' },
    ]);
    expect(engineer.total.estimated).toBe(1);
    expect(lines[3]!.total).toMatchObject({ charges: [], unpriced: 1 });
  });

  it('sums each column and all of them', () => {
    const lines = pivot(rows, 'job');
    const below = sums(lines, METERS);
    expect(below.get('cv')!.charges[0]).toEqual({ unit: 'USD', amount: '5.010000000001' });
    expect(below.get('')!.charges).toEqual([
      { unit: 'USD', amount: '12.610000000001' },
      { unit: 'credit', amount: '3' },
    ]);
  });

  it('is exact beyond twelve decimals, below 0 and with exponents', () => {
    const lines = pivot(
      [row('a', 'cv', '1', '0.1234567890123456'), row('a', 'cv', '1', '-0.5'), row('a', 'cv', '1', '1E-15')],
      'job',
    );
    expect(lines[0]!.total.charges).toEqual([{ unit: 'USD', amount: '-0.3765432109876534' }]);
  });

  it('has a column for each used meter, in the catalog’s order, unknown ones last', () => {
    const lines = pivot([row('a', 'gone', '1', '1'), row('a', 'minute', '1', '1')], 'job');
    expect(columnsOf(lines, METERS).map(({ key }) => key)).toEqual(['minute', 'gone']);
  });

  it('is ordered by names as people count, and by figures', () => {
    const lines = pivot(
      ['job 10', 'job 9', null, 'job 2'].map((job, index) => row(job, 'cv', '1', String(index))),
      'job',
    );
    const names = (key: string, descending: boolean) => ordered(lines, key, descending, 'en').map(({ value }) => value);
    expect(names('name', false)).toEqual(['job 2', 'job 9', 'job 10', null]);
    expect(names('total', true)).toEqual(['job 2', null, 'job 9', 'job 10']);
    expect(names('cv', false)).toEqual(['job 10', 'job 9', null, 'job 2']);
  });

  it('has every line of ten thousand', () => {
    const many = Array.from({ length: 30_000 }, (_, index) =>
      row(`job ${index % 10_000}`, `m${index % 3}`, '3', '0.123456789'),
    );
    const lines = ordered(pivot(many, 'job'), 'total', true, 'en');
    expect(lines).toHaveLength(10_000);
    expect(new Set(lines.map(({ value }) => value)).size).toBe(10_000);
    expect(sums(lines, []).get('')!.charges).toEqual([{ unit: 'USD', amount: '3703.70367' }]);
  });

  it('offers the dimension of most meters first, and only what the meter has', () => {
    const session = { meters: METERS, dimensions: ['candidate', 'job', 'member'], models: true } as unknown as Session;
    expect(choices(session, null)).toEqual(['job', 'candidate', 'member', 'model']);
    expect(choices(session, 'cv')).toEqual(['job', 'member']);
  });
});

describe('a limit', () => {
  const limit = (used: string | null, held: string | null, more = {}) =>
    levelOf({ cap: '100', used, held, enabled: true, warn_at: ['90'], ...more });

  it('is near from 80 %, or from where it warns, and full at its cap; what is held counts', () => {
    expect(limit('79.9', '0')).toBe('ok');
    expect(limit('70', '10')).toBe('near');
    expect(limit('50', '0', { warn_at: ['50'] })).toBe('near');
    expect(limit('90', '10')).toBe('full');
    expect(limit('150', '0')).toBe('full');
    expect(limit('0', '0', { cap: '0' })).toBe('full');
    expect(limit('150', '0', { enabled: false })).toBe('off');
    expect(limit(null, null)).toBe('ok');
  });
});

describe('the activity', () => {
  const event = (id: string, minute: number, more: Partial<UsageEvent> = {}): UsageEvent =>
    ({
      id,
      time: `2026-11-28T10:${String(minute).padStart(2, '0')}:00Z`,
      charge: '1',
      meter: 'cv',
      member: null,
      dimensions: { job: 'a:b' },
      corrected_by: [],
      estimated: false,
      ...more,
    }) as UsageEvent;
  const id = ({ id: own }: UsageEvent) => own;
  const [a, b, c, d] = [event('a', 4), event('b', 3), event('c', 2), event('d', 1)];

  it('joins the newest to what was loaded below', () => {
    const known = { lines: [b!, c!, d!], cursor: 'after d' };
    expect(joined({ lines: [a!, b!], cursor: 'after b' }, known, id)).toEqual({
      lines: [a, b, c, d],
      cursor: 'after d',
    });
    expect(joined({ lines: [a!], cursor: 'after a' }, known, id)).toEqual({ lines: [a], cursor: 'after a' });
    expect(joined({ lines: [a!, b!, c!, d!], cursor: null }, known, id).cursor).toBeNull();
    expect(meets([a!], known.lines, id)).toBe(false);
  });

  it('takes the latest on top, and changes in their places', () => {
    const corrected = event('c', 2, { corrected_by: ['x'] });
    expect(withLatest([b!, c!], [a!, corrected, d!])).toEqual([a, b, corrected]);
    const lines = [b!, c!];
    expect(withLatest(lines, [event('b', 3)])).toBe(lines);
  });

  it('shows live only what is asked for', () => {
    const wanted = { meter: null, member: null, filters: [], from: '2026-11-28T00:00:00Z', to: '2026-11-29T00:00:00Z' };
    expect(isWanted(a!, wanted)).toBe(true);
    expect(isWanted(a!, { ...wanted, filters: ['job:a:b'] })).toBe(true);
    expect(isWanted(a!, { ...wanted, filters: ['job:a'] })).toBe(false);
    expect(isWanted(a!, { ...wanted, filters: ['member:bo'] })).toBe(false);
    expect(isWanted(a!, { ...wanted, meter: 'minute' })).toBe(false);
    expect(isWanted(a!, { ...wanted, to: '2026-11-28T10:04:00Z' })).toBe(false);
  });
});
