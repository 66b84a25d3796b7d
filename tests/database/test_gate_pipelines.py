"""What a transaction that failed leaves on its connection: nothing that keeps the next one from working."""

from __future__ import annotations

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
