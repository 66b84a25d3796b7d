-- name: lock_customers
-- Corrections of one customer follow one another: what an event has left can't be taken back twice. It isn't the
-- customer's row that is locked, because who changes the customer holds that while waiting for the batches under way.
select pg_advisory_xact_lock(1701867364, key)
from (select distinct hashtext(id::text) as key from unnest(%(customer_ids)s::uuid[]) as id order by key) as keys

-- name: open_totals
-- Creates the totals that don't exist, and locks those that do, all in key order: `where false` changes no row, but
-- the conflict has locked it.
insert into running_totals as old (customer_id, price_id, period_start, value)
select customer_id, price_id, period_start, 0
from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[])
  as wanted (customer_id, price_id, period_start)
on conflict (customer_id, price_id, period_start) do update set value = old.value where false

-- name: read_totals
select t.customer_id::text as customer_id, t.price_id::text as price_id, t.period_start, t.value, t.held, t.latest_at
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

-- name: verify_postings
-- Events are the sub-ledger of the postings: each side summed by customer, transaction, kind and unit.
with expected as (
    select e.customer_id, e.transaction_id, 'usage' as kind, s.unit, sum(e.charge) as amount
    from events e join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
    where e.charge > 0 group by 1, 2, 4
    union all
    select e.customer_id, e.transaction_id, 'usage_credit', s.unit, -sum(e.charge)
    from events e join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
    where e.charge < 0 group by 1, 2, 4
    union all
    select customer_id, transaction_id, 'provider_cost', null, sum(cost) from events where cost > 0 group by 1, 2
    union all
    select customer_id, transaction_id, 'provider_cost_credit', null, -sum(cost) from events where cost < 0 group by 1, 2
), booked as (
    select customer_id, transaction_id, kind, case when kind like 'usage%%' then unit end as unit, sum(amount) as amount
    from postings
    where kind in ('usage', 'usage_credit', 'provider_cost', 'provider_cost_credit')
    group by 1, 2, 3, 4
)
select coalesce(c.key, customer_id::text) as customer,
       'transaction ' || transaction_id || ', ' || kind || coalesce(' ' || unit, '') as place,
       coalesce(expected.amount::text, 'no events') as expected, coalesce(booked.amount::text, 'no posting') as found
from (select customer_id, transaction_id, kind, coalesce(unit, '') as u, unit, amount from expected) expected
full join (select customer_id, transaction_id, kind, coalesce(unit, '') as u, amount from booked) booked
  using (customer_id, transaction_id, kind, u)
left join customers c using (customer_id)
where expected.amount is distinct from booked.amount
limit %(limit)s

-- name: used_zones
-- The customers' zones, and the span of time that their events take up.
select timezone, (select min(time) from events) as first, (select max(time) from events) as last
from customers group by timezone order by timezone

-- name: verify_days
-- The zones' offsets come from clock.py: PostgreSQL brings zone data of its own, which may be older or newer.
with expected as (
    select e.customer_id, ((e.time + zone.utc_offset) at time zone 'UTC')::date as day, e.series_id,
           count(*) as events, sum(billed) as quantity, coalesce(sum(charge), 0) as charge,
           coalesce(sum(cost), 0) as cost, coalesce(sum(unpriced), 0) as unpriced,
           coalesce(sum(uncosted), 0) as uncosted, coalesce(sum(estimates), 0) as estimated,
           max(billed) as peak, (array_agg(billed order by time desc, billed desc))[1] as latest
    from events e
    join customers c on c.customer_id = e.customer_id
    join unnest(%(zone)s::text[], %(start)s::timestamptz[], %(end)s::timestamptz[], %(offset)s::interval[])
      as zone (name, start, "end", utc_offset)
      on zone.name = c.timezone and e.time >= zone.start and e.time < zone."end"
    group by 1, 2, 3
)
select coalesce(c.key, customer_id::text) as customer, 'day ' || day || ', series ' || series_id as place,
       concat_ws(' / ', e.events, e.quantity, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated,
                 case when u.peak is not null then e.peak end, case when u.latest is not null then e.latest end)
         as expected,
       concat_ws(' / ', u.events, u.quantity, u.charge, u.cost, u.unpriced, u.uncosted, u.estimated, u.peak, u.latest)
         as found
