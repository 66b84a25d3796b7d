-- name: store_calls
-- In key order, and without `on conflict`: a call that is stored already must not count again, so whoever brings it is
-- rolled back and runs again with a look-up (find_calls).
insert into provider_calls (customer_id, provider, call_id, event_id, transaction_id, model, at, recorded_at, project,
                            api_key, service_tier, batch, region, quantities, lines, rate, book, cost, cost_source,
                            missing, adjusts)
select customer_id, provider, call_id, event_id, %(transaction_id)s, model, at, %(recorded_at)s, project, api_key,
       service_tier, batch, region, quantities, lines, rate, book, cost, cost_source,
       array(select jsonb_array_elements_text(missing)), adjusts
from unnest(%(customer_id)s::uuid[], %(provider)s::text[], %(call_id)s::text[], %(event_id)s::text[], %(model)s::text[],
            %(at)s::timestamptz[], %(project)s::text[], %(api_key)s::text[], %(service_tier)s::text[],
            %(batch)s::boolean[], %(region)s::text[], %(quantities)s::jsonb[], %(lines)s::jsonb[], %(rate)s::numeric[],
            %(book)s::text[], %(cost)s::numeric[], %(cost_source)s::text[], %(missing)s::jsonb[], %(adjusts)s::text[])
  as new (customer_id, provider, call_id, event_id, model, at, project, api_key, service_tier, batch, region,
          quantities, lines, rate, book, cost, cost_source, missing, adjusts)

-- name: add_calls
-- What the calls of a batch add to the rollups, summed up by whoever asks. All in key order, as events are.
with told as materialized (
    select * from unnest(
        %(customer_id)s::uuid[], %(hour)s::timestamptz[], %(day)s::date[], %(meter)s::text[], %(unit)s::text[],
        %(provider)s::text[], %(model)s::text[], %(repeats)s::smallint[], %(events)s::bigint[], %(calls)s::bigint[],
        %(input_tokens)s::numeric[], %(cached_tokens)s::numeric[], %(output_tokens)s::numeric[],
        %(tokens)s::numeric[], %(charge)s::numeric[], %(cost)s::numeric[], %(unpriced)s::bigint[],
        %(uncosted)s::bigint[], %(uncosted_charge)s::numeric[], %(estimated)s::bigint[],
        %(estimated_charge)s::numeric[], %(estimated_cost)s::numeric[])
      as told (customer_id, hour, day, meter, unit, provider, model, repeats, events, calls, input_tokens,
              cached_tokens, output_tokens, tokens, charge, cost, unpriced, uncosted, uncosted_charge, estimated,
              estimated_charge, estimated_cost)
), hours as (
    insert into call_hours as old (
        customer_id, hour, meter, unit, provider, model, repeats, events, calls, input_tokens, cached_tokens,
        output_tokens, tokens, charge, cost, unpriced, uncosted, uncosted_charge, estimated, estimated_charge,
        estimated_cost)
    select customer_id, hour, meter, unit, provider, model, repeats, coalesce(sum(events), 0),
           coalesce(sum(calls), 0), coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0),
           coalesce(sum(output_tokens), 0), coalesce(sum(tokens), 0), coalesce(sum(charge), 0),
           coalesce(sum(cost), 0), coalesce(sum(unpriced), 0), coalesce(sum(uncosted), 0),
           coalesce(sum(uncosted_charge), 0), coalesce(sum(estimated), 0), coalesce(sum(estimated_charge), 0),
           coalesce(sum(estimated_cost), 0)
    from told
    group by customer_id, hour, meter, unit, provider, model, repeats
    order by customer_id, hour, meter, unit, provider, model, repeats
    on conflict (customer_id, hour, meter, unit, provider, model, repeats) do update set
        events = old.events + excluded.events, calls = old.calls + excluded.calls,
        input_tokens = old.input_tokens + excluded.input_tokens,
        cached_tokens = old.cached_tokens + excluded.cached_tokens,
        output_tokens = old.output_tokens + excluded.output_tokens, tokens = old.tokens + excluded.tokens,
        charge = old.charge + excluded.charge, cost = old.cost + excluded.cost,
        unpriced = old.unpriced + excluded.unpriced, uncosted = old.uncosted + excluded.uncosted,
        uncosted_charge = old.uncosted_charge + excluded.uncosted_charge,
        estimated = old.estimated + excluded.estimated,
        estimated_charge = old.estimated_charge + excluded.estimated_charge,
        estimated_cost = old.estimated_cost + excluded.estimated_cost
)
insert into call_days as old (
    customer_id, day, meter, unit, provider, model, repeats, events, calls, input_tokens, cached_tokens,
    output_tokens, tokens, charge, cost, unpriced, uncosted, uncosted_charge, estimated, estimated_charge,
    estimated_cost)
