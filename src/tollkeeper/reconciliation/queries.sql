-- name: lock_provider
-- What one run keeps, compares and books of a provider, another one finds, and books nothing twice.
select pg_advisory_xact_lock(1701867365, hashtext(%(provider)s))

-- name: latest_reports
-- The rows of all buckets that lie within a stretch of time, each as it was last read.
select distinct on (report_id) report_id, revision, kind, provider, bucket_start, bucket_end, project, api_key, model,
       endpoint, batch, service_tier, line_item, requests, quantities, unit, quantity, amount, currency
from provider_reports
where provider = %(provider)s and kind = %(kind)s
  and bucket_start >= %(start)s and bucket_start < %(end)s and bucket_end - bucket_start = %(width)s
order by report_id, revision desc

-- name: insert_reports
insert into provider_reports (report_id, revision, kind, provider, bucket_start, bucket_end, project, api_key, model,
                              endpoint, batch, service_tier, line_item, requests, quantities, unit, quantity, amount,
                              currency, read_at)
select new.report_id, new.revision, r.kind, r.provider, r.bucket_start, r.bucket_end, r.project, r.api_key, r.model,
       r.endpoint, r.batch, r.service_tier, r.line_item, r.requests, r.quantities, r.unit, r.quantity, r.amount,
       r.currency, %(read_at)s
from unnest(%(report_id)s::uuid[], %(revision)s::integer[], %(row)s::jsonb[]) as new (report_id, revision, "row")
cross join lateral jsonb_to_record(new."row") as r (
    kind text, provider text, bucket_start timestamptz, bucket_end timestamptz, project text, api_key text, model text,
    endpoint text, batch boolean, service_tier text, line_item text, requests bigint, quantities jsonb, unit text,
    quantity numeric, amount numeric, currency text
)

-- name: find_days
select provider, day_start as start, reads, stable_reads, last_read_at, closed_at, reopened
from reported_days
where provider = %(provider)s and day_start >= %(start)s and day_start < %(end)s
order by day_start

-- name: last_read
select max(last_read_at) from reported_days where provider = %(provider)s

-- name: outdate_days
-- Note the days that were read and have calls that changed since an instant: new ones, and those of events of which
-- something was recorded, since what isn't booked yet of a call depends on the others of its event.
with changed as (
    select distinct c.customer_id, coalesce(e.corrects, e.event_id) as event_id
    from provider_calls c
    join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
    where c.recorded_at >= %(since)s
), days as (
    select distinct date_trunc('day', c.at, 'UTC') as day_start
    from changed
    join events e on e.customer_id = changed.customer_id
                 and (e.event_id = changed.event_id or e.corrects = changed.event_id)
    join provider_calls c on c.customer_id = e.customer_id and c.event_id = e.event_id
    where c.provider = %(provider)s
)
update reported_days d set outdated = true
from days
where d.provider = %(provider)s and d.day_start = days.day_start

-- name: outdated_days
select day_start from reported_days where provider = %(provider)s and outdated order by day_start

-- name: compared_day
update reported_days set outdated = false where provider = %(provider)s and day_start = %(start)s and outdated

-- name: put_day
insert into reported_days (provider, day_start, reads, stable_reads, last_read_at, closed_at, reopened)
values (%(provider)s, %(start)s, %(reads)s, %(stable_reads)s, %(last_read_at)s, %(closed_at)s, %(reopened)s)
on conflict (provider, day_start) do update set
    reads = excluded.reads, stable_reads = excluded.stable_reads, last_read_at = excluded.last_read_at,
    closed_at = excluded.closed_at, reopened = excluded.reopened

-- name: our_usage
-- All customers' calls of a provider in a stretch of time, with what was added to their cost since, summed up in four
-- ways: the calls themselves; what they used, by unit; what the price book made of that, by unit; and how much of their
-- cost isn't booked yet, because their event's cost is unknown while another call of it is unpriced.
with calls as materialized (
    select c.model, c.project, c.api_key, c.quantities, coalesce(added.lines, c.lines) as lines,
           coalesce(c.cost + added.cost, c.cost, added.cost) as cost, coalesce(added.rate, c.rate, 1) as rate,
           case when c.cost <> 0 and c.cost + added.cost = 0 then 'gone'
                when c.cost_source = 'estimate' then 'guessed'
                when c.cost_source = 'none' and added.lines is null then 'open'
                when c.quantities is null then 'loose'
                else 'exact' end as kind
    from provider_calls c
    left join lateral (
        select sum(a.cost) as cost, (array_agg(a.lines) filter (where a.lines is not null))[1] as lines,
               max(a.rate) as rate
        from provider_calls a
        where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id
    ) added on true
    where c.provider = %(provider)s and c.at >= %(start)s and c.at < %(end)s and c.adjusts is null
), unknown as materialized (
    -- Events with an open call, and the last time that what they cost was known, and booked.
    select family.*, (select b.transaction_id from events b
                      where b.customer_id = family.customer_id and (b.event_id = family.event_id or b.corrects = family.event_id)
                        and b.cost is not null
                      order by b.transaction_id desc limit 1) as booked
    from (select distinct c.customer_id, coalesce(e.corrects, e.event_id) as event_id
          from provider_calls c
          join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
          where c.cost is null and not exists (
              select from provider_calls a
              where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id)) family
)
select 'calls' as what, model, project, api_key, kind, null as unit, count(*) as calls,
       coalesce(sum(cost) filter (where lines is not null), 0) as quantity, coalesce(sum(cost), 0) as cost