from expected e full join usage_days u using (customer_id, day, series_id)
left join customers c using (customer_id)
where (e.events, e.quantity, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated)
      is distinct from (u.events, u.quantity, u.charge, u.cost, u.unpriced, u.uncosted, u.estimated)
   or u.peak <> e.peak or u.latest <> e.latest
limit %(limit)s

-- name: verify_hours
-- A local hour starts at its full hour, or where the zone changed its offset within it (clock.local_slot).
with placed as (
    select e.*,
           greatest(date_trunc('hour', (e.time + zone.utc_offset) at time zone 'UTC') at time zone 'UTC'
                    - zone.utc_offset, zone.start) as hour
    from events e
    join customers c on c.customer_id = e.customer_id
    join unnest(%(zone)s::text[], %(start)s::timestamptz[], %(end)s::timestamptz[], %(offset)s::interval[])
      as zone (name, start, "end", utc_offset)
      on zone.name = c.timezone and e.time >= zone.start and e.time < zone."end"
), expected as (
    select customer_id, series_id,
           count(*) as events, sum(billed) as quantity, coalesce(sum(charge), 0) as charge,
           coalesce(sum(cost), 0) as cost, coalesce(sum(unpriced), 0) as unpriced,
           coalesce(sum(uncosted), 0) as uncosted, coalesce(sum(estimates), 0) as estimated,
           max(billed) as peak, (array_agg(billed order by time desc, billed desc))[1] as latest, hour
    from placed
    group by 1, 2, hour
)
select coalesce(c.key, customer_id::text) as customer, 'hour ' || hour || ', series ' || series_id as place,
       concat_ws(' / ', e.events, e.quantity, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated,
                 case when u.peak is not null then e.peak end, case when u.latest is not null then e.latest end)
         as expected,
       concat_ws(' / ', u.events, u.quantity, u.charge, u.cost, u.unpriced, u.uncosted, u.estimated, u.peak, u.latest)
         as found
from expected e full join usage_hours u using (customer_id, hour, series_id)
left join customers c using (customer_id)
where (e.events, e.quantity, e.charge, e.cost, e.unpriced, e.uncosted, e.estimated)
      is distinct from (u.events, u.quantity, u.charge, u.cost, u.unpriced, u.uncosted, u.estimated)
   or u.peak <> e.peak or u.latest <> e.latest
limit %(limit)s

-- name: verify_orphans
select * from (
    select e.customer_id::text as customer, 'event ' || e.event_id as place, 'a series' as expected, 'none' as found
    from events e left join series s on s.customer_id = e.customer_id and s.series_id = e.series_id
    where s.series_id is null
    union all
    select s.customer_id::text, 'series ' || s.series_id, 'a customer', 'none'
    from series s left join customers c on c.customer_id = s.customer_id where c.customer_id is null
    union all
    select p.customer_id::text, 'transaction ' || p.transaction_id, 'a customer', 'none'
    from postings p left join customers c on c.customer_id = p.customer_id
    where c.customer_id is null and p.customer_id <> %(house)s
    union all
    select e.customer_id::text, 'event ' || e.event_id, 'the price ' || e.price_id, 'none'
    from events e where e.price_id is not null and not exists (select from prices p where p.price_id = e.price_id)
    union all
    select e.customer_id::text, 'event ' || e.event_id, 'the event it corrects, ' || e.corrects, 'none'
    from events e left join events o on o.customer_id = e.customer_id and o.event_id = e.corrects
    where e.corrects is not null and o.event_id is null
    union all
    select h.customer_id::text, 'hour ' || h.hour, 'the series ' || h.series_id, 'none'
    from usage_hours h left join series s on s.customer_id = h.customer_id and s.series_id = h.series_id
    where s.series_id is null
    union all
    select d.customer_id::text, 'day ' || d.day, 'the series ' || d.series_id, 'none'
    from usage_days d left join series s on s.customer_id = d.customer_id and s.series_id = d.series_id
    where s.series_id is null
) orphans
limit %(limit)s