select customer_id, day, meter, unit, provider, model, repeats, coalesce(sum(events), 0), coalesce(sum(calls), 0),
       coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(tokens), 0), coalesce(sum(charge), 0), coalesce(sum(cost), 0), coalesce(sum(unpriced), 0),
       coalesce(sum(uncosted), 0), coalesce(sum(uncosted_charge), 0), coalesce(sum(estimated), 0),
       coalesce(sum(estimated_charge), 0), coalesce(sum(estimated_cost), 0)
from told
group by customer_id, day, meter, unit, provider, model, repeats
order by customer_id, day, meter, unit, provider, model, repeats
on conflict (customer_id, day, meter, unit, provider, model, repeats) do update set
    events = old.events + excluded.events, calls = old.calls + excluded.calls,
    input_tokens = old.input_tokens + excluded.input_tokens,
    cached_tokens = old.cached_tokens + excluded.cached_tokens,
    output_tokens = old.output_tokens + excluded.output_tokens, tokens = old.tokens + excluded.tokens,
    charge = old.charge + excluded.charge, cost = old.cost + excluded.cost,
    unpriced = old.unpriced + excluded.unpriced, uncosted = old.uncosted + excluded.uncosted,
    uncosted_charge = old.uncosted_charge + excluded.uncosted_charge, estimated = old.estimated + excluded.estimated,
    estimated_charge = old.estimated_charge + excluded.estimated_charge,
    estimated_cost = old.estimated_cost + excluded.estimated_cost

