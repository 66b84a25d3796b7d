/**
 * Amounts as people read them, by locale: currencies by their own digits, more of them below a cent ($0.0109, never
 * $0.01), credits by their declared name, quantities with their meter's unit.
 */
import { absolute, approximate, compare, type Decimal, decimal, floor, isZero, round, text, trim } from './decimal.ts';

/** A unit of value as `GET /v1/portal/session` declares it: a currency with its ISO digits, or a credit. */
export interface Unit {
  readonly key: string;
  readonly name: string;
  readonly digits: number | null;
}

/** How many digits say something: 0.0109375 is shown as 0.0109. */
const SIGNIFICANT = 3;
const MOST_PLACES = 20;
/** A number with its thousands set off, and a currency behind it; not the digits of a name such as `gpt-4.1`. */
const FIGURE = /(?<![\w.,-])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?: ([A-Z]{3})\b)?/g;

export interface AmountOptions {
  /** Show every digit there is, as in the arithmetic of a charge. */
  exact?: boolean;
  /** `1.2K`, for axes and other narrow places. */
  compact?: boolean;
  /** Never more than there is: what may be spent isn't rounded up. */
  floor?: boolean;
  /** `+` before what's positive, for a ledger. */
  signed?: boolean;
}

export class Money {
  private readonly formats = new Map<string, Intl.NumberFormat>();
  private readonly plurals: Intl.PluralRules;

  constructor(
    readonly locale: string,
    private readonly units: readonly Unit[] = [],
  ) {
    this.plurals = new Intl.PluralRules(locale);
  }

  /** `"12.5", "USD"` → `$12.50`; `"10", "interview_credit"` → `10 interview credits`. */
  amount(amount: string | Decimal, unit: string, options: AmountOptions = {}): string {
    const { number, name } = this.parts(amount, unit, options);
    return name ? `${number} ${name}` : number;
  }

  /** The same in two parts, for big figures: currencies have no `name`, credits have. */
  parts(amount: string | Decimal, unit: string, options: AmountOptions = {}): { number: string; name: string } {
    const value = typeof amount === 'string' ? decimal(amount) : amount;
    const iso = this.currencyDigits(unit);
    if (iso !== null) return { number: this.print(value, iso, unit, options), name: '' };
    const number = this.print(value, this.find(unit)?.digits ?? 0, null, options);
    return { number, name: this.counted(this.name(unit), value) };
  }

  /** `"5000", "token"` → `5,000 tokens`; without a unit the bare number. */
  quantity(quantity: string | Decimal, unit: string | null = null, options: AmountOptions = {}): string {
    const value = typeof quantity === 'string' ? decimal(quantity) : quantity;
    const number = this.print(value, 0, null, options);
    return unit ? `${number} ${this.counted(unit, value)}` : number;
  }

  /** `3, "price"` → `3 prices`: with a word of the page's own, which is English whatever the locale. */
  count(number: number, word: string): string {
    return `${this.quantity(String(number))} ${number === 1 ? word : plural(word)}`;
  }

  /** `0.8234` → `82%`. Never 100% while something is left; `<1%` where it's less, so that it isn't 0% when something is used. */
  percent(part: number): string {
    const little = part > 0 && part < 0.01;
    const shown = part > 0.99 && part < 1 ? 0.99 : little ? 0.01 : part;
    return (little ? '<' : '') + this.format({ style: 'percent', maximumFractionDigits: 0 }).format(shown);
  }

  /** A unit's name as a heading has it: `US Dollar`, `Interview credit`. */
  name(unit: string): string {
    const declared = this.find(unit)?.name;
    if (this.currencyDigits(unit) === null) return declared ?? unit.replaceAll('_', ' ');
    return new Intl.DisplayNames(this.locale, { type: 'currency', fallback: 'code' }).of(unit) ?? unit;
  }

