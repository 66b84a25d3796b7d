-- name: zones_in_use
select distinct timezone from customers

-- name: begin_round
-- The first one: everything is still to be done.
insert into rounds (task, as_of, whole_at) values (%(task)s, '1970-01-01Z', '1970-01-01Z') on conflict do nothing

-- name: lock_round
-- Whoever comes first works, and others find nothing to do.
select as_of, whole_at from rounds where task = %(task)s for update skip locked

-- name: end_round
update rounds set as_of = %(as_of)s, whole_at = %(whole_at)s where task = %(task)s

-- name: last_round
select as_of, whole_at from rounds where task = %(task)s

-- name: refresh_figures
-- Adds up anew whatever may have changed: customers that are new or have events recorded since then, and all those in
-- zones where it has become another month. It reads only this month's days, unless an event may belong to an earlier one.
with zones as materialized (
    select * from unnest(%(zone)s::text[], %(month)s::date[], %(next_month)s::date[], %(day)s::date[],
                         %(began)s::timestamptz[]) as zone (name, month, next_month, day, began)
), touched as materialized (
    select customer_id, min(time) as earliest from events where recorded_at >= %(since)s group by customer_id
), due as materialized (
    select c.customer_id, c.key, c.currency, z.month, z.next_month, z.day,
           f.customer_id is null or f.month <> z.month or t.earliest < z.began as anew, f.charged_earlier
    from touched t
    join customers c on c.customer_id = t.customer_id
    join zones z on z.name = c.timezone
    left join customer_figures f on f.customer_id = t.customer_id
    where c.timezone <> all(%(whole_zones)s::text[])
    union all
    select c.customer_id, c.key, c.currency, z.month, z.next_month, z.day, true, null
    from customers c join zones z on z.name = c.timezone
    where c.timezone = any(%(whole_zones)s::text[])
       or c.created_at >= %(since)s and c.customer_id not in (select customer_id from touched)
), by_unit as (
    select d.customer_id, s.unit, sum(u.events) as events, sum(u.charge) as charge, sum(u.cost) as cost,
           sum(u.unpriced) as unpriced,
           coalesce(sum(u.events) filter (where u.day = d.day), 0) as day_events,
           coalesce(sum(u.charge) filter (where u.day = d.day), 0) as day_charge,
           coalesce(sum(u.cost) filter (where u.day = d.day), 0) as day_cost
    from due d
    join usage_days u on u.customer_id = d.customer_id and u.day >= d.month and u.day < d.next_month
    join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
    group by d.customer_id, s.unit
), sums as (
    select d.customer_id, sum(b.events)::bigint as events, sum(b.day_events)::bigint as day_events,
           sum(b.charge) filter (where b.unit = d.currency) as charge,
           sum(b.day_charge) filter (where b.unit = d.currency) as day_charge,
           jsonb_object_agg(b.unit, b.charge::text) filter (where b.unit <> d.currency and b.charge <> 0) as other_charges,
           sum(b.cost) as cost, sum(b.day_cost) as day_cost, sum(b.unpriced)::bigint as unpriced,
           sum(b.charge - b.cost) filter (where b.unit is null or b.unit = d.currency) as margin,
           sum(b.day_charge - b.day_cost) filter (where b.unit is null or b.unit = d.currency) as day_margin
    from due d join by_unit b on b.customer_id = d.customer_id
    group by d.customer_id
), earlier as (
    select d.customer_id, sum(u.charge) as charge
    from due d
    join usage_days u on u.customer_id = d.customer_id and u.day < d.month
    join series s on s.customer_id = u.customer_id and s.series_id = u.series_id and s.unit = d.currency
    where d.anew
    group by d.customer_id
), paid as (
    select d.customer_id, sum(g.spent) as amount
    from due d join grants g on g.customer_id = d.customer_id and g.unit = d.currency
    group by d.customer_id
)
insert into customer_figures as old (customer_id, key, month, day, events, day_events, charge, day_charge,
                                     other_charges, cost, day_cost, margin, day_margin, unpriced, charged_earlier, owed)
