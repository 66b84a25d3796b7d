/**
 * Days as the customer lives them. A range is half-open, [from, to), and begins and ends at midnight in the customer's time
 * zone, also where a day has 23 or 25 hours or no midnight at all.
 */

/** A calendar day, `2026-11-28`. */
export type Day = string;

/** Whole days, the last one included: what a person chooses. */
export interface Range {
  readonly first: Day;
  readonly last: Day;
  /** 7, 30, 90 or 365 when it's the latest that many days; null for chosen days. */
  readonly days: number | null;
}

export const QUICK_RANGES = [7, 30, 90, 365] as const;

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The day `count` after (before, when negative) this one. */
export function plusDays(day: Day, count: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY).toISOString().slice(0, 10);
}

export function daysBetween(first: Day, last: Day): Day[] {
  const days: Day[] = [];
  for (let day = first; day <= last; day = plusDays(day, 1)) days.push(day);
  return days;
}

export class Dates {
  private readonly clock: Intl.DateTimeFormat;
  private readonly formats = new Map<string, Intl.DateTimeFormat>();

  constructor(
    readonly locale: string,
    readonly timezone: string,
    private readonly now: () => Date = () => new Date(),
  ) {
    this.clock = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  today(): Day {
    return this.dayOf(this.now());
  }

  /** The customer's day at an instant. */
  dayOf(at: Date | string): Day {
    return new Date(this.wall(new Date(at).getTime())).toISOString().slice(0, 10);
  }

  /** The first instant of a day. */
  startOf(day: Day): Date {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const offsets = [midnight - DAY, midnight + DAY].map((at) => this.wall(at) - at);
    // Of two midnights the earlier; where clocks skip midnight, the instant at which they do.
    const exact = offsets.map((offset) => midnight - offset).filter((at) => this.wall(at) === midnight);
    return new Date(exact.length ? Math.min(...exact) : midnight - offsets[0]!);
  }

  /** `"30"` is the latest 30 days, today among them; `"2026-11-01..2026-11-15"` those days. Anything else: 30 days. */
  range(text: string | null | undefined): Range {
    const chosen = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(text ?? '');
    if (chosen && isDay(chosen[1]!) && isDay(chosen[2]!)) {
      const [first, last] = [chosen[1]!, chosen[2]!].sort();
      return { first: first!, last: last!, days: null };
    }
    const days = QUICK_RANGES.find((each) => String(each) === text) ?? 30;
    const last = this.today();
    return { first: plusDays(last, 1 - days), last, days };
  }

  /** The range as the API's `from` and `to`. */
  interval(range: Range): { from: string; to: string } {
    return { from: this.startOf(range.first).toISOString(), to: this.startOf(plusDays(range.last, 1)).toISOString() };
  }

  /** `28 Nov` */
  shortDay(day: Day): string {
    return this.ofDay(day, { month: 'short', day: 'numeric' });
  }

  /** `Saturday, 28 November 2026` */
  longDay(day: Day): string {
    return this.ofDay(day, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
  }

  /** `Today`, `Yesterday`, `Thursday, 26 November 2026` */
  dayName(day: Day): string {
    const away = (Date.parse(day) - Date.parse(this.today())) / DAY;
    if (away !== 0 && away !== -1) return this.longDay(day);
    const name = new Intl.RelativeTimeFormat(this.locale, { numeric: 'auto' }).format(away, 'day');
    return name[0]!.toLocaleUpperCase(this.locale) + name.slice(1);
  }

  /** `14:03` */
  clockTime(at: string): string {
    return this.of(at, { timeStyle: 'short' });
  }

  /** `28 Nov 2026, 14:03:27` */
  second(at: string): string {
    return this.of(at, { dateStyle: 'medium', timeStyle: 'medium' });
  }

  /** `28 Nov 2026` */
  date(at: string): string {
    return this.of(at, { dateStyle: 'medium' });
  }

  /** `28 Nov 2026, 14:03` */
  dateTime(at: string): string {
    return this.of(at, { dateStyle: 'medium', timeStyle: 'short' });
  }

  /** `14:03` today, with the date on other days. */
  time(at: string): string {
    return this.dayOf(at) === this.today() ? this.of(at, { timeStyle: 'short' }) : this.dateTime(at);
  }

  /** `1 – 28 Nov 2026`; the end is not part of it. */
  period(start: string, end: string): string {
    const last = new Date(Math.max(Date.parse(start), Date.parse(end) - 1));
    const format = this.format({ month: 'short', day: 'numeric', year: 'numeric', timeZone: this.timezone });
    return format.formatRange(new Date(start), last);
  }

  /** `in 3 days`, `2 hours ago`, `now`. */
  relative(at: string): string {
    const away = Date.parse(at) - this.now().getTime();
    const steps: [Intl.RelativeTimeFormatUnit, number][] = [
      ['day', DAY],
      ['hour', 60 * MINUTE],
      ['minute', MINUTE],
    ];
    const [unit, size] = steps.find(([, length]) => Math.abs(away) >= length) ?? ['second', DAY];
    return new Intl.RelativeTimeFormat(this.locale, { numeric: 'auto' }).format(Math.trunc(away / size), unit);
  }

  /** The wall clock at an instant, as if it were UTC. */
  private wall(at: number): number {
    const part = Object.fromEntries(this.clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second);
  }

  private of(at: string, options: Intl.DateTimeFormatOptions): string {
    return this.format({ ...options, timeZone: this.timezone }).format(new Date(at));
  }

  private ofDay(day: Day, options: Intl.DateTimeFormatOptions): string {
    return this.format({ ...options, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
  }

  private format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(options);
    const known = this.formats.get(key) ?? new Intl.DateTimeFormat(this.locale, options);
    this.formats.set(key, known);
    return known;
  }
}

/** The attribute's or the address bar's form of a range, read back by `Dates.range`. */
export const rangeText = (range: Range): string => (range.days ? String(range.days) : `${range.first}..${range.last}`);

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === text;
}
