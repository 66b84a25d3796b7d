-- name: mark_late
-- After the batch's events, in a statement of its own: it must see what was announced before they were written.
insert into late_days (customer_id, day, transaction_id)
select distinct late.customer_id, late.day, %(transaction_id)s::uuid
from unnest(%(customer_id)s::uuid[], %(day)s::date[]) as late (customer_id, day)
join digests d on d.customer_id = late.customer_id and late.day < d.until
on conflict do nothing

-- name: announce_digests
-- From here on usage of these days is late. Customers come in when they have become large: those with usage recorded since
-- then, or all customers, are looked at. Their rows are counted up to the mark alone, along the primary key.
with zones as materialized (
    select * from unnest(%(zone)s::text[], %(until)s::date[]) as zone (name, until)
), grown as (
    select c.customer_id, z.until
    from customers c
    join zones z on z.name = c.timezone
    where %(grow)s and c.customer_id not in (select customer_id from digests)
      and (%(since)s::timestamptz is null
           or c.customer_id in (select customer_id from events where recorded_at >= %(since)s))
      and exists (select from usage_days where customer_id = c.customer_id offset %(large)s)
), welcomed as (
    insert into digests (customer_id, until, done) select customer_id, until, '0001-01-01' from grown
    on conflict do nothing
)
update digests d set until = z.until
from customers c join zones z on z.name = c.timezone
where c.customer_id = d.customer_id and d.until < z.until

-- name: transactions_begun
-- The number that the next transaction gets.
select pg_snapshot_xmax(pg_current_snapshot())::text::bigint

-- name: transactions_ended
-- Whether all transactions with lower numbers have ended.
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %(number)s

-- name: due_digests
-- Customers with days that are over and not summed up, or that have got late usage.
select customer_id::text as customer_id, until,
       least(until, greatest(done, (select min(day) from usage_days u where u.customer_id = d.customer_id))) as done
from digests d
where (done < until or customer_id in (select customer_id from late_days))
  and (%(after)s::uuid is null or customer_id > %(after)s)
order by customer_id
limit %(limit)s

-- name: forget_late
-- Before anything is summed up: what is marked from here on stays, whether the sums have its usage already or not.
delete from late_days where customer_id = %(customer_id)s returning day

-- name: clear_digests
-- Of spans that are summed up anew.
with spans as materialized (
    select grain, range_agg(daterange(start, "end")) as spans
    from unnest(%(grain)s::text[], %(start)s::date[], %(end)s::date[]) as span (grain, start, "end")
    group by grain
), cleared as (
    delete from digest_rows r using spans
    where r.customer_id = %(customer_id)s and r.grain = spans.grain and spans.spans @> r.start
)
update digest_spans d set spans = d.spans - spans.spans
from spans where d.customer_id = %(customer_id)s and d.grain = spans.grain

-- name: make_digests
-- In all, and of larger spans by each dimension by which it's at most half of the rows. The smallest stay as they are.
with days as materialized (
    select span.grain, case span.grain when 'month' then date_trunc('month', u.day::timestamp)::date else u.day end as start,
           s.meter, coalesce(s.unit, '') as unit, s.marks, u.events, u.quantity, u.peak, u.latest, u.latest_at, u.charge,
           u.cost, u.unpriced, u.uncosted, u.estimated
    from unnest(%(grain)s::text[], %(start)s::date[], %(end)s::date[]) as span (grain, start, "end")
    cross join lateral (
        select * from usage_days
        where customer_id = %(customer_id)s and day >= span.start and day < span."end" offset 0
    ) u
    cross join lateral (
        select meter, unit, dimensions || jsonb_build_object('member', member) as marks from series
        where customer_id = %(customer_id)s and series_id = u.series_id offset 0
    ) s
), large as (
    select grain, start, count(*) as rows from days group by grain, start
    having count(*) >= case grain when 'month' then %(month)s else %(day)s end
), dimensions as (
    select '' as dimension
    union
    select jsonb_object_keys(marks) from days
), sums as materialized (
    select grain, start, large.rows, dimension, meter, unit,
           case dimension when '' then '{}' else array[marks ->> dimension] end as labels,
           sum(events)::bigint as events, sum(quantity) as quantity, max(peak) as peak,
           (max(array[extract(epoch from latest_at), latest]) filter (where latest_at is not null))[2] as latest,
           max(latest_at) as latest_at, sum(charge) as charge, sum(cost) as cost, sum(unpriced)::bigint as unpriced,
           sum(uncosted)::bigint as uncosted, sum(estimated)::bigint as estimated
    from days join large using (grain, start) cross join dimensions
    group by grain, start, large.rows, dimension, meter, unit, 7
), kept as (
    select grain, start, dimension from sums group by grain, start, dimension, rows
    having dimension = '' or (count(*) * 2 <= rows and rows >= %(at_once)s)
), stored as (
    insert into digest_rows (customer_id, dimension, grain, start, meter, unit, labels, events, quantity, peak, latest,
                             latest_at, charge, cost, unpriced, uncosted, estimated)
    select %(customer_id)s, dimension, grain, start, meter, unit, labels, events, quantity, peak, latest, latest_at, charge,
           cost, unpriced, uncosted, estimated
    from sums join kept using (grain, start, dimension)
    order by dimension, grain, start, meter, unit, labels
)
insert into digest_spans as old (customer_id, dimension, grain, spans)
select %(customer_id)s, dimension, grain,
       range_agg(daterange(start, (start + case grain when 'month' then interval '1 month' else '1 day' end)::date))
