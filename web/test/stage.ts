/** A widget on its stage: over a client that answers from the gallery's fixtures, or as a test says. */
import { answer } from '../src/gallery/fixtures/index.ts';
import { type Scenario, world } from '../src/gallery/fixtures/world.ts';
import { Portal, type WIDGETS } from '../src/tollkeeper.ts';

export interface Asked {
  method: string;
  path: string;
  body: Record<string, string>;
}

export const problem = (status: number, code: string, detail = 'It broke.'): Response =>
  new Response(JSON.stringify({ code, detail }), { status });

export async function stage<Name extends keyof typeof WIDGETS>(name: Name, scenario: Scenario = 'ordinary') {
  const made = world(scenario);
  const asked: Asked[] = [];
  const server = {
    /** What to answer in place of the fixture. */
    refuse: null as ((asked: Asked) => Response | null) | null,
    live: (_: unknown): void => {},
  };
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('/live')) return stream((push) => Object.assign(server, { live: push }));
    const address = new URL(url);
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : {};
    const one = { method: init.method ?? 'GET', path: address.pathname.replace('/v1/portal', ''), body };
    asked.push(one);
    return server.refuse?.(one) ?? answer(made, address, init);
  };
  const portal = new Portal({
    base: 'https://toll.example',
    token: 'tollp_x',
    send,
    pauses: [],
    now: () => Date.parse('2026-11-28T14:03:00Z'),
  });
  const widget = document.createElement(name);
  widget.portal = portal;
  widget.locale = 'en-US';
  document.body.append(widget);
  const root = widget.shadowRoot!;
  const all = (css: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(css)];
  return {
    widget,
    portal,
    server,
    all,
    sent: (method: string) => asked.filter((one) => one.method === method),
    text: (css?: string) => (css ? all(css)[0] : root)?.textContent?.replace(/\s+/g, ' ').trim() ?? '',
    /** The button so called; of an open dialog's, as nothing else can be reached. */
    press: (label: string) => {
      const within = all('toll-dialog').length ? 'toll-dialog ' : '';
      const found = all(`${within}button, ${within}a`).find((each) =>
        each.textContent!.replace(/\s+/g, ' ').trim().startsWith(label),
      );
      if (!found) throw new Error(`There is no button ${label}`);
      found.click();
    },
  };
}

function stream(ready: (push: (state: unknown) => void) => void): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (to) =>
      ready((state) => to.enqueue(new TextEncoder().encode(`event: state\ndata: ${JSON.stringify(state)}\n\n`))),
  });
  return { ok: true, body } as Response;
}
