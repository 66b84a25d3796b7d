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

-- name: record_migration
insert into schema_migrations (version, name, checksum) values (%(version)s, %(name)s, %(checksum)s)

-- name: read_epochs
-- What other processes may have changed since this one read it, under a lock that such a change waits for.
-- Two statements: the second one's snapshot is taken after the lock was granted, so it sees the change that held it.
select pg_advisory_xact_lock_shared(1701867363);
select name, value from epochs

-- name: peek_epochs
select name, value from epochs

-- name: lock_epochs
select pg_advisory_xact_lock(1701867363)

-- name: bump_epoch
update epochs set value = value + 1 where name = %(name)s
