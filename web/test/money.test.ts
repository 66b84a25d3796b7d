import { describe, expect, it } from 'vitest';
import { Money, plural } from '../src/core/money.ts';

const UNITS = [
  { key: 'USD', name: 'US Dollar', digits: 2 },
  { key: 'JPY', name: 'Japanese Yen', digits: 0 },
  { key: 'KWD', name: 'Kuwaiti Dinar', digits: 3 },
  { key: 'interview_credit', name: 'Interview credit', digits: null },
];
const money = new Money('en-US', UNITS);
const spaces = (shown: string): string => shown.replace(/\s/g, ' ');

describe('amounts of money', () => {
  it('below a cent keep what they say', () => {
    expect(money.amount('0.0109375', 'USD')).toBe('$0.0109');
    expect(money.amount('0.000002', 'USD')).toBe('$0.000002');
    expect(money.amount('0.00', 'USD')).toBe('$0.00');
    expect(money.amount('0.9999', 'USD')).toBe('$1.00');
    expect(money.amount('0.123456', 'USD')).toBe('$0.123');
  });

  it('never say that more may be spent than there is', () => {
    const floor = true;
    expect(money.amount('24.9995', 'USD', { floor })).toBe('$24.99');
    expect(money.amount('25', 'USD', { floor })).toBe('$25.00');
    expect(money.amount('-0.001', 'USD', { floor })).toBe('-$0.001');
    expect(money.amount('-12.345', 'USD', { floor })).toBe('-$12.35');
    expect(money.amount('2.9999', 'interview_credit', { floor })).toBe('2.99 interview credits');
  });

  it('have the digits of their currency', () => {
    expect(money.amount('5.25', 'USD')).toBe('$5.25');
    expect(money.amount('5', 'USD')).toBe('$5.00');
    expect(money.amount('12.5139', 'USD')).toBe('$12.51');
    expect(money.amount('1234567.891', 'USD')).toBe('$1,234,567.89');
    expect(money.amount('1200', 'JPY')).toBe('¥1,200');
    expect(money.amount('1.44', 'JPY')).toBe('¥1.44');
    expect(money.amount('125.4', 'JPY')).toBe('¥125');
    expect(spaces(money.amount('1.5', 'KWD'))).toBe('KWD 1.500');
    expect(spaces(money.amount('0.00012345', 'KWD'))).toBe('KWD 0.000123');
  });

  it('are exact to the last digit, far beyond a float', () => {
    expect(money.amount('12345678901234567890.12', 'USD')).toBe('$12,345,678,901,234,567,890.12');
    expect(money.amount('0.010937500000', 'USD', { exact: true })).toBe('$0.0109375');
    expect(money.amount('5', 'USD', { exact: true })).toBe('$5.00');
  });

  it('may be negative, signed, or compact', () => {
    expect(money.amount('-5.25', 'USD')).toBe('-$5.25');
    expect(money.amount('-0.001', 'USD')).toBe('-$0.001');
    expect(money.amount('5', 'USD', { signed: true })).toBe('+$5.00');
    expect(money.amount('0', 'USD', { signed: true })).toBe('$0.00');
    expect(money.amount('12345', 'USD', { compact: true })).toBe('$12.3K');
    expect(money.amount('0', 'USD', { compact: true })).toBe('$0');
    expect(money.amount('7.5', 'USD', { compact: true })).toBe('$7.50');
  });

  it('follow the locale', () => {
    expect(spaces(new Money('de-DE', UNITS).amount('1234.5', 'USD'))).toBe('1.234,50 $');
    expect(spaces(new Money('ja-JP', UNITS).amount('1234', 'JPY'))).toBe('¥1,234'.replace('¥', '￥'));
  });

  it('are known without being declared, if ISO knows them', () => {
    expect(new Money('en-US').amount('3', 'EUR')).toBe('€3.00');
  });
});

describe('credits', () => {
  it('go by their declared name', () => {
    expect(money.amount('1', 'interview_credit')).toBe('1 interview credit');
    expect(money.amount('10', 'interview_credit')).toBe('10 interview credits');
    expect(money.amount('-2', 'interview_credit')).toBe('-2 interview credits');
    expect(money.amount('0.5', 'interview_credit')).toBe('0.5 interview credits');
    expect(money.amount('3', 'api_credit')).toBe('3 api credits');
  });

  it('come in two parts for a big figure', () => {
    expect(money.parts('7', 'interview_credit')).toEqual({ number: '7', name: 'interview credits' });
    expect(money.parts('7', 'USD')).toEqual({ number: '$7.00', name: '' });
  });
});

describe('what the server says', () => {
  const german = new Money('de-DE', [
    { key: 'credit', name: 'Interview credit', digits: null },
    { key: 'USD', name: 'USD', digits: 2 },
  ]);

  it('of a price has its figures by locale, whole', () => {
    expect(german.offer('1,000 calls per month included, then 0.0125 USD per call')).toBe(
      '1.000 calls per month included, then 0,0125\u00a0$ per call',
    );
    expect(german.offer('12,500.50 USD per month, at most 3 CVs')).toBe('12.500,50\u00a0$ per month, at most 3 CVs');
    expect(money.offer('0.50 USD per CV')).toBe('$0.50 per CV');
    expect(money.offer('0.0000025 USD per token')).toBe('$0.0000025 per token');
  });

  it('keeps the digits of names', () => {
    for (const text of ['5 GPU hours of gpt-4.1', '2,5 Dinge', 'by the AI models used', '3 for claude-3.5'])
      expect(german.offer(text)).toBe(text);
  });

  it('names a credit whose key is a word where it is about it', () => {
    expect(german.sentence('No credit is left')).toBe('No credit is left');
    expect(german.sentence('No credit is left', 'credit')).toBe('No interview credit is left');
  });
});

describe('quantities', () => {
  it('have their unit, in the right number', () => {
    expect(money.quantity('10', 'CV')).toBe('10 CVs');
    expect(money.quantity('1', 'CV')).toBe('1 CV');
    expect(money.quantity('5000', 'token')).toBe('5,000 tokens');
    expect(money.quantity('81234567', 'token', { compact: true })).toBe('81.2M tokens');
    expect(money.quantity('12.5', 'MB')).toBe('12.5 MB');
    expect(new Money('de').quantity('5000', 'Minute')).toBe('5.000 Minute');
  });

  it('bend the page’s own words in English, whatever the locale', () => {
    const german = new Money('de-DE');
    expect([german.count(1, 'more price'), german.count(1200, 'more price')]).toEqual([
      '1 more price',
      '1.200 more prices',
    ]);
    expect(german.quantity('3', 'Minute')).toBe('3 Minute');
  });

  it('have English plurals', () => {
    expect(['query', 'batch', 'day', 'kWh', 'box'].map(plural)).toEqual(['queries', 'batches', 'days', 'kWh', 'boxes']);
    const same = ['y', 'h', '%', '°C', '字', 'km', 'ms', ''];
    expect(same.map(plural)).toEqual(same);
  });
});

describe('shares', () => {
  it('are never full before they are, nor nothing when something is used', () => {
    expect([0, 0.004, 0.82, 0.996, 1, 1.3].map((each) => money.percent(each))).toEqual([
      '0%',
      '<1%',
      '82%',
      '99%',
      '100%',
      '130%',
    ]);
  });
});
