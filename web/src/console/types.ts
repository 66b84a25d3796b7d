/** What `/v1` answers to the console, as far as it's looked at. Amounts and quantities are decimal strings. */
import type { Limit as PortalLimit } from 'tollkeeper';

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface UnitAmount {
  unit: string;
  amount: string;
}

export interface SignedIn {
  csrf: string;
  key: { name: string; prefix: string; scopes: string[] };
  expires_at: string;
}

export interface Meter {
  key: string;
  name: string;
  unit: string;
  aggregation: string;
  dimensions: string[];
  on_expiry: string;
}

export interface Price {
  price_id: string;
  meter: string;
  customer: string | null;
  plan: string | null;
  from: string | null;
  until: string | null;
  scheduled: boolean;
  words: string;
}

export interface Plan {
  key: string;
  name: string;
  description: string | null;
  prices: Price[];
  limits: { key: string; name: string; words: string }[];
  grants: { name: string; words: string }[];
}

export interface Catalog {
  version: number;
  currency: string;
  units: { key: string; name: string; decimals: number }[];
  meters: Meter[];
  groups: { key: string; name: string; meters: string[] }[];
  prices: Price[];
  limits: { key: string; name: string; words: string }[];
  default_plan: string | null;
  plans: Plan[];
}

export interface Change {
  kind: 'add' | 'change' | 'remove';
  subject: string;
  text: string;
  effective_from: string | null;
}

export interface Proposal {
  version: number;
  changes: Change[];
  warnings: string[];
}

export interface Version {
  version: number;
  applied_at: string;
  applied_by: string;
  summary: Change[];
}

export interface CatalogProblem {
  line: number | null;
  key: string;
  message: string;
}

export interface Span {
  events: number;
  spent: UnitAmount[];
  cost: string;
  margin: string;
}

export interface Summary {
  as_of: string | null;
  currency: string;
  customers: number;
  archived: number;
  suspended: number;
  today: Span;
  month: Span;
  unpriced: number;
  quarantine: number;
  holds: number;
  holds_in_doubt: number;
  findings: number;
}

export interface ListedCustomer {
  key: string;
  name: string;
  currency: string;
  timezone: string;
  plan: string | null;
  spent: string;
  also_spent: UnitAmount[];
  cost: string;
  margin: string | null;
  margin_percent: string | null;
  balance: { unit: string; available: string }[];
  owed: string;
  unpriced: number;
  last_event_at: string | null;
  archived_at: string | null;
  suspended_at: string | null;
}

export interface CustomerPage extends Page<ListedCustomer> {
  as_of: string | null;
  currency: string;
}

export interface Customer {
  key: string;
  name: string;
  currency: string;
  timezone: string;
  created_at: string;
  archived_at: string | null;
  suspended_at: string | null;
}

export interface MarginTotal {
  unit: string | null;
  charge: string;
  cost: string;
  margin: string | null;
  margin_percent: string | null;
  without_calls_charge: string | null;
}

export interface MarginRow {
  start: string;
  end: string;
  unit: string | null;
  charge: string;
  cost: string;
  margin: string | null;
  margin_percent: string | null;
  group: Record<string, string | null>;
  events: number;
  calls: number;
  unpriced: number;
  uncosted: number;
  estimated: number;
  without_calls: number | null;
  without_calls_charge: string | null;
}

export interface Margins extends Page<MarginRow> {
  start: string;
  end: string;
  as_of: string;
  currency: string;
  totals: MarginTotal[];
}

export interface Grant {
  id: string;
  unit: string;
  kind: string;
  priority: number;
  amount: string;
  remaining: string;
  spent: string;
  expired: string;
  voided: string;
  effective_at: string;
  expires_at: string | null;
  state: 'scheduled' | 'active' | 'ended';
  recurring: string | null;
  reference: string | null;
  note: string | null;
  created_at: string;
  created_by: string;
}

export interface RecurringGrant {
  name: string;
  unit: string;
  amount: string;
  every: string;
  rollover: string;
  kind: string;
  ended_at: string | null;
}

