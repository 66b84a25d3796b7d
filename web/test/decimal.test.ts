import { describe, expect, it } from 'vitest';
import {
  add,
  compare,
  decimal,
  isZero,
  multiply,
  round,
  share,
  subtract,
  sum,
  text,
  trim,
} from '../src/core/decimal.ts';

describe('decimals', () => {
  it('are added exactly, where floating point is not', () => {
    expect(text(add('0.1', '0.2'))).toBe('0.3');
    expect(text(sum(['0.000000000001', '99999999999999999999', '-1']))).toBe('99999999999999999998.000000000001');
    expect(text(sum([]))).toBe('0');
    expect(text(subtract('1', '1.25'))).toBe('-0.25');
  });

  it('are read in every form that Python writes', () => {
    expect(['12.50', '-3', '+4', '.5', '5.', '1E-7', '1E+3', '-0.00'].map((each) => text(decimal(each)))).toEqual([
      '12.50',
      '-3',
      '4',
      '0.5',
      '5',
      '0.0000001',
      '1000',
      '0.00',
    ]);
    for (const bad of ['', '.', 'NaN', 'Infinity', '1,5', '1e', '0x1']) expect(() => decimal(bad)).toThrow(RangeError);
  });

  it('are compared by value', () => {
    expect(compare('1.50', '1.5')).toBe(0);
    expect(compare('-2', '-1')).toBe(-1);
    expect(compare('100', '99.999')).toBe(1);
    expect(['10', '9', '-1', '0.5'].sort(compare)).toEqual(['-1', '0.5', '9', '10']);
    expect(isZero('0.000')).toBe(true);
  });

  it('are rounded half to even, as the engine does', () => {
    const cases = {
      '0.125': '0.12',
      '0.135': '0.14',
      '-0.125': '-0.12',
      '0.1251': '0.13',
      '1': '1.00',
      '-0.005': '0.00',
      '9.999': '10.00',
    };
    for (const [value, expected] of Object.entries(cases)) expect(text(round(value, 2))).toBe(expected);
  });

  it('multiply exactly and lose only zeros', () => {
    expect(text(multiply('0.0000025', '4000'))).toBe('0.0100000');
    expect(text(trim('0.0100000'))).toBe('0.01');
    expect(text(trim('100'))).toBe('100');
  });

  it('become a share of a whole for drawing', () => {
    expect(share('41', '50')).toBeCloseTo(0.82);
    expect(share('1', '0')).toBe(0);
  });
});
