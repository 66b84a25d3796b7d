-- Each query reads one source of usage in the pieces [from, to) of time, and sorts its rows into windows: `starts` are the
-- windows' beginnings in ascending order, and `width_bucket` gives the number of the window, counted from 1. So windows
-- of any zone, across any change of daylight-saving time, are one query.
--
-- What a series is called is looked at where it's used: a customer may have many series, and few of them in the range. A
-- gauge's latest value is the largest of (time, value): an aggregate with an order of its own would sort all rows.

-- name: usage_from_days
select width_bucket(u.day, %(starts)s::date[]) as slot, s.meter, s.unit,
       case cardinality(%(group_by)s::text[])
           when 0 then array[]::text[]
           when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
           else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                      from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n)
       end as labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) as peak,
       (max(array[extract(epoch from u.latest_at), u.latest]) filter (where u.latest_at is not null))[2] as latest,
       max(u.latest_at) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost,
       sum(u.unpriced)::bigint as unpriced, sum(u.uncosted)::bigint as uncosted,
       sum(u.estimated)::bigint as estimated
from usage_days u
join unnest(%(from)s::date[], %(to)s::date[]) as piece (start, "end")
  on u.day >= piece.start and u.day < piece."end"
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
where u.customer_id = %(customer_id)s
  and (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
group by 1, 2, 3, 4

-- name: usage_from_hours
select width_bucket(u.hour, %(starts)s::timestamptz[]) as slot, s.meter, s.unit,
       case cardinality(%(group_by)s::text[])
           when 0 then array[]::text[]
           when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
           else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                      from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n)
       end as labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) as peak,
       (max(array[extract(epoch from u.latest_at), u.latest]) filter (where u.latest_at is not null))[2] as latest,
       max(u.latest_at) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost,
       sum(u.unpriced)::bigint as unpriced, sum(u.uncosted)::bigint as uncosted,
       sum(u.estimated)::bigint as estimated
from usage_hours u
join unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
  on u.hour >= piece.start and u.hour < piece."end"
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
where u.customer_id = %(customer_id)s
  and (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
group by 1, 2, 3, 4

-- name: usage_from_events
-- For the ragged edges of a range, less than an hour each, and for zones whose hours begin elsewhere.
select width_bucket(e.time, %(starts)s::timestamptz[]) as slot, s.meter, s.unit,
       case cardinality(%(group_by)s::text[])
           when 0 then array[]::text[]
           when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
           else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                      from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n)
       end as labels,
       count(*) as events, sum(e.billed) as quantity, max(e.billed) as peak,
       (max(array[extract(epoch from e.time), e.billed]))[2] as latest,
       max(e.time) as latest_at, coalesce(sum(e.charge), 0) as charge, coalesce(sum(e.cost), 0) as cost,
       coalesce(sum(e.unpriced), 0)::bigint as unpriced, coalesce(sum(e.uncosted), 0)::bigint as uncosted,
       coalesce(sum(e.estimates), 0)::bigint as estimated
