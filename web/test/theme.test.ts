import { describe, expect, it } from 'vitest';
import { TOKENS } from '../src/core/theme.ts';

const luminance = (hex: string): number => {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
};

const contrast = (one: string, other: string): number => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
};

const TEXT: [string, string][] = [
  ...['surface', 'subtle', 'canvas'].flatMap((ground): [string, string][] => [
    ['text', ground],
    ['muted', ground],
  ]),
  ['accent', 'surface'],
  ['accent', 'subtle'],
  ['accent', 'canvas'],
  ['accent', 'accent-soft'],
  ['on-accent', 'accent'],
  ...['warn', 'bad', 'good'].flatMap((tone): [string, string][] => [
    [tone, `${tone}-soft`],
    [tone, 'surface'],
    [tone, 'subtle'],
  ]),
  ['text', 'accent-soft'],
  ['text', 'warn-soft'],
  ['text', 'bad-soft'],
];

describe.each([
  ['light', 1],
  ['dark', 2],
] as const)('the %s theme', (_, place) => {
  const colour = (name: string): string => TOKENS.find((each) => each[0] === name)![place];

  it.each(TEXT)('has %s readable on %s', (text, ground) => {
    expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it('has series, edges of fields and marks that can be seen', () => {
    const names = [...TOKENS.map(([name]) => name).filter((name) => name.startsWith('series')), 'border-strong'];
    for (const name of names) expect(contrast(colour(name), colour('surface')), name).toBeGreaterThanOrEqual(3);
  });
});

describe('sources', () => {
  const found = import.meta.glob<string>('../src/**/*.{ts,css}', { query: '?raw', import: 'default', eager: true });
  const sources = Object.entries(found);

  it('keep to what the pages’ Content-Security-Policy allows', () => {
    for (const [name, source] of sources) {
      expect(source, name).not.toMatch(
        /[^.\w]style=["$]|styleMap|innerHTML|insertAdjacentHTML|unsafeHTML|\beval\(|document\.write/,
      );
    }
  });

  it('speak of no third party’s host', () => {
    for (const [name, source] of sources)
      expect(source, name).not.toMatch(
        /https?:\/\/(?!www\.w3\.org|[\w.-]*\.?(?:example|invalid)\b|[\w.]*example\.com)/,
      );
  });
});
