-- name: wallets_of
select customer_id::text as customer_id, unit, balance, held, owed, owed_held, last_at, next_change_at
from wallets
where customer_id = any(%(customer_ids)s::uuid[])
order by customer_id, unit

-- name: first_grants
-- The first open grants of each wallet, read along grants_to_burn: as many rows for a customer with a thousand of them.
select g.*
from wallets w
cross join lateral (
    select customer_id::text as customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent,
           expired, voided, rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note,
           created_at, created_by, voided_at, voided_by, refunded
    from grants
    where grants.customer_id = w.customer_id and grants.unit = w.unit and remaining > 0
    order by priority, expires_at, created_at, grant_id
    limit %(first)s
) g
where w.customer_id = any(%(customer_ids)s::uuid[])
order by g.customer_id, g.unit, g.priority, g.expires_at, g.created_at, g.grant_id

-- name: open_grants
select grants.customer_id::text as customer_id, grant_id, grants.unit, kind, priority, amount, rolled_in, remaining,
       spent, expired, voided, rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note,
       created_at, created_by, voided_at, voided_by, refunded
from unnest(%(customer_id)s::uuid[], %(unit)s::text[]) as wanted (customer_id, unit)
join grants on grants.customer_id = wanted.customer_id and grants.unit = wanted.unit and remaining > 0
order by grants.customer_id, grants.unit, priority, expires_at, created_at, grant_id

-- name: latest_periods
-- In whatever unit: a recurring grant that changes its unit goes on with the next period.
select customer_id::text as customer_id, recurring, max(period_start) as period_start
from grants
where customer_id = any(%(customer_ids)s::uuid[]) and recurring is not null
group by customer_id, recurring

-- name: write_wallets
insert into wallets (customer_id, unit, balance, held, owed, owed_held, last_at, next_change_at)
select * from unnest(%(customer_id)s::uuid[], %(unit)s::text[], %(balance)s::numeric[], %(held)s::numeric[],
                     %(owed)s::numeric[], %(owed_held)s::numeric[], %(last_at)s::timestamptz[],
                     %(next_change_at)s::timestamptz[])
on conflict (customer_id, unit) do update set
    balance = excluded.balance, held = excluded.held, owed = excluded.owed, owed_held = excluded.owed_held,
    last_at = excluded.last_at, next_change_at = excluded.next_change_at

-- name: insert_grants
insert into grants (customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired, voided,
                    rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note, created_at,
                    created_by, voided_at, voided_by, refunded)
select customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired, voided, rolled_out,
       effective_at, expires_at, begun, recurring, period_start, reference, note, created_at, created_by, voided_at,
       voided_by, refunded
from unnest(%(customer_id)s::uuid[], %(grant_id)s::uuid[], %(unit)s::text[], %(kind)s::text[], %(priority)s::smallint[],
            %(amount)s::numeric[], %(rolled_in)s::numeric[], %(remaining)s::numeric[], %(spent)s::numeric[],
            %(expired)s::numeric[], %(voided)s::numeric[], %(rolled_out)s::numeric[], %(effective_at)s::timestamptz[],
            %(expires_at)s::timestamptz[], %(begun)s::boolean[], %(recurring)s::text[], %(period_start)s::timestamptz[],
            %(reference)s::text[], %(note)s::text[], %(created_at)s::timestamptz[], %(created_by)s::text[],
            %(voided_at)s::timestamptz[], %(voided_by)s::text[], %(refunded)s::boolean[])
  as new (customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired, voided, rolled_out,
          effective_at, expires_at, begun, recurring, period_start, reference, note, created_at, created_by, voided_at,
          voided_by, refunded)

-- name: update_grants
-- What may change of a grant; the rest is as it was made.
update grants old
set remaining = new.remaining, spent = new.spent, expired = new.expired, voided = new.voided,
    rolled_out = new.rolled_out, begun = new.begun, note = new.note, voided_at = new.voided_at,
    voided_by = new.voided_by, refunded = new.refunded
from unnest(%(customer_id)s::uuid[], %(grant_id)s::uuid[], %(remaining)s::numeric[], %(spent)s::numeric[],
            %(expired)s::numeric[], %(voided)s::numeric[], %(rolled_out)s::numeric[], %(begun)s::boolean[],
            %(note)s::text[], %(voided_at)s::timestamptz[], %(voided_by)s::text[], %(refunded)s::boolean[])
  as new (customer_id, grant_id, remaining, spent, expired, voided, rolled_out, begun, note, voided_at, voided_by,
          refunded)
where old.customer_id = new.customer_id and old.grant_id = new.grant_id

-- name: insert_burns
insert into burns (customer_id, event_id, grant_id, transaction_id, unit, amount, at)
select customer_id, event_id, grant_id, %(transaction_id)s, unit, amount, %(now)s
from unnest(%(customer_id)s::uuid[], %(event_id)s::text[], %(grant_id)s::uuid[], %(unit)s::text[], %(amount)s::numeric[])
  as new (customer_id, event_id, grant_id, unit, amount)

