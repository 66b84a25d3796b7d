"""The database itself: who sees and writes what, the schema contract, repeated transactions."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

import tollkeeper
from tollkeeper.db import APP_ROLE, Again, Database, Tx
from tollkeeper.errors import DatabaseUnavailable
from tollkeeper.ids import new_id

Connection = psycopg.Connection[Any]


# Isolation: every table of schema public with a column customer_id belongs to customers. A new one is found here.

RELATIONS = """
    select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind = any(%s) order by c.relname <> 'customers', c.relname
"""
REQUIRED_COLUMNS = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = %s::regclass and attnum > 0 and attnotnull and not atthasdef and not attisdropped
"""
UNPROTECTED = f"""
    select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and exists (
            select from pg_policy p where p.polrelid = c.oid and '{APP_ROLE}'::regrole = any(p.polroles)))
"""
SAMPLES: dict[str, Any] = {
    "boolean": False,
    "date": date(2026, 1, 1),
    "timestamp with time zone": datetime(2026, 1, 1, tzinfo=UTC),
    "jsonb": "{}",
    "text[]": [],
    "bytea": b"",
    "datemultirange": "{}",
}


CHECKED: dict[str, dict[str, Any]] = {
    "grants": {"kind": "paid"},
    "cost_shares": {"reason": "estimate"},
    "digest_spans": {"grain": "day"},
    "holds": {"state": "open"},
    "top_ups": {"state": "pending"},
    "provider_calls": {"cost_source": "none"},
    "portal_sessions": {"permissions": ["read"], "opened_from": new_id()},
}
"""Values where a table doesn't take just any."""

DELETED = [
    "console_sessions",
    "customer_limits",
    "digest_rows",
    "figure_sums",
    "late_days",
    "limit_counters",
    "portal_sessions",
]
"""What is no record of anything: a setting that was taken away, sums that can be made anew, sessions long over."""


def strings(connection: Connection, query: str, *params: Any) -> list[str]:
    return [row[0] for row in connection.execute(query.encode(), params or None)]


def customer_tables(connection: Connection) -> list[str]:
    tables = strings(connection, RELATIONS, ["r", "p"])
    assert {"customers", "members", "events", "postings"} <= set(tables)
    return tables


def insertion(connection: Connection, table: str, customer_id: UUID) -> tuple[sql.Composed, list[Any]]:
    """The statement, with its values, that adds some row of this customer; texts are the names of their columns."""
    columns = dict(connection.execute(REQUIRED_COLUMNS, [table]).fetchall())
    values = {name: SAMPLES.get(kind, name if kind == "text" else 1) for name, kind in columns.items()}
    values |= CHECKED.get(table, {})
    values |= {name: new_id() for name, kind in columns.items() if kind == "uuid"} | {"customer_id": customer_id}
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    slots = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    statement = sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), names, slots)
    return statement, list(values.values())


def fill(connection: Connection, *customers: UUID) -> None:
    for table in customer_tables(connection):
        for customer_id in customers:
            connection.execute(*insertion(connection, table, customer_id))


def who_is_seen(relation: str) -> sql.Composed:
    return sql.SQL("select customer_id from {}").format(sql.Identifier(relation))


def may(connection: Connection, privilege: str, table: str) -> bool:
    found = connection.execute("select has_table_privilege(%s, %s, %s)", [APP_ROLE, table, privilege])
    return found.fetchone() == (True,)


@pytest.mark.anyio
async def test_each_transaction_sees_its_rows(database: Database, database_url: str, owner: Connection) -> None:
    a, b = new_id(), new_id()
    fill(owner, a, b)
    relations = strings(owner, RELATIONS, ["r", "p", "v", "m"])
    assert "entries" in relations
    scopes: list[tuple[UUID | None, set[UUID]]] = [(a, {a}), (b, {b}), (new_id(), set()), (None, {a, b})]
    for scope, expected in scopes:
        async with database.transaction(scope) as tx:
            for relation in relations:
                rows = await (await tx.connection.execute(who_is_seen(relation))).fetchall()
                # What is the operator's alone has nothing for anybody else.
                hidden = relation.startswith("operator_") and scope is not None
                assert {row[0] for row in rows} == (set() if hidden else expected), relation
    with psycopg.connect(make_conninfo(database_url, options=f"-c role={APP_ROLE}")) as outside:
        for relation in relations:
            assert outside.execute(who_is_seen(relation)).fetchall() == [], relation


