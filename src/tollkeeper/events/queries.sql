-- name: insert_series
insert into series (customer_id, series_id, meter, member, dimensions, unit)
select * from unnest(%(customer_id)s::uuid[], %(series_id)s::uuid[], %(meter)s::text[], %(member)s::text[],
                     %(dimensions)s::jsonb[], %(unit)s::text[])
on conflict do nothing

-- name: store_events
-- The events of a batch and both rollups, from one reading of the batch. All in key order, so that two batches with the
-- same ids or rollup rows wait for each other instead of deadlocking. No `on conflict` for events: a batch without
-- duplicates, which is nearly every one, saves the look-up, and any other is rolled back and run again.
with batch as materialized (
    select * from unnest(%(customer_id)s::uuid[], %(event_id)s::text[], %(series_id)s::uuid[], %(time)s::timestamptz[],
                         %(hour)s::timestamptz[], %(day)s::date[], %(quantity)s::numeric[], %(billed)s::numeric[],
                         %(amount)s::numeric[], %(charge)s::numeric[], %(price_id)s::uuid[],
                         %(running_before)s::numeric[], %(running_after)s::numeric[], %(estimated)s::boolean[],
                         %(cost)s::numeric[], %(cost_source)s::text[], %(corrects)s::text[], %(metadata)s::jsonb[],
                         %(calls)s::jsonb[], %(gauge)s::text[], %(unpriced)s::smallint[], %(uncosted)s::smallint[],
                         %(estimates)s::smallint[], %(cost_only)s::boolean[])
      as new (customer_id, event_id, series_id, time, hour, day, quantity, billed, amount, charge, price_id,
              running_before, running_after, estimated, cost, cost_source, corrects, metadata, calls, gauge,
              unpriced, uncosted, estimates, cost_only)
), stored as (
    insert into events (customer_id, event_id, series_id, time, recorded_at, transaction_id, quantity, billed, amount,
                        charge, price_id, running_before, running_after, estimated, cost, cost_source, corrects,
                        metadata, calls, unpriced, uncosted, estimates, cost_only)
    select customer_id, event_id, series_id, time, %(recorded_at)s, %(transaction_id)s, quantity, billed, amount,
           charge, price_id, running_before, running_after, estimated is not null, cost, cost_source, corrects,
           metadata, calls, unpriced, uncosted, estimates, cost_only
    from batch
), hours as (
    insert into usage_hours as old (customer_id, hour, series_id, events, quantity, peak, charge, cost, unpriced,
                               uncosted, estimated)
    select customer_id, hour, series_id, count(*), sum(billed), max(billed) filter (where gauge = 'max'),
           coalesce(sum(charge), 0), coalesce(sum(cost), 0), coalesce(sum(unpriced), 0), coalesce(sum(uncosted), 0),
           coalesce(sum(estimates), 0)
    from batch
    group by customer_id, hour, series_id
    order by customer_id, hour, series_id
    on conflict (customer_id, hour, series_id) do update set
        events = old.events + excluded.events,
        quantity = old.quantity + excluded.quantity,
        peak = greatest(old.peak, excluded.peak),
        charge = old.charge + excluded.charge,
        cost = old.cost + excluded.cost,
        unpriced = old.unpriced + excluded.unpriced,
        uncosted = old.uncosted + excluded.uncosted,
        estimated = old.estimated + excluded.estimated
)
insert into usage_days as old (customer_id, day, series_id, events, quantity, peak, charge, cost, unpriced,
                          uncosted, estimated)
select customer_id, day, series_id, count(*), sum(billed), max(billed) filter (where gauge = 'max'),
       coalesce(sum(charge), 0), coalesce(sum(cost), 0), coalesce(sum(unpriced), 0), coalesce(sum(uncosted), 0),
       coalesce(sum(estimates), 0)
from batch
group by customer_id, day, series_id
order by customer_id, day, series_id
on conflict (customer_id, day, series_id) do update set
    events = old.events + excluded.events,
    quantity = old.quantity + excluded.quantity,
    peak = greatest(old.peak, excluded.peak),
    charge = old.charge + excluded.charge,
    cost = old.cost + excluded.cost,
    unpriced = old.unpriced + excluded.unpriced,
    uncosted = old.uncosted + excluded.uncosted,
    estimated = old.estimated + excluded.estimated

-- name: set_latest
-- For gauges: the newest value of each hour and day, whichever event comes first. Of two at one time the larger counts.
with batch as materialized (
    select * from unnest(%(customer_id)s::uuid[], %(series_id)s::uuid[], %(hour)s::timestamptz[], %(day)s::date[],
                         %(time)s::timestamptz[], %(quantity)s::numeric[])
      as new (customer_id, series_id, hour, day, time, quantity)
), hours as (
    update usage_hours old set latest = new.quantity, latest_at = new.time
    from (select distinct on (customer_id, hour, series_id) * from batch
          order by customer_id, hour, series_id, time desc, quantity desc) new
    where old.customer_id = new.customer_id and old.hour = new.hour and old.series_id = new.series_id
      and (old.latest_at is null or (new.time, new.quantity) > (old.latest_at, old.latest))
)
update usage_days old set latest = new.quantity, latest_at = new.time
from (select distinct on (customer_id, day, series_id) * from batch
      order by customer_id, day, series_id, time desc, quantity desc) new
