"""Credit ceilings: what is owed, what open holds may come to owe, and usage that nobody asked for."""

from __future__ import annotations

import asyncio

import pytest
from tests.database.gating import (
    Clock,
    D,
    account,
    assert_idle,
    assert_sound,
    books_on,
    give,
    hold,
    ingest,
    one,
    open_books,
    put_catalog,
    refused,
    release,
    rows,
    settle,
    used,
    wallet,
)

from tollkeeper.db import Database
from tollkeeper.errors import TollError

pytestmark = pytest.mark.anyio

PLAIN = """
currency = "USD"
[meters.page]
unit = "page"
[prices.page]
model = "unit"
amount = "1"
"""
CEILING = PLAIN + '[funding]\ncredit_ceiling = "10"\n'


async def test_exactly_reached_by_concurrent_holds(database: Database) -> None:
    """Fails where the ceiling is read before the till is locked: an eleventh gets in."""
    books = await open_books(database, CEILING)
    await give(books, "5")

    async def start(i: int) -> int:
        try:
            await hold(books_on(database), f"h{i}", "page", quantity="1")
        except TollError as error:
            return 0 if error.code == "insufficient_credits" else 1000
        return 1

    assert sum(await asyncio.gather(*(start(i) for i in range(24)))) == 15
    assert await one(books, "select owed_held from wallets") == 10
    assert await wallet(books) == (5, 5)
    # Those that got the wallet's part first; which of the 24 these are is chance.
    held = [row["hold_id"] for row in await rows(books, "select hold_id from holds order by from_wallet desc")]
    for hold_id in held[:7]:
        await settle(books, hold_id)
    for hold_id in held[7:]:
        await release(books, hold_id)
    assert await account(books) == await one(books, "select owed from wallets") == 2
    await assert_idle(books)


async def test_usage_after_the_fact_passes_the_ceiling_and_counts(database: Database) -> None:
    books = await open_books(database, CEILING)
    assert (await ingest(books, used("e", "page", quantity="14")))[0].charge == "14"
    error = await refused(books, "h", "page", quantity="0.01")
    assert (error.extra["needed"], error.extra["available"]) == ("0.01", "0")
    assert (await hold(books, "nothing", "page", quantity="0")).hold.amount == 0
    await ingest(books, used("c", "page", quantity="-5", corrects="e"))
    await hold(books, "h", "page", quantity="1")
    assert (await refused(books, "h2", "page", quantity="0.01")).code == "insufficient_credits"
    await settle(books, "h")
    await release(books, "nothing")
    assert await account(books) == await one(books, "select owed from wallets") == 10
    await assert_idle(books)


@pytest.mark.parametrize("first", ["hold", "grant", "recurring", "usage"])
async def test_a_ceiling_that_comes_after_usage_knows_what_is_owed(database: Database, first: str) -> None:
    """Whatever opens the till: `owed` begins with the receivable. Fails where a wallet begins with nothing owed."""
    with Clock() as clock:
        books = await open_books(database, PLAIN)
        await ingest(books, used("e", "page", quantity="8"))
        await put_catalog(database, CEILING)
        match first:
            case "grant":
                await give(books, "1")
            case "recurring":
                terms = {"unit": "USD", "amount": "1", "every": "year"}
                await books.set_recurring_grant("acme", "free", terms, anchor=clock.at)
            case "usage":
                await ingest(books, used("e2", "page", quantity="0.5"))
        more = {"hold": "0", "grant": "1", "recurring": "1", "usage": "-0.5"}[first]
        fits = str(2 + D(more))
        assert (await refused(books, "h", "page", quantity=str(D(fits) + D("0.01")))).code == "insufficient_credits"
        await hold(books, "h", "page", quantity=fits)
        await settle(books, "h")
        assert await account(books) == await one(books, "select owed from wallets") == 10
        await assert_idle(books)


async def test_a_ceiling_that_comes_and_goes(database: Database) -> None:
    books = await open_books(database, CEILING)
    await hold(books, "h", "page", quantity="4")
    await put_catalog(database, PLAIN)
    await ingest(books, used("e", "page", quantity="9"))
    await settle(books, "h", quantity="3")
    await put_catalog(database, CEILING)
    assert (await refused(books, "h2", "page", quantity="0.1")).code == "insufficient_credits"
    assert await account(books) == await one(books, "select owed from wallets") == 12
    await give(books, "2")
    await hold(books, "h2", "page", quantity="2")
    await settle(books, "h2", quantity="1")
    await assert_idle(books)
    assert await wallet(books) == (1, 0)


@pytest.mark.parametrize(
    ("overage", "paid", "owed"), [("wallet", "7", "0"), ("receivable", "5", "2")], ids=["wallet", "receivable"]
)
async def test_settled_for_more_than_was_held(database: Database, overage: str, paid: str, owed: str) -> None:
    books = await open_books(database, PLAIN + f'[funding]\nsettle_overage = "{overage}"\n')
    await give(books, "10")
    await hold(books, "h", "page", quantity="5")
    settled = await settle(books, "h", quantity="7")
    assert settled.hold.charged == 7
    assert await wallet(books) == (10 - D(paid), 0)
    assert await account(books) == D(owed)
    await assert_idle(books)


async def test_overage_takes_nothing_that_others_have_reserved(database: Database) -> None:
    """Fails where a settlement may take more than what is free: then the second hold's own part would be owed."""
    books = await open_books(database, PLAIN)
    await give(books, "10")
    await hold(books, "a", "page", quantity="4")
    await hold(books, "b", "page", quantity="5")
    await settle(books, "a", quantity="20")
    assert await wallet(books) == (5, 5)
    assert await account(books) == 15
    await assert_sound(books)
    await settle(books, "b")
    assert await wallet(books) == (0, 0)
    assert await account(books) == 15
    await assert_idle(books)