select d.customer_id, d.key, d.month, d.day, coalesce(s.events, 0), coalesce(s.day_events, 0), coalesce(s.charge, 0),
       coalesce(s.day_charge, 0), s.other_charges, coalesce(s.cost, 0), coalesce(s.day_cost, 0),
       case when d.currency = %(currency)s then coalesce(s.margin, 0) else '-Infinity' end,
       case when d.currency = %(currency)s then coalesce(s.day_margin, 0) else '-Infinity' end, coalesce(s.unpriced, 0), b.before,
       b.before + coalesce(s.charge, 0) - coalesce(p.amount, 0)
from due d
left join sums s on s.customer_id = d.customer_id
left join earlier e on e.customer_id = d.customer_id
left join paid p on p.customer_id = d.customer_id
cross join lateral (
    select case when d.anew then coalesce(e.charge, 0) else d.charged_earlier end as before
) b
on conflict (customer_id) do update set
    month = excluded.month, day = excluded.day, events = excluded.events, day_events = excluded.day_events,
    charge = excluded.charge, day_charge = excluded.day_charge, other_charges = excluded.other_charges,
    cost = excluded.cost, day_cost = excluded.day_cost, margin = excluded.margin, day_margin = excluded.day_margin,
    unpriced = excluded.unpriced, charged_earlier = excluded.charged_earlier, owed = excluded.owed
where old.* is distinct from excluded.*

-- name: rank_by_key
-- Each ranking gives one page of customers, with what the next page goes on behind. What is searched for is looked for in
-- both texts at once; neither holds a line break.
select customer_id, key, null::numeric as rank, null::text as name
from operator_customers
where key > %(after_key)s
  and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
  and (%(search)s::text is null or position(lower(%(search)s) in lower(key || chr(10) || name)) > 0)
order by key
limit %(limit)s

-- name: rank_by_key_backwards
select customer_id, key, null::numeric as rank, null::text as name
from operator_customers
where key < %(after_key)s
  and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
  and (%(search)s::text is null or position(lower(%(search)s) in lower(key || chr(10) || name)) > 0)
order by key desc
limit %(limit)s

-- name: rank_by_name
select customer_id, key, null::numeric as rank, lower(name) as name
from operator_customers
where (lower(name) collate "C", key) > (%(after_name)s::text collate "C", %(after_key)s::text)
  and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
  and (%(search)s::text is null or position(lower(%(search)s) in lower(key || chr(10) || name)) > 0)
order by lower(name) collate "C", key
limit %(limit)s

-- name: rank_by_name_backwards
select customer_id, key, null::numeric as rank, lower(name) as name
from operator_customers
where (lower(name) collate "C", key) < (%(after_name)s::text collate "C", %(after_key)s::text)
  and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
  and (%(search)s::text is null or position(lower(%(search)s) in lower(key || chr(10) || name)) > 0)
order by lower(name) collate "C" desc, key desc
limit %(limit)s

