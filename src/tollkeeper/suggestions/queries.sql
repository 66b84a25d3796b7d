-- name: models_called
-- What a customer has called in its own days [first, after): from the rollups.
select provider, model from call_days
where customer_id = %(customer_id)s and day >= %(first)s and day < %(after)s
group by provider, model
having sum(calls) > 0
order by provider, model

-- name: call_groups
-- Calls of a customer that the book has priced from their usage, in groups within which each price of the book holds for all
-- calls or for none: by meter, local day, model, tier, batch and region, and by where the rows' dates, hours of the day and
-- sizes of prompts cut. One row a group and unit, and one of the unit '' that counts the group's calls. Along events_by_time
-- and provider_calls_by_event. What was taken back isn't in it, nor what is only guessed.
with called as materialized (
    select s.meter, width_bucket(e.time, %(days)s::timestamptz[]) as day, c.provider, c.model,
           coalesce(c.service_tier, '') as service_tier, c.batch, coalesce(c.region, '') as region,
           coalesce(c.rate, 1) as rate, width_bucket(c.at, %(instants)s::timestamptz[]) as era,
           width_bucket(extract(hour from c.at at time zone 'UTC') * 60
                        + extract(minute from c.at at time zone 'UTC'), %(minutes)s::numeric[]) as hours,
           case when %(weekdays)s then extract(isodow from c.at at time zone 'UTC') else 0 end as weekday,
           c.at, c.cost, c.quantities
    from events e
    join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
    join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
    where e.customer_id = %(customer_id)s and e.time >= %(from)s and e.time < %(to)s
      and c.book is not null and c.quantities is not null and c.adjusts is null and c.cost_source = 'response'
      and not exists (
          select from provider_calls a
          where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id
            and a.quantities is not null)
), sized as (
    select called.*, size.whole, width_bucket(size.whole, %(sizes)s::numeric[]) as band
    from called
    cross join lateral (
        select coalesce(sum(quantity::numeric), 0) as whole
        from jsonb_each_text(called.quantities) as q (unit, quantity) where unit = any(%(input_units)s::text[])
    ) as size
)
select meter, day, provider, model, service_tier, batch, region, rate, era, hours::int as hours, weekday::int as weekday,
       band, min(at) as at, min(whole) as whole, q.unit, count(*) as calls, sum(cost) as cost, sum(q.quantity) as quantity
from sized
cross join lateral (
    select unit, quantity::numeric from jsonb_each_text(quantities) as told (unit, quantity)
    union all
    select '', 0
) as q
group by meter, day, provider, model, service_tier, batch, region, rate, era, hours, weekday, band, q.unit
order by meter, provider, model, day, era, hours, weekday, band, service_tier, batch, region, rate, q.unit
