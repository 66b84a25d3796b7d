-- Each query reads one source of usage in the pieces [from, to) of time, and sorts its rows into windows: `starts` are the
-- windows' beginnings in ascending order, and `width_bucket` gives the number of the window, counted from 1. So windows
-- of any zone, across any change of daylight-saving time, are one query.

-- name: usage_from_days
with wanted as materialized (
    select series_id, meter, unit,
           array(select (dimensions || jsonb_build_object('member', member)) ->> label
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels
    from series
    where customer_id = %(customer_id)s
      and (%(meter)s::text is null or meter = %(meter)s)
      and (dimensions || jsonb_build_object('member', member)) @> %(filter)s
)
select width_bucket(u.day, %(starts)s::date[]) as slot, w.meter, w.unit, w.labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) as peak,
       (array_agg(u.latest order by u.latest_at desc nulls last, u.latest desc))[1] as latest,
       max(u.latest_at) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost,
       sum(u.unpriced)::bigint as unpriced, sum(u.uncosted)::bigint as uncosted,
       sum(u.estimated)::bigint as estimated
from usage_days u
join unnest(%(from)s::date[], %(to)s::date[]) as piece (start, "end") on u.day >= piece.start and u.day < piece."end"
join wanted w using (series_id)
where u.customer_id = %(customer_id)s
group by 1, 2, 3, 4

-- name: usage_from_hours
with wanted as materialized (
    select series_id, meter, unit,
           array(select (dimensions || jsonb_build_object('member', member)) ->> label
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels
    from series
    where customer_id = %(customer_id)s
      and (%(meter)s::text is null or meter = %(meter)s)
      and (dimensions || jsonb_build_object('member', member)) @> %(filter)s
)
select width_bucket(u.hour, %(starts)s::timestamptz[]) as slot, w.meter, w.unit, w.labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) as peak,
       (array_agg(u.latest order by u.latest_at desc nulls last, u.latest desc))[1] as latest,
       max(u.latest_at) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost,
       sum(u.unpriced)::bigint as unpriced, sum(u.uncosted)::bigint as uncosted,
       sum(u.estimated)::bigint as estimated
from usage_hours u
join unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
  on u.hour >= piece.start and u.hour < piece."end"
join wanted w using (series_id)
where u.customer_id = %(customer_id)s
group by 1, 2, 3, 4