-- name: corrected_shares
-- What corrections, of events that have calls, add to the rollups. A correction may move all shares of its event, so what
-- the event and all of its corrections come to is read again: as it was (state −1: without the corrections of this batch),
-- to be taken off, and as it is (state 1). How an event is shared over the models of its calls: migrations/0014.
with corrected as materialized (
    select * from unnest(
        %(customer_id)s::uuid[], %(family)s::text[], %(event_id)s::text[],
        %(hour)s::timestamptz[], %(day)s::date[], %(meter)s::text[],
        %(unit)s::text[])
      as corrected (customer_id, family, event_id, hour, day, meter, unit)
), families as (
    select distinct on (customer_id, family) customer_id, family, hour, day, meter, unit from corrected
), members as materialized (
    select f.customer_id, f.family, e.event_id, e.corrects, e.charge, e.cost, e.cost_source, e.unpriced, e.uncosted,
           e.estimates, s.state
    from families f
    cross join lateral (
        select event_id, corrects, charge, cost, cost_source, unpriced, uncosted, estimates
        from events where customer_id = f.customer_id and event_id = f.family
        union all
        select event_id, corrects, charge, cost, cost_source, unpriced, uncosted, estimates
        from events where customer_id = f.customer_id and corrects = f.family
    ) e
    left join corrected t on t.customer_id = f.customer_id and t.event_id = e.event_id
    join (values (1), (-1)) as s (state) on s.state = 1 or t.event_id is null
), figures as (
    select m.customer_id, m.family, m.state, f.hour, f.day, f.meter, f.unit, coalesce(sum(m.charge), 0) as charge,
           coalesce(sum(m.cost), 0) as cost, coalesce(sum(m.unpriced), 0) as unpriced,
           coalesce(sum(m.uncosted), 0) > 0 as uncosted, coalesce(sum(m.estimates), 0) > 0 as guessed,
           bool_or(m.cost_source = 'estimate') is true
               and bool_or(m.corrects is not null and m.cost_source = 'provider_report') is not true as estimated
    from members m join families f on f.customer_id = m.customer_id and f.family = m.family
    group by m.customer_id, m.family, m.state, f.hour, f.day, f.meter, f.unit
), used as (
    select m.customer_id, m.family, m.state, c.provider, c.model, count(*) filter (where c.adjusts is null) as calls,
           greatest(coalesce(sum(c.cost), 0), 0) as weight, coalesce(sum(q.input), 0) as input_tokens,
           coalesce(sum(q.cached), 0) as cached_tokens, coalesce(sum(q.output), 0) as output_tokens,
           coalesce(sum(q.tokens), 0) as tokens
    from members m
    join provider_calls c on c.customer_id = m.customer_id and c.event_id = m.event_id
    cross join lateral (
        select sum(quantity::numeric) filter (where unit like 'input%%' or unit like 'cache%%') as input,
               sum(quantity::numeric) filter (where unit like 'cached%%') as cached,
               sum(quantity::numeric) filter (where unit like 'output%%' or unit like 'reasoning%%') as output,
               sum(quantity::numeric) as tokens
        from jsonb_each_text(c.quantities) as q (unit, quantity) where unit like '%%tokens'
    ) q
    group by 1, 2, 3, 4, 5
), weighed as (
    select f.*, u.provider, u.model, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.tokens,
           case when f.uncosted or sum(u.weight) over one = 0 then 1 else u.weight end as weight
    from used u
    join figures f on f.customer_id = u.customer_id and f.family = u.family and f.state = u.state
    window one as (partition by u.customer_id, u.family, u.state)
), cut as (
    select *, sum(weight) over one as whole, div(charge * 1e12 * weight, sum(weight) over one) as charge_part,
           div(cost * 1e12 * weight, sum(weight) over one) as cost_part
    from weighed
    window one as (partition by customer_id, family, state)
), ranked as (
    select *, abs(charge * 1e12 - sum(charge_part) over one) as charge_left,
           abs(cost * 1e12 - sum(cost_part) over one) as cost_left,
           row_number() over (one order by abs(charge * 1e12 * weight - charge_part * whole) desc, provider, model)
               as charge_rank,
           row_number() over (one order by abs(cost * 1e12 * weight - cost_part * whole) desc, provider, model)
               as cost_rank,
           row_number() over (partition by customer_id, family, state, provider order by model) as of_provider,
           row_number() over (partition by customer_id, family, state, model order by provider) as of_model,
           row_number() over (one order by provider, model) as of_all
    from cut
    window one as (partition by customer_id, family, state)
), shares as (
    select customer_id, hour, day, meter, coalesce(unit, '') as unit, provider, model,
           case when of_provider > 1 then 1 else 0 end + case when of_model > 1 then 2 else 0 end
           + case when of_all > 1 then 4 else 0 end as repeats, state, calls, input_tokens, cached_tokens,
           output_tokens, tokens, unpriced, uncosted::int as uncosted, (guessed or estimated)::int as doubtful,
           estimated::int as estimated,
           (charge_part + case when charge_rank <= charge_left then sign(charge) else 0 end) * 1e-12 as charge,
           (cost_part + case when cost_rank <= cost_left then sign(cost) else 0 end) * 1e-12 as cost
    from ranked
)
select customer_id::text as customer_id, hour, day, meter, unit, provider, model, repeats, sum(state)::bigint as events,
       sum(state * calls)::bigint as calls, sum(state * input_tokens) as input_tokens,
       sum(state * cached_tokens) as cached_tokens, sum(state * output_tokens) as output_tokens,
       sum(state * tokens) as tokens, sum(state * charge) as charge, sum(state * cost) as cost,
       sum(state * unpriced)::bigint as unpriced, sum(state * uncosted)::bigint as uncosted,
       sum(state * uncosted * charge) as uncosted_charge, sum(state * doubtful)::bigint as estimated,
       sum(state * doubtful * charge) as estimated_charge, sum(state * estimated * cost) as estimated_cost
from shares
group by customer_id, hour, day, meter, unit, provider, model, repeats

