/**
 * Exact decimal numbers. Amounts and quantities are strings in the API and stay exact here: they're added and compared
 * as BigInt, never as floating point. Only what is drawn (a bar's height) becomes a `number`.
 */

/** A decimal as `digits × 10^-scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Reads `"12.50"`, `"-3"`, `"1E-7"`; throws a RangeError for anything else. */
export function decimal(text: string | number | bigint): Decimal {
  const [all, sign, whole = '', fraction = '', exponent = '0'] = SHAPE.exec(String(text).trim()) ?? [];
  if (all === undefined || whole + fraction === '') throw new RangeError(`not a decimal: ${text}`);
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function at(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}

type Input = Decimal | string;
const read = (value: Input): Decimal => (typeof value === 'string' ? decimal(value) : value);

export function add(left: Input, right: Input): Decimal {
  const [a, b] = [read(left), read(right)];
  const scale = Math.max(a.scale, b.scale);
  return { digits: at(a, scale) + at(b, scale), scale };
}

export function negate(value: Input): Decimal {
  const { digits, scale } = read(value);
  return { digits: -digits, scale };
}

export const subtract = (left: Input, right: Input): Decimal => add(left, negate(right));

export function multiply(left: Input, right: Input): Decimal {
  const [a, b] = [read(left), read(right)];
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

export const sum = (values: Iterable<Input>): Decimal => {
  let total: Decimal = { digits: 0n, scale: 0 };
  for (const value of values) total = add(total, value);
  return total;
};

/** Below 0, 0 or above 0, as sorting wants it. */
export function compare(left: Input, right: Input): number {
  const { digits } = subtract(left, right);
  return digits < 0n ? -1 : digits > 0n ? 1 : 0;
}

export const isZero = (value: Input): boolean => read(value).digits === 0n;
export const isNegative = (value: Input): boolean => read(value).digits < 0n;
export const absolute = (value: Input): Decimal => (isNegative(value) ? negate(value) : read(value));

/** Without zeros at the end: `12.50` → `12.5`. */
export function trim(value: Input): Decimal {
  let { digits, scale } = read(value);
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale -= 1;
  }
  return { digits, scale };
}

/** To `places` after the point, half to even, as the engine rounds. */
export function round(value: Input, places: number): Decimal {
  const { digits, scale } = read(value);
  if (scale <= places) return { digits: at({ digits, scale }, places), scale: places };
  const unit = 10n ** BigInt(scale - places);
  const [quotient, rest] = [digits / unit, digits % unit];
  const twice = (rest < 0n ? -rest : rest) * 2n;
  const up = twice > unit || (twice === unit && quotient % 2n !== 0n);
  return { digits: up ? quotient + (digits < 0n ? -1n : 1n) : quotient, scale: places };
}

/** To `places` after the point, what's beyond them left out: towards minus infinity. */
export function floor(value: Input, places: number): Decimal {
  const { digits, scale } = read(value);
  if (scale <= places) return round(value, places);
  const unit = 10n ** BigInt(scale - places);
  const quotient = digits / unit;
  return { digits: digits < 0n && digits % unit !== 0n ? quotient - 1n : quotient, scale: places };
}

/** As plain digits, never with an exponent. */
export function text(value: Input): string {
  const { digits, scale } = read(value);
  const shown = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const point = shown.length - scale;
  return `${digits < 0n ? '-' : ''}${shown.slice(0, point)}${scale ? `.${shown.slice(point)}` : ''}`;
}

/** For drawing only. */
export const approximate = (value: Input): number => Number(text(read(value)));

/** How much of `whole` is `part`, for drawing only; 0 when there is no whole. */
export const share = (part: Input, whole: Input): number =>
  isZero(whole) ? 0 : approximate(part) / approximate(whole);