-- name: usage_from_events
-- For the ragged edges of a range, less than an hour each, and for zones whose hours begin elsewhere.
with wanted as materialized (
    select series_id, meter, unit,
           array(select (dimensions || jsonb_build_object('member', member)) ->> label
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels
    from series
    where customer_id = %(customer_id)s
      and (%(meter)s::text is null or meter = %(meter)s)
      and (dimensions || jsonb_build_object('member', member)) @> %(filter)s
)
select width_bucket(e.time, %(starts)s::timestamptz[]) as slot, w.meter, w.unit, w.labels,
       count(*) as events, sum(e.billed) as quantity, max(e.billed) as peak,
       (array_agg(e.billed order by e.time desc, e.billed desc))[1] as latest,
       max(e.time) as latest_at, coalesce(sum(e.charge), 0) as charge, coalesce(sum(e.cost), 0) as cost,
       coalesce(sum(e.unpriced), 0)::bigint as unpriced, coalesce(sum(e.uncosted), 0)::bigint as uncosted,
       coalesce(sum(e.estimates), 0)::bigint as estimated
from events e
join unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
  on e.time >= piece.start and e.time < piece."end"
join wanted w using (series_id)
where e.customer_id = %(customer_id)s
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
       (array_agg(u.latest order by u.latest_at desc nulls last, u.latest desc)
           filter (where u.day >= %(start)s and u.day < %(end)s))[1] as latest,
       coalesce(sum(u.unpriced), 0)::bigint as unpriced,
       coalesce(sum(u.estimated), 0)::bigint as estimated
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

-- name: margins
-- What events are charged and cost, each with its corrections, which have its time. Where it's grouped by provider or
-- model (`by_calls`), charge and cost of an event are shared over the models of its calls: by what they cost, equally
-- where that isn't known or nothing. Shares are cut off at 12 decimals; the rest goes to the largest remainders.
with found as materialized (
    select e.customer_id, coalesce(e.corrects, e.event_id) as event_id, e.series_id, min(e.time) as time,
           coalesce(sum(e.charge), 0) as charge, coalesce(sum(e.cost), 0) as cost,
           greatest(sum(e.unpriced), 0) as unpriced, coalesce(sum(e.uncosted), 0) > 0 as uncosted,
           coalesce(sum(e.estimates), 0) > 0 as guessed,
           bool_or(e.cost_source = 'estimate') is true
               and bool_or(e.cost_source = 'provider_report') is not true as estimated
    from events e
    where e.time >= %(from)s and e.time < %(to)s
      and (%(customer_id)s::uuid is null or e.customer_id = %(customer_id)s)
    group by 1, 2, 3
), used as (
    select f.customer_id, f.event_id, c.provider, c.model, count(*) filter (where c.adjusts is null) as calls,
           case when f.uncosted then 0 else greatest(coalesce(sum(c.cost), 0), 0) end as cost
    from found f
    join events e on %(by_calls)s and e.customer_id = f.customer_id
                 and (e.event_id = f.event_id or e.corrects = f.event_id)
    join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
    group by 1, 2, 3, 4, f.uncosted
), weighed as (
    select *, case when sum(cost) over one > 0 then cost else 1 end as weight,
           case when sum(cost) over one > 0 then sum(cost) over one else count(*) over one end as whole
    from used
    window one as (partition by customer_id, event_id)
), cut as (
    select f.*, w.provider, w.model, w.calls, trunc(f.charge * w.weight / w.whole, 12) as charge_part,
           trunc(f.cost * w.weight / w.whole, 12) as cost_part,
           abs(f.charge * w.weight / w.whole - trunc(f.charge * w.weight / w.whole, 12)) as charge_rest,
           abs(f.cost * w.weight / w.whole - trunc(f.cost * w.weight / w.whole, 12)) as cost_rest
    from found f join weighed w using (customer_id, event_id)
), ranked as (
    select *, charge - sum(charge_part) over one as charge_left, cost - sum(cost_part) over one as cost_left,
           row_number() over (one order by charge_rest desc, provider, model) as charge_rank,
           row_number() over (one order by cost_rest desc, provider, model) as cost_rank
    from cut
    window one as (partition by customer_id, event_id)
), shared (customer_id, event_id, series_id, time, unpriced, uncosted, guessed, estimated, provider, model, calls, charge,
           cost) as (
    select customer_id, event_id, series_id, time, unpriced, uncosted, guessed, estimated, provider, model, calls,
           charge_part + case when charge_rank <= abs(charge_left) * 1e12 then sign(charge_left) * 1e-12 else 0 end,
           cost_part + case when cost_rank <= abs(cost_left) * 1e12 then sign(cost_left) * 1e-12 else 0 end
    from ranked
    union all
    select customer_id, event_id, series_id, time, unpriced, uncosted, guessed, estimated, null, null, 0, charge, cost
    from found f
    where not exists (select from used u where u.customer_id = f.customer_id and u.event_id = f.event_id)
), labelled as (
    -- Several models of one event may be of one group.
    select width_bucket(f.time, %(starts)s::timestamptz[]) as slot, s.unit,
           array(select case g.label when 'customer' then k.key when 'meter' then s.meter when 'member' then s.member
                                     when 'provider' then f.provider when 'model' then f.model
                                     else s.dimensions ->> g.label end
                 from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
           sum(f.calls) as calls, sum(f.charge) as charge, sum(f.cost) as cost, max(f.unpriced) > 0 as unpriced,
           bool_or(f.uncosted) as uncosted, bool_or(f.guessed or f.estimated) as estimated,
           bool_or(f.estimated) as cost_estimated
    from shared f
    join series s on s.customer_id = f.customer_id and s.series_id = f.series_id
    join customers k on k.customer_id = f.customer_id
    where %(meter)s::text is null or s.meter = %(meter)s
    group by 1, 2, 3, f.customer_id, f.event_id
)
select slot, unit, labels, count(*) as events, sum(calls)::bigint as calls, sum(charge) as charge, sum(cost) as cost,
       count(*) filter (where unpriced) as unpriced, count(*) filter (where uncosted) as uncosted,
       count(*) filter (where estimated) as estimated,
       coalesce(sum(charge) filter (where uncosted), 0) as uncosted_charge,
       coalesce(sum(charge) filter (where estimated), 0) as estimated_charge,
       coalesce(sum(cost) filter (where cost_estimated), 0) as estimated_cost
from labelled
group by 1, 2, 3