-- name: insert_entries
insert into wallet_entries (customer_id, unit, at, entry_id, transaction_id, kind, grant_id, amount, balance, booked_at)
select customer_id, unit, at, entry_id, %(transaction_id)s, kind, grant_id, amount, balance, %(now)s
from unnest(%(customer_id)s::uuid[], %(unit)s::text[], %(at)s::timestamptz[], %(entry_id)s::uuid[], %(kind)s::text[],
            %(grant_id)s::uuid[], %(amount)s::numeric[], %(balance)s::numeric[])
  as new (customer_id, unit, at, entry_id, kind, grant_id, amount, balance)

-- name: net_burns
-- What these events, their corrections included, have taken from each grant and not given back.
select customer_id::text as customer_id, origin, grant_id, sum(amount) as amount
from (
    select b.customer_id, wanted.event_id as origin, b.grant_id, b.amount
    from unnest(%(customer_id)s::uuid[], %(event_id)s::text[]) as wanted (customer_id, event_id)
    join burns b on b.customer_id = wanted.customer_id and b.event_id = wanted.event_id
    union all
    select b.customer_id, e.corrects, b.grant_id, b.amount
    from unnest(%(customer_id)s::uuid[], %(event_id)s::text[]) as wanted (customer_id, event_id)
    join events e on e.customer_id = wanted.customer_id and e.corrects = wanted.event_id
    join burns b on b.customer_id = e.customer_id and b.event_id = e.event_id
) taken
group by customer_id, origin, grant_id
having sum(amount) <> 0

-- name: recently_burned
-- The grants of a wallet's latest entries of spending, the latest first; read backwards along the primary key.
select grant_id
from (
    select grant_id, at, entry_id
    from wallet_entries
    where customer_id = %(customer_id)s and unit = %(unit)s and kind = 'spent'
    order by at desc, entry_id desc
    limit %(most)s
) latest
group by grant_id
order by max((at, entry_id)) desc

-- name: find_grants
select customer_id::text as customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired,
       voided, rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note, created_at,
       created_by, voided_at, voided_by, refunded
from grants
where customer_id = any(%(customer_ids)s::uuid[]) and grant_id = any(%(grant_ids)s::uuid[])

-- name: list_grants
-- Newest first. The states are those of Grant.state.
select customer_id::text as customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired,
       voided, rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note, created_at,
       created_by, voided_at, voided_by, refunded
