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