-- name: find_calls
-- The stored ones among these calls, with the event that they belong to: of a correction, the corrected one.
select c.customer_id::text as customer_id, coalesce(e.corrects, c.event_id) as event_id, c.provider, c.call_id, c.model,
       c.at, c.cost, c.adjusts, c.quantities
from unnest(%(customer_id)s::uuid[], %(provider)s::text[], %(call_id)s::text[]) as wanted (customer_id, provider, call_id)
join provider_calls c using (customer_id, provider, call_id)
join events e on e.customer_id = c.customer_id and e.event_id = c.event_id

-- name: family_calls
-- The calls of events and of all their corrections, in the order in which they were recorded.
select c.customer_id::text as customer_id, wanted.event_id, c.provider, c.call_id, c.model, c.at, c.cost, c.adjusts,
       c.quantities
from unnest(%(customer_id)s::uuid[], %(event_id)s::text[]) as wanted (customer_id, event_id)
join events e on e.customer_id = wanted.customer_id
             and (e.event_id = wanted.event_id or e.corrects = wanted.event_id)
join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
order by c.transaction_id, c.event_id, length(c.call_id), c.call_id

-- name: calls_of_event
select c.customer_id, k.key as customer, c.provider, c.call_id, c.event_id, c.transaction_id, c.model, c.at,
       c.recorded_at, c.project, c.api_key, c.service_tier, c.batch, c.region, c.quantities, c.lines, c.rate, c.book,
       c.cost, c.cost_source, c.missing, c.adjusts,
       c.cost is null and not exists (
           select from provider_calls a
           where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id) as open
from provider_calls c
join customers k on k.customer_id = c.customer_id
where c.customer_id = %(customer_id)s and c.event_id = %(event_id)s
order by length(c.call_id), c.call_id, c.provider

-- name: list_calls
-- Newest first.
select c.customer_id, k.key as customer, c.provider, c.call_id, c.event_id, c.transaction_id, c.model, c.at,
       c.recorded_at, c.project, c.api_key, c.service_tier, c.batch, c.region, c.quantities, c.lines, c.rate, c.book,
       c.cost, c.cost_source, c.missing, c.adjusts,
       c.cost is null and not exists (
           select from provider_calls a
           where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id) as open
from provider_calls c
join customers k on k.customer_id = c.customer_id
where (%(customer_id)s::uuid is null or c.customer_id = %(customer_id)s)
  and (%(event_id)s::text is null or c.event_id = %(event_id)s)
  and (%(provider)s::text is null or c.provider = %(provider)s)
  and (%(model)s::text is null or c.model = %(model)s)
  and (%(from)s::timestamptz is null or c.at >= %(from)s)
  and (%(to)s::timestamptz is null or c.at < %(to)s)
  and (not %(unpriced)s or c.cost is null and not exists (
           select from provider_calls a
           where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id))
  and (%(before)s::timestamptz is null
       or (c.at, c.customer_id, c.provider, c.call_id)
          < (%(before)s::timestamptz, %(before_customer)s::uuid, %(before_provider)s::text, %(before_id)s::text))
order by c.at desc, c.customer_id desc, c.provider desc, c.call_id desc
limit %(limit)s

-- name: open_calls
-- Along provider_calls_unpriced; what came with a correction belongs to the corrected event.
select c.customer_id, k.key as customer, k.currency, c.provider, c.call_id, c.event_id,
       coalesce(e.corrects, c.event_id) as original_id, c.model, c.at, e.calls
from provider_calls c
join customers k on k.customer_id = c.customer_id
join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
where c.cost is null
  and not exists (
      select from provider_calls a
      where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id)
  and (%(customer_id)s::uuid is null or c.customer_id = %(customer_id)s)
  and (%(provider)s::text is null or c.provider = %(provider)s)
  and (%(model)s::text is null or c.model = %(model)s)
  and (%(from)s::timestamptz is null or c.at >= %(from)s)
  and (%(to)s::timestamptz is null or c.at < %(to)s)
  and (%(after_customer)s::uuid is null
       or (c.customer_id, c.provider, c.call_id)
          > (%(after_customer)s::uuid, %(after_provider)s::text, %(after_id)s::text))
