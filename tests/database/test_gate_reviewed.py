"""What a review of the gate has found, each with the figures that are right."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from gating import (
    HOUR,
    Clock,
    account,
    assert_sound,
    give,
    hold,
    ingest,
    one,
    open_books,
    put_catalog,
    put_customer,
    refused,
    settle,
    used,
    wallet,
)

from tollkeeper.db import Database
from tollkeeper.events import CallIn
from tollkeeper.gate import HoldIn

pytestmark = pytest.mark.anyio

D = Decimal

VOLUME = """
currency = "USD"
[meters.call]
unit = "call"
[prices.call]
model = "volume"
[[prices.call.tiers]]
up_to = 100
amount = "1"
[[prices.call.tiers]]
amount = "0.5"
"""

PLAIN = """
currency = "USD"
[meters.page]
unit = "page"
[prices.page]
model = "unit"
amount = "1"
"""


async def test_a_step_down_in_one_batch_comes_back_to_the_wallet(database: Database) -> None:
    """Fails where the step is given back before the usage ahead of it is paid: then the receivable goes negative."""
    books = await open_books(database, VOLUME)
    await give(books, "200")
    await ingest(books, used("e1", "call", quantity="100"), used("e2", "call", quantity="1"))
    assert await wallet(books) == (D("149.5"), 0)
    assert await account(books) == 0
    await assert_sound(books)


async def test_several_corrections_in_one_batch(database: Database) -> None:
    books = await open_books(database, PLAIN)
    await give(books, "10")
    more = used("c1", "page", quantity="5", corrects="x")
    less = used("c2", "page", quantity="-3", corrects="x")
    await ingest(books, used("x", "page", quantity="10"), more, less)
    assert (await wallet(books), await account(books)) == ((0, 0), 2)
    await assert_sound(books)


async def test_holds_without_an_id_are_different_holds(database: Database) -> None:
    books = await open_books(database, PLAIN)
    await give(books, "10")
    held = [await books.authorize(HoldIn(customer="acme", meter="page", quantity=D(2))) for _ in range(2)]
    assert len({answer.hold.hold_id for answer in held}) == 2
    assert await wallet(books) == (10, 4)
    await assert_sound(books)


async def test_a_settlement_of_a_recorded_and_a_new_event_keeps_its_reservation(database: Database) -> None:
    """Fails where the repeated event ends the hold before the new one is paid: then the grant has expired for it."""
    with Clock() as clock:
        books = await open_books(database, PLAIN)
        await give(books, "10", expires_at=clock.at + HOUR)
        await hold(books, "h", "page", quantity="5", expires_in=80_000)
        await ingest(books, used("e1", "page", quantity="1"))
        clock.go(2 * HOUR)
        events = [{"id": id, "meter": "page", "quantity": D(n)} for id, n in (("e1", 1), ("e2", 4))]
        settled = await settle(books, "h", *events)
        assert [result.status for result in settled.results] == ["duplicate", "accepted"]
        assert settled.hold.charged == 4
        assert await account(books) == 0
        await assert_sound(books)


async def test_a_customer_whose_till_is_locked_keeps_nobody_else_waiting(database: Database) -> None:
    """Fails where a shared transaction waits for one customer's lock as long as it takes."""
    books = await open_books(database, PLAIN)
    await give(books, "10")
    await put_customer(database, "bolt")
    async with database.transaction() as other:
        await other.connection.execute("select from tills for update")
        stuck = asyncio.create_task(hold(books, "h", "page", quantity="1"))
        await asyncio.sleep(0.2)
        await books.authorize(HoldIn(customer="bolt", meter="page", id="b", quantity=D(1)))
        assert not stuck.done()
    assert (await stuck).hold.state == "open"


async def test_the_provider_cost_of_an_estimate_is_an_estimate(database: Database) -> None:
    books = await open_books(database, PLAIN)
    await hold(books, "h", "page", quantity="5", calls=[CallIn(provider="p", model="m", cost=D("0.4"))])
    await settle(books, "h", quantity="2")
    assert await one(books, "select cost_source from events") == "estimate"


async def test_changing_plans_grants_nothing_twice(database: Database) -> None:
    """Fails where a plan's grant comes again for a period that was granted, however often plans are changed."""
    text = 'default_plan = "a"\n' + PLAIN
    for key in "ab":
        text += f'[plans.{key}]\nname = "{key}"\n[plans.{key}.grants.monthly]\namount = "5"\nevery = "month"\n'
    with Clock() as clock:
        books = await open_books(database, text)
        await books.refresh("acme")
        assert await wallet(books) == (5, 0)
        for plan in ("a", "b", "a", "b", None, "b"):
            clock.go(HOUR)
            await books.assign_plan("acme", plan)
            assert await wallet(books) == (5, 0)
        clock.go(31 * 24 * HOUR)
        await books.refresh("acme")
        assert await wallet(books) == (5, 0)
        await assert_sound(books)


@pytest.mark.parametrize("how", ["plan", "own", "catalog"])
async def test_a_limit_that_comes_later_counts_the_holds_that_are_open(database: Database, how: str) -> None:
    """Fails where a limit sees only what was held since it was there: then 22 of 12 are used in the end."""
    limited = '{}\nmeter = "page"\nper = "week"\ncap = "12"\n'
    text = PLAIN + '[plans.b]\nname = "B"\n' + limited.format("[plans.b.limits.weekly]")
    books = await open_books(database, text)
    await hold(books, "h1", "page", quantity="10")
    if how == "plan":
        await books.assign_plan("acme", "b")
    elif how == "own":
        await books.set_limit("acme", "weekly", {"meter": "page", "per": "week", "cap": "12"})
    else:
        await put_catalog(database, text + limited.format("[limits.weekly]"))
    error = await refused(books, "h2", "page", quantity="3")
    assert error.code == "limit_exceeded"
    assert (error.extra["held"], error.extra["used"]) == ("10", "0")
    await hold(books, "h3", "page", quantity="2")
    await assert_sound(books)
    await settle(books, "h1", quantity="4")
    await hold(books, "h4", "page", quantity="6")
    await settle(books, "h3")
    await settle(books, "h4")
    assert await one(books, "select sum(held) from limit_counters") == 0
    await assert_sound(books)
