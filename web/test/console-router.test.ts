import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { placeOf, Router, to, toCustomer } from '../src/console/router.ts';
import { pageAt } from '../src/console/views.ts';

describe('addresses', () => {
  it('go both ways, with keys of any character', () => {
    const key = 'weird/key ?#&%41 ü';
    const address = new URL(toCustomer(key, { tab: 'limits' }), 'https://toll.example');
    expect(address.hash).toBe('');
    const place = placeOf(address)!;
    expect(place.path).toEqual(['customers', key]);
    expect(place.query.get('tab')).toBe('limits');
  });

  it('of other pages are none', () => {
    expect(placeOf({ pathname: '/billing', search: '' })).toBeNull();
    expect(placeOf({ pathname: '/consoles', search: '' })).toBeNull();
    expect(placeOf({ pathname: '/console/', search: '' })!.path).toEqual([]);
    expect(placeOf({ pathname: '/console/customers/%E0%A4%A', search: '' })!.path[1]).toBe('%E0%A4%A');
    expect(to()).toBe('/console');
  });

  it('lead to pages, and to none', () => {
    const at = (pathname: string) => pageAt(placeOf({ pathname, search: '' })!);
    expect(at('/console')).toMatchObject({ section: '', title: 'Home' });
    expect(at('/console/quarantine')).toMatchObject({ section: 'quarantine' });
    expect(at('/console/customers/acme')).toMatchObject({ section: 'customers', title: 'acme' });
    expect(at('/console/nowhere')).toBeNull();
    expect(at('/console/health/x')).toBeNull();
    expect(at('/console/customers/acme/x')).toBeNull();
  });
});

describe('the router', () => {
  const moved = vi.fn();
  let router: Router;

  beforeEach(() => {
    history.replaceState(null, '', '/console/customers?search=acme&cursor=c3');
    moved.mockReset();
    router = new Router();
    router.start(moved);
  });

  afterEach(() => router.stop());

  it('begins at the address', () => {
    expect(router.place.path).toEqual(['customers']);
    expect(router.value('search')).toBe('acme');
    expect(router.value('nothing')).toBe('');
  });

  it('changes the query; another filter begins at the first page', () => {
    router.set({ sort: '-spent' });
    expect(location.search).toBe('?search=acme&sort=-spent');
    router.set({ search: '' }, { replace: true });
    expect(location.search).toBe('?sort=-spent');
    expect(moved).toHaveBeenLastCalledWith('query');
  });

  it('keeps the pages before beside the address', () => {
    router.set({ cursor: 'c4' }, { kept: { back: [null, 'c3'] } });
    expect(router.value('cursor')).toBe('c4');
    expect(router.back).toEqual([null, 'c3']);
    router.go(to('keys'));
    expect(router.back).toEqual([]);
    expect(moved).toHaveBeenLastCalledWith('path');
  });

  it('follows links within the console, and leaves the others to the browser', () => {
    const press = (href: string, init: MouseEventInit = {}) => {
      const link = document.createElement('a');
      link.href = href;
      document.body.append(link);
      const event = new MouseEvent('click', { bubbles: true, cancelable: true, composed: true, ...init });
      // happy-dom would follow it.
      link.addEventListener('click', (each) => queueMicrotask(() => each.preventDefault()));
      link.dispatchEvent(event);
      return event.defaultPrevented;
    };
    press('/console/keys', { ctrlKey: true });
    expect(router.place.path).toEqual(['customers']);
    expect(press('/console/keys')).toBe(true);
    expect(router.place.path).toEqual(['keys']);
  });
});
