"""What a transaction that failed leaves on its connection: nothing that keeps the next one from working."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from tests.database.gating import (
    CREDITS,
    assert_idle,
    give,
    hold,
    ingest,
    one,
    open_books,
    release,
    settle,
    used,
    wallet,
)

from tollkeeper.db import Database
from tollkeeper.gate import HoldIn

pytestmark = pytest.mark.anyio


async def test_duplicates_on_one_connection(database_url: str) -> None:
    """Each is found by a transaction that fails. Fails where statements that were to be prepared in it count as so."""
    async with Database(database_url, pool_size=1) as database:
        books = await open_books(database, CREDITS)
        await give(books, "20", "credit")
        for i in range(8):
            statuses = [(await ingest(books, used(f"e{i}")))[0].status for _ in range(3)]
            assert statuses == ["accepted", "duplicate", "duplicate"]
        for i in range(8):
            await hold(books, f"h{i}")
            statuses = [(await settle(books, f"h{i}")).results[0].status for _ in range(3)]
            assert statuses == ["accepted", "duplicate", "duplicate"]
        await hold(books, "last")
        await release(books, "last")
        assert await one(books, "select count(*) from events") == 16
        assert await wallet(books, "credit") == (4, 0)
        await assert_idle(books)


async def test_the_connection_of_cancelled_work_is_not_used_again(database_url: str, owner: Any) -> None:
    """Answers may still be on their way to it: whoever used it next could wait for ever, or be refused."""
    async with Database(database_url, pool_size=1) as database:
        books = await open_books(database, CREDITS)
        await give(books, "9", "credit")
        session = "select pg_backend_pid()"
        before = await database.run(lambda tx: tx.scalar(session.encode()))
        with owner.transaction():
            owner.execute("select from tills for update")
            work = asyncio.create_task(books.check(HoldIn(customer="acme", meter="interview")))
            for _ in range(1000):
                if owner.execute("select 1 from pg_locks where not granted").fetchone():
                    break
                await asyncio.sleep(0.01)
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        assert await database.run(lambda tx: tx.scalar(session.encode())) != before
        await hold(books, "h")
        await settle(books, "h")
