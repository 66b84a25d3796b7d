-- What was used of each AI model: sums of provider calls, and of what the events that made them are charged and cost, by the
-- local hour and day of the customer's zone in which the event happened. By meter, not by series: a page asks for the models
-- of a month, and a series for each candidate or file would make a row of each event. ADR 16 has more of it.
--
-- The charge and the cost of an event, with its corrections, are shared over the models of its calls by what those cost, or
-- equally where that isn't known or nothing: cut off at 12 decimals; what is left goes to the largest remainders. So the shares
-- sum to what the event is charged. Kept in the transaction that books the events; a correction takes back its event's
-- shares as they were, and adds them as they are.
create table call_hours (
    customer_id uuid not null,
    hour timestamptz not null,
    meter text collate "C" not null,
    -- The unit of value of the charges. Empty where no price was in force: a key has no nulls.
    unit text collate "C" not null,
    provider text collate "C" not null,
    model text collate "C" not null,
    -- An event with calls of several models has a row of each, and must be counted once by provider, by model, and in all:
    -- 1, where it's counted already under an earlier model of the provider; 2, under an earlier provider of the model;
    -- 4, under an earlier one of any. Their sum; 0 for nearly all events, which have one model.
    repeats smallint not null,
    -- Without corrections.
    events bigint not null,
    calls bigint not null,
    -- Of whatever kind: text, audio, images; from a cache, or into one. `cached` is a part of `input`. `tokens` has them all,
    -- also those of other models that a call used inside.
    input_tokens numeric not null,
    cached_tokens numeric not null,
    output_tokens numeric not null,
    tokens numeric not null,
    charge numeric not null,
    cost numeric not null,
    -- Events without a charge; without a known cost, and what they are charged; with an estimated charge or cost.
    unpriced bigint not null,
    uncosted bigint not null,
    uncosted_charge numeric not null,
    estimated bigint not null,
    estimated_charge numeric not null,
    estimated_cost numeric not null,
    primary key (customer_id, hour, meter, unit, provider, model, repeats)
) with (fillfactor = 80);
comment on table call_hours is 'owner: calls. Provider calls by local hour, meter and model';

create table call_days (
    customer_id uuid not null,
    day date not null,
    meter text collate "C" not null,
    unit text collate "C" not null,
    provider text collate "C" not null,
    model text collate "C" not null,
    repeats smallint not null,
    events bigint not null,
    calls bigint not null,
    input_tokens numeric not null,
    cached_tokens numeric not null,
    output_tokens numeric not null,
    tokens numeric not null,
    charge numeric not null,
    cost numeric not null,
    unpriced bigint not null,
    uncosted bigint not null,
    uncosted_charge numeric not null,
    estimated bigint not null,
    estimated_charge numeric not null,
    estimated_cost numeric not null,
    primary key (customer_id, day, meter, unit, provider, model, repeats)
) with (fillfactor = 60);
comment on table call_days is 'owner: calls. Provider calls by local day, meter and model';
-- Margins of all customers are read by time. A block range index costs an insert next to nothing.
create index call_hours_by_age on call_hours using brin (hour);
create index call_days_by_age on call_days using brin (day);

