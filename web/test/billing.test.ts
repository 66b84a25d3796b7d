import { describe, expect, it, vi } from 'vitest';
import { filterParts, OWN, placeOf, searchOf, withFilter } from '../src/billing/address.ts';
import { exchange, keep, kept, overText, safeUrl, takeLink } from '../src/billing/session.ts';
import { mayPass, persist } from '../src/billing/watch.ts';
import { Http, Problem, SessionEnded, Unreachable } from '../src/tollkeeper.ts';

describe('the address', () => {
  it('says only what is not as usual', () => {
    expect(searchOf(placeOf(''))).toBe('');
    expect(searchOf(placeOf('?tab=overview&range=30&view=events'))).toBe('');
    expect(searchOf(placeOf('?tab=usage&range=90'))).toBe('?tab=usage&range=90');
  });

  it('comes back as it was, whatever values hold', () => {
    const place = {
      ...placeOf('?tab=usage'),
      range: '2026-11-01..2026-11-15',
      meter: 'cv_parse',
      filters: ['job:a:b, c & d', 'member:ünï "x"'],
      by: 'candidate',
      customer: 'acme',
    };
    expect(placeOf(searchOf(place))).toEqual(place);
  });

  it('takes nonsense for nothing', () => {
    const place = placeOf('?tab=secrets&range=31&filter=job&filter=:x&filter=job:&view=all&meter=');
    expect(place).toMatchObject({ tab: 'overview', range: '30', filters: [], view: 'events', meter: null });
    expect(placeOf('?range=2026-11-01..').range).toBe('30');
    expect(placeOf('?filter=job:a&filter=job:a').filters).toEqual(['job:a']);
  });

  it('names the customer only where values of one stand in it', () => {
    expect(searchOf({ ...placeOf('?tab=usage'), filters: ['job:a'], customer: 'acme' })).toContain('customer=acme');
    expect(searchOf({ ...placeOf('?tab=usage'), customer: null })).not.toContain('customer');
  });

  it('keeps what others wrote', () => {
    const search = '?tab=plans&top_up=tu_1&x=a%20b&x=2&&y';
    expect(searchOf(placeOf(search), search)).toBe('?top_up=tu_1&x=a%20b&x=2&y&tab=plans');
    expect(searchOf(placeOf(''), search)).toBe('?top_up=tu_1&x=a%20b&x=2&y');
  });

  it('gives dimensions a parameter of their own where the product says so', () => {
    const naming = { ...OWN, dimensions: ['job', 'member'], customer: false };
    const place = placeOf('?tab=usage&job=a%3Ab&member=&filter=stage:2&customer=7', naming);
    expect(place).toMatchObject({ filters: ['stage:2', 'job:a:b'], customer: null });
    expect(searchOf(place, '?customer=7&job=x', naming)).toBe('?customer=7&tab=usage&filter=stage%3A2&job=a%3Ab');
  });

  it('takes names that a product has itself for the product’s', () => {
    const naming = { ...OWN, prefix: 'billing-', dimensions: ['job'], customer: false };
    const search = '?tab=settings&filter=mine&billing-tab=usage&billing-job=a';
    const place = placeOf(search, naming);
    expect(place).toMatchObject({ tab: 'usage', filters: ['job:a'] });
    expect(searchOf({ ...place, tab: 'plans' }, search, naming)).toBe(
      '?tab=settings&filter=mine&billing-tab=plans&billing-job=a',
    );
  });

  it('has one value for each dimension', () => {
    expect(withFilter(['job:a', 'member:bo'], 'job', 'b:c')).toEqual(['member:bo', 'job:b:c']);
    expect(withFilter(['job:a', 'jobs:a'], 'job', null)).toEqual(['jobs:a']);
    expect(filterParts('job:a:b')).toEqual(['job', 'a:b']);
  });
});

