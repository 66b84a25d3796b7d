-- name: insert_postings
insert into postings (customer_id, transaction_id, line, kind, debit, credit, unit, amount, booked_at, service_from,
                      service_to, events)
select customer_id, %(transaction_id)s, line, kind, debit, credit, unit, amount, %(booked_at)s, service_from,
       service_to, events
from unnest(%(customer_id)s::uuid[], %(line)s::smallint[], %(kind)s::text[], %(debit)s::text[], %(credit)s::text[],
            %(unit)s::text[], %(amount)s::numeric[], %(service_from)s::timestamptz[], %(service_to)s::timestamptz[],
            %(events)s::integer[])
  as new (customer_id, line, kind, debit, credit, unit, amount, service_from, service_to, events)

-- name: list_postings
-- Newest first; transaction ids are UUIDv7, so they sort by the time of booking.
select transaction_id, line, kind, debit, credit, unit, amount, booked_at, service_from, service_to, events
from postings
where customer_id = %(customer_id)s
  and (%(before_transaction)s::uuid is null
       or (transaction_id, line) < (%(before_transaction)s::uuid, %(before_line)s::smallint))
  and (%(kind)s::text is null or kind = %(kind)s)
order by transaction_id desc, line desc
limit %(limit)s

-- name: get_transaction
select transaction_id, line, kind, debit, credit, unit, amount, booked_at, service_from, service_to, events
from postings
where customer_id = %(customer_id)s and transaction_id = %(transaction_id)s
order by line

-- name: balances
select account, unit, sum(amount) as balance
from entries
where customer_id = %(customer_id)s
group by account, unit
order by account, unit

-- name: unbalanced_units
-- The two sides of each posting, summed independently of each other.
select unit, sum(amount) as difference from entries group by unit having sum(amount) <> 0 order by unit
