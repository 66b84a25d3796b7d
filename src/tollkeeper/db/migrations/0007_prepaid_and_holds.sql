-- Prepaid value, holds and limits: what lets an operation be refused before it costs money.

alter table customers add column suspended_at timestamptz;

-- Prices of a plan stand beside those of everyone and of one customer.
alter table prices add column plan text collate "C";
alter table prices drop constraint prices_meter_customer_key_effective_from_version_key;
alter table prices add unique nulls not distinct (meter, customer_key, plan, effective_from, version);

create table plan_changes (
    customer_id uuid not null,
    effective_from timestamptz not null,
    -- Null: from then on the catalog's default plan, or none.
    plan text collate "C",
    created_at timestamptz not null,
    created_by text not null,
    -- Taken back before it came into effect.
    withdrawn_at timestamptz,
    primary key (customer_id, effective_from),
    foreign key (customer_id) references customers (customer_id)
);
comment on table plan_changes is 'owner: customers. From when on a customer is on which plan';

create table customer_limits (
    customer_id uuid not null,
    name text collate "C" not null,
    -- What differs from the limit of this name in the catalog or plan, or a whole limit of its own.
    terms jsonb not null,
    updated_at timestamptz not null,
    updated_by text not null,
    primary key (customer_id, name),
    foreign key (customer_id) references customers (customer_id)
);
comment on table customer_limits is 'owner: customers. What a customer has instead of, or beside, the limits of its plan';

-- Whoever books something against prepaid value, holds or limits of a customer locks this row first.
create table tills (
    customer_id uuid primary key,
    -- What the counters and recurring grants were last brought in line with: docs in gate/till.py.
    signature uuid,
    opened_at timestamptz not null
);
comment on table tills is 'owner: gate. The lock of each customer whose money or limits must not be overrun';

create table wallets (
    customer_id uuid not null,
    unit text collate "C" not null,
    -- What is left of the grants in force; at least `held`.
    balance numeric not null check (balance >= held),
    -- What open holds have reserved of it.
    held numeric not null check (held >= 0),
    -- The receivable, and what open holds have reserved of a credit ceiling; kept only where a ceiling must hold.
    owed numeric not null,
    owed_held numeric not null check (owed_held >= 0),
    -- The instant of the newest entry: entries never go back in time.
    last_at timestamptz not null,
    -- When the next grant begins, ends or recurs; null: never.
    next_change_at timestamptz,
    primary key (customer_id, unit)
) with (fillfactor = 70);
comment on table wallets is 'owner: wallets. Prepaid value of one unit: a running balance, because holds must not overrun it';
create index wallets_due on wallets (next_change_at) where next_change_at is not null;

create table grants (
    customer_id uuid not null,
    grant_id uuid not null,
    unit text collate "C" not null,
    kind text not null check (kind in ('paid', 'promotional', 'compensation')),
    priority smallint not null,
    -- amount = remaining + spent + expired + voided + rolled_out, and at most `rolled_in` of it came from the grant before.
    amount numeric not null check (amount > 0),
    rolled_in numeric not null default 0 check (rolled_in >= 0 and rolled_in <= amount),
    remaining numeric not null check (remaining >= 0),
    spent numeric not null default 0 check (spent >= 0),
    expired numeric not null default 0 check (expired >= 0),
    voided numeric not null default 0 check (voided >= 0),
    rolled_out numeric not null default 0 check (rolled_out >= 0),
    check (amount = remaining + spent + expired + voided + rolled_out),
    effective_at timestamptz not null,
    expires_at timestamptz check (expires_at > effective_at),
    -- Whether it counts in the wallet's balance yet.
    begun boolean not null,
    -- The recurring grant that made it, and the period it is for.
    recurring text collate "C",
    period_start timestamptz,
    reference text,
    note text,
    created_at timestamptz not null,
    created_by text not null,
    voided_at timestamptz,
    voided_by text,
    refunded boolean not null default false,
    primary key (customer_id, grant_id)
);
comment on table grants is 'owner: wallets. Lots of prepaid value, and what became of each';
-- The burn order; nulls come last, so what never expires is kept longest.
create index grants_to_burn on grants (customer_id, unit, priority, expires_at, created_at, grant_id) where remaining > 0;

-- What expires next, to be told of; and which period of a recurring grant was the last.
create index grants_by_expiry on grants (expires_at) where remaining > 0 and expires_at is not null;
create index grants_by_recurring on grants (customer_id, recurring, period_start) where recurring is not null;

create table recurring_grants (
    customer_id uuid not null,
    name text collate "C" not null,
    -- As in the catalog: unit, amount, every, rollover, kind, priority.
    terms jsonb not null,
    anchor timestamptz not null,
    created_at timestamptz not null,
    created_by text not null,
    ended_at timestamptz,
    primary key (customer_id, name)
);
comment on table recurring_grants is 'owner: wallets. Grants that a customer gets again and again, beside those of its plan';

