import { describe, expect, it } from 'vitest';
import { largest, marks, merged, stacked } from '../src/core/scale.ts';

const points = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `${index}`, label: `d${index}`, long: `day ${index}` }));
const series = (key: string, values: string[]) => ({ key, name: key, values });

describe('a chart', () => {
  it('has round marks around what it shows', () => {
    expect(marks(0, 7.3)).toEqual([0, 2, 4, 6, 8]);
    expect(marks(0, 0.0109)).toEqual([0, 0.005, 0.01, 0.015]);
    expect(marks(-3, 10)).toEqual([-5, 0, 5, 10]);
    expect(marks(0, 0)).toEqual([0, 1]);
  });

  it('merges days exactly when there are too many, the latest bar full', () => {
    const [shown, [sums]] = merged(points(20), [series('a', Array(20).fill('0.1'))], 40);
    expect(shown.map(({ label }) => label)).toEqual(['d0', 'd6', 'd13']);
    expect(shown.at(-1)!.long).toBe('d13 – d19');
    expect(sums!.values).toEqual(['0.6', '0.7', '0.7']);
    expect(merged(points(20), [], 400)[0]).toHaveLength(20);
  });

  it('keeps the largest series and sums up the others', () => {
    const many = [
      series('a', ['1', '1']),
      series('b', ['9', '0']),
      series('c', ['0.1', '0.2']),
      series('d', ['-5', '0']),
    ];
    expect(largest(many, 3, 'Other').map(({ key, values }) => [key, values])).toEqual([
      ['b', ['9', '0']],
      ['d', ['-5', '0']],
      ['…other', ['1.1', '1.2']],
    ]);
  });

  it('stacks upwards, corrections downwards, and leaves out what is switched off', () => {
    const all = [series('a', ['2']), series('b', ['-1']), series('c', ['3'])];
    expect(stacked(all, new Set(), 1)).toEqual([
      [
        { series: 0, from: 0, to: 2 },
        { series: 1, from: 0, to: -1 },
        { series: 2, from: 2, to: 5 },
      ],
    ]);
    expect(stacked(all, new Set(['a']), 1)[0]!.map(({ from, to }) => [from, to])).toEqual([
      [0, -1],
      [0, 3],
    ]);
  });
});
