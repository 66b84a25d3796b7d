-- name: insert_top_up
insert into top_ups (customer_id, top_up_id, state, unit, amount, price, currency, pack, bonus, expires_after, processor,
    created_at, created_by, open_until)
values (%(customer_id)s, %(top_up_id)s, 'pending', %(unit)s, %(amount)s, %(price)s, %(currency)s, %(pack)s, %(bonus)s,
    %(expires_after)s, %(processor)s, %(created_at)s, %(created_by)s, %(open_until)s)
on conflict (customer_id, top_up_id) do nothing

-- name: find_top_up
select t.customer_id, c.key as customer, top_up_id, state as stored_state, unit, amount, price, t.currency, pack, bonus,
    expires_after, processor, checkout_url, reference, grant_id, bonus_grant_id, t.created_at, created_by, open_until,
    ended_at, ended_by, late
from top_ups t join customers c on c.customer_id = t.customer_id
where t.customer_id = %(customer_id)s and top_up_id = %(top_up_id)s

-- name: lock_top_up
select t.customer_id, c.key as customer, top_up_id, state as stored_state, unit, amount, price, t.currency, pack, bonus,
    expires_after, processor, checkout_url, reference, grant_id, bonus_grant_id, t.created_at, created_by, open_until,
    ended_at, ended_by, late
from top_ups t join customers c on c.customer_id = t.customer_id
where t.customer_id = %(customer_id)s and top_up_id = %(top_up_id)s
for update of t

-- name: note_checkout
update top_ups set checkout_url = %(checkout_url)s, reference = coalesce(%(reference)s, reference)
where customer_id = %(customer_id)s and top_up_id = %(top_up_id)s and state = 'pending'

-- name: end_top_up
update top_ups
set state = %(state)s, reference = %(reference)s, grant_id = %(grant_id)s, bonus_grant_id = %(bonus_grant_id)s,
    ended_at = %(ended_at)s, ended_by = %(ended_by)s, late = %(late)s
where customer_id = %(customer_id)s and top_up_id = %(top_up_id)s

-- name: count_pending
select count(*) from top_ups
where customer_id = %(customer_id)s and state = 'pending' and open_until > %(now)s

-- name: count_given_up
select count(*) from top_ups
where customer_id = %(customer_id)s and state in ('failed', 'cancelled') and created_at > %(since)s

-- name: list_top_ups
-- One page, newest first, of one customer or of all; read along top_ups_by_time or top_ups_by_age.
select t.customer_id, c.key as customer, top_up_id, state as stored_state, unit, amount, price, t.currency, pack, bonus,
    expires_after, processor, checkout_url, reference, grant_id, bonus_grant_id, t.created_at, created_by, open_until,
    ended_at, ended_by, late
from top_ups t join customers c on c.customer_id = t.customer_id
where (%(customer_id)s::uuid is null or t.customer_id = %(customer_id)s)
    and (%(state)s::text is null
        or case when state = 'pending' and open_until <= %(now)s then 'expired' else state end = %(state)s)
    and (%(before_at)s::timestamptz is null
        or (t.created_at, top_up_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
order by t.created_at desc, top_up_id desc
limit %(limit)s

-- name: verify_top_ups
-- What was paid for, beside the grants that it gave; and that no two top-ups have given the same one.
select c.key as customer, 'top-up ' || t.top_up_id as place,
       concat_ws(' + ', t.amount, t.bonus) || ' ' || t.unit as expected,
       concat_ws(' + ', coalesce(g.amount, 0), coalesce(b.amount, 0)) || ' ' || coalesce(g.unit, 'of nothing') as found
from top_ups t
join customers c on c.customer_id = t.customer_id
left join grants g on g.customer_id = t.customer_id and g.grant_id = t.grant_id and g.kind = 'paid'
left join grants b on b.customer_id = t.customer_id and b.grant_id = t.bonus_grant_id and b.kind = 'promotional'
where t.state = 'paid' and (g.amount is distinct from t.amount or g.unit is distinct from t.unit
    or coalesce(b.amount, 0) <> t.bonus or coalesce(b.unit, t.unit) <> t.unit)
union all
select max(c.key), 'grant ' || given.grant_id, '1 top-up', count(*) || ' top-ups'
from (
    select customer_id, grant_id from top_ups where grant_id is not null
    union all
    select customer_id, bonus_grant_id from top_ups where bonus_grant_id is not null
) given
join customers c on c.customer_id = given.customer_id
group by given.customer_id, given.grant_id having count(*) > 1
limit %(limit)s
