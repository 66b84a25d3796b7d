-- Each query reads one source of usage in the pieces [from, to) of time, and sorts its rows into windows: `starts` are the
-- windows' beginnings in ascending order, and `width_bucket` gives the number of the window, counted from 1; `slots` are
-- their numbers where not all are told. So windows of any zone, across any change of daylight-saving time, are one query.
-- What a series is called is looked at where it's used: a customer may have many series, and few of them in the range. A
-- gauge's latest value is the largest of (time, value): an aggregate with an order of its own would sort all rows. Where
-- nothing that is asked for is `gauged`, neither that nor the peak is looked for.
-- `offset 0` keeps the order: the pieces, their rows along the index, each row's series along its key. A plan that's made
-- for any customer takes all for small, and would read the rows of a large one anew for each of its series: for minutes.

-- name: usage_from_days
-- The pieces are cut into whole months and days that are in digests, and the rest. Days with late usage, and their months,
-- are among the rest until they're summed up anew.
with asked as (
    select range_agg(daterange(piece.start, piece."end")) as days,
           coalesce(range_agg(daterange(m.first, m.after)) filter (where m.first < m.after and %(whole_months)s), '{}') as months
    from unnest(%(from)s::date[], %(to)s::date[]) as piece (start, "end")
    cross join lateral (
        select date_trunc('month', piece.start + interval '1 month - 1 day')::date as first,
               date_trunc('month', piece."end"::timestamp)::date as after
    ) m
), late as (
    select coalesce(range_agg(daterange(day, day + 1)), '{}') as days,
           coalesce(range_agg(daterange(m.first, (m.first + interval '1 month')::date)), '{}') as months
    from late_days
    cross join lateral (select date_trunc('month', day::timestamp)::date as first) m
    where customer_id = %(customer_id)s
), months as (
    select coalesce((select (d.spans - late.months) * asked.months from digest_spans d
                     where d.customer_id = %(customer_id)s and d.dimension = %(digest)s::text and d.grain = 'month'),
                    '{}') as spans
    from asked, late
), days as (
    select coalesce((select (d.spans - late.days) * (asked.days - months.spans) from digest_spans d
                     where d.customer_id = %(customer_id)s and d.dimension = %(digest)s::text and d.grain = 'day'),
                    '{}') as spans
    from asked, late, months
), digested as (
    select 'month' as grain, unnest(spans) as span from months
    union all
    select 'day', unnest(spans) from days
)
select width_bucket(u.start, %(starts)s::date[]) as slot, u.meter, u.unit, u.labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) filter (where %(gauged)s) as peak,
       (max(array[extract(epoch from u.latest_at), u.latest]) filter (where %(gauged)s and u.latest_at is not null))[2] as latest,
       max(u.latest_at) filter (where %(gauged)s) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost, sum(u.unpriced)::bigint as unpriced,
       sum(u.uncosted)::bigint as uncosted, sum(u.estimated)::bigint as estimated
from (
    select r.start, r.meter, nullif(r.unit, '') as unit,
           case when cardinality(%(group_by)s::text[]) = 0 then '{}' else r.labels end as labels,
           r.events, r.quantity, r.peak, r.latest, r.latest_at, r.charge, r.cost, r.unpriced, r.uncosted, r.estimated
    from digested
    cross join lateral (
        select * from digest_rows
        where customer_id = %(customer_id)s and dimension = %(digest)s::text and grain = digested.grain
          and start >= lower(digested.span) and start < upper(digested.span) offset 0
    ) r
    where (%(meter)s::text is null or r.meter = %(meter)s)
      and (%(label)s::text is null or r.labels[1] = %(label)s)
    union all
    select u.day, s.meter, s.unit,
           case cardinality(%(group_by)s::text[]) when 0 then array[]::text[]
               when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
               else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                          from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) end,
           u.events, u.quantity, u.peak, u.latest, u.latest_at, u.charge, u.cost, u.unpriced, u.uncosted, u.estimated
    from asked, months, days, unnest(asked.days - months.spans - days.spans) as rest (span)
    cross join lateral (
        select * from usage_days
        where customer_id = %(customer_id)s and day >= lower(rest.span) and day < upper(rest.span) offset 0
    ) u
    cross join lateral (
        select meter, unit, member, dimensions from series
        where customer_id = %(customer_id)s and series_id = u.series_id offset 0
    ) s
    where (%(meter)s::text is null or s.meter = %(meter)s)
      and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
) u
group by 1, 2, 3, 4

