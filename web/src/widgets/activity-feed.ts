/** A list that grows at both ends: new lines come on top, older ones are asked for below; pure. */
import type { LedgerEntry, UsageEvent } from '../core/types.ts';

/** The lines that are here, newest first, and where to go on. */
export interface Feed<T> {
  lines: readonly T[];
  cursor: string | null;
}

export type Id<T> = (line: T) => string;

export const eventId: Id<UsageEvent> = ({ id }) => id;
export const entryId: Id<LedgerEntry> = ({ transaction_id, line }) => `${transaction_id}:${line}`;

/** Whether the fresh lines reach down to lines that are here. */
export function meets<T>(fresh: readonly T[], known: readonly T[], id: Id<T>): boolean {
  const ids = new Set(known.map(id));
  return fresh.some((line) => ids.has(id(line)));
}

/** The newest lines before those that were loaded before; what no longer joins is let go. */
export function joined<T>(fresh: Feed<T>, known: Feed<T> | null, id: Id<T>): Feed<T> {
  if (!known) return fresh;
  const places = new Map(known.lines.map((line, place) => [id(line), place]));
  const last = fresh.lines.findLast((line) => places.has(id(line)));
  if (last === undefined) return fresh;
  const here = new Set(fresh.lines.map(id));
  const below = known.lines.slice(places.get(id(last))! + 1).filter((line) => !here.has(id(line)));
  return below.length ? { lines: [...fresh.lines, ...below], cursor: known.cursor } : fresh;
}

/** The lines with the latest of the live stream: changed ones in their places, newer ones on top. */
export function withLatest(lines: readonly UsageEvent[], latest: readonly UsageEvent[]): readonly UsageEvent[] {
  const news = new Map(latest.map((event) => [event.id, event]));
  const changed = lines.map((line) => {
    const found = news.get(line.id);
    news.delete(line.id);
    return found && isOther(found, line) ? found : line;
  });
  const newest = Date.parse(lines[0]?.time ?? '1970-01-01T00:00:00Z');
  // An older time among the new ones belongs further down: the next answer of the server has it in its place.
  const above = [...news.values()].filter(({ time }) => Date.parse(time) >= newest);
  above.sort((left, right) => Date.parse(right.time) - Date.parse(left.time));
  return above.length || changed.some((line, place) => line !== lines[place]) ? [...above, ...changed] : lines;
}

/** What can become of an event that's here. */
const isOther = (found: UsageEvent, line: UsageEvent): boolean =>
  found.charge !== line.charge ||
  found.estimated !== line.estimated ||
  found.corrected_by.length !== line.corrected_by.length;

export interface Wanted {
  meter: string | null;
  member: string | null;
  filters: readonly string[];
  from: string;
  to: string;
}

/** Whether an event is among those asked for. */
export function isWanted({ meter, time, member, dimensions }: UsageEvent, wanted: Wanted): boolean {
  const at = Date.parse(time);
  const inTime = at >= Date.parse(wanted.from) && at < Date.parse(wanted.to);
  const ofMember = wanted.member === null || member === wanted.member;
  return (
    inTime &&
    ofMember &&
    (!wanted.meter || meter === wanted.meter) &&
    wanted.filters.every((each) => {
      const [name, value] = [each.slice(0, each.indexOf(':')), each.slice(each.indexOf(':') + 1)];
      return (name === 'member' ? member : dimensions[name]) === value;
    })
  );
}
