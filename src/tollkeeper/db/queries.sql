-- name: lock
-- One process migrates at a time; the others wait, and then find nothing to do.
select pg_advisory_lock(%(key)s)

-- name: unlock
select pg_advisory_unlock(%(key)s)

-- name: create_schema_migrations
create table if not exists schema_migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)

-- name: applied
select version, checksum from schema_migrations order by version

-- name: knows_role
select 1 from pg_roles where rolname = %(role)s

-- name: is_member
-- Whether `set role` may be said. A superuser always may; the grant is for who isn't one.
select 1 where pg_has_role(current_user, %(role)s, 'member')

-- name: record_migration
insert into schema_migrations (version, name, checksum) values (%(version)s, %(name)s, %(checksum)s)

-- name: share_epochs
-- What other processes may have changed since this one read it is read under a lock that such a change waits for.
select pg_advisory_xact_lock_shared(1701867363)

-- name: peek_epochs
select name, value from epochs

-- name: lock_epochs
select pg_advisory_xact_lock(1701867363)

-- name: bump_epoch
update epochs set value = value + 1 where name = %(name)s

-- name: try_alone
-- For a task that takes longer than a transaction. It's let go of when the connection ends, however that comes about.
select pg_try_advisory_lock(1701867366, hashtext(%(task)s))

-- name: publish
insert into outbox (customer_id, fact_id, topic, key, body, created_at)
select new.customer_id, new.fact_id, new.topic, new.key, new.body, %(created_at)s
from unnest(%(customer_id)s::uuid[], %(fact_id)s::uuid[], %(topic)s::text[], %(key)s::text[], %(body)s::jsonb[])
  as new (customer_id, fact_id, topic, key, body)
on conflict (customer_id, key) do nothing

-- name: list_facts
-- Ids are made in the order of time.
select o.customer_id, c.key as customer, o.fact_id, o.topic, o.body, o.created_at
from outbox o join customers c on c.customer_id = o.customer_id
where (%(customer_id)s::uuid is null or o.customer_id = %(customer_id)s)
  and (%(topics)s::text[] is null or o.topic = any(%(topics)s))
  and (%(before)s::uuid is null or o.fact_id < %(before)s)
order by o.fact_id desc
limit %(limit)s

-- name: tell_changed
select pg_notify(%(channel)s, payload) from unnest(%(payloads)s::text[]) as payload
