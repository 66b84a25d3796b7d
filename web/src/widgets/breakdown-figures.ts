/** From usage grouped by one dimension to a table with a column for each meter; pure. */
import { add, approximate, compare, type Decimal, decimal, text } from '../core/decimal.ts';
import type { Meter, Models, Session, UnitAmount, UsageRow } from '../core/types.ts';

/** What one meter came to for one value, or the sum of several. */
export interface Cell {
  quantity: string;
  /** In each unit of value; empty where nothing has a price. */
  charges: UnitAmount[];
  events: number;
  unpriced: number;
  estimated: number;
}

export interface Line {
  /** The dimension's value; null is usage without one. */
  value: string | null;
  /** By meter. */
  cells: Map<string, Cell>;
  total: Cell;
}

/** The dimensions to choose from, the one that most meters declare first; `model` where providers were called. */
export function choices(session: Session, meter: string | null): string[] {
  const meters = session.meters.filter(({ key }) => !meter || key === meter);
  const declaring = (name: string): number => meters.filter(({ dimensions }) => dimensions.includes(name)).length;
  const declared = session.dimensions
    .filter((name) => name === 'member' || declaring(name) > 0)
    .map((name, place) => ({ name, place, rank: name === 'member' ? -1 : declaring(name) }))
    .sort((left, right) => right.rank - left.rank || left.place - right.place)
    .map(({ name }) => name);
  return session.models && !meter ? [...declared, 'model'] : declared;
}

/** Sums of figures, kept as exact decimals until they are read. */
class Sum {
  private quantity: Decimal = decimal('0');
  private readonly charges = new Map<string, Decimal>();
  private events = 0;
  private unpriced = 0;
  private estimated = 0;

  take(row: Pick<UsageRow, 'quantity' | 'charge' | 'unit' | 'events' | 'unpriced' | 'estimated'>): void {
    this.quantity = add(this.quantity, row.quantity);
    if (row.unit) this.charges.set(row.unit, add(this.charges.get(row.unit) ?? '0', row.charge));
    this.events += row.events;
    this.unpriced += row.unpriced;
    this.estimated += row.estimated;
  }

  read(): Cell {
    const charges = [...this.charges].map(([unit, amount]) => ({ unit, amount: text(amount) }));
    const { events, unpriced, estimated } = this;
    return { quantity: text(this.quantity), charges, events, unpriced, estimated };
  }
}

const sumOf = (cells: readonly Cell[]): Cell => {
  const sum = new Sum();
  for (const cell of cells) {
    sum.take({ ...cell, charge: '0', unit: null });
    for (const { unit, amount } of cell.charges) {
      sum.take({ quantity: '0', charge: amount, unit, events: 0, unpriced: 0, estimated: 0 });
    }
  }
  return sum.read();
};

/** One line per value of `by`. */
export function pivot(rows: readonly UsageRow[], by: string): Line[] {
  const found = new Map<string | null, Map<string, Sum>>();
  for (const row of rows) {
    const value = row.group[by] ?? null;
    const meters = found.get(value) ?? new Map<string, Sum>();
    const sum = meters.get(row.meter) ?? new Sum();
    sum.take(row);
    found.set(value, meters.set(row.meter, sum));
  }
  return [...found].map(([value, meters]) => {
    const cells = new Map([...meters].map(([meter, sum]) => [meter, sum.read()]));
    return { value, cells, total: sumOf([...cells.values()]) };
  });
}

/** The meters that have a column: those with usage, as the catalog orders them. */
export function columnsOf(lines: readonly Line[], meters: readonly Meter[]): Meter[] {
  const used = new Set(lines.flatMap((line) => [...line.cells.keys()]));
  const known = meters.filter(({ key }) => used.delete(key));
  return [...known, ...[...used].map((key) => ({ key, name: key, unit: '', dimensions: [] }))];
}

/** The sum below each column, and of all: by meter, and under `''`. */
export function sums(lines: readonly Line[], meters: readonly Meter[]): Map<string, Cell> {
  const below = meters.map(({ key }): [string, Cell] => {
    return [key, sumOf(lines.flatMap(({ cells }) => cells.get(key) ?? []))];
  });
  return new Map([...below, ['', sumOf(lines.map(({ total }) => total))]]);
}

/** How lines are ordered: by `name`, `total` or a meter. Equal ones stay in the order of their names. */
export function ordered(lines: readonly Line[], key: string, descending: boolean, locale: string): Line[] {
  const names = new Intl.Collator(locale, { numeric: true });
  const byName = (left: Line, right: Line): number =>
    left.value === null ? 1 : right.value === null ? -1 : names.compare(left.value, right.value);
  const sign = descending ? -1 : 1;
  if (key === 'name') return [...lines].sort((left, right) => sign * byName(left, right));
  // Numbers decide in all but the closest cases: exact comparison of ten thousand lines would be felt.
  const keyed = lines.map((line) => {
    const cell = key === 'total' ? line.total : line.cells.get(key);
    const figure = cell?.charges[0]?.amount ?? (cell ? '0' : '-1');
    return { line, figure, rough: approximate(figure) };
  });
  return keyed
    .sort((left, right) => {
      const difference = left.rough - right.rough || compare(left.figure, right.figure);
      return sign * difference || byName(left.line, right.line);
    })
    .map(({ line }) => line);
}

export type ModelLine = Models['data'][number];

/** Models with the most charge (else the most tokens) first. */
export const orderedModels = (models: readonly ModelLine[]): ModelLine[] =>
  [...models].sort((left, right) => compare(right.charge, left.charge) || compare(right.total, left.total));
