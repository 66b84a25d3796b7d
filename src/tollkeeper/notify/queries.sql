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
-- This month by meter; the month is each customer's own. Summed up by series first: a customer has few of them.
select u.customer_id, s.meter, s.unit, sum(u.events)::bigint as events, sum(u.quantity) as quantity,
       max(u.peak) as peak, sum(u.charge) as charge
from (
    select u.customer_id, u.series_id, sum(u.events) as events, sum(u.quantity) as quantity, max(u.peak) as peak,
           sum(u.charge) as charge
    from unnest(%(customer_ids)s::uuid[], %(start)s::date[], %(end)s::date[]) as wanted (customer_id, first_day, after)
    join usage_days u on u.customer_id = wanted.customer_id and u.day >= wanted.first_day and u.day < wanted.after
    group by u.customer_id, u.series_id
) u
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
group by u.customer_id, s.meter, s.unit
order by u.customer_id, s.meter, s.unit

-- name: latest_values
-- This month's newest value of meters that take the latest.
select distinct on (u.customer_id, s.meter, s.unit) u.customer_id, s.meter, s.unit, u.latest
from unnest(%(customer_ids)s::uuid[], %(start)s::date[], %(end)s::date[]) as wanted (customer_id, first_day, after)
join usage_days u on u.customer_id = wanted.customer_id and u.day >= wanted.first_day and u.day < wanted.after
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
where s.meter = any(%(meters)s) and u.latest_at is not null
order by u.customer_id, s.meter, s.unit, u.latest_at desc, u.latest desc

-- name: latest_events
-- The newest of each customer, along events_by_time, as the JSON that pages get: read as rows and encoded here, they would
-- cost more than everything else together. Without anything that is the operator's alone: corrections of nothing but the
-- cost aren't among them. Connections speak UTC, so that is the offset.
select wanted.customer_id, coalesce((
    select json_agg(json_build_object(
        'id', e.event_id,
        'meter', s.meter,
        'quantity', trim_scale(e.quantity)::text,
        'billed', trim_scale(e.billed)::text,
        'charge', trim_scale(e.charge)::text,
        'unit', s.unit,
        'estimated', e.estimated,
        'priced', e.charge is not null,
        'time', replace(to_json(e.time) #>> '{}', '+00:00', 'Z'),
        'recorded_at', replace(to_json(e.recorded_at) #>> '{}', '+00:00', 'Z'),
        'member', s.member,
        'dimensions', s.dimensions,
        'corrects', e.corrects,
        'corrected_by', array(
            select c.event_id from events c
            where c.customer_id = e.customer_id and c.corrects = e.event_id and c.cost_only is not true
            order by c.event_id),
        'transaction_id', e.transaction_id
    ) order by e.time desc, e.event_id desc)
    from (
        select * from events
        where customer_id = wanted.customer_id and cost_only is not true
        order by time desc, event_id desc
        limit %(limit)s
    ) e
    join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
), '[]')::text as events
from unnest(%(customer_ids)s::uuid[]) as wanted (customer_id)
