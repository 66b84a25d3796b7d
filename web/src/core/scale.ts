/** A chart's arithmetic: days merged until bars are wide enough, series until they can be told apart, and round axis marks. */
import { absolute, approximate, compare, sum, text } from './decimal.ts';

export interface Point {
  key: string;
  /** Below the axis: `28 Nov`. */
  label: string;
  /** In the tooltip: `Saturday, 28 November 2026`. */
  long: string;
}

export interface Series {
  key: string;
  name: string;
  /** One decimal string per point. */
  values: readonly string[];
}

/** Neighbours together, so many that each bar gets `narrowest` pixels. */
export function merged(
  points: readonly Point[],
  series: readonly Series[],
  width: number,
  narrowest = 5,
): [Point[], Series[]] {
  const fit = Math.max(1, Math.floor(width / narrowest));
  if (points.length <= fit) return [[...points], [...series]];
  const size = points.length / 7 <= fit ? 7 : 30;
  // From the end, so that the latest bar is a full one.
  const ends = [];
  for (let end = points.length; end > 0; end -= size) ends.unshift(end);
  const groups = ends.map((end) => [Math.max(0, end - size), end] as const);
  const shown = groups.map(([start, end]) => {
    const [first, last] = [points[start]!, points[end - 1]!];
    return { key: first.key, label: first.label, long: first === last ? first.long : `${first.label} – ${last.label}` };
  });
  const values = (each: Series): string[] => groups.map(([start, end]) => text(sum(each.values.slice(start, end))));
  return [shown, series.map((each) => ({ ...each, values: values(each) }))];
}

/** The `most` largest as they are, the others as one. */
export function largest(series: readonly Series[], most: number, other: string): Series[] {
  if (series.length <= most) return [...series];
  const size = (each: Series) => sum(each.values.map(absolute));
  const ranked = [...series].sort((left, right) => compare(size(right), size(left)));
  const [kept, rest] = [ranked.slice(0, most - 1), ranked.slice(most - 1)];
  const values = rest[0]!.values.map((_, index) => text(sum(rest.map((each) => each.values[index]!))));
  return [...kept, { key: '…other', name: other, values }];
}

export interface Piece {
  series: number;
  from: number;
  to: number;
}

/** Each point's pieces from 0 upwards, what's below 0 (corrections) downwards. */
export function stacked(series: readonly Series[], hidden: ReadonlySet<string>, count: number): Piece[][] {
  return Array.from({ length: count }, (_, point) => {
    let [top, bottom] = [0, 0];
    return series.flatMap((each, index) => {
      const value = hidden.has(each.key) ? 0 : approximate(each.values[point] ?? '0');
      if (value === 0) return [];
      const from = value > 0 ? top : bottom;
      const to = from + value;
      if (value > 0) top = to;
      else bottom = to;
      return [{ series: index, from, to }];
    });
  });
}

/** Round marks that cover [low, high], about `count` of them. */
export function marks(low: number, high: number, count = 4): number[] {
  if (high <= low) return [0, 1];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999)!;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(10)));
}
