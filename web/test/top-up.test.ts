import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { webAddress } from '../src/widgets/checkout.ts';
import { problem, stage } from './stage.ts';

beforeEach(() => vi.spyOn(window, 'open').mockReturnValue(null));
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const paid = (id: string, state = 'paid') => ({
  id,
  state,
  unit: 'USD',
  amount: '10',
  bonus: '0',
  price: '10',
  currency: 'USD',
  pack: null,
  checkout_url: state === 'pending' ? 'https://pay.example/t3' : null,
  test: false,
  created_at: '2026-11-28T14:00:00Z',
  expires_at: '2026-11-29T14:00:00Z',
  ended_at: state === 'pending' ? null : '2026-11-28T14:03:00Z',
  grant_id: null,
});

describe('toll-top-up', () => {
  it('shows amounts with their price, and packs with their bonus', async () => {
    const { text, all } = await stage('toll-top-up', 'credits');
    await vi.waitFor(() => expect(text()).toContain('7 interview credits available'));
    expect(
      all('.amount')
        .slice(0, 2)
        .map((each) => each.textContent!.replace(/\s+/g, ' ').trim()),
    ).toEqual(['+5 interview credits for $5.00', '+10 interview credits for $10.00']);
    expect(text('.pack:nth-child(2)')).toBe('Agency $170.00 200 interview credits $0.81 each + 10 bonus24 months');
  });

  it.each([
    ['jpy', '+¥750'],
    ['kwd', '+KWD 1.500'],
  ] as const)('has the digits of its currency (%s)', async (scenario, expected) => {
    const { text } = await stage('toll-top-up', scenario);
    await vi.waitFor(() => expect(text('.plus').replace(/\u00a0/g, ' ')).toBe(expected));
  });

  it('buys with a test payment, and tells the page', async () => {
    const { widget, text, press, sent } = await stage('toll-top-up', 'credits');
    const told = vi.fn();
    document.addEventListener('toll-topped-up', told);
    await vi.waitFor(() => press('Agency'));
    await vi.waitFor(() => press('Continue to test payment'));
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('No money moves'));
    press('Pay $170.00');
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Added to your balance'));
    const [began, ended] = sent('POST');
    expect(began).toMatchObject({ path: '/top-ups', body: { pack: 'agency' } });
    expect(began!.body.id).toMatch(/^page-[0-9a-f]{32}$/);
    expect(ended).toMatchObject({ path: `/top-ups/${began!.body.id}/test-payment`, body: { outcome: 'paid' } });
    expect(told).toHaveBeenCalledTimes(1);
    expect(told.mock.calls[0]![0].detail).toMatchObject({
      unit: 'interview_credit',
      amount: '200',
      bonus: '10',
      pack: 'agency',
    });
    expect(window.open).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('You have 217 interview credits now.'));
    expect(widget.isConnected).toBe(true);
  });

  it('says that a payment was declined, and tells the page nothing', async () => {
    const { text, press } = await stage('toll-top-up');
    const told = vi.fn();
    document.addEventListener('toll-topped-up', told);
    await vi.waitFor(() => press('+$5.00'));
    await vi.waitFor(() => press('Continue'));
    await vi.waitFor(() => press('Decline'));
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Nothing was added'));
    expect(told).not.toHaveBeenCalled();
    press('Try again');
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Continue to test payment'));
  });

  it('repeats a failed beginning under the same id, so that it’s bought once', async () => {
    const { text, press, server, sent } = await stage('toll-top-up');
    await vi.waitFor(() => press('+$5.00'));
    server.refuse = ({ method }) => (method === 'POST' ? problem(500, 'internal_error', 'Try later.') : null);
    await vi.waitFor(() => press('Continue'));
    await vi.waitFor(() => expect(text('[role=alert]')).toBe('Try later.'));
    server.refuse = null;
    press('Continue');
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('No money moves'));
    const ids = sent('POST').map(({ body }) => body.id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('opens the checkout in a tab of its own while the press counts, and waits for the server’s word', async () => {
    const tab = { opener: window, location: { replace: vi.fn() }, close: vi.fn() };
    vi.mocked(window.open).mockReturnValue(tab as unknown as Window);
    const { widget, portal, text, press, server } = await stage('toll-top-up', 'failed');
    let state = 'pending';
    server.refuse = ({ method, path }) => {
      if (method === 'POST') return new Response(JSON.stringify(paid('t9', 'pending')), { status: 201 });
      if (path === '/top-ups') return new Response(JSON.stringify({ data: [paid('t9', state)], next_cursor: null }));
      return null;
    };
    const told = vi.fn();
    widget.addEventListener('toll-topped-up', told);
    await vi.waitFor(() => press('+$10.00'));
    await vi.waitFor(() => press('Continue to payment'));
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Open payment page'));
    expect(tab.location.replace).toHaveBeenCalledWith('https://pay.example/t3');
    expect(tab.opener).toBeNull();
    state = 'paid';
    portal.refresh();
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Added to your balance'));
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('leads there in the same tab where it’s told so', async () => {
    const went = vi.spyOn(location, 'assign').mockImplementation(() => {});
    const { widget, press, server } = await stage('toll-top-up', 'failed');
    widget.checkout = 'same-tab';
    server.refuse = ({ method }) => (method === 'POST' ? new Response(JSON.stringify(paid('t9', 'pending'))) : null);
    await vi.waitFor(() => press('+$10.00'));
    await vi.waitFor(() => press('Continue to payment'));
    await vi.waitFor(() => expect(went).toHaveBeenCalledWith('https://pay.example/t3'));
    expect(window.open).not.toHaveBeenCalled();
  });

  it('asks for what waits until it’s paid', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { widget, text, server } = await stage('toll-top-up', 'pending');
    const told = vi.fn();
    widget.addEventListener('toll-topped-up', told);
    await vi.waitFor(() => expect(text('[part=waiting]')).toContain('Waiting for your payment'));
    server.refuse = ({ path }) => (path === '/top-ups/t3' ? new Response(JSON.stringify(paid('t3'))) : null);
    await vi.advanceTimersByTimeAsync(3_000);
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1));
  });

  it('lets nobody buy who may only look', async () => {
    const { text, all } = await stage('toll-top-up', 'looking');
    await vi.waitFor(() => expect(text()).toContain('Ask whoever looks after billing'));
    expect(all('button')).toEqual([]);
    expect(all('.pack')).toHaveLength(2);
  });

  it('says so where nothing is for sale, and shows how the latest ended', async () => {
    const nothing = await stage('toll-top-up', 'empty');
    await vi.waitFor(() => expect(nothing.text()).toContain('Nothing to buy here'));
    const ended = await stage('toll-top-up', 'paid');
    await vi.waitFor(() => expect(ended.text('[part=outcome]')).toContain('added 2 minutes ago'));
  });

  it('goes to addresses of the web only', () => {
    expect(webAddress('https://pay.example/x')).toBe('https://pay.example/x');
    expect(webAddress('javascript:alert(1)')).toBeNull();
    expect(webAddress('data:text/html,x')).toBeNull();
    expect(webAddress(null)).toBeNull();
  });
});
