/** What a dialog asks for, and the checks that need no server. The server's own refusals are put at their fields too. */
import { decimal, isNegative, isZero, type Problem, type TemplateResult } from 'tollkeeper';

export type Values = Record<string, string>;

export interface Field {
  name: string;
  label: string;
  /** `time` is a time in the operator's zone, `check` is 'yes' or ''. */
  kind?: 'text' | 'decimal' | 'choice' | 'time' | 'day' | 'check' | 'long';
  options?: readonly (readonly [value: string, label: string])[];
  value?: string;
  hint?: string;
  required?: boolean;
  /** Beside another one, where there's room. */
  half?: boolean;
  /** What's wrong with it, beside what its kind and `required` say. */
  check?: (value: string, values: Values) => string | null;
  /** Whether it matters, by the other values; a field that doesn't isn't sent. */
  shown?: (values: Values) => boolean;
  /** What the API calls it, where that's another name. */
  api?: string;
}

export interface Ask<T = unknown> {
  title: string;
  /** What will happen, in a sentence; by the values as they are. */
  text: string | TemplateResult | ((values: Values) => unknown);
  fields?: readonly Field[];
  /** The button's word. */
  action: string;
  danger?: boolean;
  /** What's said when it's done. */
  done?: string;
  /** `id` is the same each time that this dialog sends, so that a lost answer does nothing twice. */
  send: (values: Values, id: string) => Promise<T>;
  /** Something to look at before the dialog closes, such as a secret. */
  result?: (answer: T) => unknown;
}

/** The values that a form begins with. */
export const initial = (fields: readonly Field[]): Values =>
  Object.fromEntries(fields.map((field) => [field.name, field.value ?? field.options?.[0]?.[0] ?? '']));

export const visible = (fields: readonly Field[], values: Values): Field[] =>
  fields.filter((field) => field.shown?.(values) ?? true);

/** What's wrong with a field's value, as a sentence; null when nothing is. */
export function wrong(field: Field, values: Values): string | null {
  const value = (values[field.name] ?? '').trim();
  if (!value) return field.required ? 'Needed.' : null;
  if (field.kind === 'decimal' && !isDecimal(value)) return 'A number such as 12.50.';
  if (field.kind === 'time' && Number.isNaN(Date.parse(value))) return 'A day and a time.';
  return field.check?.(value, values) ?? null;
}

/** Everything that's wrong, by field. */
export function mistakes(fields: readonly Field[], values: Values): Values {
  const found: Values = {};
  for (const field of visible(fields, values)) {
    const said = wrong(field, values);
    if (said) found[field.name] = said;
  }
  return found;
}

/** What's sent: shown fields alone, without spaces around. */
export const cleaned = (fields: readonly Field[], values: Values): Values =>
  Object.fromEntries(visible(fields, values).map(({ name }) => [name, (values[name] ?? '').trim()]));

/** The server's refusal at its fields; '' stands for what belongs to none of them. */
export function placed(problem: Problem, fields: readonly Field[]): Values {
  const errors = problem.extra.errors as { field: string; detail: string }[] | undefined;
  const said = errors?.length ? errors : [{ field: String(problem.extra.field ?? ''), detail: problem.detail }];
  const found: Values = {};
  for (const { field, detail } of said) {
    const [first] = field.replace(/^body\./, '').split(/[.[]/);
    const at = fields.find((each) => (each.api ?? each.name) === first)?.name ?? '';
    found[at] = found[at] ? `${found[at]} ${detail}` : detail;
  }
  return found;
}

export function isDecimal(text: string): boolean {
  try {
    decimal(text);
    return true;
  } catch {
    return false;
  }
}

export const positive = (value: string): string | null =>
  isNegative(value) || isZero(value) ? 'It must be more than 0.' : null;

export const notNegative = (value: string): string | null => (isNegative(value) ? 'It can’t be below 0.' : null);

/** A time as the API takes it, from a field of kind `time`; undefined where there's none. */
export const instant = (value: string): string | undefined => (value ? new Date(value).toISOString() : undefined);

/** `"80, 100"` → `["80", "100"]` */
export const several = (value: string): string[] => value.split(/[\s,]+/).filter(Boolean);

export const severalDecimals = (value: string): string | null =>
  several(value).every(isDecimal) ? null : 'Numbers, with commas between them.';

export const orNothing = (value: string): string | undefined => value || undefined;

/** An id that's chosen once per intention. */
export const newId = (): string => crypto.randomUUID();

export const NOTE: Field = { name: 'note', label: 'Note', hint: 'Why; it’s kept with the entry.' };
