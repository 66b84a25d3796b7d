-- What AI providers report of an organisation's usage and costs, and how that compares with the calls that were booked.

-- One row of a report, each time that it came out differently. Nobody's customer data: providers know projects and keys.
create table provider_reports (
    -- Follows from what the row is about: provider, kind, bucket, endpoint, project, key, model, line item, batch, tier.
    report_id uuid not null,
    -- 1, 2 …: a re-read that differs is a new revision; one that is equal adds nothing.
    revision integer not null,
    kind text not null check (kind in ('usage', 'cost')),
    provider text collate "C" not null,
    bucket_start timestamptz not null,
    bucket_end timestamptz not null check (bucket_end > bucket_start),
    -- The provider's own ids. Null where the report doesn't tell.
    project text collate "C",
    api_key text collate "C",
    model text collate "C",
    endpoint text collate "C",
    batch boolean,
    service_tier text collate "C",
    line_item text collate "C",
    -- Usage: how many requests, and {"input_tokens": "1500"}.
    requests bigint,
    quantities jsonb,
    -- Costs: the unit that a line item prices, how much of it, and what is asked for it.
    unit text,
    quantity numeric,
    amount numeric,
    currency text,
    read_at timestamptz not null,
    primary key (report_id, revision),
    check ((kind = 'usage') = (amount is null))
);
comment on table provider_reports is 'owner: reconciliation. Append-only: what providers report, in every revision';
create index provider_reports_by_time on provider_reports (provider, bucket_start, bucket_end);

create table reported_days (
    provider text collate "C" not null,
    day_start timestamptz not null,
    reads integer not null,
    -- Reads in a row, after the day's end, that have changed nothing.
    stable_reads integer not null,
    last_read_at timestamptz not null,
    -- Since when the day is taken for final.
    closed_at timestamptz,
    -- How often it has grown after it had been closed.
    reopened integer not null,
    primary key (provider, day_start)
);
comment on table reported_days is 'owner: reconciliation. How far each UTC day of a provider is settled';

create table reconciliations (
    reconciliation_id uuid primary key,
    -- Follows from what is compared: provider, bucket, model, project, key.
    grain_id uuid not null,
    revision integer not null,
    provider text collate "C" not null,
    bucket_start timestamptz not null,
    bucket_end timestamptz not null,
    -- A model; or, where none is involved, what is billed.
    model text collate "C" not null,
    -- Null: compared over all of them, because one side doesn't tell.
    project text collate "C",
    api_key text collate "C",
    our_requests bigint not null,
    -- Calls whose usage or cost isn't known exactly.
    vague_requests bigint not null,
    their_requests bigint,
    -- [{unit, ours, theirs}]
    units jsonb not null,
    our_cost numeric not null,
    -- Null: not reported yet.
    their_money numeric,
    -- The currency of all amounts: the catalog's.
    unit text not null,
    finding text not null check (finding in ('match', 'missing_here', 'extra_here', 'price_gap')),
    difference numeric,
    -- [{finding, unit, ours, theirs, amount, because}]; the amounts sum to the difference.
    parts jsonb not null,
    -- What stands in the account `variance` for this grain after this revision, and what this one has posted. The
    -- posting's transaction has the id of the row.
    booked numeric not null,
    change numeric not null,
    compared_at timestamptz not null,
    compared_by text not null,
    -- Each revision of a grain is booked once.
    unique (grain_id, revision),
    check (their_money is null or booked = their_money - our_cost)
);
comment on table reconciliations is 'owner: reconciliation. Append-only: what was compared, in every revision, and what was booked';
create index reconciliations_by_time on reconciliations (provider, bucket_start);

create table cost_shares (
    customer_id uuid not null,
    grain_id uuid not null,
    provider text collate "C" not null,
    event_id text collate "C" not null,
    -- The call that got it; empty for an event that told of no call.
    call_id text collate "C" not null,
    -- Counts the times that this call's share of this grain has changed.
    revision integer not null,
    reason text not null check (reason in ('estimate', 'unpriced', 'attribution', 'price_gap')),
    -- The change; the shares of all revisions add up to what the call has of the grain's cost, beside what it had before.
    amount numeric not null check (amount <> 0),
    -- The event by which it was booked.
    true_up_id text collate "C" not null,
    shared_at timestamptz not null,
    primary key (customer_id, grain_id, provider, event_id, call_id, revision)
);
comment on table cost_shares is 'owner: reconciliation. Append-only: which call or event got which part of a reported cost';
create index cost_shares_by_grain on cost_shares (grain_id);

grant select, insert on provider_reports, reconciliations, cost_shares to tollkeeper_app;
grant select, insert, update on reported_days to tollkeeper_app;
alter table provider_reports enable row level security;
create policy isolation on provider_reports to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table reported_days enable row level security;
create policy isolation on reported_days to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table reconciliations enable row level security;
create policy isolation on reconciliations to tollkeeper_app using (
    (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table cost_shares enable row level security;
create policy isolation on cost_shares to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
