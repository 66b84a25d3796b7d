-- name: post_charges
-- The accounts and kinds are those of ledger/model.py; a test holds the two together.
with batch as materialized (
    select * from unnest(%(customer_id)s::uuid[], %(unit)s::text[], %(charge)s::numeric[], %(cost)s::numeric[],
                         %(time)s::timestamptz[])
      as new (customer_id, unit, charge, cost, time)
), lines as (
    select customer_id, time, unit, abs(charge) as amount,
           case when charge > 0 then 'usage' else 'usage_credit' end as kind
    from batch where charge <> 0
    union all
    select customer_id, time, %(cost_unit)s, abs(cost),
           case when cost > 0 then 'provider_cost' else 'provider_cost_credit' end
    from batch where cost <> 0
)
insert into postings (customer_id, transaction_id, line, kind, debit, credit, unit, amount, booked_at, booked_by,
                      service_from, service_to, events)
select customer_id, %(transaction_id)s, row_number() over (partition by customer_id order by kind, unit) - 1, kind,
       case kind when 'usage' then 'receivable' when 'usage_credit' then 'revenue'
                 when 'provider_cost' then 'provider_cost' else 'provider_payable' end,
       case kind when 'usage' then 'revenue' when 'usage_credit' then 'receivable'
                 when 'provider_cost' then 'provider_payable' else 'provider_cost' end,
       unit, sum(amount), %(booked_at)s, %(booked_by)s, min(time), max(time), count(*)
from lines
group by customer_id, kind, unit

-- name: post
insert into postings (customer_id, transaction_id, line, kind, debit, credit, unit, amount, booked_at, booked_by,
                      service_from, service_to, events)
select customer_id, %(transaction_id)s, line, kind, debit, credit, unit, amount, %(booked_at)s, %(booked_by)s,
       service_from, service_to, events
from unnest(%(customer_id)s::uuid[], %(line)s::smallint[], %(kind)s::text[], %(debit)s::text[], %(credit)s::text[],
            %(unit)s::text[], %(amount)s::numeric[], %(service_from)s::timestamptz[], %(service_to)s::timestamptz[],
            %(events)s::integer[])
  as new (customer_id, line, kind, debit, credit, unit, amount, service_from, service_to, events)

-- name: list_postings
-- Newest first; transaction ids are UUIDv7, so they sort by the time of booking.
select transaction_id, line, kind, debit, credit, unit, amount, booked_at, booked_by, service_from, service_to,
       events
from postings
where customer_id = %(customer_id)s
  and (%(before_transaction)s::uuid is null
       or (transaction_id, line) < (%(before_transaction)s::uuid, %(before_line)s::smallint))
  and (%(kinds)s::text[] is null or kind = any(%(kinds)s))
order by transaction_id desc, line desc
limit %(limit)s

-- name: get_transaction
select transaction_id, line, kind, debit, credit, unit, amount, booked_at, booked_by, service_from, service_to,
       events
from postings
where customer_id = %(customer_id)s and transaction_id = %(transaction_id)s
order by line

-- name: balances
select account, unit, sum(amount) as balance
from entries
where customer_id = %(customer_id)s
group by account, unit
order by account, unit

-- name: receivables
-- What customers owe, summed from all their postings: asked once, when a credit ceiling begins to count.
select customer_id::text as customer_id, unit, sum(amount) as balance
from entries
where customer_id = any(%(customer_ids)s::uuid[]) and account = 'receivable'
group by customer_id, unit

-- name: unbalanced_units
-- The two sides of each posting, summed independently of each other.
select unit, sum(amount) as difference from entries group by unit having sum(amount) <> 0 order by unit
