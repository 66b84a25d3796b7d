import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlanOffer } from '../src/tollkeeper.ts';
import { changes, takesAway } from '../src/widgets/plan-changes.ts';
import { problem, stage } from './stage.ts';

afterEach(() => document.body.replaceChildren());

const plan = (more: Partial<PlanOffer>): PlanOffer => ({
  key: 'p',
  name: 'P',
  description: null,
  current: false,
  prices: [],
  grants: [],
  limits: [],
  ...more,
});
const price = (meter: string, text: string) => ({ meter, name: meter.toUpperCase(), text });
const grant = (amount: string) => ({
  name: 'g',
  unit: 'USD',
  amount,
  every: 'month',
  text: `${amount} USD every month`,
});
const limit = (cap: string) => ({ limit: 'l', text: `${cap} per day`, cap, per: 'day' });

describe('what a plan changes', () => {
  it('is told of prices, what’s included and limits, also where they come or go', () => {
    const before = plan({ prices: [price('a', '1'), price('b', '2')], grants: [grant('5')], limits: [limit('10')] });
    const after = plan({
      prices: [price('a', '1'), price('b', '3'), price('c', '4')],
      grants: [],
      limits: [limit('20')],
    });
    expect(changes(before, after).map(({ name, before, after }) => [name, before, after])).toEqual([
      ['B', '2', '3'],
      ['C', null, '4'],
      ['Included', '5 USD every month', null],
      ['Limit', '10 per day', '20 per day'],
    ]);
  });

  it('is everything, for who has no plan; and nothing between equals', () => {
    const one = plan({ prices: [price('a', '1')], limits: [limit('10')] });
    expect(changes(null, one)).toHaveLength(2);
    expect(changes(one, one)).toEqual([]);
  });

  it.each([
    [plan({ grants: [grant('10')] }), plan({ grants: [grant('9')] }), true],
    [plan({ grants: [grant('10')] }), plan({}), true],
    [plan({ grants: [grant('9')] }), plan({ grants: [grant('10')] }), false],
    [plan({ limits: [limit('10')] }), plan({ limits: [limit('9.5')] }), true],
    [plan({ limits: [limit('10')] }), plan({ limits: [limit('100')] }), false],
    [plan({}), plan({ limits: [limit('10')] }), true],
    [null, plan({ limits: [limit('10')] }), false],
  ])('takes something away or not (%#)', (before, after, expected) => {
    expect(takesAway(before, after)).toBe(expected);
  });
});

describe('toll-plans', () => {
  it('shows the plans in words, and which one is the customer’s', async () => {
    const { text, all } = await stage('toll-plans');
    await vi.waitFor(() => expect(text()).toContain('Choose Scale'));
    expect(all('.plan h3').map((each) => each.textContent)).toEqual(['Starter', 'Growth', 'Scale']);
    expect(text('.plan.current')).toMatch(
      /Growth.*\$0\.40 per CV.*\$10\.00 every month.*Up to 5,000 CVs per month.*Your plan/,
    );
  });

  it('asks when, and sends the choice', async () => {
    const { widget, text, press, all, sent } = await stage('toll-plans');
    await vi.waitFor(() => press('Choose Scale'));
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('Dec 1, 2026'));
    expect(text('.differences')).toContain('$0.40 per CV');
    expect(all('input').map((each) => (each as HTMLInputElement).checked)).toEqual([true, false]);
    all('input')[1]!.dispatchEvent(new Event('change'));
    const told = vi.fn();
    widget.addEventListener('toll-plan-changed', told);
    press('Change plan');
    await vi.waitFor(() => expect(text()).toContain('Scale begins on Dec 1, 2026.'));
    expect(sent('POST')).toEqual([{ method: 'POST', path: '/plan', body: { plan: 'scale', from: 'period_end' } }]);
    expect(told.mock.calls[0]![0].detail).toEqual({ plan: 'scale', from: 'period_end' });
    expect(all('toll-dialog')).toEqual([]);
  });

  it('proposes the end of the month for what takes something away', async () => {
    const { press, all } = await stage('toll-plans');
    await vi.waitFor(() => press('Choose Starter'));
    await vi.waitFor(() =>
      expect(all('input').map((each) => (each as HTMLInputElement).checked)).toEqual([false, true]),
    );
  });

  it('says what comes next, and takes it back', async () => {
    const { text, press, sent } = await stage('toll-plans', 'pending');
    await vi.waitFor(() => expect(text('[part=next]')).toContain('Starter begins on Dec 1, 2026.'));
    press('Keep Growth');
    await vi.waitFor(() => expect(text('toll-dialog')).toContain('taken back'));
    press('Keep Growth');
    await vi.waitFor(() => expect(text('.done')).toBe('You stay on Growth.'));
    expect(sent('POST')[0]!.body).toEqual({ plan: 'growth', from: 'now' });
  });

  it('says in the dialog why it was refused, and lets try again', async () => {
    const { text, press, server } = await stage('toll-plans');
    await vi.waitFor(() => press('Choose Scale'));
    server.refuse = ({ method }) => (method === 'POST' ? problem(429, 'too_many_plan_changes', 'Wait a while.') : null);
    await vi.waitFor(() => press('Change plan'));
    await vi.waitFor(() => expect(text('[role=alert]')).toBe('Wait a while.'));
    server.refuse = null;
    press('Change plan');
    await vi.waitFor(() => expect(text('.done')).toBe('You are on Scale now.'));
  });

  it('offers nothing where plans can’t be chosen', async () => {
    const { text } = await stage('toll-plans', 'looking');
    await vi.waitFor(() => expect(text()).toContain('Your plan'));
    expect(text()).not.toContain('Choose');
  });
});