/** A limit as the billing page has it, but for what only that one asks: one member's, and words. `own`: the customer's own. */
export type Limit = Omit<PortalLimit, 'member' | 'meter_unit'> & { own: boolean };

export interface PlanHistory {
  plan: string | null;
  name: string | null;
  since: string | null;
  next: { plan: string | null; from: string } | null;
  history: { plan: string | null; from: string; decided_at: string; decided_by: string; withdrawn_at: string | null }[];
}

export interface Member {
  key: string;
  name: string;
  created_at: string;
  archived_at: string | null;
}

export interface Hold {
  id: string;
  customer: string;
  meter: string;
  member: string | null;
  state: string;
  quantity: string;
  amount: string;
  unit: string;
  expires_at: string;
  created_at: string;
  ended_at: string | null;
  charged: string | null;
  note: string | null;
}

export interface Call {
  id: string;
  customer: string;
  event: string;
  provider: string;
  model: string;
  at: string;
  quantities: Record<string, string> | null;
  cost: string | null;
  cost_source: string;
  missing: string[];
}

export interface UsageEvent {
  id: string;
  customer: string;
  meter: string;
  quantity: string;
  billed: string;
  charge: string | null;
  unit: string | null;
  estimated: boolean;
  cost: string | null;
  cost_source: string | null;
  time: string;
  recorded_at: string;
  member: string | null;
  dimensions: Record<string, string>;
  amount: string | null;
  corrects: string | null;
  corrected_by: string[];
}

export interface Explanation {
  steps: { name: string; text: string }[];
}

export interface Ingested {
  results: { id: string | null; status: string; charge?: string | null; unit?: string | null }[];
}

export interface Unpriced {
  as_of: string;
  meters: { meter: string; name: string; events: number; customers: number; since: string; until: string }[];
  models: {
    provider: string;
    model: string;
    calls: number;
    customers: number;
    since: string;
    until: string;
    missing: string[];
  }[];
}

export interface Quarantined {
  quarantine_id: string;
  customer_key: string | null;
  event_id: string | null;
  code: string;
  field: string | null;
  detail: string;
  item: string;
  status: 'open' | 'replayed' | 'discarded';
  attempts: number;
  first_seen_at: string;
  last_seen_at: string;
  resolved_at: string | null;
  resolved_by: string | null;
  note: string | null;
}

export interface Replayed {
  quarantine_id: string;
  id: string | null;
  status: string;
  charge: string | null;
  unit: string | null;
  code: string | null;
  detail: string | null;
}

export interface Reconciliation {
  reconciliation_id: string;
  revision: number;
  provider: string;
  start: string;
  model: string;
  project: string | null;
  api_key: string | null;
  our_requests: number;
  vague_requests: number;
  their_requests: number | null;
  units: { unit: string; ours: string | null; theirs: string | null }[];
  our_cost: string;
  their_money: string | null;
  unit: string;
  finding: string;
  difference: string | null;
  parts: { finding: string; unit: string | null; amount: string; because: string }[];
  booked: string;
  change: string;
  compared_at: string;
  compared_by: string;
}

export interface ExplainedReconciliation extends Reconciliation {
  shares: { customer: string; event_id: string; call_id: string; reason: string; amount: string }[];
  revisions: Reconciliation[];
}

export interface ReconciledDay {
  provider: string;
  start: string;
  reads: number;
  stable_reads: number;
  last_read_at: string;
  closed_at: string | null;
  reopened: number;
}

export interface ReconciliationRun {
  provider: string;
  currency: string;
  dry_run: boolean;
  days: (ReconciledDay & { grains: { finding: string; difference: string | null }[]; refused: string[] })[];
}

export interface ApiKey {
  key_id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface Health {
  as_of: string;
  version: string;
  started_at: string;
  workers: number;
  pool: { open: number; idle: number };
  newest_migration: number;
  last_sweep_at: string | null;
  figures_as_of: string | null;
  catalog_version: number;
  price_book: string;
  database: { version: string; bytes: number; connections: number; most_connections: number; migration: number };
}

export interface PortalSession {
  id: string;
  token: string;
  url: string;
}
