import { describe, expect, it, vi } from 'vitest';
import { Portal, portalFor } from '../src/core/api.ts';
import { Http, NotAllowed, Problem, query, SessionEnded, TooMany, Unreachable } from '../src/core/http.ts';

const json = (body: unknown, status = 200, headers = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });
const problem = (status: number, code: string): Response => json({ code, detail: `${code}!`, status }, status);
const options = { base: 'https://toll.example/', sleep: async () => {} };

const portal = (send: (url: string, init: RequestInit) => Promise<Response>, more = {}): Portal =>
  new Portal({ ...options, token: 'tollp_1', send, ...more });

describe('requests', () => {
  it('carry the token in a header, never in the address', async () => {
    const send = vi.fn(async () => json({ customer: 'acme' }));
    await portal(send).usage({ from: 'a', to: 'b', filter: ['job:x', 'member:y'], meter: null });
    const [url, init] = send.mock.calls[0] as unknown as [string, RequestInit];
    expect(url).toBe('https://toll.example/v1/portal/usage?from=a&to=b&filter=job%3Ax&filter=member%3Ay');
    expect(new Headers(init.headers).get('Authorization')).toBe('Bearer tollp_1');
    expect(init.credentials).toBe('omit');
  });

  it('for the same are made once, and again after a change', async () => {
    const send = vi.fn(async () => json({ id: '1' }));
    const client = portal(send);
    await Promise.all([client.overview(), client.overview()]);
    await client.overview();
    expect(send).toHaveBeenCalledTimes(1);
    await client.post('/plan', { plan: 'pro' });
    await vi.waitFor(async () => {
      await client.overview();
      expect(send).toHaveBeenCalledTimes(3);
    });
  });

  it('that failed are not remembered', async () => {
    const answers = [problem(500, 'internal_error'), json({ ok: true })];
    const client = portal(async () => answers.shift()!);
    await expect(client.overview()).rejects.toMatchObject({
      code: 'internal_error',
      status: 500,
      detail: 'internal_error!',
    });
    await expect(client.overview()).resolves.toEqual({ ok: true });
  });
});

describe('a network that fails', () => {
  it('is tried again for reads, with growing pauses', async () => {
    const pauses: number[] = [];
    const send = vi
      .fn()
      .mockRejectedValueOnce(new TypeError('Failed to fetch'))
      .mockResolvedValueOnce(problem(503, 'starting'));
    send.mockResolvedValue(json({ ok: true }));
    const http = new Http({ send, sleep: async (ms) => void pauses.push(ms) });
    await expect(http.json('https://x/')).resolves.toEqual({ ok: true });
    expect(pauses).toEqual([300, 900]);
  });

  it('is not tried again for writes', async () => {
    const send = vi.fn().mockRejectedValue(new TypeError('Failed to fetch'));
    await expect(portal(send).post('/plan', {})).rejects.toBeInstanceOf(Unreachable);
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('says so in the end', async () => {
    const send = vi.fn().mockRejectedValue(new TypeError('Failed to fetch'));
    await expect(portal(send).overview()).rejects.toBeInstanceOf(Unreachable);
    expect(send).toHaveBeenCalledTimes(4);
  });
});

describe('an answer that breaks off', () => {
  it('is no answer, as if nobody had been reached', async () => {
    const answer = new Response('{}');
    answer.json = () => Promise.reject(new TypeError('Failed to fetch'));
    const http = new Http({ send: async () => answer });
    await expect(http.json('/v1/portal/session')).rejects.toBeInstanceOf(Unreachable);
    await expect(portal(async () => answer).overview()).rejects.toBeInstanceOf(Unreachable);
  });
});

describe('problems', () => {
  it('are told apart by kind and code', async () => {
    const kinds = { 401: SessionEnded, 403: NotAllowed, 429: TooMany, 404: Problem };
    for (const [status, kind] of Object.entries(kinds)) {
      const failed = new Http({
        send: async () => json({ code: 'c', detail: 'd' }, Number(status), { 'Retry-After': '7' }),
      });
      const found: Problem = await failed.json<Problem>('https://x/').catch((error) => error);
      expect(found).toBeInstanceOf(kind);
      expect([found.code, found.detail, found.retryAfter]).toEqual(['c', 'd', 7]);
    }
  });

  it('that are no problem documents still have a code', async () => {
    const proxy = new Http({ send: async () => new Response('<h1>Bad gateway</h1>', { status: 500 }) });
    await expect(proxy.json('https://x/')).rejects.toMatchObject({ code: 'http_500' });
  });
});

describe('a session that ends', () => {
  it('is renewed once for all who wait, then they go on', async () => {
    const used: string[] = [];
    const send = vi.fn(async (url: string, init: RequestInit) => {
      if (url === '/token') return json({ token: 'tollp_2' });
      const token = new Headers(init.headers).get('Authorization')!;
      used.push(token);
      return token === 'Bearer tollp_2' ? json({ url }) : problem(401, 'portal_session_expired');
    });
    const client = portal(send, { tokenUrl: '/token' });
    await Promise.all([client.session(), client.overview(), client.plans()]);
    expect(send.mock.calls.filter(([url]) => url === '/token')).toHaveLength(1);
    expect(used.filter((token) => token === 'Bearer tollp_2')).toHaveLength(3);
  });

  it('is asked for where no token was given', async () => {
    const send = vi.fn(async (url: string) => (url === '/token' ? json({ token: 'tollp_9' }) : json({})));
    await portal(send, { token: null, tokenUrl: '/token' }).session();
    expect(new Headers((send.mock.calls[1] as unknown as [string, RequestInit])[1].headers).get('Authorization')).toBe(
      'Bearer tollp_9',
    );
  });

  it('waits for a product that is away for a moment, and says so where it stays away', async () => {
    let away = 2;
    const send = vi.fn(async (url: string) => {
      if (url === '/token' && away-- > 0) throw new TypeError('Failed to fetch');
      return json({ token: 'tollp_9' });
    });
    await portal(send, { token: null, tokenUrl: '/token' }).session();
    away = Number.POSITIVE_INFINITY;
    const failed = portal(send, { token: null, tokenUrl: '/token' }).session();
    await expect(failed).rejects.toBeInstanceOf(Unreachable);
  });

  it('without a way to renew it is told to everyone', async () => {
    const client = portal(async () => problem(401, 'portal_session_revoked'));
    const onEnded = vi.fn();
    const stop = client.listen({ onEnded });
    await expect(client.overview()).rejects.toBeInstanceOf(SessionEnded);
    expect(onEnded).toHaveBeenCalledWith(expect.objectContaining({ code: 'portal_session_revoked' }));
    stop();
  });
});

describe('clients', () => {
  it('are shared by token and server', () => {
    const one = portalFor({ base: 'https://a', token: 't' });
    expect(portalFor({ base: 'https://a', token: 't' })).toBe(one);
    expect(portalFor({ base: 'https://a', token: 'u' })).not.toBe(one);
    expect(portalFor({ base: 'https://b', token: 't' })).not.toBe(one);
  });

  it('leave out what has no value from the address', () => {
    expect(query({ a: null, b: undefined, c: '', d: 0, e: false })).toBe('?d=0&e=false');
    expect(query()).toBe('');
  });
});
