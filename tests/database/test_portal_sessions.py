"""Portal sessions in the database: what is stored of them, what is forgotten, and a revocation beside an exchange."""

from __future__ import annotations

from datetime import timedelta

import anyio
import psycopg
import pytest

from tollkeeper import clock
from tollkeeper.customers import (
    CustomerChanges,
    Opened,
    customer_id_of,
    exchange_link,
    list_sessions,
    open_session,
    revoke_session,
    upsert_customer,
)
from tollkeeper.db import Database
from tollkeeper.events import has_usage

pytestmark = pytest.mark.anyio

ACME = customer_id_of("acme")


async def open_one(database: Database) -> Opened:
    await database.run(
        lambda tx: upsert_customer(tx, "acme", CustomerChanges(), default_currency="USD", in_use=has_usage)
    )
    return await database.run(lambda tx: open_session(tx, "acme", by="test"), ACME)


async def test_no_secret_is_stored(database: Database, database_url: str) -> None:
    opened = await open_one(database)
    assert opened.link is not None
    child = await database.run(lambda tx: exchange_link(tx, opened.link or ""), ACME)
    with psycopg.connect(database_url) as connection:
        (rows,) = connection.execute("select string_agg(s::text, ' ') from portal_sessions s").fetchall()
    for secret in (opened.token, opened.link, child.token):
        assert secret not in rows[0]
        assert secret[-43:] not in rows[0]


async def test_sessions_long_over_are_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await open_one(database)
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=29))
    await open_one(database)
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(days=31))
    last = await open_one(database)
    left = await database.run(lambda tx: list_sessions(tx, ACME, limit=10), ACME)
    assert len(left) == 2
    assert left[0].session_id == last.session.session_id
    assert first.session.session_id not in {each.session_id for each in left}


async def test_a_revocation_waits_for_an_exchange_and_ends_what_it_gave(database: Database) -> None:
    opened = await open_one(database)
    async with anyio.create_task_group() as tasks, database.transaction(ACME) as tx:
        await exchange_link(tx, opened.link or "")
        tasks.start_soon(database.run, lambda tx: revoke_session(tx, ACME, opened.session.session_id), ACME)
        await anyio.sleep(0.2)
    sessions = await database.run(lambda tx: list_sessions(tx, ACME, limit=10), ACME)
    assert len(sessions) == 2
    assert all(each.revoked_at is not None for each in sessions)
