import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stage } from './stage.ts';

beforeEach(() => sessionStorage.clear());
afterEach(() => document.body.replaceChildren());

describe('toll-alerts', () => {
  it('says what matters first, with its time, in the unit’s name', async () => {
    const { all } = await stage('toll-alerts', 'much');
    const titles = () => all('.alert strong').map((each) => each.textContent!.trim());
    await vi.waitFor(() =>
      expect(titles()).toEqual([
        'Urgent: Limit reached',
        'Warning: Balance is low',
        'Warning: Limit nearly reached',
        'Warning: Credits expire soon',
        'Note: Some usage has no price yet',
        'Note: Some charges are estimates',
      ]),
    );
    expect(all('.alert p').map((each) => each.textContent)).toContain('Parsing: 427 of 500 CVs per month (85%)');
    expect(all('.alert p').map((each) => each.textContent)).toContain(
      'Daily minutes: 90 of 90 minutes per day (100%). Free again in 8 hours',
    );
    expect(all('.alert time').map((each) => each.textContent)).toEqual(['2 hours ago', '3 minutes ago']);
    const credits = await stage('toll-alerts', 'credits');
    await vi.waitFor(() =>
      expect(credits.text('.alert')).toContain('No interview credit is left: what needs it is refused.'),
    );
  });

  it('keeps what is over apart', async () => {
    const { text, all } = await stage('toll-alerts');
    await vi.waitFor(() => expect(text('details summary')).toBe('2 earlier alerts'));
    expect(all('.past li')).toHaveLength(2);
  });

  it('is dismissed for this tab, and can be had back', async () => {
    const { text, all, press } = await stage('toll-alerts');
    await vi.waitFor(() => expect(all('.alert')).toHaveLength(3));
    all('.dismiss')[0]!.click();
    await vi.waitFor(() => expect(all('.alert')).toHaveLength(2));
    const again = await stage('toll-alerts');
    await vi.waitFor(() => expect(again.all('.alert')).toHaveLength(2));
    press('Show 1 dismissed');
    await vi.waitFor(() => expect(all('.alert')).toHaveLength(3));
    expect(text()).not.toContain('dismissed');
  });

  it('tells the page what is to be done, or leads to its address', async () => {
    const { widget, press, all } = await stage('toll-alerts');
    const told = vi.fn();
    document.body.addEventListener('toll-navigate', told, { once: true });
    await vi.waitFor(() => press('Top up'));
    expect(told.mock.calls[0]![0].detail).toEqual({ to: null, remedy: 'top-up', unit: 'USD', limit: null });
    widget.billingUrl = '/billing';
    await widget.updateComplete;
    expect(all('a[part=remedy]').map((each) => each.getAttribute('href'))).toEqual([
      '/billing?tab=plans',
      '/billing?tab=overview',
    ]);
  });

  it('brings up the widget that helps, where it’s on the same page', async () => {
    const shop = await stage('toll-top-up');
    await vi.waitFor(() => expect(shop.text()).toContain('Agency'));
    const shown = vi.fn();
    shop.widget.scrollIntoView = shown;
    const { press } = await stage('toll-alerts');
    await vi.waitFor(() => press('Top up'));
    expect(shown).toHaveBeenCalled();
  });

  it('offers no top-up to who may not', async () => {
    const { text } = await stage('toll-alerts', 'looking');
    await vi.waitFor(() => expect(text()).toContain('Balance is low'));
    expect(text()).not.toContain('Top up');
  });

  it('says that all is in order, or nothing at all where it’s quiet', async () => {
    const { widget, text } = await stage('toll-alerts', 'empty');
    await vi.waitFor(() => expect(text()).toContain('Everything is in order'));
    expect(widget.hasAttribute('silent')).toBe(false);
    widget.quiet = true;
    await widget.updateComplete;
    expect(widget.hasAttribute('silent')).toBe(true);
  });

  it('runs no markup of names', async () => {
    const { all, text } = await stage('toll-alerts', 'hostile');
    await vi.waitFor(() => expect(text()).toContain('<svg onload=alert(5)>'));
    expect(all('[onload]')).toEqual([]);
  });
});
