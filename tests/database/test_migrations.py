"""Migrations: in steps or at once, by two at the same time, and histories that aren't ours."""

from __future__ import annotations

import subprocess
import sys
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.database.dump_schema import HEADER, SCHEMA, dump, empty_database, pg_dump_major

from tollkeeper.db import migrate, migrations
from tollkeeper.errors import DatabaseUnavailable


def server_major(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


def test_migrating_in_two_steps_equals_migrating_at_once(server_url: str, database_url: str) -> None:
    if server_major(server_url) > pg_dump_major():
        pytest.skip("the wheel's pg_dump can't read this newer server")
    at_once = dump(database_url)
    for first in migrations()[:-1]:
        with empty_database(server_url) as url:
            assert [done.version for done in migrate(url, upto=first.version)][-1] == first.version
            assert len(migrate(url)) == len(migrations()) - first.version
            assert migrate(url) == []
            assert dump(url) == at_once, f"stopping after migration {first.version} makes a difference"


def test_the_schema_file_shows_what_the_migrations_make(database_url: str) -> None:
    if server_major(database_url) != pg_dump_major():
        pytest.skip("schema.sql shows how the embedded server's version describes the schema")
    assert SCHEMA.read_text(encoding="utf-8") == HEADER + dump(database_url), "run `make schema`"


def test_two_processes_may_migrate_at_once(server_url: str) -> None:
    program = "import sys, tollkeeper.db as db; print(len(db.migrate(sys.argv[1])))"
    waiting = """
        select count(*) from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and not l.granted and a.datname = current_database()
    """
    with empty_database(server_url) as url, psycopg.connect(url, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(%s)", [0x746F6C6C])  # the lock of migrate()
        command = [sys.executable, "-c", program, url]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        deadline = monotonic() + 30
        while gate.execute(waiting).fetchone() != (2,):
            assert monotonic() < deadline
            sleep(0.02)
        gate.execute("select pg_advisory_unlock_all()")
        applied = sorted(process.communicate(timeout=30)[0].strip() for process in both)
        assert applied == ["0", str(len(migrations()))]


def test_a_user_who_may_create_no_roles_can_migrate_when_they_are_there(server_url: str, database_url: str) -> None:
    """`database_url`: so that the roles are there; they belong to the whole server."""
    name = sql.Identifier(f"plain_{uuid4().hex[:12]}")
    with empty_database(server_url) as url, psycopg.connect(url, autocommit=True) as owner:
        if owner.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() != (True,):
            pytest.skip("only a superuser can play another user")
        owner.execute(sql.SQL("create role {}").format(name))
        try:
            owner.execute(sql.SQL("alter database {} owner to {}").format(sql.Identifier(owner.info.dbname), name))
            owner.execute(sql.SQL("alter schema public owner to {}").format(name))
            as_plain = make_conninfo(url, options=f"-c role={name.as_string().strip(chr(34))}")
            assert refusal(as_plain) == "role_missing"
            owner.execute(sql.SQL("grant tollkeeper_app to {}").format(name))
            assert len(migrate(as_plain)) == len(migrations())
        finally:
            owner.execute(sql.SQL("drop owned by {} cascade").format(name))
            owner.execute(sql.SQL("alter database {} owner to current_user").format(sql.Identifier(owner.info.dbname)))
            owner.execute(sql.SQL("drop role {}").format(name))


def refusal(url: str) -> str:
    with pytest.raises(DatabaseUnavailable) as caught:
        migrate(url)
    return caught.value.code


def test_a_history_that_is_not_ours_is_refused(database_url: str, owner: psycopg.Connection[Any]) -> None:
    owner.execute("insert into schema_migrations (version, name, checksum) values (9999, 'later', '')")
    assert refusal(database_url) == "database_newer"
    owner.execute("delete from schema_migrations where version = 9999")
    assert migrate(database_url) == []
    owner.execute("update schema_migrations set checksum = 'edited' where version = 2")
    assert refusal(database_url) == "migration_changed"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    assert refusal("postgresql://nobody@127.0.0.1:1/nothing") == "database_unavailable"