from calls where kind <> 'gone' group by model, project, api_key, kind
union all
select 'quantities', model, project, api_key, kind, used.key, 0, sum(used.value::numeric), 0
from calls cross join lateral jsonb_each_text(quantities) as used
where kind = 'exact'
group by model, project, api_key, kind, used.key
union all
select 'lines', model, project, api_key, kind, line ->> 'unit', 0, sum((line ->> 'quantity')::numeric),
       sum(rate * (line ->> 'quantity')::numeric * (line ->> 'amount')::numeric / (line ->> 'per')::numeric)
from calls cross join lateral jsonb_array_elements(lines) as line
where kind = 'exact'
group by model, project, api_key, kind, line ->> 'unit'
union all
select 'waiting', c.model, c.project, c.api_key, 'exact', null, 0, 0, sum(told.cost)
from unknown
join events e on e.customer_id = unknown.customer_id and (e.event_id = unknown.event_id or e.corrects = unknown.event_id)
join provider_calls told on told.customer_id = e.customer_id and told.event_id = e.event_id
join provider_calls c on c.customer_id = told.customer_id and c.provider = told.provider
                     and c.call_id = coalesce(told.adjusts, told.call_id)
where told.cost is not null and (unknown.booked is null or told.transaction_id > unknown.booked)
  and c.provider = %(provider)s and c.at >= %(start)s and c.at < %(end)s
group by c.model, c.project, c.api_key

-- name: latest_reconciliations
-- The newest revision of each grain of a provider whose bucket begins in a stretch of time.
select distinct on (grain_id) reconciliation_id, grain_id, revision, provider, bucket_start as start,
       bucket_end as "end", model, project, api_key, our_requests, vague_requests, their_requests, units, our_cost,
       their_money, unit, finding, difference, parts, booked, change, compared_at, compared_by
from reconciliations
where provider = %(provider)s and bucket_start >= %(start)s and bucket_start < %(end)s
order by grain_id, revision desc

-- name: insert_reconciliations
insert into reconciliations (reconciliation_id, grain_id, revision, provider, bucket_start, bucket_end, model, project,
                             api_key, our_requests, vague_requests, their_requests, units, our_cost, their_money, unit,
                             finding, difference, parts, booked, change, compared_at, compared_by)
select r.reconciliation_id, r.grain_id, r.revision, r.provider, r.start, r."end", r.model, r.project, r.api_key,
       r.our_requests, r.vague_requests, r.their_requests, r.units, r.our_cost, r.their_money, r.unit, r.finding,
       r.difference, r.parts, r.booked, r.change, r.compared_at, r.compared_by
from unnest(%(rows)s::jsonb[]) as new ("row")
cross join lateral jsonb_to_record(new."row") as r (
    reconciliation_id uuid, grain_id uuid, revision integer, provider text, start timestamptz, "end" timestamptz,
    model text, project text, api_key text, our_requests bigint, vague_requests bigint, their_requests bigint,
    units jsonb, our_cost numeric, their_money numeric, unit text, finding text, difference numeric, parts jsonb,
    booked numeric, change numeric, compared_at timestamptz, compared_by text
)

-- name: list_reconciliations
-- Newest buckets first; only the newest revision of each grain, unless all are asked for.
select reconciliation_id, grain_id, revision, provider, bucket_start as start, bucket_end as "end", model, project,
       api_key, our_requests, vague_requests, their_requests, units, our_cost, their_money, unit, finding, difference,
       parts, booked, change, compared_at, compared_by
from reconciliations r
where (%(provider)s::text is null or provider = %(provider)s)
  and bucket_start >= %(start)s and bucket_start < %(end)s
  and (%(finding)s::text is null or finding = %(finding)s)
  and (%(model)s::text is null or model = %(model)s)
  and (%(project)s::text is null or project = %(project)s)
  and (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(revisions)s or not exists (
      select from reconciliations later where later.grain_id = r.grain_id and later.revision > r.revision))
  and (%(before)s::timestamptz is null or (bucket_start, reconciliation_id) < (%(before)s::timestamptz, %(before_id)s::uuid))
order by bucket_start desc, reconciliation_id desc
limit %(limit)s

-- name: booked_totals
-- What all revisions of the grains that begin in [start, end) have posted; of all time where they are null.
select provider, unit, count(distinct grain_id) as grains, sum(change) as booked
from reconciliations
where (%(provider)s::text is null or provider = %(provider)s)
  and (%(start)s::timestamptz is null or bucket_start >= %(start)s)
  and (%(end)s::timestamptz is null or bucket_start < %(end)s)