from kept
group by dimension, grain
on conflict (customer_id, dimension, grain) do update set spans = old.spans + excluded.spans

-- name: end_digests
update digests set done = greatest(done, %(until)s) where customer_id = %(customer_id)s

-- name: skip_digests
-- Customers without a day that is large enough, and with no month that has ended: nothing is to be summed up.
update digests d set done = d.until
where d.done < d.until and date_trunc('month', d.done::timestamp) = date_trunc('month', d.until::timestamp)
  and not exists (select from late_days l where l.customer_id = d.customer_id)
  and not exists (
      select from usage_days u where u.customer_id = d.customer_id and u.day >= d.done and u.day < d.until
      group by u.day having count(*) >= %(day)s)

-- name: verify_digests
-- Each digest of a span without late usage, beside the sums of its days.
with late as (
    select customer_id, range_agg(daterange(day, day + 1)) as days from late_days group by customer_id
), digested as (
    select d.customer_id, d.dimension, d.grain, span.start,
           (span.start + case d.grain when 'month' then interval '1 month' else '1 day' end)::date as after
    from digest_spans d
    left join late on late.customer_id = d.customer_id
    cross join lateral unnest(d.spans) as r (span)
    cross join lateral (
        select day::date as start from generate_series(
            lower(r.span)::timestamp, upper(r.span)::timestamp - interval '1 day',
            case d.grain when 'month' then interval '1 month' else '1 day' end) as day
    ) span
    where late.days is null
       or not late.days && daterange(
           span.start, (span.start + case d.grain when 'month' then interval '1 month' else '1 day' end)::date)
), expected as (
    select d.customer_id, d.dimension, d.grain, d.start, s.meter, coalesce(s.unit, '') as unit, label.labels,
           sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) as peak,
           (max(array[extract(epoch from u.latest_at), u.latest]) filter (where u.latest_at is not null))[2] as latest,
           sum(u.charge) as charge, sum(u.cost) as cost, sum(u.unpriced)::bigint as unpriced,
           sum(u.uncosted)::bigint as uncosted, sum(u.estimated)::bigint as estimated
    from digested d
    join usage_days u on u.customer_id = d.customer_id and u.day >= d.start and u.day < d.after
    join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
    cross join lateral (
        select case d.dimension when '' then '{}'
               else array[(s.dimensions || jsonb_build_object('member', s.member)) ->> d.dimension] end as labels
    ) label
    group by 1, 2, 3, 4, 5, 6, 7
), found as (
    select r.* from digest_rows r join digested using (customer_id, dimension, grain, start)
)
select coalesce(c.key, customer_id::text) as customer,
       concat_ws(' ', grain, start, 'by', nullif(dimension, ''), meter, unit, labels) as place,
       concat_ws(' / ', e.events, e.quantity, e.peak, e.latest, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated) as expected,
       concat_ws(' / ', f.events, f.quantity, f.peak, f.latest, f.charge, f.cost, f.unpriced, f.uncosted, f.estimated) as found
from expected e full join found f using (customer_id, dimension, grain, start, meter, unit, labels)
left join customers c using (customer_id)
where (e.events, e.quantity, e.peak, e.latest, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated)
      is distinct from
      (f.events, f.quantity, f.peak, f.latest, f.charge, f.cost, f.unpriced, f.uncosted, f.estimated)
limit %(limit)s