@pytest.mark.anyio
async def test_a_customers_transaction_cannot_write_rows_of_another(database: Database, owner: Connection) -> None:
    a, b = new_id(), new_id()
    fill(owner, a, b)

    async def run(statement: sql.Composed, values: list[Any]) -> int:
        async with database.transaction(a) as tx:
            return (await tx.connection.execute(statement, values)).rowcount

    for table in customer_tables(owner):
        if may(owner, "insert", table):
            with pytest.raises(InsufficientPrivilege, match="row-level security"):
                await run(*insertion(owner, table, b))
        if may(owner, "update", table):
            move = sql.SQL("update {} set customer_id = %s").format(sql.Identifier(table))
            with pytest.raises(InsufficientPrivilege, match="row-level security"):
                await run(move, [b])
            assert await run(move, [a]) == 1, f"{table}: the other customer's row was updated too"


def test_every_customer_table_is_protected(owner: Connection) -> None:
    assert strings(owner, UNPROTECTED) == []
    owner.execute("create table forgotten (customer_id uuid primary key)")
    assert strings(owner, UNPROTECTED) == ["forgotten"]
    owner.execute("alter table forgotten enable row level security")
    assert strings(owner, UNPROTECTED) == ["forgotten"]


@pytest.mark.anyio
@pytest.mark.parametrize("statement", ["update {} set customer_id = customer_id", "delete from {}", "truncate {}"])
async def test_the_application_cannot_edit_or_delete_facts(database: Database, statement: str) -> None:
    for table in ("events", "postings", "prices", "catalog_versions", "unique_values"):
        text = statement.replace("customer_id", "version") if table in ("prices", "catalog_versions") else statement
        with pytest.raises(InsufficientPrivilege, match="permission denied"):
            async with database.transaction() as tx:
                await tx.connection.execute(sql.SQL(text).format(sql.Identifier(table)))


def test_the_application_can_delete_no_record_and_owns_nothing(owner: Connection) -> None:
    tables = strings(owner, "select tablename from pg_tables where schemaname = 'public'")
    assert [table for table in sorted(tables) if may(owner, "delete", table)] == DELETED
    assert [table for table in tables if may(owner, "truncate, trigger", table)] == []
    assert strings(owner, "select tablename from pg_tables where tableowner = %s", APP_ROLE) == []


# The schema contract: what keeps one node's schema runnable on many.

CONTRACT = """
    with customer_table as (
        select c.oid, c.relname, a.attnum from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace)
    select format('%s: key %s does not begin with customer_id', t.relname, i.indexrelid::regclass)
    from customer_table t join pg_index i on i.indrelid = t.oid
    where i.indisunique and i.indkey[0] <> t.attnum
    union all
    select format('%s: no primary key', t.relname)
    from customer_table t where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)
    union all
    select format('%s: foreign key %s does not begin with customer_id', k.conrelid::regclass, k.conname)
    from pg_constraint k
    join customer_table target on target.oid = k.confrelid
    left join customer_table t on t.oid = k.conrelid
    where k.contype = 'f' and (t.oid is null or k.conkey[1] <> t.attnum or k.confkey[1] <> target.attnum)
    union all
    select format('%s: trigger %s', t.relname, g.tgname)
    from customer_table t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
    union all
    select format('%s: sequence behind %s', t.relname, a.attname)
    from customer_table t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0
    left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
    where a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like '%nextval(%'
    order by 1
"""
BAD_TABLES = """
    create sequence numbers;
    create table bad_order (customer_id uuid, id uuid, primary key (id, customer_id));
    create table bad_unique (customer_id uuid primary key, event_id text unique);
    create table bad_index (customer_id uuid primary key, name text);
    create unique index bad_index_name on bad_index (lower(name), customer_id);
    create table bad_serial (customer_id uuid primary key, n bigserial);
    create table bad_identity (customer_id uuid primary key, n bigint generated by default as identity);
    create table bad_default (customer_id uuid primary key, n bigint default nextval('numbers'));
    create table bad_keyless (customer_id uuid not null);
    create table bad_fk (customer_id uuid primary key, payer uuid constraint fk references customers (customer_id));
    create table bad_local (id uuid primary key, payer uuid constraint fk references customers (customer_id));
    create table bad_trigger (customer_id uuid primary key);
    create trigger t before update on bad_trigger for each row execute function suppress_redundant_updates_trigger();
    create table good (customer_id uuid, a text, b int references catalog_versions (version),
        primary key (customer_id, a), foreign key (customer_id, a) references members (customer_id, member));
"""


def test_the_schema_keeps_the_contract(owner: Connection) -> None:
    assert strings(owner, CONTRACT) == []


