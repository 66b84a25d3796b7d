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
}

/** How a place is written into an address that may be somebody else's. */
export interface Naming {
  /** Before each parameter's name: `billing-` makes `billing-tab`. */
  readonly prefix: string;
  /** Dimensions that have a parameter of their own: `job=engineer` for `filter=job:engineer`. */
  readonly dimensions: readonly string[];
  /** Whether filters say whose they are; in a product's address `customer` may be the product's. */
  readonly customer: boolean;
}

export const OWN: Naming = { prefix: '', dimensions: [], customer: true };
export const RANGE = '30';

const NAMES = ['tab', 'view', 'range', 'meter', 'filter', 'by', 'kind'];
const RANGE_SHAPE = /^(?:7|30|90|365|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$/;

/** Reads an address; whatever doesn't make sense in it counts as not said. */
export function placeOf(search: string, naming: Naming = OWN): Place {
  const all = new URLSearchParams(search);
  const said = (name: string): string | null => all.get(naming.prefix + name) || null;
  const filters = all.getAll(`${naming.prefix}filter`).filter((each) => /^[^:]+:./.test(each));
  for (const name of naming.dimensions) {
    filters.push(...all.getAll(naming.prefix + name).flatMap((value) => (value ? `${name}:${value}` : [])));
  }
  const tab = said('tab') as Tab;
  const range = said('range') ?? '';
  return {
    tab: TABS.includes(tab) ? tab : 'overview',
    range: RANGE_SHAPE.test(range) ? range : RANGE,
    meter: said('meter'),
    filters: [...new Set(filters)],
    by: said('by'),
    view: said('view') === 'ledger' ? 'ledger' : 'events',
    kind: said('kind'),
    customer: naming.customer ? said('customer') : null,
  };
}

/**
 * The query of a place; what is as usual isn't said, so that equal places have equal addresses. What others wrote into
 * `search`, the query that it takes the place of, stays as it's written there.
 */
export function searchOf(place: Place, search = '', naming: Naming = OWN): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string | null, usual: string | null = null): void => {
    if (value !== null && value !== usual) said.append(naming.prefix + name, value);
  };
  say('tab', place.tab, 'overview');
  say('view', place.view, 'events');
  say('range', place.range, RANGE);
  say('meter', place.meter);
  for (const filter of place.filters) {
    const [name, value] = filterParts(filter);
    if (naming.dimensions.includes(name)) say(name, value);
    else say('filter', filter);
  }
  say('by', place.by);
  say('kind', place.kind);
  // Values of one customer mean nothing to another, whose page then can say so.
  if (naming.customer && (place.filters.length || place.customer)) say('customer', place.customer);
  const pieces = [...foreign(search, naming), ...(said.size ? [said.toString()] : [])];
  return pieces.length ? `?${pieces.join('&')}` : '';
}

/** The parts of a query that aren't ours, such as what a checkout wrote that leads back. */
function foreign(search: string, { prefix, dimensions, customer }: Naming): string[] {
  const ours = new Set([...NAMES, ...dimensions, ...(customer ? ['customer'] : [])].map((name) => prefix + name));
  return search
    .replace(/^\?/, '')
    .split('&')
    .filter((piece) => piece && ![...new URLSearchParams(piece).keys()].some((name) => ours.has(name)));
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