order by c.customer_id, c.provider, c.call_id
limit %(limit)s

-- name: verify_costs
-- An event that isn't corrected, and the families of those that are: what they cost beside what their calls cost. While a
-- call of a family is open, only the calls of each event tell whether its own cost may be known.
with calls as (
    select c.customer_id, coalesce(e.corrects, c.event_id) as event_id, sum(c.cost) as cost,
           bool_or(c.cost is null and not exists (
               select from provider_calls a
               where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id)) as open
    from provider_calls c
    join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
    group by 1, 2
), costs as (
    select customer_id, coalesce(corrects, event_id) as event_id, sum(cost) as cost
    from events
    where cost is not null or cost_source is not null
    group by 1, 2
)
select coalesce(k.key, customer_id::text) as customer, 'event ' || event_id || ', cost with its corrections' as place,
       coalesce(calls.cost, 0)::text as expected, coalesce(costs.cost, 0)::text as found
from costs full join calls using (customer_id, event_id)
left join customers k using (customer_id)
where coalesce(calls.cost, 0) <> coalesce(costs.cost, 0) and calls.open is not true
union all
select coalesce(k.key, c.customer_id::text), 'event ' || c.event_id || ', cost', 'unknown', e.cost::text
from provider_calls c
join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
left join customers k on k.customer_id = c.customer_id
where c.cost is null and (e.cost is not null or e.cost_source is distinct from 'none')
limit %(limit)s

-- name: verify_calls
-- Calls and what they refer to.
select coalesce(k.key, c.customer_id::text) as customer, 'call ' || c.call_id || ' of ' || c.provider as place,
       'the event ' || c.event_id as expected, 'none' as found
from provider_calls c
left join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
left join customers k on k.customer_id = c.customer_id
where e.event_id is null
union all
select coalesce(k.key, c.customer_id::text), 'call ' || c.call_id || ' of ' || c.provider,
       'the call ' || c.adjusts || ' of the same event', coalesce('one of ' || a.event_id, 'none')
from provider_calls c
join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
left join provider_calls a on a.customer_id = c.customer_id and a.provider = c.provider and a.call_id = c.adjusts
left join events o on o.customer_id = a.customer_id and o.event_id = a.event_id
left join customers k on k.customer_id = c.customer_id
where c.adjusts is not null
  and (a.call_id is null or coalesce(o.corrects, o.event_id) is distinct from coalesce(e.corrects, e.event_id))
limit %(limit)s

