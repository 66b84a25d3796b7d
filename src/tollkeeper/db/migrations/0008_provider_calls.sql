-- What AI providers take: each call of an event, with its cost and how that is known.

create table provider_calls (
    customer_id uuid not null,
    provider text collate "C" not null,
    -- The provider's id of its response. Where there is none, and in corrections: the event's id and the place in it.
    call_id text collate "C" not null,
    event_id text collate "C" not null,
    transaction_id uuid not null,
    model text collate "C" not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    -- The provider's own ids of project and API key: what its reports can be compared by.
    project text collate "C",
    api_key text collate "C",
    service_tier text,
    batch boolean not null,
    region text,
    -- Disjoint units and how much of each: {"input_tokens": "1500"}. Null where no usage is known.
    quantities jsonb,
    -- How the cost comes about: [{unit, quantity, amount, per, price_id}].
    lines jsonb,
    -- The version of the price book.
    book text,
    -- In the catalog's currency. Null: unpriced. Not the same as 0.
    cost numeric,
    cost_source text not null check (cost_source in ('response', 'provider_report', 'estimate', 'none')),
    -- Why it is unpriced: units without a price, or "model", "usage", "usd_rate".
    missing text[] not null,
    -- The call that this cost is added to: prices that came later, allocations of what the provider reported.
    adjusts text collate "C",
    primary key (customer_id, provider, call_id),
    check ((cost is null) = (cost_source = 'none'))
);
comment on table provider_calls is 'owner: calls. Append-only: each provider call of each event, stored once, with its cost';
create index provider_calls_by_event on provider_calls (customer_id, event_id);
-- Reconciliation reads a window of one provider's calls, whoever made them.
create index provider_calls_by_time on provider_calls (provider, at);
create index provider_calls_unpriced on provider_calls (provider, model) where cost is null;
create index provider_calls_adjusted on provider_calls (customer_id, provider, adjusts) where adjusts is not null;

-- What an event adds to the rollups' counts of events whose cost, or charge, isn't known for good: 1, and -1 for a
-- true-up that brings what its event lacked.
alter table events add column uncosted smallint not null default 0;
alter table events add column estimates smallint not null default 0;
-- A true-up that books a cost and leaves the charge as it is.
alter table events add column cost_only boolean not null default false;
update events set uncosted = (cost_source is not distinct from 'none')::int, estimates = estimated::int
    where cost_source = 'none' or estimated;

grant select, insert on provider_calls to tollkeeper_app;
alter table provider_calls enable row level security;
create policy isolation on provider_calls to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
