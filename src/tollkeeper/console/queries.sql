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

-- name: list_customer
-- Nothing used, in no month: whatever round comes first adds it up.
insert into customer_figures (customer_id, key, month, day, events, day_events, charge, day_charge, other_charges, cost, day_cost,
                              margin, day_margin, unpriced, charged_earlier, owed)
select %(customer_id)s, %(key)s, '-infinity', '-infinity', 0, 0, 0, 0, null, 0, 0, margin, margin, 0, 0, 0
from (select case when %(own_currency)s = %(currency)s then 0 else '-Infinity'::numeric end as margin) known

-- name: refresh_figures
-- Adds up anew whatever may have changed: customers that are new or have events recorded since then, and all those in
-- zones where it has become another month. It reads only this month's days, unless an event may belong to an earlier one.
-- Each customer's days are read once, along the index, and then their series by key: from the series, a customer with many
-- would have its days gone through anew for each of them.
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
    cross join lateral (
        select * from usage_days where customer_id = d.customer_id and day >= d.month and day < d.next_month offset 0
    ) u
    cross join lateral (
        select unit from series where customer_id = u.customer_id and series_id = u.series_id offset 0
    ) s
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
    cross join lateral (
        select series_id, sum(charge) as charge from usage_days where customer_id = d.customer_id and day < d.month
        group by series_id
    ) u
    cross join lateral (
        select unit from series where customer_id = d.customer_id and series_id = u.series_id offset 0
    ) s
    where d.anew and s.unit = d.currency
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
           case %(figure)s when 'spent' then f.charge when 'margin' then f.margin when 'owed' then f.owed
               else coalesce(w.balance - w.held, 0) end as rank
    from found
    join operator_figures f on f.customer_id = found.customer_id
    left join wallets w on %(figure)s = 'balance' and w.customer_id = found.customer_id and w.unit = %(unit)s
)
select customer_id, key, rank, null::text as name
from ranked
where case when %(backwards)s then (rank, key) < (%(after_rank)s::numeric, %(after_key)s::text)
           else (rank, key) > (%(after_rank)s::numeric, %(after_key)s::text) end
order by case when %(backwards)s then rank end desc, case when %(backwards)s then key end desc,
         case when not %(backwards)s then rank end, case when not %(backwards)s then key end
limit %(limit)s

-- name: rank_by_balance
-- What is available in one unit of value, at this moment; 0 of whoever has no wallet of it. Wallets are read through: an
-- index on what each hold changes would cost each hold more than this costs now and then. They're never below 0, so those
-- with more and those with nothing are found apart, the second only if the page reaches them. A wallet knows its customer's
-- id, not its key: so customers who have the same are in the order of their ids, but for those who have nothing.
with behind as (
    select customer_id from operator_customers where key = %(after_key)s
), poor as (
    select c.customer_id, 0::numeric as rank
    from operator_customers c
    left join wallets w on w.customer_id = c.customer_id and w.unit = %(unit)s
    where %(after_rank)s::numeric <= 0 and coalesce(w.balance = w.held, true)
      and (0, c.key) > (%(after_rank)s::numeric, %(after_key)s::text)
      and (not %(present)s or c.archived_at is null)
    order by c.key
    limit %(limit)s
), rich as (
    select customer_id, balance - held as rank
    from wallets
    where (select count(*) from poor) < %(limit)s and unit = %(unit)s and balance > held
      and (balance - held, customer_id) > (%(after_rank)s::numeric, (select customer_id from behind))
      and not (%(present)s and customer_id in (select customer_id from operator_customers where archived_at is not null))
    order by rank, customer_id
    limit %(limit)s
)
select c.customer_id, c.key, rank, null::text as name
from (select * from rich union all select * from poor) found
join operator_customers c on c.customer_id = found.customer_id
order by rank, case when rank = 0 then c.key end, c.customer_id
limit %(limit)s

-- name: rank_by_balance_backwards
with behind as (
    select customer_id from operator_customers where key = %(after_key)s
), rich as (
    select customer_id, balance - held as rank
    from wallets
    where unit = %(unit)s and balance > held
      and (balance - held, customer_id) < (%(after_rank)s::numeric, (select customer_id from behind))
      and not (%(present)s and customer_id in (select customer_id from operator_customers where archived_at is not null))
    order by rank desc, customer_id desc
    limit %(limit)s
), poor as (
    select c.customer_id, 0::numeric as rank
    from operator_customers c
    left join wallets w on w.customer_id = c.customer_id and w.unit = %(unit)s
    where (select count(*) from rich) < %(limit)s and coalesce(w.balance = w.held, true)
      and (0, c.key) < (%(after_rank)s::numeric, %(after_key)s::text)
      and (not %(present)s or c.archived_at is null)
    order by c.key desc
    limit %(limit)s
)
select c.customer_id, c.key, rank, null::text as name
from (select * from rich union all select * from poor) found
join operator_customers c on c.customer_id = found.customer_id
order by rank desc, case when rank = 0 then c.key end desc, c.customer_id desc
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

-- name: forget_sums
delete from figure_sums

-- name: store_sums
-- All customers' figures, in their currency, and what they were charged in other units of value.
insert into figure_sums (timezone, month, day, unit, customers, events, day_events, charge, day_charge, cost, day_cost, margin,
                         day_margin, unpriced)
select timezone, month, day, unit, sum(customers), sum(events), sum(day_events), sum(charge), sum(day_charge), sum(cost),
       sum(day_cost), coalesce(sum(margin) filter (where margin <> '-Infinity'), 0),
       coalesce(sum(day_margin) filter (where day_margin <> '-Infinity'), 0), sum(unpriced)
from (
    select c.timezone, f.month, f.day, c.currency as unit, 1 as customers, f.events, f.day_events, f.charge, f.day_charge,
           f.cost, f.day_cost, f.margin, f.day_margin, f.unpriced
    from customer_figures f join customers c on c.customer_id = f.customer_id
    union all
    select c.timezone, f.month, f.day, other.unit, 0, 0, 0, other.charge::numeric, 0, 0, 0, 0, 0, 0
    from customer_figures f
    join customers c on c.customer_id = f.customer_id
    cross join lateral jsonb_each_text(f.other_charges) as other (unit, charge)
    where f.other_charges is not null
) figures
group by timezone, month, day, unit

-- name: sum_figures
-- By unit of value: this month's and, of figures that are of the present day, this day's.
select s.unit, sum(s.customers)::bigint as customers, sum(s.events)::bigint as events, sum(s.charge) as charge,
       sum(s.cost) as cost, sum(s.margin) as margin, sum(s.unpriced)::bigint as unpriced,
       coalesce(sum(s.day_events) filter (where s.day = z.day), 0)::bigint as day_events,
       coalesce(sum(s.day_charge) filter (where s.day = z.day), 0) as day_charge,
       coalesce(sum(s.day_cost) filter (where s.day = z.day), 0) as day_cost,
       coalesce(sum(s.day_margin) filter (where s.day = z.day), 0) as day_margin
from figure_sums s
join unnest(%(zone)s::text[], %(month)s::date[], %(day)s::date[]) as z (name, month, day)
  on z.name = s.timezone and z.month = s.month
group by s.unit
order by s.unit

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