-- name: verify_figures
-- The console's copy of each customer's sums, where nothing was recorded since it was made; as in console/queries.sql.
with made as (
    select as_of from rounds where task = 'figures'
), expected as (
    select f.customer_id, coalesce(sum(u.events) filter (where u.day >= f.month), 0) as events,
           coalesce(sum(u.charge) filter (where u.day >= f.month and s.unit = c.currency), 0) as charge,
           coalesce(sum(u.charge) filter (where u.day < f.month and s.unit = c.currency), 0) as charged_earlier,
           coalesce(sum(u.cost) filter (where u.day >= f.month), 0) as cost,
           coalesce(sum(u.unpriced) filter (where u.day >= f.month), 0) as unpriced
    from customer_figures f
    join customers c on c.customer_id = f.customer_id
    left join usage_days u on u.customer_id = f.customer_id and u.day < f.month + interval '1 month'
    left join series s on s.customer_id = u.customer_id and s.series_id = u.series_id
    where f.customer_id not in (
        select e.customer_id from events e, made where e.recorded_at >= made.as_of - interval '1 minute')
    group by f.customer_id
)
select f.key as customer, 'figures of ' || f.month as place,
       concat_ws(' / ', e.events, e.charge, e.charged_earlier, e.cost, e.unpriced) as expected,
       concat_ws(' / ', f.events, f.charge, f.charged_earlier, f.cost, f.unpriced) as found
from expected e join customer_figures f using (customer_id)
where (e.events, e.charge, e.charged_earlier, e.cost, e.unpriced)
      is distinct from (f.events, f.charge, f.charged_earlier, f.cost, f.unpriced)
limit %(limit)s

-- name: verify_variance
-- What reconciliations say they have posted, beside the house's postings; and what each grain's revisions add up to.
select provider as customer, 'reconciliation ' || r.reconciliation_id as place, r.change::text as expected,
       coalesce(p.amount, 0)::text as found
from reconciliations r
left join (select transaction_id, sum(amount) as amount from entries
           where customer_id = %(house)s and account = 'variance' group by 1) p on p.transaction_id = r.reconciliation_id
where coalesce(p.amount, 0) <> r.change
union all
select 'the house', 'transaction ' || p.transaction_id, 'a reconciliation', 'none'
from postings p where p.customer_id = %(house)s
  and not exists (select from reconciliations r where r.reconciliation_id = p.transaction_id)
union all
select max(provider), 'grain ' || grain_id, (array_agg(booked order by revision desc))[1]::text, sum(change)::text
from reconciliations group by grain_id having (array_agg(booked order by revision desc))[1] <> sum(change)
limit %(limit)s

-- name: verify_totals
-- Each running total, beside what its events say. An event belongs to the last period that had begun at its time.
with summed as (
    select e.customer_id, e.price_id, period.period_start, sum(e.billed) as billed, sum(e.charge) as charge,
           count(*) filter (where e.charge is null) as unpriced
    from events e
    cross join lateral (
        select t.period_start from running_totals t
        where t.customer_id = e.customer_id and t.price_id = e.price_id and t.period_start <= e.time
        order by t.period_start desc limit 1
    ) period
    where e.running_after is not null
    group by 1, 2, 3
)
select coalesce(c.key, t.customer_id::text) as customer, t.price_id, t.period_start, t.value,
       coalesce(summed.billed, 0) as billed, coalesce(summed.charge, 0) as charge,
       coalesce(summed.unpriced, 0) as unpriced
from running_totals t
left join summed using (customer_id, price_id, period_start)
left join customers c on c.customer_id = t.customer_id

-- name: count_books
select (select count(*) from customers) as customers, (select count(*) from events) as events,
       (select count(*) from postings) as postings, (select count(*) from usage_days) as usage_days,
       (select count(*) from usage_hours) as usage_hours, (select count(*) from running_totals) as running_totals

-- name: wrote_before
-- A transaction gets its number with its first write, or the first row that it locks.
select pg_current_xact_id_if_assigned() is not null as written

-- name: lock_tills
-- The tills that exist among these customers', locked in key order.
select customer_id::text as customer_id, signature
from tills
where customer_id = any(%(customer_ids)s::uuid[])
order by customer_id
for update

-- name: open_tills
insert into tills (customer_id, opened_at)
select customer_id, %(now)s from unnest(%(customer_ids)s::uuid[]) as customer_id
order by customer_id
on conflict (customer_id) do nothing

-- name: whether_due
-- Whether a visit to the customer's till would find something to do; without a till there is no row.
select signature,
       exists (select from wallets where customer_id = %(customer_id)s and next_change_at <= %(now)s)
       or exists (select from holds
                  where customer_id = %(customer_id)s and ended_at is null and expires_at <= %(now)s) as due
from tills where customer_id = %(customer_id)s

