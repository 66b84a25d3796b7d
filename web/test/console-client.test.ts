import { NotAllowed, SessionEnded, TooMany } from 'tollkeeper';
import { describe, expect, it, vi } from 'vitest';
import { Client, CSRF_HEADER, part } from '../src/console/client.ts';

const ME = {
  csrf: 'csrf-1',
  key: { name: 'ops', prefix: 'toll_a', scopes: ['admin'] },
  expires_at: '2026-11-28T22:00:00Z',
};

interface Asked {
  url: string;
  method: string;
  headers: Headers;
  init: RequestInit;
}

/** A server that answers from a list: status, body, headers. */
function server(...answers: [number, unknown, Record<string, string>?][]) {
  const asked: Asked[] = [];
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    asked.push({ url, method: init.method ?? 'GET', headers: new Headers(init.headers), init });
    const [status, body, headers] = answers.shift() ?? [500, {}];
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  };
  return { asked, send, pauses: [], sleep: async () => {} };
}

const problem = (status: number, code: string) => [status, { code, detail: `${code}.` }] as [number, unknown];

async function signedIn(...answers: [number, unknown, Record<string, string>?][]) {
  const net = server([200, ME], ...answers);
  const onEnded = vi.fn();
  const client = new Client({ ...net, onEnded });
  await client.signIn('toll_secret');
  return { net, client, onEnded };
}

describe('signing in', () => {
  it('sends the key once, in the body, and keeps only who is signed in', async () => {
    const { net, client } = await signedIn([200, { ok: true }]);
    expect(net.asked[0]).toMatchObject({ url: '/v1/console/session', method: 'POST' });
    expect(net.asked[0]!.init.body).toBe('{"key":"toll_secret"}');
    expect(client.signedIn).toEqual(ME);
    expect(JSON.stringify(client.signedIn)).not.toContain('toll_secret');
  });

  it('tells a wrong key from too many of them, with the wait', async () => {
    const net = server(problem(401, 'unknown_key'), [
      429,
      { code: 'too_many_attempts', detail: '' },
      { 'Retry-After': '41' },
    ]);
    const client = new Client(net);
    await expect(client.signIn('x')).rejects.toMatchObject({ code: 'unknown_key' });
    const refused = await client.signIn('x').catch((error) => error);
    expect(refused).toBeInstanceOf(TooMany);
    expect(refused.retryAfter).toBe(41);
  });

  it('takes up the session of the cookie, or says that there is none', async () => {
    expect(await new Client(server([200, ME])).restore()).toBe(true);
    expect(await new Client(server(problem(401, 'console_session_missing'))).restore()).toBe(false);
  });

  it('ends a session, also one that is over already', async () => {
    const { client, onEnded } = await signedIn(problem(401, 'console_session_ended'));
    await client.signOut();
    expect(client.signedIn).toBeNull();
    expect(onEnded).not.toHaveBeenCalled();
  });
});

describe('calls', () => {
  it('carry the CSRF header and the cookie, whatever the method', async () => {
    const { net, client } = await signedIn([200, {}], [201, {}], [200, {}], [204, null]);
    await client.get('/v1/keys', { limit: 5, cursor: null });
    await client.post('/v1/keys', { name: 'x' });
    await client.put('/v1/customers/a', {});
    await client.delete('/v1/customers/a/limits/x');
    const calls = net.asked.slice(1);
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/keys?limit=5',
      'POST /v1/keys',
      'PUT /v1/customers/a',
      'DELETE /v1/customers/a/limits/x',
    ]);
    for (const call of calls) {
      expect(call.headers.get(CSRF_HEADER)).toBe('csrf-1');
      expect(call.init.credentials).toBe('same-origin');
      expect(call.headers.has('Authorization')).toBe(false);
    }
  });

  it('take up the newer session of another tab, and are repeated once', async () => {
    const { net, client } = await signedIn(
      problem(403, 'csrf_failed'),
      [200, { ...ME, csrf: 'csrf-2' }],
      [200, { done: 1 }],
    );
    expect(await client.post('/v1/x', {})).toEqual({ done: 1 });
    expect(net.asked.at(-1)!.headers.get(CSRF_HEADER)).toBe('csrf-2');
  });

  it('give up where the newer session is refused as well', async () => {
    const { client } = await signedIn(problem(403, 'csrf_failed'), [200, ME], problem(403, 'csrf_failed'));
    await expect(client.post('/v1/x', {})).rejects.toBeInstanceOf(NotAllowed);
  });

  it('tell the page once that the session has ended', async () => {
    const { client, onEnded } = await signedIn(problem(401, 'console_session_ended'));
    await expect(client.get('/v1/x')).rejects.toBeInstanceOf(SessionEnded);
    expect(onEnded).toHaveBeenCalledOnce();
    expect(client.signedIn).toBeNull();
  });

  it('never repeat a write by themselves', async () => {
    const { net, client } = await signedIn([503, { code: 'busy', detail: '' }]);
    await expect(client.post('/v1/x', {})).rejects.toMatchObject({ code: 'busy' });
    expect(net.asked).toHaveLength(2);
  });
});

it('writes keys with any character into a path', () => {
  expect(part('a/b ?#%')).toBe('a%2Fb%20%3F%23%25');
});
