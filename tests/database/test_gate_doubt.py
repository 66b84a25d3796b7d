"""Operations whose outcome nobody knows: their value is kept, their estimate booked, and taken back when it's known."""

from __future__ import annotations

import pytest
from tests.database.gating import (
    CREDITS,
    DAY,
    HOUR,
    MINUTE,
    START,
    Clock,
    D,
    account,
    assert_idle,
    change,
    give,
    hold,
    ingest,
    one,
    open_books,
    paid_for,
    put_catalog,
    put_customer,
    release,
    settle,
    state_of,
    sweep_all,
    used,
    wallet,
)

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.events import CallIn
from tollkeeper.gate import Verb

pytestmark = pytest.mark.anyio

CATALOG = (
    CREDITS
    + """
[meters.page]
unit = "page"
on_expiry = "charge_estimate"
dimensions = ["job"]
[prices.page]
model = "unit"
amount = "1"
[meters.model]
unit = "call"
on_expiry = "charge_estimate"
[prices.model]
model = "cost_plus"
margin_percent = "100"
[meters.tokens]
unit = "token"
on_expiry = "charge_estimate"
[prices.tokens]
model = "graduated"
tiers = [{ up_to = 10, amount = "1" }, { amount = "0.5" }]
[limits.day]
meter = "page"
per = "day"
cap = "1000"
"""
)


async def in_doubt(books: Books, id: str, meter: str = "page", **fields: object) -> None:
    await hold(books, id, meter, expires_in=60, **fields)
    await change(books, Verb.DOUBT, id)


async def test_its_estimate_is_booked_when_it_expires(database: Database) -> None:
    """At the time when it was to begin; once, however often the sweep comes. Release meters charge nothing."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        await give(books, "1", "credit")
        await in_doubt(books, "p", quantity="4", member="ann", dimensions={"job": "a"})
        await in_doubt(books, "i", "interview")
        clock.go(MINUTE)
        assert [await sweep_all(books, clock.go(MINUTE)) for _ in range(3)] == [2, 0, 0]
        assert (await state_of(books, "p"), await state_of(books, "i")) == ("expired", "expired")
        assert await one(books, "select charged from holds where hold_id = 'p'") == 4
        assert await one(books, "select time from events") == START
        assert (await wallet(books), await wallet(books, "credit")) == ((6, 0), (1, 0))
        await assert_idle(books)


@pytest.mark.parametrize(("quantity", "left"), [("1", "9"), ("4", "6"), ("9", "1"), ("12", "0")])
async def test_the_estimate_is_taken_back_when_it_is_known(database: Database, quantity: str, left: str) -> None:
    """What is charged in the end is what it came to. Said twice, it's charged once."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        await in_doubt(books, "p", quantity="4")
        await sweep_all(books, clock.go(HOUR))
        assert await wallet(books) == (6, 0)
        for _ in range(2):
            settled = await settle(books, "p", quantity=quantity)
            assert settled.hold.state == "expired"
        assert await wallet(books) == (D(left), 0)
        assert await account(books) == max(0, D(quantity) - 10)
        assert await one(books, "select sum(charge) from events") == D(quantity)
        await assert_idle(books)


async def test_the_estimate_is_taken_back_for_usage_that_names_the_hold(database: Database) -> None:
    """The other way to settle: an event that says `hold`. Fails where only a settlement takes the estimate back."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        await in_doubt(books, "p", quantity="4")
        await sweep_all(books, clock.go(HOUR))
        await ingest(books, used("actual", "page", quantity="1", hold="p"))
        assert await one(books, "select sum(charge) from events") == 1
        assert await wallet(books) == (9, 0)


async def test_estimates_by_cost_and_in_tiers(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "50")
        await in_doubt(books, "m", "model", quantity="1", calls=_calls())
        await in_doubt(books, "t", "tokens", quantity="12")
        assert await wallet(books) == (50, 14)
        await ingest(books, used("before", "tokens", quantity="5"))
        await sweep_all(books, clock.go(HOUR))
        # 17 tokens: ten of the first tier, seven of the second.
        assert await wallet(books) == (50 - 3 - D("13.5"), 0)
        await settle(books, "t", quantity="2")
        await settle(books, "m", quantity="1", calls=_calls("0.5"))
        assert await wallet(books) == (50 - 1 - 7, 0)
        await assert_idle(books)


async def test_what_was_kept_of_an_expired_grant_pays_the_estimate(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "4", expires_at=START + MINUTE / 2)
        await in_doubt(books, "p", quantity="4")
        await sweep_all(books, clock.go(HOUR))
        assert await paid_for(books, "p:estimate") == 4
        await settle(books, "p", quantity="1")
        # What the estimate gives back has expired long ago.
        assert (await wallet(books), await account(books)) == ((0, 0), 1)
        await assert_idle(books)


@pytest.mark.parametrize(
    "gone", ["dimension", "meter", "price", "customer", "id taken", "long ids", "suspended", "decimals"]
)
async def test_no_hold_is_stuck(database: Database, gone: str) -> None:
    """The estimate can't be booked any more: the hold ends all the same. Fails where it stays open for ever."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        ids = [f"{n}" + "x" * 199 for n in range(2)] if gone == "long ids" else ["p"]
        for id in ids:
            await in_doubt(books, id, quantity="0.25", dimensions={"job": "a"})
        match gone:
            case "dimension":
                await put_catalog(database, CATALOG.replace('dimensions = ["job"]\n', ""))
            case "meter":
                text = CATALOG.replace("meters.page", "meters.other").replace("prices.page", "prices.other")
                await put_catalog(database, text.replace('meter = "page"', 'meter = "other"'))
            case "price":
                await put_catalog(database, CATALOG.replace('[prices.page]\nmodel = "unit"\namount = "1"\n', ""))
            case "customer":
                await put_customer(database, "acme", archived=True)
            case "id taken":
                await ingest(books, used("p:estimate", "tokens", quantity="1"))
            case "suspended":
                await put_customer(database, "acme", suspended=True)
            case "decimals":
                await put_catalog(database, CATALOG.replace('unit = "page"\n', 'unit = "page"\ndecimals = 1\n'))
        await sweep_all(books, clock.go(HOUR))
        await sweep_all(books, clock.go(HOUR))
        assert [await state_of(books, id) for id in ids] == ["expired"] * len(ids)
        await assert_idle(books)


async def test_a_person_releases_it(database: Database) -> None:
    """Also after its time, as long as nothing was booked."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        await in_doubt(books, "p", quantity="4")
        await in_doubt(books, "q", quantity="4")
        await release(books, "p")
        clock.go(DAY)
        assert (await release(books, "q")).state == "released"
        await sweep_all(books, clock.at)
        assert await wallet(books) == (10, 0)
        assert await one(books, "select count(*) from events") == 0
        await assert_idle(books)


def _calls(cost: str = "1.5") -> list[object]:
    return [CallIn(provider="p", model="m", cost=D(cost))]
