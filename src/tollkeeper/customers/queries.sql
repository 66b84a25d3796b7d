-- name: insert_customer
-- No row comes back where the customer exists already; a concurrent creation is waited for.
insert into customers (customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at,
    suspended_at)
values (%(customer_id)s, %(key)s, %(name)s, %(currency)s, %(timezone)s, %(metadata)s::jsonb,
    %(created_at)s, %(updated_at)s, %(archived_at)s, %(suspended_at)s)
on conflict (customer_id) do nothing
returning customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at, suspended_at

-- name: lock_customer
select customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at, suspended_at
from customers
where customer_id = %(customer_id)s
for update

-- name: update_customer
update customers
set name = %(name)s, currency = %(currency)s, timezone = %(timezone)s, metadata = %(metadata)s::jsonb,
    updated_at = %(updated_at)s, archived_at = %(archived_at)s, suspended_at = %(suspended_at)s
where customer_id = %(customer_id)s

-- name: find_customers
select customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at, suspended_at
from customers
where customer_id = any(%(customer_ids)s::uuid[])

-- name: list_customers
-- One page, read along customers_by_key.
select customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at, suspended_at
from customers
where key > %(after)s
    and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
    and (%(search)s::text is null
        or position(lower(%(search)s) in lower(key)) > 0
        or position(lower(%(search)s) in lower(name)) > 0)
order by key
limit %(limit)s

-- name: has_written
-- A transaction gets its number with its first write.
select pg_current_xact_id_if_assigned() is not null

-- name: insert_member
insert into members (customer_id, member, name, metadata, created_at, updated_at, archived_at)
values (%(customer_id)s, %(key)s, %(name)s, %(metadata)s::jsonb, %(created_at)s, %(updated_at)s, %(archived_at)s)
on conflict (customer_id, member) do nothing
returning customer_id, member as key, name, metadata, created_at, updated_at, archived_at

-- name: lock_member
select customer_id, member as key, name, metadata, created_at, updated_at, archived_at
from members
where customer_id = %(customer_id)s and member = %(key)s
for update

-- name: update_member
update members
set name = %(name)s, metadata = %(metadata)s::jsonb, updated_at = %(updated_at)s, archived_at = %(archived_at)s
where customer_id = %(customer_id)s and member = %(key)s

-- name: find_member
select customer_id, member as key, name, metadata, created_at, updated_at, archived_at
from members
where customer_id = %(customer_id)s and member = %(key)s

-- name: list_members
-- One page, read along the primary key.
select customer_id, member as key, name, metadata, created_at, updated_at, archived_at
from members
where customer_id = %(customer_id)s and member > %(after)s
order by member
limit %(limit)s

-- name: find_agreements
-- The plans over time and the own limits of these customers, in one answer: a row has either a plan's start or a name.
select customer_id::text as customer_id, effective_from, plan, null::text as name, null::jsonb as terms
from plan_changes
where customer_id = any(%(customer_ids)s::uuid[]) and withdrawn_at is null
union all
select customer_id::text, null, null, name, terms
from customer_limits
where customer_id = any(%(customer_ids)s::uuid[])
order by customer_id, effective_from, name

-- name: withdraw_plans
-- All that hasn't begun yet.
update plan_changes set withdrawn_at = %(now)s
where customer_id = %(customer_id)s and effective_from > %(now)s and withdrawn_at is null

-- name: set_plan
-- Only a withdrawn change can be in the way: those that have begun are never edited.
insert into plan_changes as old (customer_id, effective_from, plan, created_at, created_by)
values (%(customer_id)s, %(effective_from)s, %(plan)s, %(now)s, %(by)s)
on conflict (customer_id, effective_from) do update set
    plan = excluded.plan, created_at = excluded.created_at, created_by = excluded.created_by, withdrawn_at = null
where old.withdrawn_at is not null

-- name: plan_history
select effective_from, plan, created_at, created_by, withdrawn_at
from plan_changes
where customer_id = %(customer_id)s
order by effective_from

-- name: used_plans
-- The plan that each customer is on, and those that it will be on.
select distinct p.plan
from plan_changes p
where p.plan is not null and p.withdrawn_at is null and not exists (
    select from plan_changes later
    where later.customer_id = p.customer_id and later.withdrawn_at is null
      and later.effective_from > p.effective_from and later.effective_from <= %(now)s)

-- name: set_limit
insert into customer_limits (customer_id, name, terms, updated_at, updated_by)
values (%(customer_id)s, %(name)s, %(terms)s::jsonb, %(now)s, %(by)s)
on conflict (customer_id, name) do update set
    terms = excluded.terms, updated_at = excluded.updated_at, updated_by = excluded.updated_by

-- name: drop_limit
delete from customer_limits where customer_id = %(customer_id)s and name = %(name)s

-- name: list_limits
select name, terms, updated_at, updated_by
from customer_limits
where customer_id = %(customer_id)s
order by name

-- name: insert_api_key
insert into api_keys (key_id, name, prefix, secret_hash, scopes, created_at)
values (%(key_id)s, %(name)s, %(prefix)s, %(secret_hash)s, %(scopes)s, %(created_at)s)