def test_the_contract_is_really_checked(owner: Connection) -> None:
    owner.execute(BAD_TABLES)
    assert strings(owner, CONTRACT) == [
        "bad_default: sequence behind n",
        "bad_fk: foreign key fk does not begin with customer_id",
        "bad_identity: sequence behind n",
        "bad_index: key bad_index_name does not begin with customer_id",
        "bad_keyless: no primary key",
        "bad_local: foreign key fk does not begin with customer_id",
        "bad_order: key bad_order_pkey does not begin with customer_id",
        "bad_serial: sequence behind n",
        "bad_trigger: trigger t",
        "bad_unique: key bad_unique_event_id_key does not begin with customer_id",
    ]


INEXACT = """
    select format('%s.%s is %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        and format_type(a.atttypid, a.atttypmod) ~ 'real|double precision|money|without time zone'
    order by 1
"""


def test_no_column_is_inexact_or_without_a_time_zone(owner: Connection) -> None:
    assert strings(owner, INEXACT) == []
    owner.execute("create table bad (a real, b float8[], c timestamp(3), d numeric, e timestamptz)")
    assert strings(owner, INEXACT) == [
        "bad.a is real",
        "bad.b is double precision[]",
        "bad.c is timestamp(3) without time zone",
    ]


def test_usage_has_no_foreign_keys(owner: Connection) -> None:
    keys = r"""
        select conname from pg_constraint
        where contype = 'f' and concat_ws(' ', conrelid::regclass, confrelid::regclass) ~ '\m(events|usage_)'
    """
    assert strings(owner, keys) == []


def test_every_table_says_which_stage_owns_it(owner: Connection) -> None:
    comments = """
        select relname, coalesce(obj_description(oid, 'pg_class'), '') from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            and relname <> 'schema_migrations'  -- made by migrate() itself
    """
    stages = {folder.name for folder in Path(tollkeeper.__file__).parent.iterdir() if folder.is_dir()}
    for table, comment in owner.execute(comments):
        said = re.fullmatch(r"owner: (\w+)\. .+", comment)
        assert said is not None, f"{table} needs a comment 'owner: <stage>. <purpose>'"
        assert said[1] in stages, f"{table} is owned by {said[1]!r}, which is no stage"


# Transactions that are repeated


@pytest.mark.anyio
async def test_run_repeats_what_loses_a_deadlock(database_url: str, owner: Connection) -> None:
    name = sql.Identifier(owner.info.dbname)
    with suppress(InsufficientPrivilege):  # not a superuser: then it takes a second
        owner.execute(sql.SQL("alter database {} set deadlock_timeout = '20ms'").format(name))
    both_hold_one = asyncio.Barrier(2)
    attempts: list[str] = []

    async def bump(first: str, second: str) -> None:
        async def work(tx: Tx) -> None:
            attempts.append(first)
            await tx.execute(b"update epochs set value = value + 1 where name = %(name)s", {"name": first})
            if attempts.count(first) == 1:
                await both_hold_one.wait()
            await tx.execute(b"update epochs set value = value + 1 where name = %(name)s", {"name": second})

        await database.run(work)

    async with Database(database_url, pool_size=2) as database:
        await asyncio.gather(bump("catalog", "customers"), bump("customers", "catalog"))
    assert len(attempts) > 2
    assert owner.execute("select value from epochs").fetchall() == [(2,), (2,)]


@pytest.mark.anyio
async def test_run_repeats_again_and_keeps_only_the_last_attempt(
    database: Database, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollkeeper.db.pool.random.uniform", lambda low, high: 0)
    attempts = 0

    async def work(tx: Tx, failures: int) -> int:
        nonlocal attempts
        attempts += 1
        await tx.execute(b"update epochs set value = value + 1")
        if attempts <= failures:
            raise Again
        return attempts

    assert await database.run(lambda tx: work(tx, 3)) == 4
    assert owner.execute("select value from epochs").fetchall() == [(1,), (1,)]
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.run(lambda tx: work(tx, 1000))
    assert caught.value.code == "too_much_contention"
    assert owner.execute("select value from epochs").fetchall() == [(1,), (1,)]


@pytest.mark.anyio
async def test_a_broken_connection_is_unavailable_and_is_replaced(database: Database, owner: Connection) -> None:
    async def break_off(tx: Tx) -> None:
        pid = await tx.scalar(b"select pg_backend_pid()")
        owner.execute("select pg_terminate_backend(%s, 5000)", [pid])
        await tx.execute(b"update epochs set value = value + 1")

    for _ in range(3):
        with pytest.raises(DatabaseUnavailable) as caught:
            await database.run(break_off)
        assert caught.value.code == "database_unavailable"
    async with database.transaction() as tx:
        assert await tx.scalar(b"select sum(value)::int from epochs") == 0