  /**
   * A sentence of the server, in which credits go by their keys: `1 interview_credit` → `1 interview credit`. A key that's
   * a plain word may be one in the sentence: it's named where the sentence is about it.
   */
  sentence(text: string, about: string | null = null): string {
    const credits = this.units.filter(({ key, digits }) => digits === null && (key === about || /[_\d]/.test(key)));
    return credits.reduce((told, { key }) => told.replaceAll(key, this.lower(this.name(key))), text);
  }

  /** What the server says of a price, with its figures by locale: `0.50 USD per 1,000 CVs` → `0,50 $ per 1.000 CVs`. */
  offer(text: string): string {
    return text.replace(FIGURE, (_, figure: string, unit: string | undefined) => {
      const number = figure.replaceAll(',', '');
      // `3 PDF` looks like money: only what the session knows for a currency is one.
      if (unit && this.find(unit)?.digits != null) return this.amount(number, unit, { exact: true });
      const shown = figure.includes(',') ? this.quantity(number, null, { exact: true }) : figure;
      return unit ? `${shown} ${unit}` : shown;
    });
  }

  private lower(name: string): string {
    return /^[A-Z][a-z]/.test(name) ? name[0]!.toLowerCase() + name.slice(1) : name;
  }

  private find(unit: string): Unit | undefined {
    return this.units.find((each) => each.key === unit);
  }

  /** An ISO currency's digits; null for a credit. A declared unit that looks like a currency is one. */
  private currencyDigits(unit: string): number | null {
    if (!/^[A-Z]{3}$/.test(unit)) return null;
    return this.find(unit)?.digits ?? isoDigits(unit);
  }

  /** Only English names are bent; other languages' are shown as declared. */
  private counted(name: string, value: Decimal): string {
    if (!this.locale.startsWith('en')) return name;
    const lower = this.lower(name);
    return this.plurals.select(Math.abs(approximate(value))) === 'one' ? lower : plural(lower);
  }

  private print(value: Decimal, digits: number, currency: string | null, options: AmountOptions): string {
    const rounding = options.floor ? floor : round;
    const places = options.exact ? Math.max(digits, trim(value).scale) : placesFor(value, digits, rounding);
    const style: Intl.NumberFormatOptions = currency
      ? { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }
      : {};
    if (options.signed) style.signDisplay = 'exceptZero';
    if (options.compact && compare(absolute(value), '1000') >= 0) {
      const format = this.format({ ...style, notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 });
      return format.format(approximate(value));
    }
    const whole = options.compact && trim(value).scale === 0;
    const shown = whole ? 0 : Math.min(places, MOST_PLACES);
    const format = this.format({ ...style, minimumFractionDigits: shown, maximumFractionDigits: shown });
    // A decimal string is formatted exactly; typings for it are newer than the browsers that can.
    return format.format(text(rounding(value, shown)) as unknown as number);
  }

  private format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = JSON.stringify(options);
    const known = this.formats.get(key) ?? new Intl.NumberFormat(this.locale, options);
    this.formats.set(key, known);
    return known;
  }
}

/** Digits after the point: the unit's own where they suffice, else enough for three that say something. */
export function placesFor(value: Decimal, digits: number, rounding = round): number {
  const short = trim(value);
  if (short.scale <= digits || isZero(short)) return digits;
  const first = absolute(short).digits.toString().length - short.scale;
  const wanted = Math.max(digits, SIGNIFICANT - first);
  return Math.max(digits, trim(rounding(short, wanted)).scale);
}

function isoDigits(currency: string): number | null {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return null;
  }
}

/** English plurals of what meters and credits are called, as the server has them; `MB`, `ms` and `tokens` stay. */
export function plural(name: string): string {
  if (/^(?:[kKMGTP]i?B|min|[kcm]m|kg|ml|kWh)$|s$/.test(name) || !/[A-Za-z]{2}$/.test(name)) return name;
  if (/(?:x|z|ch|sh)$/.test(name)) return `${name}es`;
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}