-- name: verify_rollups
-- How an event is shared over the models of its calls: migrations/0014.
with used as (
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, c.provider, c.model,
           count(*) filter (where c.adjusts is null) as calls, greatest(coalesce(sum(c.cost), 0), 0) as weight,
           coalesce(sum(q.input), 0) as input_tokens, coalesce(sum(q.cached), 0) as cached_tokens,
           coalesce(sum(q.output), 0) as output_tokens, coalesce(sum(q.tokens), 0) as tokens
    from provider_calls c
    join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
    cross join lateral (
        select sum(quantity::numeric) filter (where unit like 'input%%' or unit like 'cache%%') as input,
               sum(quantity::numeric) filter (where unit like 'cached%%') as cached,
               sum(quantity::numeric) filter (where unit like 'output%%' or unit like 'reasoning%%') as output,
               sum(quantity::numeric) as tokens
        from jsonb_each_text(c.quantities) as q (unit, quantity) where unit like '%%tokens'
    ) q
    group by 1, 2, 3, 4
), corrections as (
    select customer_id, corrects as event_id, sum(charge) as charge, sum(cost) as cost, sum(unpriced) as unpriced,
           sum(uncosted) as uncosted, sum(estimates) as estimates, bool_or(cost_source = 'estimate') as estimated,
           bool_or(cost_source = 'provider_report') as reported
    from events where corrects is not null
    group by 1, 2
), families as (
    -- Days and hours as gate's verify_days and verify_hours have them.
    select o.customer_id, o.event_id, s.meter, coalesce(s.unit, '') as unit,
           greatest(date_trunc('hour', (o.time + zone.utc_offset) at time zone 'UTC') at time zone 'UTC'
                    - zone.utc_offset, zone.start) as hour,
           ((o.time + zone.utc_offset) at time zone 'UTC')::date as day,
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
    join unnest(%(zone)s::text[], %(start)s::timestamptz[], %(end)s::timestamptz[], %(offset)s::interval[])
      as zone (name, start, "end", utc_offset)
      on zone.name = k.timezone and o.time >= zone.start and o.time < zone."end"
    left join corrections c on c.customer_id = o.customer_id and c.event_id = o.event_id
), weighed as (
    select f.*, u.provider, u.model, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens, u.tokens,
           case when f.uncosted or sum(u.weight) over one = 0 then 1 else u.weight end as weight
    from used u join families f using (customer_id, event_id)
    window one as (partition by u.customer_id, u.event_id)
), cut as (
    select *, sum(weight) over one as whole, div(charge * 1e12 * weight, sum(weight) over one) as charge_part,
           div(cost * 1e12 * weight, sum(weight) over one) as cost_part
    from weighed
    window one as (partition by customer_id, event_id)
), ranked as (
    select *, abs(charge * 1e12 - sum(charge_part) over one) as charge_left,
           abs(cost * 1e12 - sum(cost_part) over one) as cost_left,
           row_number() over (one order by abs(charge * 1e12 * weight - charge_part * whole) desc, provider, model)
               as charge_rank,
           row_number() over (one order by abs(cost * 1e12 * weight - cost_part * whole) desc, provider, model)
               as cost_rank,
           row_number() over (partition by customer_id, event_id, provider order by model) as of_provider,
           row_number() over (partition by customer_id, event_id, model order by provider) as of_model,
           row_number() over (one order by provider, model) as of_all
    from cut
    window one as (partition by customer_id, event_id)
), shares as materialized (
    select customer_id, hour, day, meter, unit, provider, model, case when of_provider > 1 then 1 else 0 end
           + case when of_model > 1 then 2 else 0 end + case when of_all > 1 then 4 else 0 end as repeats,
           calls, input_tokens, cached_tokens, output_tokens, tokens, unpriced, uncosted, estimated,
           guessed or estimated as doubtful,
           (charge_part + case when charge_rank <= charge_left then sign(charge) else 0 end) * 1e-12 as charge,
           (cost_part + case when cost_rank <= cost_left then sign(cost) else 0 end) * 1e-12 as cost
    from ranked
), expected as (
    select customer_id, place.name as place,
           array[count(*), sum(calls), sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(tokens),
                 sum(charge), sum(cost), sum(unpriced), count(*) filter (where uncosted),
                 coalesce(sum(charge) filter (where uncosted), 0), count(*) filter (where doubtful),
                 coalesce(sum(charge) filter (where doubtful), 0), coalesce(sum(cost)
                 filter (where estimated), 0)] as figures
    from shares
    cross join lateral (
        select concat_ws(' ', slot, meter, unit, provider, model, repeats) as name
        from (values ('hour ' || hour), ('day ' || day)) as at (slot)
    ) as place
    group by 1, 2
), found as (
    select customer_id, concat_ws(' ', 'hour ' || hour, meter, unit, provider, model, repeats) as place,
           array[events, calls, input_tokens, cached_tokens, output_tokens, tokens, charge, cost, unpriced, uncosted,
                 uncosted_charge, estimated, estimated_charge, estimated_cost] as figures
    from call_hours
    union all
    select customer_id, concat_ws(' ', 'day ' || day, meter, unit, provider, model, repeats),
           array[events, calls, input_tokens, cached_tokens, output_tokens, tokens, charge, cost, unpriced, uncosted,
                 uncosted_charge, estimated, estimated_charge, estimated_cost]
    from call_days
)
select coalesce(k.key, customer_id::text) as customer, place, array_to_string(e.figures, ' / ') as expected,
       array_to_string(f.figures, ' / ') as found
from expected e full join found f using (customer_id, place)
left join customers k using (customer_id)
-- What was taken back wholly leaves a row of zeros.
where coalesce(e.figures, array_fill(0::numeric, array[14])) is distinct from f.figures
limit %(limit)s