where old.customer_id = new.customer_id and old.day = new.day and old.series_id = new.series_id
  and (old.latest_at is null or (new.time, new.quantity) > (old.latest_at, old.latest))

-- name: find_events
-- The stored events among these ids, with their texts.
select e.customer_id, e.event_id, s.meter, s.member, s.dimensions, s.unit, e.time, e.recorded_at, e.transaction_id,
       e.quantity, e.billed, e.amount, e.charge, e.price_id, e.running_before, e.running_after, e.estimated,
       e.cost, e.cost_source, coalesce(e.cost_only, false) as cost_only, e.corrects, e.metadata,
       e.calls, array[]::text[] as corrected_by
from unnest(%(customer_id)s::uuid[], %(event_id)s::text[]) as wanted (customer_id, event_id)
join events e on e.customer_id = wanted.customer_id and e.event_id = wanted.event_id
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id

-- name: find_corrected
-- The events that corrections refer to, each with what it and its corrections so far come to. What true-ups have booked
-- without charging it is a cost, but none that the charge goes by.
select e.customer_id, e.event_id, e.series_id::text as series_id, s.meter, s.member, s.dimensions, s.unit, e.time,
       e.price_id, e.corrects, e.quantity as reported,
       coalesce(e.charge, 0) + coalesce(c.charge, 0) as net_charge,
       e.quantity + coalesce(c.quantity, 0) as net_quantity,
       e.billed + coalesce(c.billed, 0) as net_billed,
       coalesce(e.amount + c.amount, e.amount, c.amount) as net_amount,
       coalesce(e.cost + c.cost, e.cost, c.cost) as net_cost,
       coalesce(e.cost + c.charged_cost, e.cost, c.charged_cost) as charged_cost,
       coalesce(c.cost_only, false) as cost_only,
       coalesce(e.unpriced, 0) + coalesce(c.unpriced, 0) as unpriced,
       coalesce(e.uncosted, 0) + coalesce(c.uncosted, 0) as uncosted,
       coalesce(e.estimates, 0) + coalesce(c.estimates, 0) as estimates
from unnest(%(customer_id)s::uuid[], %(event_id)s::text[]) as wanted (customer_id, event_id)
join events e on e.customer_id = wanted.customer_id and e.event_id = wanted.event_id
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
left join lateral (
    select sum(quantity) as quantity, sum(billed) as billed, sum(amount) as amount, sum(cost) as cost,
           sum(cost) filter (where cost_only is not true) as charged_cost, sum(charge) as charge,
           bool_or(cost_only) as cost_only, sum(unpriced)::int as unpriced, sum(uncosted)::int as uncosted,
           sum(estimates)::int as estimates
    from events where customer_id = e.customer_id and corrects = e.event_id
) c on true

-- name: get_event
select e.customer_id, e.event_id, s.meter, s.member, s.dimensions, s.unit, e.time, e.recorded_at, e.transaction_id,
       e.quantity, e.billed, e.amount, e.charge, e.price_id, e.running_before, e.running_after, e.estimated,
       e.cost, e.cost_source, coalesce(e.cost_only, false) as cost_only, e.corrects, e.metadata,
       e.calls,
       array(select c.event_id from events c
             where c.customer_id = e.customer_id and c.corrects = e.event_id order by c.event_id) as corrected_by
from events e
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
where e.customer_id = %(customer_id)s and e.event_id = %(event_id)s

-- name: get_net_before
-- What a corrected event came to just before one of its corrections.
select max(quantity) filter (where event_id = %(corrects)s) as reported, sum(billed) as billed,
       sum(amount) as amount, sum(cost) filter (where cost_only is not true) as cost
from events
where customer_id = %(customer_id)s
  and (event_id = %(corrects)s
       or corrects = %(corrects)s and (transaction_id, event_id) < (%(transaction_id)s::uuid, %(event_id)s::text))

-- name: corrections_of
-- What each correction of an event has changed, in the order in which they were booked.
select event_id, billed, charge, cost
from events
where customer_id = %(customer_id)s and corrects = %(event_id)s
order by transaction_id, event_id

-- name: list_events
-- Newest first; the page goes on before (time, event_id).
select e.customer_id, e.event_id, s.meter, s.member, s.dimensions, s.unit, e.time, e.recorded_at, e.transaction_id,
       e.quantity, e.billed, e.amount, e.charge, e.price_id, e.running_before, e.running_after, e.estimated,
       e.cost, e.cost_source, coalesce(e.cost_only, false) as cost_only, e.corrects, e.metadata,
       e.calls,
       array(select c.event_id from events c
             where c.customer_id = e.customer_id and c.corrects = e.event_id
               and (%(cost_only)s or c.cost_only is not true)
             order by c.event_id) as corrected_by