-- The calls so far. Whoever books calls meanwhile waits.
lock table provider_calls in share row exclusive mode;
with used as (
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, c.provider, c.model,
           count(*) filter (where c.adjusts is null) as calls, greatest(coalesce(sum(c.cost), 0), 0) as weight,
           coalesce(sum(q.input), 0) as input_tokens, coalesce(sum(q.cached), 0) as cached_tokens,
           coalesce(sum(q.output), 0) as output_tokens, coalesce(sum(q.tokens), 0) as tokens
    from provider_calls c
    join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
    cross join lateral (
        select sum(quantity::numeric) filter (where unit like 'input%' or unit like 'cache%') as input,
               sum(quantity::numeric) filter (where unit like 'cached%') as cached,
               sum(quantity::numeric) filter (where unit like 'output%' or unit like 'reasoning%') as output,
               sum(quantity::numeric) as tokens
        from jsonb_each_text(c.quantities) as q (unit, quantity) where unit like '%tokens'
    ) q
    group by 1, 2, 3, 4
), corrections as (
    select customer_id, corrects as event_id, sum(charge) as charge, sum(cost) as cost, sum(unpriced) as unpriced,
           sum(uncosted) as uncosted, sum(estimates) as estimates, bool_or(cost_source = 'estimate') as estimated,
           bool_or(cost_source = 'provider_report') as reported
    from events where corrects is not null
    group by 1, 2
), families as (
    select o.customer_id, o.event_id, s.meter, coalesce(s.unit, '') as unit, h.hour,
           coalesce(d.day, (o.time at time zone 'UTC')::date) as day,
           coalesce(o.charge, 0) + coalesce(c.charge, 0) as charge, coalesce(o.cost, 0) + coalesce(c.cost, 0) as cost,
           coalesce(o.unpriced, 0) + coalesce(c.unpriced, 0) as unpriced,
           coalesce(o.uncosted, 0) + coalesce(c.uncosted, 0) > 0 as uncosted,
           coalesce(o.estimates, 0) + coalesce(c.estimates, 0) > 0 as guessed,
           (o.cost_source is not distinct from 'estimate' or c.estimated is true)
               and c.reported is not true as estimated
    from (select distinct customer_id, event_id from used) u
    join events o on o.customer_id = u.customer_id and o.event_id = u.event_id
    join series s on s.customer_id = o.customer_id and s.series_id = o.series_id
    join customers k on k.customer_id = o.customer_id
    left join pg_timezone_names z on z.name = k.timezone
    left join corrections c on c.customer_id = o.customer_id and c.event_id = o.event_id
    -- The hour that begins last before the event is its own: it is in the rollup already. Of days likewise the nearest, as
    -- PostgreSQL's zones may be older or newer than those that placed it.
    cross join lateral (
        select max(hour) as hour from usage_hours where customer_id = o.customer_id and hour <= o.time
    ) h
    left join lateral (
        select day from usage_days
        where customer_id = o.customer_id and series_id = o.series_id
          and day between (o.time at time zone 'UTC')::date - 1 and (o.time at time zone 'UTC')::date + 1
        order by abs(day - (o.time at time zone coalesce(z.name, 'UTC'))::date) limit 1
    ) d on true
    where h.hour is not null
), weighed as (
    select f.*, u.provider, u.model, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.tokens,
           case when f.uncosted or sum(u.weight) over one = 0 then 1 else u.weight end as weight
    from used u join families f using (customer_id, event_id)
    window one as (partition by u.customer_id, u.event_id)
), cut as (
    -- In units of the twelfth decimal, so that nothing is rounded.
    select *, sum(weight) over one as whole, div(charge * 1e12 * weight, sum(weight) over one) as charge_part,
           div(cost * 1e12 * weight, sum(weight) over one) as cost_part
    from weighed
    window one as (partition by customer_id, event_id)
), ranked as (
    select *, abs(charge * 1e12 - sum(charge_part) over one) as charge_left,
           abs(cost * 1e12 - sum(cost_part) over one) as cost_left,
           row_number() over (one order by abs(charge * 1e12 * weight - charge_part * whole) desc, provider, model) as charge_rank,
           row_number() over (one order by abs(cost * 1e12 * weight - cost_part * whole) desc, provider, model) as cost_rank,
           case when row_number() over (partition by customer_id, event_id, provider order by model) > 1 then 1 else 0 end
           + case when row_number() over (partition by customer_id, event_id, model order by provider) > 1 then 2 else 0 end
           + case when row_number() over (one order by provider, model) > 1 then 4 else 0 end as repeats
    from cut
    window one as (partition by customer_id, event_id)
), shares as (
    select customer_id, hour, day, meter, unit, provider, model, repeats, calls, input_tokens, cached_tokens, output_tokens,
           tokens, unpriced, uncosted, guessed or estimated as doubtful, estimated,
           (charge_part + case when charge_rank <= charge_left then sign(charge) else 0 end) * 1e-12 as charge,
           (cost_part + case when cost_rank <= cost_left then sign(cost) else 0 end) * 1e-12 as cost
    from ranked
), hours as (
    insert into call_hours
    select customer_id, hour, meter, unit, provider, model, repeats, count(*), sum(calls), sum(input_tokens),
           sum(cached_tokens), sum(output_tokens), sum(tokens), sum(charge), sum(cost), sum(unpriced),
           count(*) filter (where uncosted), coalesce(sum(charge) filter (where uncosted), 0),
           count(*) filter (where doubtful), coalesce(sum(charge) filter (where doubtful), 0),
           coalesce(sum(cost) filter (where estimated), 0)
    from shares
    group by 1, 2, 3, 4, 5, 6, 7
)
insert into call_days
select customer_id, day, meter, unit, provider, model, repeats, count(*), sum(calls), sum(input_tokens),
       sum(cached_tokens), sum(output_tokens), sum(tokens), sum(charge), sum(cost), sum(unpriced),
       count(*) filter (where uncosted), coalesce(sum(charge) filter (where uncosted), 0),
       count(*) filter (where doubtful), coalesce(sum(charge) filter (where doubtful), 0),
       coalesce(sum(cost) filter (where estimated), 0)
from shares
group by 1, 2, 3, 4, 5, 6, 7;

grant select, insert, update on call_hours, call_days to tollkeeper_app;
alter table call_hours enable row level security;
create policy isolation on call_hours to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
alter table call_days enable row level security;
create policy isolation on call_days to tollkeeper_app using (
    customer_id = (select nullif(current_setting('tollkeeper.customer_id', true), '')::uuid)
    or (select current_setting('tollkeeper.scope', true) = 'operator'));