create table burns (
    customer_id uuid not null,
    event_id text collate "C" not null,
    grant_id uuid not null,
    transaction_id uuid not null,
    unit text collate "C" not null,
    -- Negative: a correction, or a step down a volume price, gives it back.
    amount numeric not null check (amount <> 0),
    at timestamptz not null,
    primary key (customer_id, event_id, grant_id)
);
comment on table burns is 'owner: wallets. Append-only: which event took how much from which grant';
create index burns_by_grant on burns (customer_id, grant_id);

create table wallet_entries (
    customer_id uuid not null,
    unit text collate "C" not null,
    -- When it takes effect, which for an expiry is the exact instant, however much later it's booked.
    at timestamptz not null,
    entry_id uuid not null,
    transaction_id uuid not null,
    kind text not null,
    grant_id uuid,
    amount numeric not null,
    -- The wallet's balance after this entry: history without replay.
    balance numeric not null,
    booked_at timestamptz not null,
    primary key (customer_id, unit, at, entry_id)
);
comment on table wallet_entries is 'owner: wallets. Append-only: each change of a wallet, with the balance that it left';

create table limit_counters (
    customer_id uuid not null,
    -- Follows from what is counted (meters or spend, period, by whom), not from the limit's name or cap.
    counter_id uuid not null,
    -- Empty for the customer as a whole.
    member text collate "C" not null,
    -- The start of the day, week or month; for a rolling hour the minute.
    window_start timestamptz not null,
    used numeric not null,
    -- What open holds have claimed.
    held numeric not null check (held >= 0),
    -- `used` has missed something, because for some time nothing was counted here; it's taken from the rollups anew.
    stale boolean not null default false,
    primary key (customer_id, counter_id, member, window_start)
) with (fillfactor = 70);
-- What is long over is deleted.
create index limit_counters_by_window on limit_counters (window_start);
comment on table limit_counters is 'owner: limits. How much of each limit is used and held in each window';

create table holds (
    customer_id uuid not null,
    hold_id text collate "C" not null,
    state text not null check (state in ('open', 'in_doubt', 'settled', 'released', 'expired')),
    -- What was asked for, by which a repeated request is told from another one with the same id.
    fingerprint uuid not null,
    meter text collate "C" not null,
    member text collate "C",
    dimensions jsonb not null,
    quantity numeric not null,
    event_amount numeric,
    calls jsonb,
    metadata jsonb,
    -- The estimated charge, at least 0, and where it is reserved; the rest of it fell under no ceiling.
    unit text collate "C" not null,
    amount numeric not null check (amount >= 0),
    from_wallet numeric not null check (from_wallet >= 0),
    from_ceiling numeric not null check (from_ceiling >= 0),
    -- What it claims of the price's running total.
    price_id uuid not null,
    period_start timestamptz,
    claimed numeric not null default 0,
    -- What it claims of limits: [{counter_id, member, window_start, amount}].
    claims jsonb not null,
    -- What becomes of it when it expires in doubt: release, or charge_estimate.
    on_expiry text not null,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    -- What was charged in the end; null unless it was settled, or its estimate was booked.
    charged numeric,
    -- Events that it ended with.
    events text[] not null default '{}',
    note text,
    primary key (customer_id, hold_id),
    check ((state in ('open', 'in_doubt')) = (ended_at is null))
) with (fillfactor = 80);
comment on table holds is 'owner: gate. Value reserved before an operation; each ends exactly once';
create index holds_due on holds (expires_at, customer_id) where ended_at is null;
create index holds_by_time on holds (customer_id, created_at);

-- What open holds claim of a cumulative price: the next hold is rated behind them.
alter table running_totals add column held numeric not null default 0;

create table outbox (
    customer_id uuid not null,
    fact_id uuid not null,
    topic text not null,
    -- What makes a fact the same fact: it's put down once for each customer.
    key text collate "C" not null,
    body jsonb not null,
    created_at timestamptz not null,
    primary key (customer_id, fact_id)
);
comment on table outbox is 'owner: db. Append-only: facts that others are to be told of, put down with what caused them';
create unique index outbox_once on outbox (customer_id, key);
-- The list over all customers, newest first.
create index outbox_by_age on outbox (fact_id);

grant select, insert, update on
    plan_changes, customer_limits, tills, wallets, grants, recurring_grants, limit_counters, holds
    to tollkeeper_app;
grant delete on limit_counters, customer_limits to tollkeeper_app;
grant select, insert on burns, wallet_entries, outbox to tollkeeper_app;

alter table plan_changes enable row level security;
create policy isolation on plan_changes to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table customer_limits enable row level security;
create policy isolation on customer_limits to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table tills enable row level security;
create policy isolation on tills to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table wallets enable row level security;
create policy isolation on wallets to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table grants enable row level security;
create policy isolation on grants to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table recurring_grants enable row level security;
create policy isolation on recurring_grants to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table burns enable row level security;
create policy isolation on burns to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table wallet_entries enable row level security;
create policy isolation on wallet_entries to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table limit_counters enable row level security;
create policy isolation on limit_counters to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table holds enable row level security;
create policy isolation on holds to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table outbox enable row level security;
create policy isolation on outbox to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
