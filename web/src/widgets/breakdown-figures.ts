/** From usage grouped by one dimension to a table with a column for each meter; pure. */
import { add, compare, type Decimal, text, trim } from '../core/decimal.ts';
import type { Meter, Models, Session, UnitAmount, UsageRow } from '../core/types.ts';
import { isCharged } from './usage-figures.ts';

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

/** What stands under a key; made at first. */
function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

const PLACES = 12;
const ZEROS = '0'.repeat(PLACES);

/** An exact sum. Charges have at most twelve decimals, so that most are added as whole numbers, which is ten times as quick. */
class Total {
  private whole = 0n;
  private rest: Decimal | null = null;

  add(amount: string): void {
    const point = amount.indexOf('.');
    const places = point < 0 ? 0 : amount.length - point - 1;
    if (places > PLACES || amount.includes('E') || amount.includes('e')) this.rest = add(this.rest ?? '0', amount);
    else
      this.whole += BigInt(
        (point < 0 ? amount : amount.slice(0, point) + amount.slice(point + 1)) + ZEROS.slice(places),
      );
  }

  read(): string {
    const sum: Decimal = { digits: this.whole, scale: PLACES };
    return text(trim(this.rest ? add(sum, this.rest) : sum));
  }
}

/** What is summed: a row, a cell, or a part of one. */
type Part = Pick<Cell, 'quantity' | 'events' | 'unpriced' | 'estimated'>;

class Sum {
  private readonly quantity = new Total();
  private readonly charges = new Map<string, Total>();
  private events = 0;
  private unpriced = 0;
  private estimated = 0;

  count({ quantity, events, unpriced, estimated }: Part): void {
    this.quantity.add(quantity);
    this.events += events;
    this.unpriced += unpriced;
    this.estimated += estimated;
  }

  charge(unit: string, amount: string): void {
    kept(this.charges, unit, () => new Total()).add(amount);
  }

  read(): Cell {
    const charges = [...this.charges].map(([unit, total]) => ({ unit, amount: total.read() }));
    const { events, unpriced, estimated } = this;
    return { quantity: this.quantity.read(), charges, events, unpriced, estimated };
  }
}

function sumOf(cells: Iterable<Cell>): Cell {
  const sum = new Sum();
  for (const cell of cells) {
    sum.count(cell);
    for (const { unit, amount } of cell.charges) sum.charge(unit, amount);
  }
  return sum.read();
}

const cellOf = (row: UsageRow): Cell => {
  const { quantity, charge, unit, events, unpriced, estimated } = row;
  return { quantity, charges: isCharged(row) ? [{ unit: unit!, amount: charge }] : [], events, unpriced, estimated };
};

/** One line per value of `by`. */
export function pivot(rows: readonly UsageRow[], by: string): Line[] {
  const found = new Map<string | null, Map<string, Cell>>();
  for (const row of rows) {
    const value = row.group[by] ?? null;
    const cells = kept(found, value, () => new Map<string, Cell>());
    const known = cells.get(row.meter);
    cells.set(row.meter, known ? sumOf([known, cellOf(row)]) : cellOf(row));
  }
  return [...found].map(([value, cells]) => ({ value, cells, total: sumOf(cells.values()) }));
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
    return { line, figure, rough: Number(figure) };
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
