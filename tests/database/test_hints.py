"""Hints: whatever changes a customer's figures says so after its commit, to every process that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.database.costing import CATALOG, call, report
from tests.database.gating import CREDITS, Clock, books_on, give, hold, open_books, put_catalog, put_customer
from tests.database.hearing import hearing
from tests.database.test_reprice import OWN

from tollkeeper.books import Books
from tollkeeper.calls import CallFilter
from tollkeeper.customers import customer_id_of, get_customer, upsert_member
from tollkeeper.db import Database, Touched, Tx
from tollkeeper.db.hints import payloads_of, touched_in
from tollkeeper.events import EventIn
from tollkeeper.gate import ChangeIn, HoldIn, SettleIn, Settlement, Verb
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

PLANS = (
    CREDITS
    + """
[limits.daily]
meter = "interview"
per = "day"
cap = "100"
[plans.pro]
name = "Pro"
"""
)


def use(id: str, customer: str = "acme", **fields: object) -> EventIn:
    return EventIn(id=id, customer=customer, meter="interview", **fields)  # pyright: ignore[reportArgumentType]


async def ingest(books: Books) -> None:
    await books.ingest([use("e1")])


async def authorize(books: Books) -> None:
    await hold(books, "h2")


async def settle(books: Books) -> None:
    await books.settle(Settlement("acme", "h1", SettleIn("acme")))


async def release(books: Books) -> None:
    await books.change_hold(ChangeIn(Verb.RELEASE, "acme", "h1"))


async def extend(books: Books) -> None:
    await books.change_hold(ChangeIn(Verb.EXTEND, "acme", "h1", seconds=5000))


async def grant(books: Books) -> None:
    await give(books, "5", "credit")


async def void(books: Books) -> None:
    given = await give(books, "5", "credit")
    await books.void_grant("acme", given.grant_id)


async def recurring(books: Books) -> None:
    await books.set_recurring_grant("acme", "monthly", {"unit": "credit", "amount": "5", "every": "month"})


async def plan(books: Books) -> None:
    await books.assign_plan("acme", "pro")


async def limit(books: Books) -> None:
    await books.set_limit("acme", "daily", {"cap": "7"})


async def no_limit(books: Books) -> None:
    await books.set_limit("acme", "daily", None)


async def suspend(books: Books) -> None:
    await put_customer(books.database, "acme", suspended=True)


async def rename(books: Books) -> None:
    await put_customer(books.database, "acme", name="Acme & Co.")


async def member(books: Books) -> None:
    async def work(tx: Tx) -> None:
        await upsert_member(tx, await get_customer(tx, "acme"), "ada")

    await books.database.run(work)


VERBS = [
    ingest, authorize, settle, release, extend, grant, void, recurring, plan, limit, no_limit, suspend, rename, member,
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
async def test_whoever_changes_something_says_so(database: Database, verb: Callable[[Books], Awaitable[None]]) -> None:
    books = await open_books(database, PLANS, "acme", "other")
    await give(books, "10", "credit")
    await hold(books, "h1")
    await books.set_limit("acme", "daily", {"cap": "50"})
    async with hearing(database.url) as ear:
        await ear.from_here_on(database)
        await verb(books)
        await ear.catch_up(database)
        assert ear.told_of("acme")
        assert not ear.told_of("other")


async def test_the_sweep_says_so(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CREDITS, "acme", "other")
        await give(books, "10", "credit")
        await hold(books, "h1", expires_in=60)
        async with hearing(database.url) as ear:
            await ear.from_here_on(database)
            clock.go(timedelta(hours=1))
            assert await books.sweep() == 1
            await ear.catch_up(database)
            assert ear.told_of("acme")
            assert not ear.told_of("other")


async def test_a_new_catalog_concerns_everyone(database: Database) -> None:
    async with hearing(database.url) as ear:
        await put_catalog(database, CREDITS)
        await ear.until_told_of("anybody")


async def test_what_is_replayed_is_told_of(database: Database) -> None:
    books = await open_books(database, CREDITS, "other")
    refused = await books.ingest([use("e1")])
    await put_customer(database, "acme")
    async with hearing(database.url) as ear:
        await ear.from_here_on(database)
        waiting = refused.results[0].quarantine_id
        assert waiting is not None
        await books.replay([waiting], by="test")
        await ear.until_told_of("acme")


async def test_what_is_repriced_is_told_of_once_it_is_applied(database: Database, tmp_path: Path) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "a", "answer", call("r1", model="gpt-99"))
    own = tmp_path / "prices.toml"
    own.write_text(OWN)
    books = Books(Settings(database_url=database.url, prices=own), database)
    async with hearing(database.url) as ear:
        await ear.from_here_on(database)
        assert await books.reprice(CallFilter(), apply=False)
        await ear.catch_up(database)
        assert ear.heard == []
        await books.reprice(CallFilter(), apply=True)
        await ear.until_told_of("acme")


async def test_what_is_rolled_back_is_not_told(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await give(books, "10", "credit")
    async with hearing(database.url) as ear:
        await ear.from_here_on(database)
        with pytest.raises(ZeroDivisionError):
            await books.ingest([use("e1")], also=lambda tx, recorded: 1 // 0)  # pyright: ignore[reportArgumentType]
        await books.check(HoldIn(customer="acme", meter="interview"))
        await ear.catch_up(database)
        assert ear.heard == []


async def test_closing_tells_what_is_left(database: Database) -> None:
    await open_books(database, CREDITS)
    async with hearing(database.url) as ear:
        async with Database(database.url, pool_size=1) as short_lived:
            books = books_on(short_lived)
            for i in range(5):
                await books.ingest([use(f"e{i}")])
            ear.heard.clear()
        await ear.until_told_of("acme")


async def test_many_commits_are_few_notices(database: Database) -> None:
    books = await open_books(database, CREDITS, *(f"c{i}" for i in range(50)))
    async with hearing(database.url) as ear:
        await ear.from_here_on(database)
        began = asyncio.get_running_loop().time()
        for i in range(50):
            await books.ingest([use("e", f"c{i}")])
        took = asyncio.get_running_loop().time() - began
        await ear.until_told_of("c49")
        assert len(ear.heard) <= took / 0.1 + 2
        assert all(ear.told_of(f"c{i}") for i in range(50))


async def test_a_database_that_is_away_loses_hints_and_nothing_else(database: Database) -> None:
    closed = Database(database.url, pool_size=1)
    closed._hints.gather(Touched({str(uuid4())}))
    await closed.close()


def test_payloads_hold_what_fits() -> None:
    ids = {str(uuid4()) for _ in range(1000)}
    payloads = payloads_of(Touched(set(ids)))
    assert len(payloads) == 5
    assert all(len(one) < 8000 for one in payloads)
    assert touched_in(payloads) == Touched(ids)
    assert touched_in(["no such thing"]).everyone


def test_of_too_many_it_is_said_that_everyone_may_have_changed() -> None:
    gathered = Touched()
    for _ in range(6):
        gathered.add(Touched({str(uuid4()) for _ in range(1000)}))
    assert payloads_of(gathered) == ["*"]
    assert touched_in(["*"]).concerns(customer_id_of("acme"))