-- name: rank_by_spent
-- Along an index; each customer has figures from its creation on.
select f.customer_id, f.key, f.charge as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.charge, f.key) > (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.charge, f.key
limit %(limit)s

-- name: rank_by_spent_backwards
select f.customer_id, f.key, f.charge as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.charge, f.key) < (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.charge desc, f.key desc
limit %(limit)s

-- name: rank_by_margin
select f.customer_id, f.key, f.margin as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.margin, f.key) > (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.margin, f.key
limit %(limit)s

-- name: rank_by_margin_backwards
select f.customer_id, f.key, f.margin as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.margin, f.key) < (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.margin desc, f.key desc
limit %(limit)s

-- name: rank_by_owed
select f.customer_id, f.key, f.owed as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.owed, f.key) > (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.owed, f.key
limit %(limit)s

-- name: rank_by_owed_backwards
select f.customer_id, f.key, f.owed as rank, null::text as name
from operator_figures f join operator_customers c on c.customer_id = f.customer_id
where (f.owed, f.key) < (%(after_rank)s::numeric, %(after_key)s::text)
  and (not %(present)s or c.archived_at is null)
order by f.owed desc, f.key desc
limit %(limit)s

-- name: rank_found
-- Of customers that are searched for, or archived: few, so they're found first and sorted then.
with found as materialized (
    select customer_id, key
    from operator_customers
    where (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
      and (%(search)s::text is null or position(lower(%(search)s) in lower(key || chr(10) || name)) > 0)
), ranked as (
    select found.customer_id, found.key,
           case %(figure)s when 'spent' then f.charge when 'margin' then f.margin else f.owed end as rank
    from found join operator_figures f on f.customer_id = found.customer_id
)
select customer_id, key, rank, null::text as name
from ranked
where case when %(backwards)s then (rank, key) < (%(after_rank)s::numeric, %(after_key)s::text)
           else (rank, key) > (%(after_rank)s::numeric, %(after_key)s::text) end
order by case when %(backwards)s then rank end desc, case when %(backwards)s then key end desc,
         case when not %(backwards)s then rank end, case when not %(backwards)s then key end
limit %(limit)s

-- name: rank_by_balance
-- What is available in one unit of value, at this moment; 0 of whoever has no wallet of it.
select f.customer_id, f.key, coalesce(w.balance - w.held, 0) as rank, null::text as name
from operator_figures f
left join wallets w on w.customer_id = f.customer_id and w.unit = %(unit)s
where (coalesce(w.balance - w.held, 0), f.key) > (%(after_rank)s::numeric, %(after_key)s::text)
  and (%(archived)s::boolean is null and %(search)s::text is null or exists (
      select from operator_customers c
      where c.customer_id = f.customer_id
        and (%(archived)s::boolean is null or (c.archived_at is not null) = %(archived)s)
        and (%(search)s::text is null or position(lower(%(search)s) in lower(c.key || chr(10) || c.name)) > 0)))
order by coalesce(w.balance - w.held, 0), f.key
limit %(limit)s

-- name: rank_by_balance_backwards
select f.customer_id, f.key, coalesce(w.balance - w.held, 0) as rank, null::text as name
from operator_figures f
left join wallets w on w.customer_id = f.customer_id and w.unit = %(unit)s
where (coalesce(w.balance - w.held, 0), f.key) < (%(after_rank)s::numeric, %(after_key)s::text)
  and (%(archived)s::boolean is null and %(search)s::text is null or exists (
      select from operator_customers c
      where c.customer_id = f.customer_id
        and (%(archived)s::boolean is null or (c.archived_at is not null) = %(archived)s)
        and (%(search)s::text is null or position(lower(%(search)s) in lower(c.key || chr(10) || c.name)) > 0)))
order by coalesce(w.balance - w.held, 0) desc, f.key desc
limit %(limit)s

-- name: show_customers
-- Wallets, plans and the latest event as they are at this moment, each along a primary key or index.
select c.key, c.name, c.currency, c.timezone, c.archived_at, c.suspended_at, plan.plan,
       coalesce(f.charge, 0) as charge, coalesce(f.other_charges, '{}') as other_charges, coalesce(f.cost, 0) as cost,
       coalesce(f.margin, '-Infinity') as margin, coalesce(f.unpriced, 0) as unpriced, coalesce(f.owed, 0) as owed,
       coalesce(wallet.available, '{}') as available, latest.time as last_event_at
from unnest(%(customer_ids)s::uuid[]) with ordinality as wanted (customer_id, n)
join customers c on c.customer_id = wanted.customer_id
left join customer_figures f on f.customer_id = c.customer_id
left join lateral (
    select p.plan from plan_changes p
    where p.customer_id = c.customer_id and p.withdrawn_at is null and p.effective_from <= %(now)s
    order by p.effective_from desc limit 1
) plan on true
left join lateral (
    select jsonb_object_agg(w.unit, (w.balance - w.held)::text) as available
    from wallets w where w.customer_id = c.customer_id
) wallet on true
left join lateral (
    select e.time from events e where e.customer_id = c.customer_id order by e.time desc limit 1
) latest on true
order by wanted.n

-- name: count_customers
select count(*) as customers, count(*) filter (where archived_at is not null) as archived,
       count(*) filter (where suspended_at is not null and archived_at is null) as suspended
from operator_customers

-- name: sum_figures
-- All customers, by currency: this month's and, of those whose figures are of the present day, this day's.
select c.currency, sum(f.events)::bigint as events, sum(f.charge) as charge, sum(f.cost) as cost,
       sum(f.margin) as margin, sum(f.unpriced)::bigint as unpriced,
       coalesce(sum(f.day_events) filter (where f.day = z.day), 0)::bigint as day_events,
       coalesce(sum(f.day_charge) filter (where f.day = z.day), 0) as day_charge,
       coalesce(sum(f.day_cost) filter (where f.day = z.day), 0) as day_cost,
       coalesce(sum(f.day_margin) filter (where f.day = z.day), 0) as day_margin
from operator_figures f
join operator_customers c on c.customer_id = f.customer_id
join unnest(%(zone)s::text[], %(month)s::date[], %(day)s::date[]) as z (name, month, day)
  on z.name = c.timezone and z.month = f.month
group by c.currency
order by c.currency

-- name: sum_other_charges
-- Charges in credits, and in whatever isn't the customer's own currency.
select charge.unit, sum(charge.amount::numeric) as amount
from operator_figures f
join operator_customers c on c.customer_id = f.customer_id
join unnest(%(zone)s::text[], %(month)s::date[]) as z (name, month) on z.name = c.timezone and z.month = f.month
cross join lateral jsonb_each_text(f.other_charges) as charge (unit, amount)
where f.other_charges is not null
group by charge.unit
order by charge.unit

-- name: count_open
-- What waits for somebody: along partial indexes, but for the reconciliations, which are few.
select (select count(*) from quarantine where status = 'open') as quarantine,
       (select count(*) from holds where ended_at is null) as holds,
       (select count(*) from holds where ended_at is null and state = 'in_doubt') as holds_in_doubt,
       (select count(*) from (
           select distinct on (grain_id) finding from reconciliations
           where bucket_start >= %(since)s order by grain_id, revision desc) latest
        where finding <> 'match') as findings

-- name: unpriced_usage
-- Events without a charge, corrections taken off; along usage_days_unpriced.
select s.meter, sum(u.unpriced)::bigint as events, count(distinct u.customer_id) as customers, min(u.day) as since,
       max(u.day) as until
from usage_days u
join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
where u.unpriced <> 0
group by s.meter
order by sum(u.unpriced) desc, s.meter

-- name: unpriced_calls
-- Calls whose cost isn't known, by model; along provider_calls_unpriced.
select c.provider, c.model, count(*) as calls, count(distinct c.customer_id) as customers, min(c.at) as since,
       max(c.at) as until,
       array(select distinct unit from unnest(array_agg(array_to_string(c.missing, ' '))) as told (units),
             unnest(string_to_array(units, ' ')) as unit where unit <> '' order by unit) as missing
from provider_calls c
where c.cost is null and not exists (
    select from provider_calls a
    where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id)
group by c.provider, c.model
order by count(*) desc, c.provider, c.model

-- name: database_facts
-- `server_version` may have a distribution's name behind the number.
select split_part(current_setting('server_version'), ' ', 1) as version,
       pg_database_size(current_database()) as bytes,
       (select count(*) from pg_stat_activity where datname = current_database()) as connections,
       current_setting('max_connections')::int as most_connections,
       (select max(version) from schema_migrations) as migration
