-- The spool: one SQLite file that all processes of a machine share. Times are seconds since 1970.
-- name: schema
create table if not exists processes (
    slot integer primary key,
    pid integer not null,
    started real not null
) strict;
create table if not exists operations (
    operation integer primary key,
    slot integer not null,
    target text not null,
    event text not null,
    hold text,
    ask text,
    touched real not null
) strict;
create index if not exists operations_of_slot on operations (slot);
create table if not exists calls (
    number integer primary key,
    operation integer,
    slot integer not null,
    target text not null,
    state text not null,
    call text not null,
    event text,
    touched real not null
) strict;
create index if not exists calls_of_operation on calls (operation);
create index if not exists calls_of_slot on calls (slot);
create table if not exists outbox (
    entry integer primary key,
    target text not null,
    kind text not null,
    customer text not null,
    id text not null,
    body text not null,
    state text not null,
    attempts integer not null,
    due real not null,
    error text,
    created real not null
) strict;
create index if not exists outbox_due on outbox (target, state, due);
create table if not exists unassigned (
    target text not null,
    provider text not null,
    model text not null,
    calls integer not null,
    last real not null,
    primary key (target, provider, model)
) strict;

-- name: enter
insert into processes (slot, pid, started) values (:slot, :pid, :now);

-- name: processes
select slot, pid, started from processes;

-- name: leave
delete from processes where slot = :slot;

-- name: busy
select exists (select 1 from operations where slot = :slot) or exists (select 1 from calls where slot = :slot);

-- name: open_operation
insert into operations (slot, target, event, hold, ask, touched)
values (:slot, :target, :event, :hold, :ask, :now);

-- name: change_operation
update operations set event = :event, hold = :hold, ask = :ask, touched = :now where operation = :operation;

-- name: close_operation
delete from operations where operation = :operation;

-- name: forget_calls
delete from calls where operation = :operation;

-- name: operations_of
select operation, target, event, hold, ask, touched from operations where slot = :slot;

-- name: all_operations
select o.operation, o.slot, o.target, o.event, o.hold, o.touched, p.pid,
    (select count(*) from calls c where c.operation = o.operation) as calls
from operations o left join processes p on p.slot = o.slot order by o.touched;

-- name: add_call
insert into calls (operation, slot, target, state, call, event, touched)
values (:operation, :slot, :target, :state, :call, :event, :now);

-- name: change_call
update calls set state = :state, call = :call, touched = :now where number = :row;

-- name: drop_call
delete from calls where number = :row;

-- name: calls_of
select state, call, touched from calls where operation = :operation order by number;

-- name: lone_calls_of
select number as row, target, state, call, event, touched from calls where slot = :slot and operation is null;

-- name: put
insert into outbox (target, kind, customer, id, body, state, attempts, due, created)
values (:target, :kind, :customer, :id, :body, 'waiting', 0, :due, :now);

-- name: due
select entry, target, kind, customer, id, body, state, attempts, due, error, created from outbox
where target = :target and state = 'waiting' and due <= :now order by entry limit :limit;

-- name: lease
update outbox set due = :due where entry = :entry and state = 'waiting' and due <= :now;

-- name: sent
delete from outbox where entry = :entry;

-- name: again
update outbox set attempts = attempts + :more, due = :due, error = :error where entry = :entry;

-- name: turn_into
update outbox set kind = :kind, id = :id, body = :body where entry = :entry;

-- name: refuse
update outbox set state = 'refused', attempts = attempts + 1, error = :error where entry = :entry;

-- name: retry_refused
update outbox set state = 'waiting', due = :now where target = :target and state = 'refused';

-- name: retry_waiting
update outbox set due = :now where target = :target and state = 'waiting' and due > :now;

-- name: next_due
select min(due) from outbox where target = :target and state = 'waiting';

-- name: count_waiting
select count(*) from outbox where target = :target and state = 'waiting';

-- name: entries
select entry, target, kind, customer, id, body, state, attempts, due, error, created from outbox order by entry;

-- name: count_unassigned
insert into unassigned (target, provider, model, calls, last) values (:target, :provider, :model, 1, :now)
on conflict (target, provider, model) do update set calls = calls + 1, last = excluded.last;

-- name: unassigned
select target, provider, model, calls, last from unassigned order by calls desc;
