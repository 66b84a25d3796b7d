/** From warnings and alerts to what a customer is told, the most urgent first; pure but for words by locale. */
import type { Dates } from '../core/dates.ts';
import { add, share } from '../core/decimal.ts';
import type { Money } from '../core/money.ts';
import type { Alert, Limit, Overview } from '../core/types.ts';
import { words } from '../core/words.ts';

export type Tone = 'bad' | 'warn' | 'info';

/** What can be done about it. */
export type Remedy = 'top-up' | 'limits' | null;

export interface Item {
  /** The same for the same matter, so that it can be dismissed. */
  key: string;
  tone: Tone;
  title: string;
  text: string;
  remedy: Remedy;
  /** When it began, or was told; null where that isn't known. */
  at: string | null;
  unit: string | null;
  limit: string | null;
}

export interface Facts {
  overview: Overview;
  alerts: readonly Alert[];
  money: Money;
  dates: Dates;
}

type Warning = Overview['warnings'][number];

/** The most urgent first. Codes without a line here are told in the server's words. */
const KINDS: Record<string, [Tone, string, Remedy]> = {
  archived: ['bad', 'Account closed', null],
  suspended: ['bad', 'Account suspended', null],
  balance_exhausted: ['bad', 'Balance used up', 'top-up'],
  limit_reached: ['bad', 'Limit reached', 'limits'],
  balance_low: ['warn', 'Balance is low', 'top-up'],
  limit_near: ['warn', 'Limit nearly reached', 'limits'],
  credit_expiring: ['warn', 'Credits expire soon', null],
  unpriced: ['info', 'Some usage has no price yet', null],
  estimated: ['info', 'Some charges are estimates', null],
};
const ORDER = Object.keys(KINDS);

/** Alerts that tell of the same matter as a warning, by its code. */
const TOPICS: Record<string, string> = {
  balance_exhausted: 'balance_exhausted',
  balance_low: 'balance_low',
  limit_reached: 'limit_threshold',
  limit_near: 'limit_threshold',
  credit_expiring: 'grant_expiring',
};

/** What is so now; and what was told before and isn't so any more, the newest first. */
export function itemsOf(facts: Facts): { now: Item[]; earlier: Item[] } {
  const { warnings } = facts.overview;
  const used = new Set<string>();
  const now = [...warnings]
    .sort((one, other) => rank(one.code) - rank(other.code))
    .map((warning) => ofWarning(warning, facts, used));
  const earlier = facts.alerts.filter(({ id }) => !used.has(id)).map((alert) => ofAlert(alert, facts));
  return { now, earlier };
}

const rank = (code: string): number => {
  const at = ORDER.indexOf(code);
  return at < 0 ? ORDER.indexOf('unpriced') : at;
};

function ofWarning(warning: Warning, facts: Facts, used: Set<string>): Item {
  const [tone, title, remedy] = KINDS[warning.code] ?? ['info', '', null];
  const same = facts.alerts.filter((alert) => isAbout(alert, warning));
  for (const { id } of same) used.add(id);
  const text =
    ofLimit(warning, facts) ?? ofWallet(warning, facts) ?? facts.money.sentence(warning.detail, warning.unit);
  return {
    key: [warning.code, warning.unit ?? '', warning.limit ?? '', same[0]?.id ?? ''].join(' '),
    tone,
    title: title || text,
    text: title ? text : '',
    remedy,
    at: same[0]?.created_at ?? null,
    unit: warning.unit ?? null,
    limit: warning.limit ?? null,
  };
}

function isAbout(alert: Alert, { code, unit, limit }: Warning): boolean {
  if (alert.topic !== TOPICS[code]) return false;
  return limit ? alert.limit === limit : alert.unit === unit;
}

/** `8,200 of 10,000 tokens per day, free again 29 Nov 2026, 00:00` */
function ofLimit({ code, limit }: Warning, { overview, money, dates }: Facts): string | null {
  const found = overview.limits.find((each) => each.limit === limit && each.used !== null);
  if (!limit || !found) return null;
  const again = code === 'limit_reached' ? `. Free again ${dates.relative(found.window.end)}` : '';
  return `${found.name}: ${takenOf(found, money)}${again}`;
}

function takenOf({ used, held, cap, spend, meter_unit, per }: Limit, money: Money): string {
  const taken = add(used ?? '0', held ?? '0');
  const [part, whole] = spend
    ? [money.amount(taken, spend), money.amount(cap, spend)]
    : [money.quantity(taken), money.quantity(cap, meter_unit)];
  const within = per === 'rolling_hour' ? 'in any hour' : `per ${words(per)}`;
  return `${part} of ${whole} ${within} (${money.percent(share(taken, cap))})`;
}

/** `2 interview credits left` */
function ofWallet({ code, unit }: Warning, { overview, money, dates }: Facts): string | null {
  const wallet = overview.wallets.find((each) => each.unit === unit);
  if (!wallet || !unit) return null;
  if (code === 'balance_low') return `${money.amount(wallet.available, unit, { floor: true })} left`;
  const [first] = wallet.expiring;
  if (code !== 'credit_expiring' || !first) return null;
  return `Use ${money.amount(first.amount, unit)} before ${dates.date(first.expires_at)} (${dates.relative(first.expires_at)})`;
}

function ofAlert(alert: Alert, facts: Facts): Item {
  const unit = typeof alert.unit === 'string' ? alert.unit : null;
  return {
    key: alert.id,
    tone: 'info',
    title: facts.money.offer(facts.money.sentence(alert.detail, unit)),
    text: '',
    remedy: null,
    at: alert.created_at,
    unit,
    limit: typeof alert.limit === 'string' ? alert.limit : null,
  };
}