-- name: sign_tills
update tills t set signature = new.signature
from unnest(%(customer_ids)s::uuid[], %(signature)s::uuid[]) as new (customer_id, signature)
where t.customer_id = new.customer_id

-- name: find_holds
select h.customer_id::text as customer_id, h.hold_id, h.state, h.fingerprint, h.meter, h.member, h.dimensions,
       h.quantity, h.event_amount, h.calls, h.metadata, h.unit, h.amount, h.from_wallet, h.from_ceiling, h.price_id,
       h.period_start, h.claimed, h.claims, h.on_expiry, h.created_at, h.created_by, h.expires_at, h.ended_at, h.ended_by,
       h.charged, h.events, h.note
from unnest(%(customer_id)s::uuid[], %(hold_id)s::text[]) as wanted (customer_id, hold_id)
join holds h on h.customer_id = wanted.customer_id and h.hold_id = wanted.hold_id

-- name: due_holds
-- Along holds_due, which holds little else than what is due and not yet swept.
select h.customer_id::text as customer_id, h.hold_id, h.state, h.fingerprint, h.meter, h.member, h.dimensions,
       h.quantity, h.event_amount, h.calls, h.metadata, h.unit, h.amount, h.from_wallet, h.from_ceiling, h.price_id,
       h.period_start, h.claimed, h.claims, h.on_expiry, h.created_at, h.created_by, h.expires_at, h.ended_at, h.ended_by,
       h.charged, h.events, h.note
from holds h
where h.customer_id = any(%(customer_ids)s::uuid[]) and h.ended_at is null and h.expires_at <= %(now)s
order by h.customer_id, h.hold_id

-- name: list_holds
select h.customer_id::text as customer_id, h.hold_id, h.state, h.fingerprint, h.meter, h.member, h.dimensions,
       h.quantity, h.event_amount, h.calls, h.metadata, h.unit, h.amount, h.from_wallet, h.from_ceiling, h.price_id,
       h.period_start, h.claimed, h.claims, h.on_expiry, h.created_at, h.created_by, h.expires_at, h.ended_at, h.ended_by,
       h.charged, h.events, h.note, c.key as customer
from holds h
join customers c on c.customer_id = h.customer_id
where (%(customer_id)s::uuid is null or h.customer_id = %(customer_id)s)
  and (%(states)s::text[] is null or h.state = any(%(states)s::text[]))
  and (%(before)s::timestamptz is null
       or (h.created_at, h.customer_id, h.hold_id)
          < (%(before)s::timestamptz, %(before_customer)s::uuid, %(before_id)s::text))
order by h.created_at desc, h.customer_id desc, h.hold_id desc
limit %(limit)s

-- name: list_open_holds
-- Of all customers, along holds_due: open ones are few, however many have ended.
select h.customer_id::text as customer_id, h.hold_id, h.state, h.fingerprint, h.meter, h.member, h.dimensions,
       h.quantity, h.event_amount, h.calls, h.metadata, h.unit, h.amount, h.from_wallet, h.from_ceiling, h.price_id,
       h.period_start, h.claimed, h.claims, h.on_expiry, h.created_at, h.created_by, h.expires_at, h.ended_at, h.ended_by,
       h.charged, h.events, h.note, c.key as customer
from holds h
join customers c on c.customer_id = h.customer_id
where h.ended_at is null and h.state = any(%(states)s::text[])
  and (%(before)s::timestamptz is null
       or (h.created_at, h.customer_id, h.hold_id)
          < (%(before)s::timestamptz, %(before_customer)s::uuid, %(before_id)s::text))
order by h.created_at desc, h.customer_id desc, h.hold_id desc
limit %(limit)s

-- name: write_holds
-- New ones, and what became of others: only how a hold stands and ends ever changes.
insert into holds (customer_id, hold_id, state, fingerprint, meter, member, dimensions, quantity, event_amount, calls,
                   metadata, unit, amount, from_wallet, from_ceiling, price_id, period_start, claimed, claims,
                   on_expiry, created_at, created_by, expires_at, ended_at, ended_by, charged, events, note)
select new.customer_id, h.hold_id, h.state, h.fingerprint, h.meter, h.member, h.dimensions, h.quantity, h.event_amount,
       h.calls, h.metadata, h.unit, h.amount, h.from_wallet, h.from_ceiling, h.price_id, h.period_start, h.claimed,
       h.claims, h.on_expiry, h.created_at, h.created_by, h.expires_at, h.ended_at, h.ended_by, h.charged, h.events, h.note
