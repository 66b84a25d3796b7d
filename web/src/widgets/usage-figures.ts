/** From the usage API's rows to what cards and the chart show; pure. */
import { compare, decimal, sum, text } from '../core/decimal.ts';
import type { Series } from '../core/scale.ts';
import type { Meter, UsageRow } from '../core/types.ts';

/** What one meter came to in one unit. */
export interface Card {
  meter: string;
  name: string;
  meterUnit: string;
  unit: string | null;
  quantity: string;
  charge: string;
  events: number;
  unpriced: number;
  estimated: number;
}

/** Whether there is a charge to show: where nothing has a price yet, 0 would be a lie. */
export const isCharged = ({ unit, events, unpriced }: Pick<UsageRow, 'unit' | 'events' | 'unpriced'>): boolean =>
  unit !== null && (unpriced === 0 || unpriced < events);

/** One card per meter and unit of value, the dearest first; meters without usage in the range have one too, where that's wanted. */
export function cards(rows: readonly UsageRow[], meters: readonly Meter[], withUnused = true): Card[] {
  const found = new Map<string, UsageRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.meter, row.unit]);
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  const used = [...found.values()].map((group) => card(group, meters));
  const unused = meters
    .filter(({ key }) => withUnused && !rows.some((row) => row.meter === key))
    .map((meter) => card([], meters, meter.key));
  return [...used.sort((left, right) => compare(right.charge, left.charge)), ...unused];
}

function card(rows: readonly UsageRow[], meters: readonly Meter[], key = rows[0]!.meter): Card {
  const meter = meters.find((each) => each.key === key);
  const total = (figure: 'quantity' | 'charge'): string => text(sum(rows.map((row) => row[figure])));
  const count = (figure: 'events' | 'unpriced' | 'estimated'): number =>
    rows.reduce((all, row) => all + row[figure], 0);
  return {
    meter: key,
    name: meter?.name ?? key,
    meterUnit: meter?.unit ?? '',
    unit: rows[0]?.unit ?? null,
    quantity: total('quantity'),
    charge: total('charge'),
    events: count('events'),
    unpriced: count('unpriced'),
    estimated: count('estimated'),
  };
}

/** The charge of each day by meter, in one unit of value; in the order of `names`. */
export function trend(
  rows: readonly UsageRow[],
  unit: string | null,
  days: readonly string[],
  dayOf: (at: string) => string,
  names: readonly Pick<Card, 'meter' | 'name'>[],
): Series[] {
  const place = new Map(days.map((day, index) => [day, index]));
  return names.map(({ meter, name }) => {
    const values = days.map(() => decimal('0'));
    for (const row of rows) {
      const at = row.meter === meter && row.unit === unit ? place.get(dayOf(row.start)) : undefined;
      if (at !== undefined) values[at] = sum([values[at]!, row.charge]);
    }
    return { key: meter, name, values: values.map(text) };
  });
}
