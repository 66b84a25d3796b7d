/** Where in the console we are: `/console/customers/acme?tab=grants`. Links are real links; the back button works. */
import { type Params, query } from 'tollkeeper';

export const ROOT = '/console';

export interface Place {
  /** `['customers', 'acme']` */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The place that an address is; null where it isn't the console's. */
export function placeOf(address: { pathname: string; search: string }): Place | null {
  const [, root, ...rest] = address.pathname.split('/');
  if (`/${root}` !== ROOT) return null;
  return { path: rest.filter(Boolean).map(decoded), query: new URLSearchParams(address.search) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `to('customers', 'a/b')` → `/console/customers/a%2Fb` */
export function to(...path: string[]): string {
  return [ROOT, ...path.map(encodeURIComponent)].join('/');
}

export const toCustomer = (key: string, params: Params = {}): string => to('customers', key) + query(params);

/** What history keeps beside the address: the cursors of the pages before, for the way back through a list. */
interface Kept {
  back?: (string | null)[];
}

export class Router {
  place: Place = { path: [], query: new URLSearchParams() };
  /** What is drawn by the address, and so again when it changes. */
  readonly views = new Set<{ requestUpdate(): void }>();
  private moved: ((changed: 'path' | 'query') => void) | null = null;

  start(moved: (changed: 'path' | 'query') => void): void {
    this.moved = moved;
    window.addEventListener('popstate', this.read);
    document.addEventListener('click', this.onClick);
    this.read();
  }

  stop(): void {
    this.moved = null;
    window.removeEventListener('popstate', this.read);
    document.removeEventListener('click', this.onClick);
  }

  go(address: string, options: { replace?: boolean; kept?: Kept } = {}): void {
    history[options.replace ? 'replaceState' : 'pushState'](options.kept ?? null, '', address);
    this.read();
  }

  /** One of the query's values; '' where it isn't there. */
  value(name: string): string {
    return this.place.query.get(name) ?? '';
  }

  /** The same page with other values in its query; null and '' take one out. A list then begins at its first page. */
  set(values: Record<string, string | null>, options: { replace?: boolean; kept?: Kept } = {}): void {
    const search = new URLSearchParams(this.place.query);
    for (const [name, value] of Object.entries({ cursor: null, ...values })) {
      if (value) search.set(name, value);
      else search.delete(name);
    }
    this.go(location.pathname + (search.size ? `?${search}` : ''), options);
  }

  /** The cursors of the pages before this one. */
  get back(): (string | null)[] {
    return (history.state as Kept | null)?.back ?? [];
  }

  private readonly read = (): void => {
    const place = placeOf(location);
    if (!place) return;
    const same = place.path.join('\n') === this.place.path.join('\n');
    this.place = place;
    this.moved?.(same ? 'query' : 'path');
    for (const view of this.views) view.requestUpdate();
  };

  private readonly onClick = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = event.composedPath().find((each) => each instanceof HTMLAnchorElement);
    if (!link || link.target || link.origin !== location.origin || !placeOf(link)) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  };
}
