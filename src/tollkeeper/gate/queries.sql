-- name: lock_customers
-- Corrections of one customer follow one another: what an event has left can't be taken back twice.
select customer_id from customers where customer_id = any(%(customer_ids)s::uuid[]) order by customer_id for no key update

-- name: open_totals
-- Creates the totals that don't exist, and locks those that do, all in key order: `where false` changes no row, but
-- the conflict has locked it.
insert into running_totals as old (customer_id, price_id, period_start, value)
select customer_id, price_id, period_start, 0
from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[])
  as wanted (customer_id, price_id, period_start)
on conflict (customer_id, price_id, period_start) do update set value = old.value where false

-- name: read_totals
select t.customer_id::text as customer_id, t.price_id::text as price_id, t.period_start, t.value, t.latest_at
from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[])
  as wanted (customer_id, price_id, period_start)
join running_totals t on t.customer_id = wanted.customer_id and t.price_id = wanted.price_id
                     and t.period_start = wanted.period_start

-- name: write_totals
update running_totals t set value = new.value, latest_at = new.latest_at
from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[], %(value)s::numeric[],
            %(latest_at)s::timestamptz[])
  as new (customer_id, price_id, period_start, value, latest_at)
where t.customer_id = new.customer_id and t.price_id = new.price_id and t.period_start = new.period_start

-- name: claim_unique_values
-- Those that come back were not counted yet. The lock on the running total keeps two batches from claiming one.
insert into unique_values (customer_id, price_id, period_start, value)
select * from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[], %(value)s::text[])
on conflict do nothing
returning customer_id::text, price_id::text, period_start, value
