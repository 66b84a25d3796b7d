-- What AI providers take, what is left of the charges, and what each model was used for.

-- name: zones_in_use
select distinct timezone from customers where %(customer_id)s::uuid is null or customer_id = %(customer_id)s

-- What is asked for of all customers comes in pieces (cover.py): each of them is read for the customers of its zones.
-- Conditions on a customer stand with `customers`, so that one customer is read along the keys.

-- name: margin_sums
-- Charges and costs by window, unit and group. Corrections add to sums, and are no events themselves.
with day_piece as materialized (
    select zones::text[] as zones, start, "end", starts::date[] as starts
    from unnest(%(days_zones)s::text[], %(days_from)s::date[], %(days_to)s::date[], %(day_starts)s::text[])
      as piece (zones, start, "end", starts)
), hour_piece as materialized (
    select zones::text[] as zones, start, "end"
    from unnest(%(hours_zones)s::text[], %(hours_from)s::timestamptz[], %(hours_to)s::timestamptz[])
      as piece (zones, start, "end")
), event_piece as materialized (
    select zones::text[] as zones, start, "end"
    from unnest(%(events_zones)s::text[], %(events_from)s::timestamptz[], %(events_to)s::timestamptz[])
      as piece (zones, start, "end")
), found as (
    select width_bucket(d.day, p.starts) as slot, d.customer_id, d.series_id,
           sum(d.events) as events, sum(d.charge) as charge, sum(d.cost) as cost, sum(d.unpriced) as unpriced
    from day_piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join usage_days d on d.customer_id = k.customer_id and d.day >= p.start and d.day < p."end"
    group by 1, 2, 3
    union all
    select width_bucket(h.hour, %(starts)s::timestamptz[]), h.customer_id, h.series_id,
           sum(h.events), sum(h.charge), sum(h.cost), sum(h.unpriced)
    from hour_piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join usage_hours h on h.customer_id = k.customer_id and h.hour >= p.start and h.hour < p."end"
    group by 1, 2, 3
    union all
    select width_bucket(e.time, %(starts)s::timestamptz[]), e.customer_id, e.series_id, count(*),
           coalesce(sum(e.charge), 0), coalesce(sum(e.cost), 0), coalesce(sum(e.unpriced), 0)
    from event_piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join events e on e.customer_id = k.customer_id and e.time >= p.start and e.time < p."end"
    group by 1, 2, 3
    union all
    select width_bucket(e.time, %(starts)s::timestamptz[]), e.customer_id, e.series_id, -count(*), 0, 0, 0
    from events e
    where e.time >= %(from)s and e.time < %(to)s and e.corrects is not null
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2, 3
)
select f.slot, s.unit,
       array(select case g.label when 'customer' then k.key when 'meter' then s.meter when 'member' then s.member
                                 when 'provider' then null when 'model' then null else s.dimensions ->> g.label end
             from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
       sum(f.events)::bigint as events, sum(f.charge) as charge, sum(f.cost) as cost,
       sum(f.unpriced)::bigint as unpriced
from found f
join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
join customers k on k.customer_id = f.customer_id
where %(meter)s::text is null or s.meter = %(meter)s
group by 1, 2, 3

-- name: margin_doubts
-- Events whose cost isn't known, or whose charge or cost is an estimate, with their corrections; along events_notable. By
-- provider or model only those without calls: `margin_calls` tells of the others.
with notable as (
    -- A correction has its event's series and time. Of an event that is notable itself all is here.
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, e.series_id, e.time,
           coalesce(sum(e.uncosted), 0) > 0 as uncosted, coalesce(sum(e.estimates), 0) > 0 as guessed,
           bool_or(e.cost_source = 'estimate') is true
               and bool_or(e.cost_source = 'provider_report') is not true as estimated,
           coalesce(sum(e.charge), 0) as charge, coalesce(sum(e.cost), 0) as cost,
           bool_or(e.corrects is null) as whole, bool_or(e.cost_source is not null) as costed,
           array_agg(e.event_id) as event_ids
    from events e
    where e.time >= %(from)s and e.time < %(to)s
      and (e.corrects is not null or e.uncosted is not null or e.estimates is not null or e.cost_source = 'estimate')
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2, 3, 4
), doubtful as (
    select width_bucket(n.time, %(starts)s::timestamptz[]) as slot, n.customer_id, n.series_id,
           count(*) filter (where n.uncosted) as uncosted,
           count(*) filter (where n.guessed or n.estimated) as estimated,
           sum(n.charge + coalesce(o.charge, 0)) filter (where n.uncosted) as uncosted_charge,
           sum(n.charge + coalesce(o.charge, 0)) filter (where n.guessed or n.estimated) as estimated_charge,
           sum(n.cost + coalesce(o.cost, 0)) filter (where n.estimated) as estimated_cost
    from notable n
    left join lateral (
        select charge, cost, cost_source from events
        where not n.whole and customer_id = n.customer_id and event_id = n.event_id
        limit 1  -- Looked up one by one: they are few.
    ) o on true
    where (n.uncosted or n.guessed or n.estimated)
      -- What has no cost source has no calls.
      and not (%(by_calls)s and (n.costed or o.cost_source is not null) and exists (
          select from unnest(n.event_ids || n.event_id) as one (event_id)
          join provider_calls p on p.customer_id = n.customer_id and p.event_id = one.event_id))
    group by 1, 2, 3
)
select f.slot, s.unit,
       array(select case g.label when 'customer' then k.key when 'meter' then s.meter when 'member' then s.member
                                 when 'provider' then null when 'model' then null else s.dimensions ->> g.label end
             from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
       sum(f.uncosted)::bigint as uncosted, sum(f.estimated)::bigint as estimated,
       coalesce(sum(f.uncosted_charge), 0) as uncosted_charge, coalesce(sum(f.estimated_charge), 0) as estimated_charge,
       coalesce(sum(f.estimated_cost), 0) as estimated_cost
from doubtful f
join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
join customers k on k.customer_id = f.customer_id
where %(meter)s::text is null or s.meter = %(meter)s
group by 1, 2, 3

-- name: calls_from_rollups
-- An event that called several models has a row of each: it's counted once in a group, and once in all (`repeats`, see
-- migrations/0014).
with day_piece as materialized (
    select zones::text[] as zones, start, "end", starts::date[] as starts
    from unnest(%(days_zones)s::text[], %(days_from)s::date[], %(days_to)s::date[], %(day_starts)s::text[])
      as piece (zones, start, "end", starts)
), hour_piece as materialized (
    select zones::text[] as zones, start, "end"
    from unnest(%(hours_zones)s::text[], %(hours_from)s::timestamptz[], %(hours_to)s::timestamptz[])
      as piece (zones, start, "end")
), found as (
    select width_bucket(r.day, p.starts) as slot, k.key as customer, r.meter, r.unit, r.provider, r.model, r.repeats,
           r.events, r.calls, r.input_tokens, r.cached_tokens, r.output_tokens, r.tokens, r.charge, r.cost, r.unpriced,
           r.uncosted, r.uncosted_charge, r.estimated, r.estimated_charge, r.estimated_cost
    from day_piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join call_days r on r.customer_id = k.customer_id and r.day >= p.start and r.day < p."end"
    where %(meter)s::text is null or r.meter = %(meter)s
    union all
    select width_bucket(r.hour, %(starts)s::timestamptz[]), k.key, r.meter, r.unit, r.provider, r.model, r.repeats,
           r.events, r.calls, r.input_tokens, r.cached_tokens, r.output_tokens, r.tokens, r.charge, r.cost, r.unpriced,
           r.uncosted, r.uncosted_charge, r.estimated, r.estimated_charge, r.estimated_cost
    from hour_piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join call_hours r on r.customer_id = k.customer_id and r.hour >= p.start and r.hour < p."end"
    where %(meter)s::text is null or r.meter = %(meter)s
), summed as (
    select slot, case when 'customer' = any(%(group_by)s::text[]) then customer end as customer, meter, unit, provider,
           model, repeats, sum(events) as events, sum(calls) as calls, sum(input_tokens) as input_tokens,
           sum(cached_tokens) as cached_tokens, sum(output_tokens) as output_tokens, sum(tokens) as tokens,
           sum(charge) as charge, sum(cost) as cost, sum(unpriced) as unpriced, sum(uncosted) as uncosted,
           sum(uncosted_charge) as uncosted_charge, sum(estimated) as estimated,
           sum(estimated_charge) as estimated_charge, sum(estimated_cost) as estimated_cost
    from found
    group by 1, 2, 3, 4, 5, 6, 7
)
select slot, nullif(unit, '') as unit,
       array(select case g.label when 'customer' then customer when 'meter' then meter when 'provider' then provider
                                 when 'model' then model end
             from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
       coalesce(sum(events) filter (where repeats & %(counted_once)s = 0), 0)::bigint as events,
       coalesce(sum(events) filter (where repeats & 4 = 0), 0)::bigint as firsts,
       sum(calls)::bigint as calls, sum(input_tokens) as input_tokens, sum(cached_tokens) as cached_tokens,
       sum(output_tokens) as output_tokens, sum(tokens) as tokens, sum(charge) as charge, sum(cost) as cost,
       coalesce(sum(unpriced) filter (where repeats & %(counted_once)s = 0), 0)::bigint as unpriced,
       coalesce(sum(unpriced) filter (where repeats & 4 = 0), 0)::bigint as first_unpriced,
       coalesce(sum(uncosted) filter (where repeats & %(counted_once)s = 0), 0)::bigint as uncosted,
       sum(uncosted_charge) as uncosted_charge,
       coalesce(sum(estimated) filter (where repeats & %(counted_once)s = 0), 0)::bigint as estimated,
       sum(estimated_charge) as estimated_charge, sum(estimated_cost) as estimated_cost
from summed
group by 1, 2, 3

-- name: calls_from_events
-- The same from the events that have calls, each with its corrections: at edges, and by members and dimensions, which no
-- rollup knows. How an event is shared over the models of its calls: migrations/0014. `offset 0` has the events found first:
-- a plan that's made for a large customer would read all of its calls for those of an hour.
with piece as materialized (
    select zones::text[] as zones, start, "end"
    from unnest(%(events_zones)s::text[], %(events_from)s::timestamptz[], %(events_to)s::timestamptz[])
      as piece (zones, start, "end")
), used as materialized (
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, c.provider, c.model,
           count(*) filter (where c.adjusts is null) as calls, greatest(coalesce(sum(c.cost), 0), 0) as weight,
           coalesce(sum(q.input), 0) as input_tokens, coalesce(sum(q.cached), 0) as cached_tokens,
           coalesce(sum(q.output), 0) as output_tokens, coalesce(sum(q.tokens), 0) as tokens
    from piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join events e on e.customer_id = k.customer_id and e.time >= p.start and e.time < p."end"
    cross join lateral (
        select * from provider_calls where customer_id = e.customer_id and event_id = e.event_id offset 0
    ) c
    cross join lateral (
        select sum(quantity::numeric) filter (where unit like 'input%%' or unit like 'cache%%') as input,
               sum(quantity::numeric) filter (where unit like 'cached%%') as cached,
               sum(quantity::numeric) filter (where unit like 'output%%' or unit like 'reasoning%%') as output,
               sum(quantity::numeric) as tokens
        from jsonb_each_text(c.quantities) as q (unit, quantity) where unit like '%%tokens'
    ) q
    group by 1, 2, 3, 4
), corrections as (
    select e.customer_id, e.corrects as event_id, sum(e.charge) as charge, sum(e.cost) as cost,
           sum(e.unpriced) as unpriced, sum(e.uncosted) as uncosted, sum(e.estimates) as estimates,
           bool_or(e.cost_source = 'estimate') as estimated, bool_or(e.cost_source = 'provider_report') as reported
    from piece p
    join customers k on k.timezone = any(p.zones) and (%(customer_id)s::uuid is null or k.customer_id = %(customer_id)s)
    join events e on e.customer_id = k.customer_id and e.time >= p.start and e.time < p."end"
    where e.corrects is not null
    group by 1, 2
), weighed as (
    select u.customer_id, u.event_id, u.provider, u.model, u.calls, u.input_tokens, u.cached_tokens, u.output_tokens,
           u.tokens, o.series_id, o.time,
           coalesce(o.charge, 0) + coalesce(c.charge, 0) as charge, coalesce(o.cost, 0) + coalesce(c.cost, 0) as cost,
           coalesce(o.unpriced, 0) + coalesce(c.unpriced, 0) as unpriced,
           coalesce(o.uncosted, 0) + coalesce(c.uncosted, 0) > 0 as uncosted,
           coalesce(o.estimates, 0) + coalesce(c.estimates, 0) > 0 as guessed,
           (o.cost_source is not distinct from 'estimate' or c.estimated is true)
               and c.reported is not true as estimated,
           case when coalesce(o.uncosted, 0) + coalesce(c.uncosted, 0) > 0 or sum(u.weight) over one = 0 then 1
                else u.weight end as weight
    from used u
    join events o on o.customer_id = u.customer_id and o.event_id = u.event_id
    left join corrections c on c.customer_id = u.customer_id and c.event_id = u.event_id
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
           row_number() over (one order by abs(charge * 1e12 * weight - charge_part * whole) desc, provider, model)
               as charge_rank,
           row_number() over (one order by abs(cost * 1e12 * weight - cost_part * whole) desc, provider, model)
               as cost_rank
    from cut
    window one as (partition by customer_id, event_id)
), labelled as (
    -- Several models of one event may be of one group.
    select width_bucket(f.time, %(starts)s::timestamptz[]) as slot, s.unit,
           array(select case g.label when 'customer' then k.key when 'meter' then s.meter when 'member' then s.member
                                     when 'provider' then f.provider when 'model' then f.model
                                     else s.dimensions ->> g.label end
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
           f.customer_id, f.event_id, f.unpriced, f.uncosted, f.guessed or f.estimated as estimated,
           f.estimated as cost_estimated, sum(f.calls) as calls,
           sum(f.input_tokens) as input_tokens, sum(f.cached_tokens) as cached_tokens,
           sum(f.output_tokens) as output_tokens, sum(f.tokens) as tokens,
           sum(charge_part + case when charge_rank <= charge_left then sign(f.charge) else 0 end) * 1e-12 as charge,
           sum(cost_part + case when cost_rank <= cost_left then sign(f.cost) else 0 end) * 1e-12 as cost,
           min(f.provider || ' ' || f.model) = min(min(f.provider || ' ' || f.model))
               over (partition by f.customer_id, f.event_id) as first
    from ranked f
    join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
    join customers k on k.customer_id = f.customer_id
    where %(meter)s::text is null or s.meter = %(meter)s
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select slot, unit, labels, count(*) as events, count(*) filter (where first) as firsts, sum(calls)::bigint as calls,
       sum(input_tokens) as input_tokens, sum(cached_tokens) as cached_tokens, sum(output_tokens) as output_tokens,
       sum(tokens) as tokens, sum(charge) as charge, sum(cost) as cost, sum(unpriced)::bigint as unpriced,
       coalesce(sum(unpriced) filter (where first), 0)::bigint as first_unpriced,
       count(*) filter (where uncosted) as uncosted, count(*) filter (where estimated) as estimated,
       coalesce(sum(charge) filter (where uncosted), 0) as uncosted_charge,
       coalesce(sum(charge) filter (where estimated), 0) as estimated_charge,
       coalesce(sum(cost) filter (where cost_estimated), 0) as estimated_cost
from labelled
group by 1, 2, 3

-- name: tokens_between
select coalesce(sum(calls), 0)::bigint as calls, coalesce(sum(input_tokens), 0) as input,
       coalesce(sum(cached_tokens), 0) as cached, coalesce(sum(output_tokens), 0) as output,
       coalesce(sum(tokens), 0) as total
from call_days
where customer_id = %(customer_id)s and day >= %(first)s and day < %(after)s