-- name: usage_from_hours
select (%(slots)s::int[])[width_bucket(u.hour, %(starts)s::timestamptz[])] as slot, s.meter, s.unit,
       case cardinality(%(group_by)s::text[]) when 0 then array[]::text[]
           when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
           else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                      from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) end as labels,
       sum(u.events)::bigint as events, sum(u.quantity) as quantity, max(u.peak) filter (where %(gauged)s) as peak,
       (max(array[extract(epoch from u.latest_at), u.latest]) filter (where %(gauged)s and u.latest_at is not null))[2] as latest,
       max(u.latest_at) filter (where %(gauged)s) as latest_at, sum(u.charge) as charge, sum(u.cost) as cost, sum(u.unpriced)::bigint as unpriced,
       sum(u.uncosted)::bigint as uncosted, sum(u.estimated)::bigint as estimated
from unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
cross join lateral (
    select * from usage_hours
    where customer_id = %(customer_id)s and hour >= piece.start and hour < piece."end" offset 0
) u
cross join lateral (
    select meter, unit, member, dimensions from series
    where customer_id = %(customer_id)s and series_id = u.series_id offset 0
) s
where (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
group by 1, 2, 3, 4

-- name: usage_from_events
-- For ragged edges of less than an hour, and for zones whose hours begin elsewhere.
select (%(slots)s::int[])[width_bucket(e.time, %(starts)s::timestamptz[])] as slot, s.meter, s.unit,
       case cardinality(%(group_by)s::text[]) when 0 then array[]::text[]
           when 1 then array[case %(first)s when 'member' then s.member else s.dimensions ->> %(first)s end]
           else array(select case g.label when 'member' then s.member else s.dimensions ->> g.label end
                      from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) end as labels,
       count(*) as events, sum(e.billed) as quantity, max(e.billed) filter (where %(gauged)s) as peak,
       (max(array[extract(epoch from e.time), e.billed]) filter (where %(gauged)s))[2] as latest,
       max(e.time) filter (where %(gauged)s) as latest_at,
       coalesce(sum(e.charge), 0) as charge, coalesce(sum(e.cost), 0) as cost,
       coalesce(sum(e.unpriced), 0)::bigint as unpriced,
       coalesce(sum(e.uncosted), 0)::bigint as uncosted, coalesce(sum(e.estimates), 0)::bigint as estimated
from unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) as piece (start, "end")
cross join lateral (
    select * from events
    where customer_id = %(customer_id)s and time >= piece.start and time < piece."end" offset 0
) e
cross join lateral (
    select meter, unit, member, dimensions from series
    where customer_id = %(customer_id)s and series_id = e.series_id offset 0
) s
where (%(meter)s::text is null or s.meter = %(meter)s)
  and (%(filter)s::jsonb = '{}' or (s.dimensions || jsonb_build_object('member', s.member)) @> %(filter)s)
group by 1, 2, 3, 4

-- name: unique_from_events
-- Distinct values can't be added up from rollups; they are counted from the events themselves.
select width_bucket(e.time, %(starts)s::timestamptz[]) as slot, s.unit,
       array(select s.marks ->> label from unnest(%(group_by)s::text[]) with ordinality as g (label, n) order by n) as labels,
       count(distinct coalesce(s.marks ->> %(unique_by)s, e.metadata ->> %(unique_by)s)) as quantity
from (
    select series_id, time, metadata from events
    where customer_id = %(customer_id)s and time >= %(start)s and time < %(end)s offset 0
) e
cross join lateral (
    select meter, unit, dimensions || jsonb_build_object('member', member) as marks from series
    where customer_id = %(customer_id)s and series_id = e.series_id offset 0
) s
where s.meter = %(meter)s and s.marks @> %(filter)s
group by 1, 2, 3

