/** What another plan would change, in the words of the two; pure. */
import { compare } from '../core/decimal.ts';
import type { PlanOffer } from '../core/types.ts';

/** One line of a plan: both texts where it changes, one where it comes or goes. */
export interface Change {
  key: string;
  /** What it's about: a meter's name, "Included", "Limit". */
  name: string;
  before: string | null;
  after: string | null;
}

/** What differs between the plans; everything is new where there's no present one. */
export function changes(before: PlanOffer | null, after: PlanOffer): Change[] {
  const prices = paired(
    before?.prices,
    after.prices,
    ({ meter }) => meter,
    ({ name }) => name,
  );
  const grants = paired(
    before?.grants,
    after.grants,
    ({ unit, every }) => `${unit} ${every}`,
    () => 'Included',
  );
  const limits = paired(
    before?.limits,
    after.limits,
    ({ limit }) => limit,
    () => 'Limit',
  );
  return [...prices, ...grants, ...limits];
}

/** Whether the change takes something away, so that the end of the period is the better time for it. */
export function takesAway(before: PlanOffer | null, after: PlanOffer): boolean {
  if (!before) return false;
  const fewer = before.grants.some(({ unit, every, amount }) => {
    const same = after.grants.find((grant) => grant.unit === unit && grant.every === every);
    return !same || compare(same.amount, amount) < 0;
  });
  const tighter = after.limits.some(({ limit, per, cap }) => {
    const same = before.limits.find((each) => each.limit === limit && each.per === per);
    return !same || compare(cap, same.cap) < 0;
  });
  return fewer || tighter;
}

function paired<Line extends { text: string }>(
  before: readonly Line[] = [],
  after: readonly Line[],
  key: (line: Line) => string,
  name: (line: Line) => string,
): Change[] {
  const keys = [...new Set([...before, ...after].map(key))];
  return keys.flatMap((each) => {
    const [was, is] = [before, after].map((lines) => lines.filter((line) => key(line) === each));
    const texts = [was!, is!].map((lines) => (lines.length ? lines.map(({ text }) => text).join(' + ') : null));
    if (texts[0] === texts[1]) return [];
    return [{ key: each, name: name((is![0] ?? was![0])!), before: texts[0]!, after: texts[1]! }];
  });
}
