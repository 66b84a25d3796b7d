/** What `/v1/portal/*` answers. Amounts and quantities are decimal strings, times RFC 3339 in UTC. */
import type { Unit } from './money.ts';

export type Amount = string;
export type Time = string;
export type Permission = 'read' | 'top_up' | 'change_plan';

export interface Interval {
  start: Time;
  end: Time;
}

export interface UnitAmount {
  unit: string;
  amount: Amount;
}

export interface Meter {
  key: string;
  name: string;
  unit: string;
  dimensions: string[];
}

/** `GET /session` */
export interface Session {
  customer: string;
  name: string | null;
  currency: string;
  timezone: string;
  permissions: Permission[];
  expires_at: Time;
  return_url: string | null;
  meters: Meter[];
  units: Unit[];
  dimensions: string[];
  models: boolean;
  top_up: boolean;
  change_plan: boolean;
  test_payments: boolean;
}

export interface Wallet {
  unit: string;
  balance: Amount;
  held: Amount;
  available: Amount;
  expiring: { amount: Amount; expires_at: Time }[];
  low: boolean;
}

export interface MeterTotal {
  meter: string;
  name: string;
  meter_unit: string;
  quantity: Amount;
  events: number;
  charge: Amount;
  unit: string | null;
  unpriced: number;
  estimated: number;
}

export interface Limit {
  limit: string;
  name: string;
  meter: string | null;
  group: string | null;
  spend: string | null;
  per: string;
  by: string;
  mode: string;
  enabled: boolean;
  /** Percentages of the cap at which to warn. */
  warn_at: string[];
  member: string | null;
  cap: Amount;
  /** Null where each member has the cap for itself, and no member was asked for. */
  used: Amount | null;
  held: Amount | null;
  remaining: Amount | null;
  window: Interval;
  meter_unit: string | null;
}

export interface Alert {
  id: string;
  topic: string;
  created_at: Time;
  detail: string;
  /** Fields of the topic's own: `unit`, `limit`, `balance`, … */
  [fact: string]: unknown;
}

export interface Plan {
  key: string;
  name: string;
  description: string | null;
  /** Null: since ever. */
  since: Time | null;
  /** A plan, or from then on none. */
  next: { plan: string | null; name: string | null; from: Time } | null;
}

/** `GET /overview` */
export interface Overview {
  as_of: Time;
  period: Interval;
  plan: Plan | null;
  wallets: Wallet[];
  spent: UnitAmount[];
  total_spent: UnitAmount[];
  owed: UnitAmount[];
  held: UnitAmount[];
  meters: MeterTotal[];
  tokens: { input: Amount; output: Amount; total: Amount; calls: number } | null;
  unpriced: number;
  estimated: number;
  limits: Limit[];
  warnings: { code: string; detail: string; unit?: string; limit?: string }[];
  alerts: Alert[];
}

export type Window = 'hour' | 'day' | 'month' | 'total';

export interface UsageRow extends Interval {
  meter: string;
  group: Record<string, string | null>;
  events: number;
  quantity: Amount;
  charge: Amount;
  unit: string | null;
  unpriced: number;
  estimated: number;
}

/** `GET /usage` */
export interface Usage extends Interval {
  window: Window;
  timezone: string;
  as_of: Time;
  rows: UsageRow[];
  totals: { unit: string; charge: Amount }[];
  unpriced: number;
  estimated: number;
}

/** `GET /models` */
export interface Models {
  as_of: Time;
  data: {
    provider: string;
    model: string;
    calls: number;
    input: Amount;
    output: Amount;
    total: Amount;
    charge: Amount;
    unit: string | null;
  }[];
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface UsageEvent {
  id: string;
  meter: string;
  quantity: Amount;
  billed: Amount;
  charge: Amount | null;
  unit: string | null;
  estimated: boolean;
  priced: boolean;
  time: Time;
  recorded_at: Time;
  member: string | null;
  dimensions: Record<string, string>;
  corrects: string | null;
  corrected_by: string[];
  transaction_id: string | null;
}

/** `GET /events/{id}/explanation` */
export interface Explanation {
  event: UsageEvent;
  charge: Amount | null;
  unit: string | null;
  price_from: string | null;
  steps: { name: string; text: string; figures: Record<string, string> }[];
  paid: { grant_id: string; unit: string; amount: Amount; at: Time }[];
  ledger_transaction: string | null;
}

export interface LedgerEntry {
  transaction_id: string;
  line: number;
  kind: string;
  text: string;
  unit: string;
  /** Signed: what it did to the customer, + in, − out. */
  amount: Amount;
  /** What it did to the prepaid value; these sum to the balance. */
  wallet: Amount;
  /** What it did to what is owed; these sum to that. */
  owed: Amount;
  booked_at: Time;
  service_from: Time | null;
  service_to: Time | null;
  events: number | null;
  reference: string | null;
}

/** A line of `GET /grants` */
export interface Grant {
  id: string;
  unit: string;
  kind: string;
  amount: Amount;
  remaining: Amount;
  spent: Amount;
  expired: Amount;
  voided: Amount;
  effective_at: Time;
  expires_at: Time | null;
  state: string;
  reference: string | null;
  created_at: Time;
}

/** A line of `GET /members` */
export interface Member {
  key: string;
  name: string;
  created_at: Time;
  archived_at: Time | null;
}

export interface PlanOffer {
  key: string;
  name: string;
  description: string | null;
  current: boolean;
  prices: { meter: string; name: string; text: string }[];
  grants: { name: string; unit: string; amount: Amount; every: string; text: string }[];
  limits: { limit: string; text: string; cap: Amount; per: string }[];
}

/** `GET /plans`, and the answer of `POST /plan` */
export interface Plans {
  change_allowed: boolean;
  current: string | null;
  /** Without a plan where the present one ends and none follows. */
  next: { plan: string | null; name: string | null; from: Time } | null;
  data: PlanOffer[];
}

export interface QuickAmount {
  amount: Amount;
  price: Amount;
  currency: string;
}

export interface Pack extends QuickAmount {
  key: string;
  name: string;
  bonus: Amount | null;
  expires_after: string | null;
}

/** What can be bought of one unit of value. */
export interface Offer {
  unit: string;
  name: string;
  /** How long what is bought by `amounts` can be spent: `12 months`. */
  expires_after: string | null;
  amounts: QuickAmount[];
  packs: Pack[];
}

/** `GET /offers` */
export interface Offers {
  allowed: boolean;
  /** Payments are only pretended. */
  test: boolean;
  data: Offer[];
}

export type TopUpState = 'pending' | 'paid' | 'failed' | 'cancelled' | 'expired';

export interface TopUp {
  id: string;
  state: TopUpState;
  unit: string;
  amount: Amount;
  bonus: Amount;
  price: Amount;
  currency: string;
  pack: string | null;
  /** Where it's paid, while it's pending. */
  checkout_url: string | null;
  test: boolean;
  created_at: Time;
  expires_at: Time;
  ended_at: Time | null;
  grant_id: string | null;
}

/** `event: state` of `GET /live`; each replaces the one before. */
export interface LiveState {
  as_of: Time;
  period: Interval;
  wallets: Pick<Wallet, 'unit' | 'balance' | 'held' | 'available'>[];
  spent: UnitAmount[];
  held: UnitAmount[];
  meters: Pick<MeterTotal, 'meter' | 'quantity' | 'events' | 'charge' | 'unit'>[];
  events: UsageEvent[];
  changed: string[];
}