-- name: find_api_key
-- The key that a call brings, unless it was revoked.
select key_id, name, prefix, scopes, created_at, last_used_at, revoked_at
from api_keys
where secret_hash = %(secret_hash)s and revoked_at is null

-- name: list_api_keys
-- The oldest first, which is the order of their ids.
select key_id, name, prefix, scopes, created_at, last_used_at, revoked_at
from api_keys
order by key_id

-- name: named_api_keys
-- Those that a person means by an id or by a prefix.
select key_id, name, prefix, scopes, created_at, last_used_at, revoked_at
from api_keys
where key_id::text = %(name)s or prefix = %(name)s
order by key_id

-- name: revoke_api_key
-- The first revocation's time stays.
update api_keys
set revoked_at = coalesce(revoked_at, %(revoked_at)s)
where key_id = %(key_id)s
returning key_id, name, prefix, scopes, created_at, last_used_at, revoked_at

-- name: touch_api_key
-- At most one write a minute, however many calls a key makes.
update api_keys
set last_used_at = %(used_at)s
where key_id = %(key_id)s and (last_used_at is null or last_used_at <= %(used_at)s - interval '1 minute')

-- name: insert_session
insert into console_sessions (token_hash, key_id, created_at, expires_at)
values (%(token_hash)s, %(key_id)s, %(created_at)s, %(expires_at)s)

-- name: forget_sessions
delete from console_sessions where expires_at < %(before)s

-- name: find_session
-- The session that a cookie brings, with its key, unless either is over.
select k.key_id, k.name, k.prefix, k.scopes, k.created_at, k.last_used_at, s.expires_at
from console_sessions s
join api_keys k on k.key_id = s.key_id
where s.token_hash = %(token_hash)s and s.ended_at is null and s.expires_at > %(now)s
  and k.revoked_at is null

-- name: end_session
-- The first end's time stays.
update console_sessions set ended_at = %(ended_at)s where token_hash = %(token_hash)s and ended_at is null

-- name: insert_portal_session
insert into portal_sessions (customer_id, session_id, token_hash, link_hash, link_expires_at, opened_from, permissions,
    return_url, created_at, created_by, expires_at)
values (%(customer_id)s, %(session_id)s, %(token_hash)s, %(link_hash)s, %(link_expires_at)s, %(opened_from)s,
    %(permissions)s, %(return_url)s, %(created_at)s, %(created_by)s, %(expires_at)s)

-- name: find_portal_session
-- The session that a token names, if the token is its own; ended ones too, so that a caller is told why.
select s.session_id, s.customer_id, c.key as customer, s.permissions, s.return_url, s.created_at, s.created_by, s.expires_at,
    s.link_expires_at, s.opened_from, s.revoked_at
from portal_sessions s
join customers c on c.customer_id = s.customer_id
where s.customer_id = %(customer_id)s and s.session_id = %(session_id)s and s.token_hash = %(token_hash)s

-- name: lock_portal_link
-- The session that a link belongs to. It can't be revoked until the transaction ends: what comes of the link is then
-- revoked with it.
select s.session_id, s.customer_id, c.key as customer, s.permissions, s.return_url, s.created_at, s.created_by, s.expires_at,
    s.link_expires_at, s.opened_from, s.revoked_at
from portal_sessions s
join customers c on c.customer_id = s.customer_id
where s.customer_id = %(customer_id)s and s.session_id = %(session_id)s and s.link_hash = %(link_hash)s
for share of s

-- name: list_portal_sessions
-- One page, the newest first, which is the order of their ids backwards.
select s.session_id, s.customer_id, c.key as customer, s.permissions, s.return_url, s.created_at, s.created_by, s.expires_at,
    s.link_expires_at, s.opened_from, s.revoked_at
from portal_sessions s
join customers c on c.customer_id = s.customer_id
where s.customer_id = %(customer_id)s and (%(before)s::uuid is null or s.session_id < %(before)s)
order by s.session_id desc
limit %(limit)s

-- name: get_portal_session
select s.session_id, s.customer_id, c.key as customer, s.permissions, s.return_url, s.created_at, s.created_by, s.expires_at,
    s.link_expires_at, s.opened_from, s.revoked_at
from portal_sessions s
join customers c on c.customer_id = s.customer_id
where s.customer_id = %(customer_id)s and s.session_id = %(session_id)s

-- name: revoke_portal_session
-- The first revocation's time stays.
update portal_sessions set revoked_at = %(now)s
where customer_id = %(customer_id)s and session_id = %(session_id)s and revoked_at is null

-- name: revoke_portal_children
-- A statement of its own: it sees what an exchange has committed while the parent's lock was waited for.
update portal_sessions set revoked_at = %(now)s
where customer_id = %(customer_id)s and opened_from = %(session_id)s and revoked_at is null

-- name: revoked_portal_sessions
select session_id
from portal_sessions
where customer_id = any(%(customer_ids)s::uuid[]) and session_id = any(%(session_ids)s::uuid[])
  and revoked_at is not null

-- name: forget_portal_sessions
delete from portal_sessions where customer_id = %(customer_id)s and expires_at < %(before)s
