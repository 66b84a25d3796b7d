-- Each query reads all customers of a tick at once.

-- name: zones
select customer_id, timezone from customers where customer_id = any(%(customer_ids)s::uuid[])

-- name: wallets
select customer_id, unit, balance, held
from wallets
where customer_id = any(%(customer_ids)s::uuid[])
order by customer_id, unit

-- name: held
-- What open holds have reserved, from wallets or not. Read along the index of open holds: they are few.
select customer_id, unit, sum(amount) as amount
from holds
where ended_at is null and customer_id = any(%(customer_ids)s::uuid[])
group by customer_id, unit
order by customer_id, unit

-- name: usage
-- This month by meter; the month is each customer's own.
select u.customer_id, s.meter, s.unit, sum(u.events)::bigint as events, sum(u.quantity) as quantity,
       max(u.peak) as peak,
       (array_agg(u.latest order by u.latest_at desc nulls last, u.latest desc))[1] as latest, sum(u.charge) as charge
from unnest(%(customer_ids)s::uuid[], %(start)s::date[], %(end)s::date[]) as wanted (customer_id, first_day, after)
join usage_days u on u.customer_id = wanted.customer_id and u.day >= wanted.first_day and u.day < wanted.after
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
group by u.customer_id, s.meter, s.unit
order by u.customer_id, s.meter, s.unit

-- name: latest_events
-- The newest of each customer, along events_by_time. Corrections that only concern the operator's cost aren't shown.
select e.customer_id, e.event_id, s.meter, s.member, s.dimensions, s.unit, e.time, e.recorded_at, e.transaction_id,
       e.quantity, e.billed, e.charge, e.estimated, e.corrects,
       array(select c.event_id from events c
             where c.customer_id = e.customer_id and c.corrects = e.event_id and c.cost_only is not true
             order by c.event_id) as corrected_by
from unnest(%(customer_ids)s::uuid[]) as wanted (customer_id)
cross join lateral (
    select * from events
    where customer_id = wanted.customer_id and cost_only is not true
    order by time desc, event_id desc
    limit %(limit)s
) e
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
order by e.customer_id, e.time desc, e.event_id desc