-- name: has_dimension
-- Whether the customer has usage, of the meter if one is given, that bears the dimension; along the primary key.
select exists (
    select from series where customer_id = %(customer_id)s and (%(meter)s::text is null or meter = %(meter)s)
      and dimensions ? %(name)s)

-- name: paid_from_wallets
-- What the customer's grants have paid of its charges.
select unit, sum(spent) as amount
from grants
where customer_id = %(customer_id)s
group by unit

-- name: accounts_at
-- As `ledger.balances`, as the postings had it at an instant.
select account, unit, sum(amount) as balance
from entries
where customer_id = %(customer_id)s and booked_at <= %(at)s
group by account, unit
order by account, unit

-- name: statement
-- Postings from the customer's side, newest first. Usage is posted as owed in full, and what the wallet pays of it as a
-- posting of its own; here the second says what usage took of the wallet, and the first only what stayed owed, if anything.
-- What is given back is told likewise.
select p.transaction_id, p.line, p.kind, p.unit, moved.wallet, moved.owed, p.booked_at,
       coalesce(charge.service_from, p.service_from) as service_from,
       coalesce(charge.service_to, p.service_to) as service_to, p.events,
       coalesce(charge.events, p.events) as charged_events, payment.amount is not null as is_rest
from postings p
left join lateral (
    select amount from postings where customer_id = p.customer_id and transaction_id = p.transaction_id and unit = p.unit
      and kind = case p.kind when 'usage' then 'grant_spent' when 'usage_credit' then 'grant_returned' end
) payment on true
left join lateral (
    select service_from, service_to, events from postings
    where customer_id = p.customer_id and transaction_id = p.transaction_id and unit = p.unit
      and kind = case p.kind when 'grant_spent' then 'usage' when 'grant_returned' then 'usage_credit' end
) charge on true
cross join lateral (
    -- A wallet is what the operator owes: a credit raises it, as a debit raises what the customer owes.
    select case 'wallet' when p.credit then p.amount when p.debit then -p.amount else 0 end as wallet,
           case 'receivable' when p.debit then 1 when p.credit then -1 else 0 end
             * case when charge.events is null then p.amount - coalesce(payment.amount, 0) else 0 end as owed
) moved
where p.customer_id = %(customer_id)s
  and (%(before_transaction)s::uuid is null
       or (p.transaction_id, p.line) < (%(before_transaction)s::uuid, %(before_line)s::smallint))
  and p.kind = any(%(kinds)s::text[]) and (payment.amount is null or payment.amount <> p.amount)
order by p.transaction_id desc, p.line desc
limit %(limit)s

-- name: references
-- What lines are about: of grants, made and taken back at the moment of booking, the operator's reference; of the usage
-- of one event its id, found along events_by_time.
select p.number::int as number, coalesce(g.reference, e.event_id) as reference
from unnest(%(kind)s::text[], %(transaction_id)s::uuid[], %(unit)s::text[], %(booked_at)s::timestamptz[],
            %(at)s::timestamptz[]) with ordinality as p (kind, transaction_id, unit, booked_at, at, number)
left join lateral (select min(reference) as reference from grants where customer_id = %(customer_id)s and unit = p.unit
    and (p.kind in ('grant_paid', 'grant_given') and created_at = p.booked_at
         or p.kind in ('grant_voided', 'grant_refunded') and voided_at = p.booked_at)) g on p.kind like 'grant_%%'
left join lateral (select event_id from events join series using (customer_id, series_id)
    where customer_id = %(customer_id)s and time = p.at and transaction_id = p.transaction_id and series.unit = p.unit
    and case when p.kind in ('usage', 'grant_spent') then charge > 0 else charge < 0 end limit 1) e
  on p.kind in ('usage', 'usage_credit', 'grant_spent', 'grant_returned')
where coalesce(g.reference, e.event_id) is not null

-- name: facets
-- Each stops at the first row; members that were never declared are looked for among the series.
select exists (select from provider_calls where customer_id = %(customer_id)s) as calls,
       exists (select from members where customer_id = %(customer_id)s)
       or exists (select from series where customer_id = %(customer_id)s and member is not null) as members
