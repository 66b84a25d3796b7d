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

-- name: put_day
insert into reported_days (provider, day_start, reads, stable_reads, last_read_at, closed_at, reopened)
values (%(provider)s, %(start)s, %(reads)s, %(stable_reads)s, %(last_read_at)s, %(closed_at)s, %(reopened)s)
on conflict (provider, day_start) do update set
    reads = excluded.reads, stable_reads = excluded.stable_reads, last_read_at = excluded.last_read_at,
    closed_at = excluded.closed_at, reopened = excluded.reopened

-- name: our_usage
-- All customers' calls of a provider in a stretch of time, with what was added to their cost since, summed up in three
-- ways: the calls themselves; what they used, by unit; and what the price book made of that, by unit.
with calls as materialized (
    select c.model, c.project, c.api_key, c.quantities, coalesce(added.lines, c.lines) as lines,
           coalesce(c.cost + added.cost, c.cost, added.cost) as cost,
           case when c.cost_source = 'estimate' then 'guessed'
                when c.cost_source = 'none' and added.lines is null then 'open'
                when c.quantities is null then 'loose'
                else 'exact' end as kind
    from provider_calls c
    left join lateral (
        select sum(a.cost) as cost, (array_agg(a.lines) filter (where a.lines is not null))[1] as lines
        from provider_calls a
        where a.customer_id = c.customer_id and a.provider = c.provider and a.adjusts = c.call_id
    ) added on true
    where c.provider = %(provider)s and c.at >= %(start)s and c.at < %(end)s and c.adjusts is null
)
select 'calls' as what, model, project, api_key, kind, null as unit, count(*) as calls,
       coalesce(sum(cost) filter (where lines is not null), 0) as quantity, coalesce(sum(cost), 0) as cost
from calls group by model, project, api_key, kind
union all
select 'quantities', model, project, api_key, kind, used.key, 0, sum(used.value::numeric), 0
from calls cross join lateral jsonb_each_text(quantities) as used
where kind = 'exact'
group by model, project, api_key, kind, used.key
union all
select 'lines', model, project, api_key, kind, line ->> 'unit', 0, sum((line ->> 'quantity')::numeric),
       sum((line ->> 'quantity')::numeric * (line ->> 'amount')::numeric / (line ->> 'per')::numeric)
from calls cross join lateral jsonb_array_elements(lines) as line
where kind = 'exact'
group by model, project, api_key, kind, line ->> 'unit'

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