group by provider, unit
order by provider, unit

-- name: get_reconciliation
select reconciliation_id, grain_id, revision, provider, bucket_start as start, bucket_end as "end", model, project,
       api_key, our_requests, vague_requests, their_requests, units, our_cost, their_money, unit, finding, difference,
       parts, booked, change, compared_at, compared_by
from reconciliations
where reconciliation_id = %(reconciliation_id)s

-- name: revisions_of
select reconciliation_id, grain_id, revision, provider, bucket_start as start, bucket_end as "end", model, project,
       api_key, our_requests, vague_requests, their_requests, units, our_cost, their_money, unit, finding, difference,
       parts, booked, change, compared_at, compared_by
from reconciliations
where grain_id = %(grain_id)s
order by revision

-- name: calls_in
-- The single calls of a bucket, of some kinds (as in our_usage), each with the event that a true-up corrects.
select * from (
    select c.customer_id::text as customer_id, k.key as customer, coalesce(e.corrects, e.event_id) as event_id,
           c.call_id, c.model, c.project, c.api_key, e.billed,
           coalesce((select sum(used.value::numeric) from jsonb_each_text(c.quantities) as used), 0) as tokens,
           c.cost as first_cost, coalesce(c.cost + added.cost, c.cost, added.cost, 0) as cost,
           case when c.cost_source = 'estimate' then 'guessed'
                when c.cost_source = 'none' and added.lines is null then 'open'
                when c.quantities is null then 'loose'
                else 'exact' end as kind
    from provider_calls c
    join customers k on k.customer_id = c.customer_id
    join events e on e.customer_id = c.customer_id and e.event_id = c.event_id
    left join lateral (
        select sum(a.cost) as cost, (array_agg(a.lines) filter (where a.lines is not null))[1] as lines
        from provider_calls a
        where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id
    ) added on true
    where c.provider = %(provider)s and c.at >= %(start)s and c.at < %(end)s and c.adjusts is null
) calls
where kind = any(%(kinds)s::text[]) and (first_cost is null or cost <> 0)
order by customer_id, event_id, call_id

-- name: known_minutes
-- How much our known calls used in each minute.
select date_trunc('minute', c.at) as minute, c.model, c.project, c.api_key, count(*) as calls,
       coalesce(sum(used.tokens), 0) as tokens
from provider_calls c
cross join lateral (select sum(u.value::numeric) as tokens from jsonb_each_text(c.quantities) as u
                    where u.key like '%%tokens') used
where c.provider = %(provider)s and c.at >= %(start)s and c.at < %(end)s and c.adjusts is null
  and c.quantities is not null and c.cost_source in ('response', 'provider_report')
group by 1, 2, 3, 4

-- name: silent_events
-- Events that told of no call, nor did a later correction, and that weren't taken back.
select e.customer_id::text as customer_id, k.key as customer, e.event_id, s.meter,
       e.billed + coalesce(c.billed, 0) as billed
from series s
join customers k on k.customer_id = s.customer_id
join events e on e.customer_id = s.customer_id and e.series_id = s.series_id
left join lateral (
    select sum(later.billed) as billed,
           bool_or(later.calls is not null and later.event_id not like %(own)s) as told
    from events later where later.customer_id = e.customer_id and later.corrects = e.event_id
) c on true
where s.meter = any(%(meters)s::text[]) and e.time >= %(start)s and e.time < %(end)s
  and e.corrects is null and e.calls is null and not coalesce(c.told, false)
  and e.billed + coalesce(c.billed, 0) > 0
order by e.customer_id, e.event_id

-- name: shares_of
-- What these grains have given so far, and whether it went to calls that the price book has priced.
select grain_id, customer_id::text as customer_id, (select key from customers k where k.customer_id = s.customer_id)
         as customer, event_id, call_id, reason, sum(amount) as amount, max(revision) as revision,
       exists (select from provider_calls c
               where c.customer_id = s.customer_id and c.provider = s.provider and c.lines is not null
                 and (c.call_id = s.call_id or c.adjusts = s.call_id)) as priced
from cost_shares s
where grain_id = any(%(grain_ids)s::uuid[])
group by grain_id, customer_id, provider, event_id, call_id, reason

-- name: insert_shares
insert into cost_shares (customer_id, grain_id, provider, event_id, call_id, revision, reason, amount, true_up_id,
                         shared_at)
select customer_id, grain_id, %(provider)s, event_id, call_id, revision, reason, amount, true_up_id, %(now)s
from unnest(%(customer_id)s::uuid[], %(grain_id)s::uuid[], %(event_id)s::text[], %(call_id)s::text[],
            %(revision)s::integer[], %(reason)s::text[], %(amount)s::numeric[], %(true_up_id)s::text[])
  as new (customer_id, grain_id, event_id, call_id, revision, reason, amount, true_up_id)