from events e
join unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
  on e.time >= piece.start and e.time < piece."end"
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
where e.customer_id = %(customer_id)s
  and (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
group by 1, 2, 3, 4

-- name: unique_from_events
-- Distinct values can't be added up from rollups; they are counted from the events themselves.
with wanted as materialized (
    select series_id, unit, dimensions || jsonb_build_object('member', member) as marks,
           array(select (dimensions || jsonb_build_object('member', member)) ->> label
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels
    from series
    where customer_id = %(customer_id)s and meter = %(meter)s
      and (dimensions || jsonb_build_object('member', member)) @> %(filter)s
)
select width_bucket(e.time, %(starts)s::timestamptz[]) as slot, w.unit, w.labels,
       count(distinct coalesce(w.marks ->> %(unique_by)s, e.metadata ->> %(unique_by)s)) as quantity
from events e
join wanted w using (series_id)
where e.customer_id = %(customer_id)s and e.time >= %(start)s and e.time < %(end)s
group by 1, 2, 3

-- name: has_dimension
-- Whether the customer has usage, of the meter if one is given, that bears the dimension; along the primary key.
select exists (
    select from series
    where customer_id = %(customer_id)s
      and (%(meter)s::text is null or meter = %(meter)s)
      and dimensions ? %(name)s
)

-- name: spend_by_meter
-- What the overview shows: each meter's usage since the period began, and since ever.
select s.meter, s.unit,
       coalesce(sum(u.charge), 0) as lifetime_charge,
       coalesce(sum(u.charge) filter (where u.day >= %(start)s and u.day < %(end)s), 0) as charge,
       coalesce(sum(u.cost) filter (where u.day >= %(start)s and u.day < %(end)s), 0) as cost,
       coalesce(sum(u.events) filter (where u.day >= %(start)s and u.day < %(end)s), 0)::bigint as events,
       coalesce(sum(u.quantity) filter (where u.day >= %(start)s and u.day < %(end)s), 0) as quantity,
       max(u.peak) filter (where u.day >= %(start)s and u.day < %(end)s) as peak,
       (max(array[extract(epoch from u.latest_at), u.latest])
           filter (where u.latest_at is not null and u.day >= %(start)s and u.day < %(end)s))[2] as latest,
       coalesce(sum(u.unpriced) filter (where u.day >= %(start)s and u.day < %(end)s), 0)::bigint as unpriced,
       coalesce(sum(u.estimated) filter (where u.day >= %(start)s and u.day < %(end)s), 0)::bigint as estimated,
       coalesce(sum(u.unpriced), 0)::bigint as lifetime_unpriced,
       coalesce(sum(u.estimated), 0)::bigint as lifetime_estimated
from usage_days u
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
where u.customer_id = %(customer_id)s
group by s.meter, s.unit
order by s.meter, s.unit

-- name: paid_from_wallets
-- What the customer's grants have paid of its charges.
select unit, sum(spent) as amount
from grants
where customer_id = %(customer_id)s
group by unit

-- name: accounts_at
-- As `ledger.balances`, as the postings had it at an instant.
select account, unit, sum(amount) as balance
from entries
where customer_id = %(customer_id)s and booked_at <= %(at)s
group by account, unit
order by account, unit

-- name: zones_in_use
select distinct timezone from customers where %(customer_id)s::uuid is null or customer_id = %(customer_id)s

-- name: margin_sums
-- Charges and costs by window, unit and group: from whole hours for customers in `zones`, where no window cuts an hour in
-- two, with events at the ragged edges; for others from the events. Corrections add to sums, and are no events themselves.
with found as (
    select width_bucket(h.hour, %(starts)s::timestamptz[]) as slot, h.customer_id, h.series_id,
           sum(h.events) as events, sum(h.charge) as charge, sum(h.cost) as cost, sum(h.unpriced) as unpriced
    from usage_hours h join customers k on k.customer_id = h.customer_id
    where h.hour >= %(first_hour)s and h.hour < %(last_hour)s and k.timezone = any(%(zones)s)
      and (%(customer_id)s::uuid is null or h.customer_id = %(customer_id)s)
    group by 1, 2, 3
    union all
    select width_bucket(e.time, %(starts)s::timestamptz[]), e.customer_id, e.series_id, count(*),
           coalesce(sum(e.charge), 0), coalesce(sum(e.cost), 0), coalesce(sum(e.unpriced), 0)
    from events e join customers k on k.customer_id = e.customer_id
    where (e.time >= %(from)s and e.time < %(first_hour)s or e.time >= %(last_hour)s and e.time < %(to)s)
      and k.timezone = any(%(zones)s) and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2, 3
    union all
    select width_bucket(e.time, %(starts)s::timestamptz[]), e.customer_id, e.series_id, count(*),
           coalesce(sum(e.charge), 0), coalesce(sum(e.cost), 0), coalesce(sum(e.unpriced), 0)
    from events e join customers k on k.customer_id = e.customer_id
    where e.time >= %(from)s and e.time < %(to)s and k.timezone = any(%(other_zones)s)
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
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
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id,
           coalesce(sum(e.uncosted), 0) > 0 as uncosted, coalesce(sum(e.estimates), 0) > 0 as guessed,
           bool_or(e.cost_source = 'estimate') is true
               and bool_or(e.cost_source = 'provider_report') is not true as estimated
    from events e
    where e.time >= %(from)s and e.time < %(to)s
      and (e.corrects is not null or e.uncosted is not null or e.estimates is not null or e.cost_source = 'estimate')
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2
), doubtful as (
    select n.*, o.series_id, o.time, coalesce(o.charge, 0) + coalesce(c.charge, 0) as charge,
           coalesce(o.cost, 0) + coalesce(c.cost, 0) as cost
    from notable n
    join events o on o.customer_id = n.customer_id and o.event_id = n.event_id
    left join lateral (
        select sum(charge) as charge, sum(cost) as cost, array_agg(event_id) as event_ids
        from events where customer_id = n.customer_id and corrects = n.event_id
    ) c on true
    where (n.uncosted or n.guessed or n.estimated)
      and not (%(by_calls)s and exists (
          select from provider_calls p where p.customer_id = n.customer_id and p.event_id = n.event_id))
      and not (%(by_calls)s and c.event_ids is not null and exists (
          select from unnest(c.event_ids) as one (event_id)
          join provider_calls p on p.customer_id = n.customer_id and p.event_id = one.event_id))
)
select width_bucket(f.time, %(starts)s::timestamptz[]) as slot, s.unit,
       array(select case g.label when 'customer' then k.key when 'meter' then s.meter when 'member' then s.member
                                 when 'provider' then null when 'model' then null else s.dimensions ->> g.label end
             from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
       count(*) filter (where uncosted) as uncosted, count(*) filter (where guessed or estimated) as estimated,
       coalesce(sum(f.charge) filter (where uncosted), 0) as uncosted_charge,
       coalesce(sum(f.charge) filter (where guessed or estimated), 0) as estimated_charge,
       coalesce(sum(f.cost) filter (where estimated), 0) as estimated_cost
from doubtful f
join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
join customers k on k.customer_id = f.customer_id
where %(meter)s::text is null or s.meter = %(meter)s
group by 1, 2, 3

-- name: margin_calls
-- The events that have calls, with their corrections: what they are charged and cost, shared over the providers and models of
-- their calls. By what those cost, or equally where that isn't known or nothing. Shares are cut off at 12 decimals; what
-- is left goes to the largest remainders.
with used as materialized (
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, c.provider, c.model,
           count(*) filter (where c.adjusts is null) as calls, greatest(coalesce(sum(c.cost), 0), 0) as cost
    from events e join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
    where e.time >= %(from)s and e.time < %(to)s
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2, 3, 4
), corrections as (
    select customer_id, corrects as event_id, sum(charge) as charge, sum(cost) as cost, sum(unpriced) as unpriced,
           sum(uncosted) as uncosted, sum(estimates) as estimates, bool_or(cost_source = 'estimate') as estimated,
           bool_or(cost_source = 'provider_report') as reported
    from events
    where time >= %(from)s and time < %(to)s and corrects is not null
      and (%(customer_id)s::uuid is null or customer_id = %(customer_id)s)
    group by 1, 2
), weighed as (
    select u.customer_id, u.event_id, u.provider, u.model, u.calls, o.series_id, o.time,
           coalesce(o.charge, 0) + coalesce(c.charge, 0) as charge, coalesce(o.cost, 0) + coalesce(c.cost, 0) as cost,
           coalesce(o.unpriced, 0) + coalesce(c.unpriced, 0) as unpriced,
           coalesce(o.uncosted, 0) + coalesce(c.uncosted, 0) > 0 as uncosted,
           coalesce(o.estimates, 0) + coalesce(c.estimates, 0) > 0 as guessed,
           (o.cost_source is not distinct from 'estimate' or c.estimated is true)
               and c.reported is not true as estimated,
           case when coalesce(o.uncosted, 0) + coalesce(c.uncosted, 0) > 0 or sum(u.cost) over one = 0 then 1
                else u.cost end as weight
    from used u
    join events o on o.customer_id = u.customer_id and o.event_id = u.event_id
    left join corrections c on c.customer_id = u.customer_id and c.event_id = u.event_id
    window one as (partition by u.customer_id, u.event_id)
), exact as (
    select *, charge * weight / sum(weight) over one as charge_share, cost * weight / sum(weight) over one as cost_share
    from weighed
    window one as (partition by customer_id, event_id)
), ranked as (
    select *, charge - sum(trunc(charge_share, 12)) over one as charge_left,
           cost - sum(trunc(cost_share, 12)) over one as cost_left,
           row_number() over (one order by abs(charge_share - trunc(charge_share, 12)) desc, provider, model) as charge_rank,
           row_number() over (one order by abs(cost_share - trunc(cost_share, 12)) desc, provider, model) as cost_rank
    from exact
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
           sum(trunc(charge_share, 12) + case when charge_rank <= abs(charge_left) * 1e12
                                              then sign(charge_left) * 1e-12 else 0 end) as charge,
           sum(trunc(cost_share, 12) + case when cost_rank <= abs(cost_left) * 1e12
                                            then sign(cost_left) * 1e-12 else 0 end) as cost,
           min(f.provider || ' ' || f.model) = min(min(f.provider || ' ' || f.model))
               over (partition by f.customer_id, f.event_id) as first
    from ranked f
    join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
    join customers k on k.customer_id = f.customer_id
    where %(meter)s::text is null or s.meter = %(meter)s
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select slot, unit, labels, count(*) as events, count(*) filter (where first) as firsts, sum(calls)::bigint as calls,
       sum(charge) as charge, sum(cost) as cost, sum(unpriced)::bigint as unpriced,
       coalesce(sum(unpriced) filter (where first), 0)::bigint as first_unpriced,
       count(*) filter (where uncosted) as uncosted, count(*) filter (where estimated) as estimated,
       coalesce(sum(charge) filter (where uncosted), 0) as uncosted_charge,
       coalesce(sum(charge) filter (where estimated), 0) as estimated_charge,
       coalesce(sum(cost) filter (where cost_estimated), 0) as estimated_cost
from labelled
group by 1, 2, 3

-- name: references
-- What postings are about: of grants, which are made and taken back at the moment of booking, the operator's reference; of
-- the usage of one event its id, found along events_by_time.
select p.number::int as number, coalesce(g.reference, e.event_id) as reference
from unnest(%(kind)s::text[], %(transaction_id)s::uuid[], %(unit)s::text[], %(booked_at)s::timestamptz[],
            %(at)s::timestamptz[]) with ordinality as p (kind, transaction_id, unit, booked_at, at, number)
left join lateral (
    select min(reference) as reference from grants
    where customer_id = %(customer_id)s and unit = p.unit
      and (p.kind in ('grant_paid', 'grant_given') and created_at = p.booked_at
           or p.kind in ('grant_voided', 'grant_refunded') and voided_at = p.booked_at)
) g on p.kind in ('grant_paid', 'grant_given', 'grant_voided', 'grant_refunded')
left join lateral (
    select event_id from events
    where customer_id = %(customer_id)s and time = p.at and transaction_id = p.transaction_id
    limit 1
) e on p.kind in ('usage', 'usage_credit')
where coalesce(g.reference, e.event_id) is not null

-- name: facets
-- Each stops at the first row; members that were never declared are looked for among the series.
select exists (select from provider_calls where customer_id = %(customer_id)s) as calls,
       exists (select from members where customer_id = %(customer_id)s)
       or exists (select from series where customer_id = %(customer_id)s and member is not null) as members