from grants
where customer_id = %(customer_id)s
  and (%(unit)s::text is null or unit = %(unit)s)
  and (%(before_at)s::timestamptz is null or (created_at, grant_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
  and (%(state)s::text is null
       or case when remaining = 0 or voided_at is not null or coalesce(expires_at <= %(now)s, false) then 'ended'
               when effective_at <= %(now)s then 'active' else 'scheduled' end = %(state)s)
order by created_at desc, grant_id desc
limit %(limit)s

-- name: expiring_of
-- What of a customer's wallets expires next: of each unit the first times, and how much.
select unit, expires_at, amount
from (
    select unit, expires_at, sum(remaining) as amount, row_number() over (partition by unit order by expires_at) as place
    from grants
    where customer_id = %(customer_id)s and remaining > 0 and expires_at > %(now)s and effective_at <= %(now)s
      and voided_at is null
    group by unit, expires_at
) next
where place <= %(most)s
order by unit, expires_at

-- name: balance_at
-- The last entry up to then, found along the primary key: nothing is added up.
select w.unit, coalesce(entry.balance, 0) as balance
from wallets w
left join lateral (
    select balance from wallet_entries e
    where e.customer_id = w.customer_id and e.unit = w.unit and e.at <= %(at)s
    order by e.at desc, e.entry_id desc
    limit 1
) entry on true
where w.customer_id = %(customer_id)s and (%(unit)s::text is null or w.unit = %(unit)s)
order by w.unit

-- name: list_entries
-- Newest first.
select unit, at, entry_id, transaction_id, kind, grant_id, amount, balance, booked_at
from wallet_entries
where customer_id = %(customer_id)s
  and (%(unit)s::text is null or unit = %(unit)s)
  and (%(before_at)s::timestamptz is null or (at, entry_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
order by at desc, entry_id desc
limit %(limit)s

-- name: burns_of_event
select grant_id, transaction_id, unit, amount, at
from burns
where customer_id = %(customer_id)s and event_id = %(event_id)s
order by grant_id

-- name: expiring
-- Over all customers, for alerts: active grants, but for recurring ones, that expire within a span of time.
select customer_id::text as customer_id, grant_id, unit, kind, priority, amount, rolled_in, remaining, spent, expired,
       voided, rolled_out, effective_at, expires_at, begun, recurring, period_start, reference, note, created_at,
       created_by, voided_at, voided_by, refunded
from grants
where remaining > 0 and begun and voided_at is null and recurring is null
  and expires_at > %(after)s and expires_at <= %(until)s
  and (%(behind_at)s::timestamptz is null
       or (expires_at, customer_id, grant_id)
          > (%(behind_at)s::timestamptz, %(behind_customer)s::uuid, %(behind_id)s::uuid))
order by expires_at, customer_id, grant_id
limit %(limit)s

-- name: due_wallets
-- Over all customers, read along wallets_due. A wallet that waits for holds to end stands at its last advance.
select customer_id::text
from (
    select customer_id, min(next_change_at) as due_at
    from (
        select customer_id, next_change_at from wallets
        where next_change_at < %(now)s
        order by next_change_at
        limit %(limit)s
    ) due
    group by customer_id
) customers
order by due_at, customer_id

-- name: put_recurring
insert into recurring_grants as old (customer_id, name, terms, anchor, created_at, created_by, ended_at)
values (%(customer_id)s, %(name)s, %(terms)s::jsonb, coalesce(%(anchor)s, %(now)s), %(now)s, %(by)s, null)
on conflict (customer_id, name) do update set
    terms = excluded.terms,
    anchor = case when %(anchor)s::timestamptz is null and old.ended_at is null then old.anchor
                  else excluded.anchor end,
    created_at = case when old.ended_at is null then old.created_at else excluded.created_at end,
    created_by = excluded.created_by,
    ended_at = null
returning customer_id::text as customer_id, name, terms, anchor, created_at, created_by, ended_at

-- name: end_recurring
-- The first end's time stays.
update recurring_grants set ended_at = coalesce(ended_at, %(now)s)
where customer_id = %(customer_id)s and name = %(name)s
returning customer_id::text as customer_id, name, terms, anchor, created_at, created_by, ended_at

-- name: recurring_grants_of
select customer_id::text as customer_id, name, terms, anchor, created_at, created_by, ended_at
from recurring_grants
where customer_id = any(%(customer_ids)s::uuid[])
order by customer_id, name

-- name: verify_balances
-- A grant counts once it has begun.
select coalesce(c.key, customer_id::text) as customer, 'wallet ' || unit as place,
       coalesce(g.remaining, 0)::text as expected, coalesce(w.balance::text, 'no wallet') as found
from (select customer_id, unit, sum(remaining) filter (where begun) as remaining from grants group by 1, 2) g
full join wallets w using (customer_id, unit)
left join customers c using (customer_id)
where w.balance is distinct from coalesce(g.remaining, 0)
limit %(limit)s

-- name: verify_history
-- The balance of the last entry, and the sum of all.
select coalesce(c.key, customer_id::text) as customer, 'history of wallet ' || unit as place,
       w.balance::text as expected,
       concat_ws(' / ', coalesce(e.balance, 0), coalesce(e.amount, 0)) as found
from wallets w
full join (
    select customer_id, unit, sum(amount) as amount, (array_agg(balance order by at desc, entry_id desc))[1] as balance
    from wallet_entries group by 1, 2
) e using (customer_id, unit)
left join customers c using (customer_id)
where w.balance is distinct from coalesce(e.balance, 0) or w.balance is distinct from coalesce(e.amount, 0)
limit %(limit)s

-- name: verify_spent
select coalesce(c.key, customer_id::text) as customer, 'grant ' || grant_id as place,
       coalesce(b.amount, 0)::text as expected, coalesce(g.spent::text, 'no grant') as found
from (select customer_id, grant_id, sum(amount) as amount from burns group by 1, 2) b
full join grants g using (customer_id, grant_id)
left join customers c using (customer_id)
where g.spent is distinct from coalesce(b.amount, 0)
limit %(limit)s

-- name: verify_burns
-- What grants paid and got back in each transaction, beside its postings.
select coalesce(c.key, customer_id::text) as customer, 'transaction ' || transaction_id || ' ' || unit as place,
       coalesce(b.amount, 0)::text as expected, coalesce(p.amount, 0)::text as found
from (select customer_id, transaction_id, unit, sum(amount) as amount from burns group by 1, 2, 3) b
full join (
    select customer_id, transaction_id, unit,
           sum(case kind when 'grant_spent' then amount else -amount end) as amount
    from postings where kind in ('grant_spent', 'grant_returned') group by 1, 2, 3
) p using (customer_id, transaction_id, unit)
left join customers c using (customer_id)
where coalesce(b.amount, 0) <> coalesce(p.amount, 0)
limit %(limit)s

-- name: verify_ledger
-- The account `wallet` is a liability: what remains of all grants, begun or not, stands there as a credit.
select coalesce(c.key, customer_id::text) as customer, 'account wallet ' || unit as place,
       (-coalesce(g.remaining, 0))::text as expected, coalesce(e.amount, 0)::text as found
from (select customer_id, unit, sum(remaining) as remaining from grants group by 1, 2) g
full join (select customer_id, unit, sum(amount) as amount from entries where account = 'wallet' group by 1, 2) e
  using (customer_id, unit)
left join customers c using (customer_id)
where -coalesce(g.remaining, 0) <> coalesce(e.amount, 0)
limit %(limit)s
