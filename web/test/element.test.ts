import { html } from 'lit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer } from '../src/gallery/fixtures/index.ts';
import { type World, world } from '../src/gallery/fixtures/world.ts';
import { Portal } from '../src/tollkeeper.ts';

/** A widget over a client that can be made to fail, and to which live states can be sent. */
async function mounted(scenario: 'ordinary' | 'credits' = 'ordinary') {
  const made: World = world(scenario);
  const server = { refuse: null as Response | null, send: (_: unknown): void => {} };
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('/live')) {
      const body = new ReadableStream<Uint8Array>({
        start: (to) => {
          server.send = (state) =>
            to.enqueue(new TextEncoder().encode(`event: state\ndata: ${JSON.stringify(state)}\n\n`));
        },
      });
      return { ok: true, body } as Response;
    }
    return server.refuse?.clone() ?? answer(made, new URL(url), init);
  };
  const portal = new Portal({ base: 'https://toll.example', token: 'tollp_x', send, pauses: [] });
  const widget = document.createElement('toll-balance');
  widget.portal = portal;
  widget.locale = 'en-US';
  document.body.append(widget);
  const text = (): string => widget.shadowRoot!.textContent!.replace(/\s+/g, ' ');
  const part = (name: string): HTMLElement | null => widget.shadowRoot!.querySelector(`[part="${name}"]`);
  return { widget, portal, server, text, part };
}

const problem = (status: number, code: string): Response =>
  new Response(JSON.stringify({ code, detail: 'It broke.' }), { status });

afterEach(() => document.body.replaceChildren());

describe('a widget', () => {
  it('says that it loads, then shows figures in its locale', async () => {
    const { widget, text, part } = await mounted();
    await widget.updateComplete;
    expect(part('panel')!.getAttribute('aria-busy')).toBe('true');
    await vi.waitFor(() => expect(text()).toContain('$87.49'));
    expect(part('panel')!.getAttribute('aria-busy')).toBe('false');
    widget.locale = 'de-DE';
    await vi.waitFor(() => expect(text()).toContain('87,49 $'));
  });

  it('takes up a live state at once, and keeps its elements', async () => {
    const { server, text, part } = await mounted();
    await vi.waitFor(() => expect(text()).toContain('$87.49'));
    const before = part('billing');
    const wallets = [{ unit: 'USD', balance: '3', held: '0', available: '3' }];
    server.send({
      as_of: '2026-11-28T14:04:00Z',
      period: {},
      wallets,
      spent: [],
      held: [],
      meters: [],
      events: [],
      changed: [],
    });
    await vi.waitFor(() => expect(text()).toContain('$3.00'));
    expect(part('billing')).toBe(before);
  });

  it('keeps what it shows when it can’t be refreshed, and says so', async () => {
    const { widget, portal, server, text, part } = await mounted();
    await vi.waitFor(() => expect(text()).toContain('$87.49'));
    server.refuse = problem(500, 'internal_error');
    portal.refresh();
    await vi.waitFor(() => expect(part('stale')).not.toBeNull());
    expect(text()).toContain('$87.49');
    server.refuse = null;
    part('retry')!.click();
    await vi.waitFor(() => expect(part('stale')).toBeNull());
    expect(widget.isConnected).toBe(true);
  });

  it('hides everything when the session has ended, and tells the page once', async () => {
    const { portal, server, text, part } = await mounted();
    await vi.waitFor(() => expect(text()).toContain('$87.49'));
    const told = vi.fn();
    document.addEventListener('toll-session-expired', told);
    server.refuse = problem(401, 'portal_session_expired');
    portal.refresh();
    await vi.waitFor(() => expect(part('error')).not.toBeNull());
    expect(text()).not.toContain('$87.49');
    expect(told).toHaveBeenCalledTimes(1);
    expect(told.mock.calls[0]![0].detail).toEqual({ code: 'portal_session_expired' });
  });

  it('lets the page decide where its button leads', async () => {
    const { widget, text, part } = await mounted('credits');
    await vi.waitFor(() => expect(text()).toContain('7 interview credits'));
    widget.billingUrl = '/billing';
    const went: string[] = [];
    document.body.addEventListener('toll-navigate', (event) => {
      went.push((event as CustomEvent).detail.to);
      event.preventDefault();
    });
    await widget.updateComplete;
    const click = new MouseEvent('click', { bubbles: true, cancelable: true });
    part('billing')!.dispatchEvent(click);
    expect([went, click.defaultPrevented]).toEqual([['/billing'], true]);
  });
});

describe('a table', () => {
  const rows = [
    { name: 'a', charge: '9.5' },
    { name: '=b', charge: '10' },
    { name: 'c', charge: '-1' },
  ];

  async function table() {
    const { compare, TollTable } = await import('../src/tollkeeper.ts');
    const made = new TollTable<(typeof rows)[number]>();
    made.columns = [
      { key: 'name', title: 'Name', value: (row) => row.name },
      {
        key: 'charge',
        title: 'Charge',
        numeric: true,
        value: (row) => row.charge,
        sort: (x, y) => compare(x.charge, y.charge),
        total: '18.5',
      },
    ];
    made.rows = rows;
    made.key = (row) => row.name;
    made.detail = (row) => html`<i>more of ${row.name}</i>`;
    document.body.append(made);
    await made.updateComplete;
    const names = (): string[] =>
      [...made.shadowRoot!.querySelectorAll('tbody th')].map((cell) => cell.textContent!.trim());
    return { made, names, all: (css: string) => [...made.shadowRoot!.querySelectorAll<HTMLElement>(css)] };
  }

  it('sorts by value, figures from the largest down', async () => {
    const { made, names, all } = await table();
    expect(names()).toEqual(['a', '=b', 'c']);
    all('.sorter')[0]!.click();
    await made.updateComplete;
    expect(names()).toEqual(['=b', 'a', 'c']);
    expect(all('th[aria-sort="descending"]')).toHaveLength(1);
    all('.sorter')[0]!.click();
    await made.updateComplete;
    expect(names()).toEqual(['c', 'a', '=b']);
  });

  it('leaves sorting to the server where it’s told so', async () => {
    const { made, names, all } = await table();
    made.remote = true;
    const asked = vi.fn();
    made.addEventListener('toll-sort', asked);
    all('.sorter')[0]!.click();
    await made.updateComplete;
    expect(names()).toEqual(['a', '=b', 'c']);
    expect(asked.mock.calls[0]![0].detail).toEqual({ key: 'charge', descending: true });
  });

  it('opens a row, which stays open when rows move', async () => {
    const { made, all } = await table();
    all('.opener')[2]!.click();
    await made.updateComplete;
    expect(all('tr.detail').map((row) => row.textContent!.trim())).toEqual(['more of c']);
    made.rows = [{ name: 'new', charge: '1' }, ...rows];
    await made.updateComplete;
    expect(all('.opener[aria-expanded="true"]').map((each) => each.textContent!.trim())).toEqual(['c']);
  });

  it('writes CSV that no spreadsheet runs', async () => {
    const { csv } = await import('../src/core/download.ts');
    expect(csv([['=1+1', '-5.25', 'a "b", c', '@x', '-1+2']])).toBe(`'=1+1,-5.25,"a ""b"", c",'@x,'-1+2\r\n`);
  });
});