from events e
join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
where e.customer_id = %(customer_id)s
  and (%(cost_only)s or e.cost_only is not true)
  and e.time >= %(from)s and e.time < %(to)s
  and (%(before_time)s::timestamptz is null or e.time < %(before_time)s
       or (e.time = %(before_time)s and e.event_id < %(before_id)s))
  and (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(member)s::text is null or s.member = %(member)s)
  and (%(transaction_id)s::uuid is null or e.transaction_id = %(transaction_id)s)
  and s.dimensions @> %(dimensions)s
order by e.time desc, e.event_id desc
limit %(limit)s

-- name: has_usage
select exists (select from series where customer_id = %(customer_id)s)

-- name: used_meters
select distinct meter from series

-- name: quarantine_items
-- The same item again counts an attempt, and opens it again where it had been discarded or replayed.
insert into quarantine as old (quarantine_id, fingerprint, customer_key, event_id, code, field, detail, item, status,
                               attempts, first_seen_at, last_seen_at)
select quarantine_id, fingerprint, customer_key, event_id, code, field, detail, item, 'open', 1, %(now)s, %(now)s
from unnest(%(quarantine_id)s::uuid[], %(fingerprint)s::bytea[], %(customer_key)s::text[], %(event_id)s::text[],
            %(code)s::text[], %(field)s::text[], %(detail)s::text[], %(item)s::text[])
  as new (quarantine_id, fingerprint, customer_key, event_id, code, field, detail, item)
on conflict (fingerprint) do update set
    attempts = old.attempts + 1, last_seen_at = excluded.last_seen_at, code = excluded.code, field = excluded.field,
    detail = excluded.detail, status = 'open', resolved_at = null, resolved_by = null, note = null
returning quarantine_id, fingerprint

-- name: list_quarantine
select quarantine_id, customer_key, event_id, code, field, detail, item, status, attempts, first_seen_at, last_seen_at,
       resolved_at, resolved_by, note
from quarantine
where (%(status)s::text is null or status = %(status)s)
  and (%(code)s::text is null or code = %(code)s)
  and (%(customer_key)s::text is null or customer_key = %(customer_key)s)
  and (%(after)s::uuid is null or quarantine_id > %(after)s)
order by quarantine_id
limit %(limit)s

-- name: count_quarantine
select code, count(*) as items from quarantine where status = 'open' group by code order by code

-- name: lock_quarantined
select quarantine_id, customer_key, event_id, code, field, detail, item, status, attempts, first_seen_at, last_seen_at,
       resolved_at, resolved_by, note
from quarantine
where status = 'open' and quarantine_id = any(%(quarantine_ids)s)
order by quarantine_id
for update

-- name: get_quarantined
select quarantine_id, customer_key, event_id, code, field, detail, item, status, attempts, first_seen_at, last_seen_at,
       resolved_at, resolved_by, note
from quarantine where quarantine_id = %(quarantine_id)s

-- name: quarantined_between
-- Ids that begin alike stand together in the primary key; a second one is enough to know that they are several.
select quarantine_id, customer_key, event_id, code, field, detail, item, status, attempts, first_seen_at, last_seen_at,
       resolved_at, resolved_by, note
from quarantine where quarantine_id between %(first)s and %(last)s
order by quarantine_id limit 2

-- name: resolve_quarantined
update quarantine set status = %(status)s, resolved_at = %(now)s, resolved_by = %(by)s, note = %(note)s
where quarantine_id = any(%(quarantine_ids)s) and status = 'open'

-- name: start_import
-- Where the import stands; from the first row on if it's new, or to be done again.
insert into imports as old (import_id, file_name, rows_done, rows_accepted, started_at, updated_at)
values (%(import_id)s, %(file_name)s, 0, 0, %(now)s, %(now)s)
on conflict (import_id) do update set
    file_name = excluded.file_name,
    updated_at = excluded.updated_at,
    rows_done = case when %(restart)s then 0 else old.rows_done end,
    rows_accepted = case when %(restart)s then 0 else old.rows_accepted end,
    started_at = case when %(restart)s then excluded.started_at else old.started_at end,
    finished_at = case when %(restart)s then null else old.finished_at end
returning import_id, file_name, rows_done, rows_accepted, started_at, updated_at, finished_at

-- name: advance_import
-- Only from where the import is known to stand: of two processes that import the same file, the slower one finds out.
update imports
set rows_done = rows_done + %(rows)s, rows_accepted = rows_accepted + %(accepted)s, updated_at = %(now)s
where import_id = %(import_id)s and rows_done = %(rows_done)s
returning import_id, file_name, rows_done, rows_accepted, started_at, updated_at, finished_at

-- name: finish_import
update imports set finished_at = %(now)s, updated_at = %(now)s
where import_id = %(import_id)s and rows_done = %(rows_done)s
returning import_id, file_name, rows_done, rows_accepted, started_at, updated_at, finished_at
