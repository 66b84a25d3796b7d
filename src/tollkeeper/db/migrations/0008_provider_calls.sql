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
    -- The catalog's currency for 1 USD, where the book's dollars had to be exchanged.
    rate numeric,
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

-- What an event adds to the rollups' counts of events whose charge or cost isn't known for good: usually 1 or nothing, and
-- less than 0 for a correction that brings what its event lacked. Null is 0, and takes no space.
alter table events add column unpriced smallint, add column uncosted smallint, add column estimates smallint;
-- Margins of all customers are read by time. A block range index costs an insert next to nothing; the few events that
-- margins tell apart have one of their own.
create index events_by_age on events using brin (time);
create index events_notable on events (customer_id, time)
    where corrects is not null or uncosted is not null or estimates is not null or cost_source = 'estimate';
-- True for a true-up that books a cost and leaves the charge as it is.
alter table events add column cost_only boolean;
update events
set unpriced = case when charge is null then 1 end, uncosted = case when cost_source = 'none' then 1 end,
    estimates = case when estimated then 1 end
where charge is null or cost_source = 'none' or estimated;

-- The calls that came with events before there was a price book. Of a response that several events bring, the first has
-- its id; what a correction brings for a call without a cost is added to that one.
with legacy as (
    select e.customer_id, e.event_id, e.corrects, e.transaction_id, e.time, e.recorded_at, e.cost_source as source,
           c.i - 1 as i, c.call, (c.call ->> 'cost')::numeric as cost,
           row_number() over (partition by e.customer_id, c.call ->> 'provider', c.call ->> 'response_id',
                                           e.corrects is null
                              order by e.transaction_id, e.event_id, c.i) as nth
    from events e cross join lateral jsonb_array_elements(e.calls) with ordinality as c (call, i)
), named as (
    select *, case when nth = 1 and corrects is null and call ? 'response_id' then call ->> 'response_id'
                   else event_id || '#' || i end as call_id
    from legacy
)
insert into provider_calls (customer_id, provider, call_id, event_id, transaction_id, model, at, recorded_at, batch, cost,
                            cost_source, missing, adjusts)
select n.customer_id, n.call ->> 'provider', n.call_id, n.event_id, n.transaction_id, n.call ->> 'model',
       coalesce((n.call ->> 'at')::timestamptz, n.time), n.recorded_at, false, n.cost,
       case when n.cost is null then 'none' when n.source = 'estimate' then 'estimate' else 'response' end,
       case when n.cost is not null then '{}' when n.call ? 'usage' then '{model}' else '{usage}' end::text[],
       (select min(o.call_id) from named o
        where o.customer_id = n.customer_id and o.event_id = n.corrects and o.cost is null and n.cost is not null
          and o.call ->> 'provider' = n.call ->> 'provider' and o.call ->> 'model' = n.call ->> 'model')
from named n
on conflict do nothing;

grant select, insert on provider_calls to tollkeeper_app;
alter table provider_calls enable row level security;
create policy isolation on provider_calls to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
