import { describe, expect, it } from 'vitest';
import { Dates, daysBetween, plusDays, rangeText } from '../src/core/dates.ts';

const at = (timezone: string, now = '2026-11-28T14:03:00Z'): Dates => new Dates('en-GB', timezone, () => new Date(now));
const start = (timezone: string, day: string): string => at(timezone).startOf(day).toISOString();

describe('the start of a day', () => {
  it('is midnight where the customer lives', () => {
    expect(start('Europe/Berlin', '2026-11-28')).toBe('2026-11-27T23:00:00.000Z');
    expect(start('Europe/Berlin', '2026-07-01')).toBe('2026-06-30T22:00:00.000Z');
    expect(start('Asia/Kolkata', '2026-07-01')).toBe('2026-06-30T18:30:00.000Z');
    expect(start('UTC', '2026-07-01')).toBe('2026-07-01T00:00:00.000Z');
  });

  it('is right on days of 23 and 25 hours', () => {
    const length = (day: string): number =>
      (at('America/New_York').startOf(plusDays(day, 1)).getTime() - at('America/New_York').startOf(day).getTime()) /
      3_600_000;
    expect([length('2026-03-08'), length('2026-03-09'), length('2026-11-01')]).toEqual([23, 24, 25]);
  });

  it('is the moment when clocks skip midnight', () => {
    expect(start('America/Santiago', '2026-09-06')).toBe('2026-09-06T04:00:00.000Z');
    expect(at('America/Santiago').dayOf('2026-09-06T03:59:59Z')).toBe('2026-09-05');
    expect(at('America/Santiago').dayOf('2026-09-06T04:00:00Z')).toBe('2026-09-06');
  });

  it('is the first midnight when there are two, and the true one when the evening repeats', () => {
    expect(start('America/Havana', '2026-11-01')).toBe('2026-11-01T04:00:00.000Z');
    expect(start('America/Santiago', '2026-04-05')).toBe('2026-04-05T04:00:00.000Z');
  });
});

describe('ranges', () => {
  const dates = at('Europe/Berlin', '2026-11-27T23:30:00Z');

  it('of the latest days end with today, as the customer has it', () => {
    expect(dates.today()).toBe('2026-11-28');
    expect(dates.range('7')).toEqual({ first: '2026-11-22', last: '2026-11-28', days: 7 });
    expect(dates.interval(dates.range('30'))).toEqual({
      from: '2026-10-29T23:00:00.000Z',
      to: '2026-11-28T23:00:00.000Z',
    });
  });

  it('may be chosen, in either order, and survive the address bar', () => {
    const chosen = dates.range('2026-11-15..2026-11-01');
    expect(chosen).toEqual({ first: '2026-11-01', last: '2026-11-15', days: null });
    expect(dates.range(rangeText(chosen))).toEqual(chosen);
    expect(rangeText(dates.range('90'))).toBe('90');
  });

  it('that make no sense are the latest 30 days', () => {
    for (const bad of [null, '', '8', '2026-02-30..2026-03-01', '2026-11-01', 'javascript:alert(1)'])
      expect(dates.range(bad).days).toBe(30);
  });

  it('hold each day once, across a change of clocks', () => {
    expect(daysBetween('2026-10-24', '2026-10-27')).toEqual(['2026-10-24', '2026-10-25', '2026-10-26', '2026-10-27']);
    expect(daysBetween('2026-01-01', '2026-12-31')).toHaveLength(365);
  });
});

describe('dates in words', () => {
  const dates = at('Europe/Berlin');

  it('are in the customer’s zone', () => {
    expect(dates.time('2026-11-28T14:03:00Z')).toBe('15:03');
    expect(dates.dateTime('2026-11-27T23:30:00Z')).toBe('28 Nov 2026, 00:30');
    expect(dates.shortDay('2026-11-28')).toBe('28 Nov');
    expect(dates.longDay('2026-11-28')).toMatch(/^Saturday,? 28 November 2026$/);
  });

  it('say a half-open period by its last day', () => {
    expect(dates.period('2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z').replace(/\s/g, ' ')).toMatch(
      /^1 ?– ?30 Nov 2026$/,
    );
  });

  it('say how far away something is', () => {
    expect(
      ['2026-12-04T15:00:00Z', '2026-11-28T12:00:00Z', '2026-11-28T14:03:20Z'].map((each) => dates.relative(each)),
    ).toEqual(['in 6 days', '2 hours ago', 'now']);
  });
});
