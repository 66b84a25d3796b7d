-- name: find_counters
-- The counters within these ranges of their windows' starts, each read along the primary key.
select c.customer_id::text as customer_id, c.counter_id::text as counter_id, c.member, c.window_start, c.used, c.held,
       c.stale
from unnest(%(customer_id)s::uuid[], %(counter_id)s::uuid[], %(member)s::text[], %(first)s::timestamptz[],
            %(last)s::timestamptz[])
  as wanted (customer_id, counter_id, member, first, last)
join limit_counters c on c.customer_id = wanted.customer_id and c.counter_id = wanted.counter_id
  and c.member = wanted.member and c.window_start between wanted.first and wanted.last

-- name: find_counters_of_all_members
select c.customer_id::text as customer_id, c.counter_id::text as counter_id, c.member, c.window_start, c.used, c.held,
       c.stale
from unnest(%(customer_id)s::uuid[], %(counter_id)s::uuid[], %(first)s::timestamptz[], %(last)s::timestamptz[])
  as wanted (customer_id, counter_id, first, last)
join limit_counters c on c.customer_id = wanted.customer_id and c.counter_id = wanted.counter_id
  and c.window_start between wanted.first and wanted.last

-- name: sum_days
-- What the rollups say for windows of local days. Without a unit quantities count, else what is charged in it; no
-- meters means all of them, and the empty member the customer as a whole.
select wanted.number, sum(case when wanted.unit is null then d.quantity else d.charge end) as used
from unnest(%(customer_id)s::uuid[], %(member)s::text[], %(unit)s::text[], %(meters)s::text[], %(first)s::date[],
            %(after)s::date[]) with ordinality
  as wanted (customer_id, member, unit, meters, first, after, number)
join usage_days d on d.customer_id = wanted.customer_id and d.day >= wanted.first and d.day < wanted.after
join series s on s.customer_id = d.customer_id and s.series_id = d.series_id
where (wanted.meters = '{}' or s.meter = any(wanted.meters::text[]))
  and (wanted.unit is null or s.unit = wanted.unit)
  and (wanted.member = '' or s.member = wanted.member)
group by wanted.number

-- name: sum_minutes
-- The same for the minutes of a rolling hour, which no rollup keeps.
select wanted.number, date_trunc('minute', e.time, 'UTC') as minute,
       coalesce(sum(case when wanted.unit is null then e.billed else e.charge end), 0) as used
from unnest(%(customer_id)s::uuid[], %(member)s::text[], %(unit)s::text[], %(meters)s::text[],
            %(since)s::timestamptz[]) with ordinality
  as wanted (customer_id, member, unit, meters, since, number)
join events e on e.customer_id = wanted.customer_id and e.time >= wanted.since
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
where (wanted.meters = '{}' or s.meter = any(wanted.meters::text[]))
  and (wanted.unit is null or s.unit = wanted.unit)
  and (wanted.member = '' or s.member = wanted.member)
group by wanted.number, minute

-- name: write_counters
-- In key order; who writes holds the customers' tills.
insert into limit_counters (customer_id, counter_id, member, window_start, used, held, stale)
select * from unnest(%(customer_id)s::uuid[], %(counter_id)s::uuid[], %(member)s::text[],
                     %(window_start)s::timestamptz[], %(used)s::numeric[], %(held)s::numeric[], %(stale)s::boolean[])
on conflict (customer_id, counter_id, member, window_start) do update set
    used = excluded.used, held = excluded.held, stale = excluded.stale

-- name: mark_stale
update limit_counters set stale = true
where customer_id = any(%(customer_ids)s::uuid[]) and not stale

-- name: forget_old
-- A counter with a row for the epoch counts a rolling hour: its minutes are over sooner than a month is.
delete from limit_counters
where (customer_id, counter_id, member, window_start) in (
    select old.customer_id, old.counter_id, old.member, old.window_start
    from limit_counters old
    where old.held = 0 and old.window_start > to_timestamp(0)
      and (old.window_start < %(windows_before)s
        or old.window_start < %(minutes_before)s and exists (
            select from limit_counters hour
            where hour.customer_id = old.customer_id and hour.counter_id = old.counter_id
              and hour.member = old.member and hour.window_start = to_timestamp(0)))
    limit %(limit)s
    for update skip locked
)