from unnest(%(customer_id)s::uuid[], %(hold)s::jsonb[]) as new (customer_id, hold)
cross join lateral jsonb_to_record(new.hold) as h (
    hold_id text, state text, fingerprint uuid, meter text, member text, dimensions jsonb, quantity numeric,
    event_amount numeric, calls jsonb, metadata jsonb, unit text, amount numeric, from_wallet numeric,
    from_ceiling numeric, price_id uuid, period_start timestamptz, claimed numeric, claims jsonb,
    on_expiry text, created_at timestamptz, created_by text, expires_at timestamptz, ended_at timestamptz, ended_by text,
    charged numeric, events text[], note text
)
on conflict (customer_id, hold_id) do update set
    state = excluded.state, claims = excluded.claims, expires_at = excluded.expires_at, ended_at = excluded.ended_at,
    ended_by = excluded.ended_by, charged = excluded.charged, events = excluded.events, note = excluded.note

-- name: has_open_holds
select exists (select from holds where customer_id = %(customer_id)s and ended_at is null)

-- name: held_now
-- What open holds are expected to come to, whoever pays; along holds_open.
select unit, count(*)::int as holds, coalesce(sum(amount), 0) as amount
from holds
where customer_id = %(customer_id)s and ended_at is null
group by unit
order by unit

-- name: held_at
select unit, count(*)::int as holds, coalesce(sum(from_wallet), 0) as amount
from holds
where customer_id = %(customer_id)s and created_at <= %(at)s and (ended_at is null or ended_at > %(at)s)
group by unit
order by unit

-- name: hold_totals
-- What the batch's holds claim of running totals, or no longer claim.
update running_totals t set held = t.held + new.change
from unnest(%(customer_id)s::uuid[], %(price_id)s::uuid[], %(period_start)s::timestamptz[], %(change)s::numeric[])
  as new (customer_id, price_id, period_start, change)
where t.customer_id = new.customer_id and t.price_id = new.price_id and t.period_start = new.period_start

-- name: due_customers
-- Customers with holds whose time is over, besides those given.
select c.customer_id::text as customer_id, c.key as customer
from customers c
join (select customer_id from (select customer_id from holds
                               where ended_at is null and expires_at <= %(now)s
                               order by expires_at limit %(limit)s) due
      union
      select unnest(%(customer_ids)s::uuid[])) wanted on wanted.customer_id = c.customer_id
order by c.key

-- name: signatures
select customer_id::text, signature from tills where customer_id = any(%(customer_ids)s::uuid[])

-- name: verify_holds
-- What open holds say they keep, beside what wallets, running totals and counters say is kept of them.
with kept as (
    select * from holds where ended_at is null
), expected as (
    select customer_id, 'wallet ' || unit || ', held' as place, sum(from_wallet) as amount from kept group by 1, 2
    union all
    select customer_id, 'wallet ' || unit || ', owed_held', sum(from_ceiling) from kept group by 1, 2
    union all
    select customer_id, 'total ' || price_id || ' from ' || period_start, sum(claimed)
    from kept where period_start is not null group by 1, 2
    union all
    select customer_id, 'counter ' || (claim ->> 'counter_id') || ' of ' || quote_literal(claim ->> 'member') || ' from '
           || (claim ->> 'window_start')::timestamptz, sum((claim ->> 'amount')::numeric)
    from kept cross join lateral jsonb_array_elements(claims) as claim group by 1, 2
), found as (
    select customer_id, 'wallet ' || unit || ', held' as place, held as amount from wallets
    union all
    select customer_id, 'wallet ' || unit || ', owed_held', owed_held from wallets
    union all
    select customer_id, 'total ' || price_id || ' from ' || period_start, held from running_totals
    union all
    select customer_id, 'counter ' || counter_id || ' of ' || quote_literal(member) || ' from ' || window_start, held
    from limit_counters
)
select coalesce(c.key, customer_id::text) as customer, place,
       coalesce(expected.amount, 0)::text as expected, coalesce(found.amount, 0)::text as found
from expected full join found using (customer_id, place)
left join customers c using (customer_id)
where coalesce(expected.amount, 0) <> coalesce(found.amount, 0)
limit %(limit)s
