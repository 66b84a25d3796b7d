/** The page's state is its address: every view can be bookmarked, shared, gone back to. */

export const TABS = ['overview', 'usage', 'activity', 'plans'] as const;
export type Tab = (typeof TABS)[number];

export interface Place {
  readonly tab: Tab;
  /** `30` or `2026-11-01..2026-11-15`, see `Dates.range`. */
  readonly range: string;
  readonly meter: string | null;
  /** `dimension:value`, any number. */
  readonly filters: readonly string[];
  /** What the breakdown is by. */
  readonly by: string | null;
  readonly view: 'events' | 'ledger';
  /** Postings of one kind. */
  readonly kind: string | null;
  /** Whose page was shared, where values of one customer stand in the address. */
  readonly customer: string | null;
  /** What others wrote, such as a checkout that leads back. */
  readonly rest: readonly (readonly [string, string])[];
}

export const RANGE = '30';

const OURS = ['tab', 'range', 'meter', 'filter', 'by', 'view', 'kind', 'customer'];
const RANGE_SHAPE = /^(?:7|30|90|365|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$/;

/** Reads an address; whatever doesn't make sense in it counts as not said. */
export function placeOf(search: string): Place {
  const said = new URLSearchParams(search);
  const tab = said.get('tab') as Tab;
  const range = said.get('range') ?? '';
  return {
    tab: TABS.includes(tab) ? tab : 'overview',
    range: RANGE_SHAPE.test(range) ? range : RANGE,
    meter: said.get('meter') || null,
    filters: [...new Set(said.getAll('filter').filter((each) => /^[^:]+:./.test(each)))],
    by: said.get('by') || null,
    view: said.get('view') === 'ledger' ? 'ledger' : 'events',
    kind: said.get('kind') || null,
    customer: said.get('customer') || null,
    rest: [...said].filter(([name]) => !OURS.includes(name)),
  };
}

/** The address of a place; what is as usual isn't said, so that equal places have equal addresses. */
export function searchOf(place: Place): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string | null, usual: string | null = null): void => {
    if (value !== null && value !== usual) said.append(name, value);
  };
  say('tab', place.tab, 'overview');
  say('view', place.view, 'events');
  say('range', place.range, RANGE);
  say('meter', place.meter);
  for (const filter of place.filters) say('filter', filter);
  say('by', place.by);
  say('kind', place.kind);
  // Values of one customer mean nothing to another, whose page then can say so.
  if (place.filters.length || place.customer) say('customer', place.customer);
  for (const [name, value] of place.rest) say(name, value);
  return said.size ? `?${said}` : '?';
}

/** Another value of a dimension in place of the one that's there; null takes it away. */
export function withFilter(filters: readonly string[], dimension: string, value: string | null): string[] {
  const others = filters.filter((each) => !each.startsWith(`${dimension}:`));
  return value === null ? others : [...others, `${dimension}:${value}`];
}

/** `job:a:b` → `['job', 'a:b']` */
export function filterParts(filter: string): [string, string] {
  const colon = filter.indexOf(':');
  return [filter.slice(0, colon), filter.slice(colon + 1)];
}