describe('a link', () => {
  const at = (hash: string) => ({ hash, pathname: '/billing', search: '?tab=usage' }) as Location;

  it('is taken out of the address bar, which keeps the rest', () => {
    const past = { state: { a: 1 }, replaceState: vi.fn() };
    expect(takeLink(at('#link=secret'), past as unknown as History)).toBe('secret');
    expect(past.replaceState).toHaveBeenCalledWith({ a: 1 }, '', '/billing?tab=usage');
  });

  it('leaves other fragments alone', () => {
    const past = { replaceState: vi.fn() };
    expect(takeLink(at('#main'), past as unknown as History)).toBeNull();
    expect(past.replaceState).not.toHaveBeenCalled();
    expect(takeLink(at('#link='), past as unknown as History)).toBeNull();
    expect(past.replaceState).toHaveBeenCalledTimes(1);
  });

  it('is exchanged without cookies, in the body', async () => {
    const send = vi.fn(
      async (_url: string, _init: RequestInit) => new Response(JSON.stringify({ token: 'tollp_1' }), { status: 200 }),
    );
    expect(await exchange('https://toll.example', 'secret', new Http({ send }))).toBe('tollp_1');
    const [url, init] = send.mock.calls[0]!;
    expect(url).toBe('https://toll.example/v1/portal-sessions/exchange');
    expect(init).toMatchObject({ method: 'POST', body: '{"link":"secret"}', credentials: 'omit' });
  });

  it('that has ended is told from a server that is away', async () => {
    const refusal = new Response(JSON.stringify({ code: 'portal_link_expired', detail: '' }), { status: 401 });
    const refused = exchange('', 'x', new Http({ send: async () => refusal }));
    await expect(refused).rejects.toMatchObject({ code: 'portal_link_expired' });
    expect(overText('portal_link_expired').title).toMatch(/link/);
    expect(mayPass(new SessionEnded(401, 'portal_link_expired', ''))).toBe(false);
    expect(mayPass(new Unreachable())).toBe(true);
    expect([429, 500, 503, 404].map((status) => mayPass(new Problem(status, '', '')))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(mayPass(new TypeError())).toBe(false);
  });
});

describe('a session', () => {
  it('stays in this tab, or nowhere', () => {
    keep({ token: 'tollp_1', returnUrl: 'https://app.example' });
    expect(kept()).toEqual({ token: 'tollp_1', returnUrl: 'https://app.example' });
    expect(localStorage.length).toBe(0);
    keep(null);
    expect(kept()).toBeNull();
    sessionStorage.setItem('toll-portal', 'not json');
    expect(kept()).toBeNull();
    const forbidden = (): Storage => {
      throw new DOMException('forbidden');
    };
    keep({ token: 'x', returnUrl: null }, forbidden);
    expect(kept(forbidden)).toBeNull();
  });

  it('leads back to web addresses alone', () => {
    expect(['javascript:alert(1)', 'data:text/html,x', 'nonsense', '', null].map(safeUrl)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(safeUrl('http://app.example/x')).toBe('http://app.example/x');
  });
});

describe('a server that is away', () => {
  it('is asked again with growing pauses until it is back', async () => {
    const pauses: number[] = [];
    const away = vi.fn();
    let left = 8;
    const what = async (): Promise<string> => {
      if (left-- > 0) throw new Unreachable();
      return 'back';
    };
    const pause = async (ms: number): Promise<void> => void pauses.push(Math.round(ms));
    expect(await persist(what, away, pause)).toBe('back');
    expect(away).toHaveBeenCalledTimes(8);
    expect(pauses.slice(0, 3)).toEqual([1000, 1600, 2560]);
    expect(Math.max(...pauses)).toBe(10_000);
  });

  it('is not asked again where that cannot help', async () => {
    const what = async (): Promise<never> => {
      throw new SessionEnded(401, 'portal_session_revoked', '');
    };
    await expect(persist(what, vi.fn())).rejects.toMatchObject({ code: 'portal_session_revoked' });
  });
});
