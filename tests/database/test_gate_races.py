"""Many at once on one hold, grant or customer: each thing happens once, whoever wins."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.database.gating import (
    CREDITS,
    HOUR,
    START,
    Clock,
    D,
    account,
    assert_idle,
    assert_sound,
    books_on,
    change,
    give,
    hold,
    ingest,
    one,
    open_books,
    paid_for,
    refused,
    release,
    rows,
    settle,
    sweep_all,
    used,
    wallet,
)

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import TollError
from tollkeeper.gate import Verb

pytestmark = pytest.mark.anyio

CATALOG = (
    CREDITS
    + """
[meters.tokens]
unit = "token"
[prices.tokens]
model = "unit"
amount = "0.01"
included = "100"
[limits.day]
meter = "tokens"
per = "day"
cap = "1000000"
"""
)


@pytest.fixture
async def wide(database_url: str) -> AsyncIterator[Database]:
    """Connections for as many clients as the tests have."""
    async with Database(database_url, pool_size=24) as opened:
        yield opened


async def at_once(works: list[Callable[[Books], Awaitable[Any]]], database: Database) -> Counter[str]:
    """Each work with books of its own, as if in a process of its own; how many ended how."""

    async def do(work: Callable[[Books], Awaitable[Any]], books: Books) -> str:
        try:
            await work(books)
        except TollError as error:
            return error.code
        return "done"

    return Counter(await asyncio.gather(*(do(work, books_on(database)) for work in works)))


@pytest.mark.parametrize("meter", ["interview", "tokens"])
@pytest.mark.parametrize("limited", [True, False], ids=["limits", "no limits"])
async def test_one_hold_id_from_many_clients(wide: Database, meter: str, limited: bool) -> None:
    """The customer's very first operation, so that its till doesn't exist yet. Fails where holds are looked up before
    the lock: then several clients reserve, and the hold tells of one."""
    catalog = CATALOG if limited else CATALOG.partition("[limits.day]")[0]
    books = await open_books(wide, catalog + '[funding]\nwhen_exhausted = "receivable"\n')
    more = {} if meter == "interview" else {"quantity": "150"}
    ended = await at_once([lambda books: hold(books, "h", meter, **more)] * 32, wide)
    assert ended == {"done": 32}
    await assert_sound(books)
    await release(books, "h")
    await assert_idle(books)


async def test_one_hold_id_with_other_contents(wide: Database) -> None:
    books = await open_books(wide, CATALOG)
    await give(books, "40", "credit")
    works = [lambda books, i=i: hold(books, "h", member=f"m{i % 4}") for i in range(32)]
    ended = await at_once(works, wide)
    assert ended == {"done": 8, "hold_conflict": 24}
    assert await wallet(books, "credit") == (40, 1)


async def test_one_grant_id_from_many_clients(wide: Database) -> None:
    books = await open_books(wide, CATALOG)
    ended = await at_once([lambda books: give(books, "7", "credit", key="order 1")] * 32, wide)
    assert ended == {"done": 32}
    assert await wallet(books, "credit") == (7, 0)
    assert await one(books, "select count(*) from grants") == 1
    assert await account(books, "cash", "credit") == 7
    other = await at_once([lambda books: give(books, "8", "credit", key="order 1")] * 4, wide)
    assert other == {"grant_conflict": 4}
    await assert_idle(books)


@pytest.mark.parametrize("round", range(4))
async def test_a_hold_ends_once(wide: Database, round: int) -> None:
    """Settle, release, extend and expiry of each of several holds, in any order. Fails where a hold can end twice:
    its value is then freed twice, or spent and freed."""
    rng = random.Random(round)
    with Clock() as clock:
        books = await open_books(wide, CATALOG)
        await give(books, "20", "credit")
        for i in range(5):
            await hold(books, f"h{i}")
        clock.go(HOUR)
        works: list[Callable[[Books], Awaitable[Any]]] = []
        for i in range(5):
            works += [lambda books, i=i: settle(books, f"h{i}")] * 2
            works += [lambda books, i=i: release(books, f"h{i}")] * 2
            works += [lambda books, i=i: change(books, Verb.EXTEND, f"h{i}", 60)]
            works += [lambda books, i=i: ingest(books, used(f"other {i}", hold=f"h{i}"))]
        works += [lambda books: sweep_all(books, clock.at)] * 6
        rng.shuffle(works)
        ended = await at_once(works, wide)
        assert ended.keys() <= {"done", "hold_ended"}
        clock.go(HOUR)
        await sweep_all(books, clock.at)
        await assert_idle(books)
        # Every hold was settled twice with one event, and once with another: all that happened is charged, once.
        recorded = await one(books, "select count(*) from events")
        assert recorded == 10
        assert await wallet(books, "credit") == (10, 0)
        assert await account(books, unit="credit") == 0
        assert {row["state"] for row in await rows(books, "select state from holds")} <= {
            "settled", "released", "expired",
        }  # fmt: skip


async def test_in_doubt_estimates_against_settlements(wide: Database) -> None:
    """Whichever comes first, what is charged in the end is what the operation came to."""
    doubtful = CATALOG.replace('unit = "token"', 'unit = "token"\non_expiry = "charge_estimate"')
    with Clock() as clock:
        books = await open_books(wide, doubtful)
        await give(books, "100")
        for i in range(6):
            await hold(books, f"h{i}", "tokens", quantity="1000")
            await change(books, Verb.DOUBT, f"h{i}")
        clock.go(HOUR)
        works: list[Callable[[Books], Awaitable[Any]]] = [lambda books: sweep_all(books, clock.at)] * 4
        works += [lambda books, i=i: settle(books, f"h{i}", quantity="300") for i in range(6)] * 2
        ended = await at_once(works, wide)
        assert ended == {"done": 16}
        # 1,800 tokens, of which 100 are included.
        assert await one(books, "select sum(charge) from events") == 17
        assert await wallet(books) == (83, 0)
        await assert_idle(books)


async def test_a_recurring_grant_begins_once(wide: Database) -> None:
    with Clock() as clock:
        books = await open_books(wide, CATALOG)
        await books.set_recurring_grant("acme", "daily", {"unit": "credit", "amount": "3", "every": "day"})
        clock.go(timedelta(days=1))
        works: list[Callable[[Books], Awaitable[Any]]] = [lambda books: hold(books, f"h{id(books)}")] * 6
        works += [lambda books: books.refresh("acme")] * 5 + [lambda books: sweep_all(books, clock.at)] * 5
        ended = await at_once(works, wide)
        assert ended == {"done": 13, "insufficient_credits": 3}
        assert await one(books, "select count(*) from grants") == 2
        assert await wallet(books, "credit") == (3, 3)
        clock.go(HOUR)
        await sweep_all(books, clock.at)
        await assert_idle(books)


@pytest.mark.parametrize("refund", [True, False])
async def test_void_against_settle(wide: Database, refund: bool) -> None:
    books = await open_books(wide, CATALOG)
    grant = await give(books, "10", "credit")
    for i in range(6):
        await hold(books, f"h{i}")
    works: list[Callable[[Books], Awaitable[Any]]] = [lambda books, i=i: settle(books, f"h{i}") for i in range(4)]
    works += [lambda books, i=i: release(books, f"h{i}") for i in (4, 5)]
    works += [lambda books: books.void_grant("acme", grant.grant_id, refund=refund)] * 3
    works += [lambda books, i=i: hold(books, f"new{i}", expires_in=1) for i in range(4)]
    random.Random(1).shuffle(works)
    ended = await at_once(works, wide)
    assert ended.keys() <= {"done", "insufficient_credits"}
    for row in await rows(books, "select hold_id from holds where ended_at is null"):
        await release(books, row["hold_id"])
    assert await wallet(books, "credit") == (0, 0)
    assert [await paid_for(books, f"h{i}") for i in range(4)] == [1] * 4
    [row] = await rows(books, "select spent, voided from grants")
    assert (row["spent"], row["voided"]) == (4, 6)
    assert await account(books, "cash", "credit") == 4
    assert (await refused(books, "late")).code == "insufficient_credits"
    await assert_idle(books)


async def test_the_first_grant_against_usage(wide: Database) -> None:
    """Usage that is recorded meanwhile is paid from the grant or owed, never half of each."""
    books = await open_books(wide, CATALOG.partition("[limits.day]")[0])
    works: list[Callable[[Books], Awaitable[Any]]] = [
        lambda books, i=i: ingest(books, used(f"e{i}"), used(f"t{i}", "tokens", quantity="7")) for i in range(16)
    ]
    works.insert(5, lambda books: give(books, "100", "credit"))
    works.insert(9, lambda books: give(books, "0.5"))
    assert await at_once(works, wide) == {"done": 18}
    await assert_idle(books)
    spent = 100 - (await wallet(books, "credit"))[0]
    assert await account(books, unit="credit") == 16 - spent
    await ingest(books, used("late"))
    assert await paid_for(books, "late") == 1


async def test_the_first_limit_and_hold_against_usage(wide: Database) -> None:
    """A limit that comes while usage is recorded counts all of it."""
    books = await open_books(wide, CATALOG.partition("[limits.day]")[0])
    terms = {"meter": "tokens", "per": "day", "cap": "200"}
    works: list[Callable[[Books], Awaitable[Any]]] = [
        lambda books, i=i: ingest(books, used(f"t{i}", "tokens", quantity="7")) for i in range(20)
    ]
    works.insert(6, lambda books: books.set_limit("acme", "own", terms))
    works.insert(12, lambda books: hold(books, "h", "tokens", quantity="1"))
    assert await at_once(works, wide) == {"done": 22}
    await assert_sound(books)
    assert (await refused(books, "more", "tokens", quantity="60")).extra["used"] == "140"
    await release(books, "h")
    await hold(books, "fits", "tokens", quantity="60")
    await release(books, "fits")
    await assert_idle(books)


async def test_plans_change_while_usage_is_recorded(wide: Database) -> None:
    """Every charge is by the plan in force at the event's time, and what holds have claimed is given back."""
    plans = (
        CATALOG
        + """
[plans.pro.prices.tokens]
model = "unit"
amount = "0.02"
[plans.pro.limits.pro]
meter = "tokens"
per = "month"
cap = "100000"
[plans.pro.grants.monthly]
unit = "credit"
amount = "50"
every = "month"
[plans.basic]
"""
    )
    books = await open_books(wide, plans)
    works: list[Callable[[Books], Awaitable[Any]]] = []
    for i in range(12):
        works.append(lambda books, i=i: ingest(books, used(f"t{i}", "tokens", quantity="7")))
        works.append(lambda books, i=i: hold(books, f"h{i}", "tokens", quantity="9"))
    for i in range(6):
        works.insert(4 * i, lambda books, i=i: books.assign_plan("acme", ("pro", "basic")[i % 2]))
    ended = await at_once(works, wide)
    assert ended.keys() <= {"done", "plan_in_past"}
    await assert_sound(books)
    for i in range(12):
        await (settle if i % 2 else release)(books, f"h{i}")
    await assert_idle(books)
    assert await one(books, "select count(*) from events") == 18


async def test_holds_of_many_customers_in_any_order(wide: Database) -> None:
    """Requests of several customers share transactions: none may wait for the other crosswise."""
    names = [f"c{i}" for i in range(8)]
    books = await open_books(wide, CATALOG, *names)
    for name in names:
        await give(books, "5", "credit", customer=name)
    shared = [books_on(wide) for _ in range(4)]
    rng = random.Random(2)
    codes: set[str] = set()

    async def visit(number: int) -> None:
        mine = rng.choice(shared)
        for name in rng.sample(names, 4):
            id = f"{number}-{name}"
            try:
                await hold(mine, id, customer=name)
            except TollError as error:
                codes.add(error.code)
                continue
            batch = [
                used(f"{id} {other}", customer=other, meter="tokens", quantity="1") for other in rng.sample(names, 3)
            ]
            await ingest(rng.choice(shared), *batch)
            await (settle if rng.random() < 0.4 else release)(rng.choice(shared), id, customer=name)

    await asyncio.gather(*(visit(number) for number in range(24)))
    await assert_idle(books)
    assert codes <= {"insufficient_credits"}
    assert await one(books, "select min(balance) from wallets where unit = 'credit'") >= 0


async def test_settled_by_an_event_and_by_a_request(wide: Database) -> None:
    """The same event under the hold's id, twice as a settlement and twice as usage: recorded once, charged once."""
    books = await open_books(wide, CATALOG)
    await give(books, "3", "credit", expires_at=START + timedelta(days=3650))
    await hold(books, "h", expires_in=80_000)
    works: list[Callable[[Books], Awaitable[Any]]] = [
        lambda books: settle(books, "h"),
        lambda books: ingest(books, used("h", hold="h", quantity="1")),
        lambda books: ingest(books, used("h", quantity="1")),
    ] * 3
    assert await at_once(works, wide) == {"done": 9}
    assert await one(books, "select count(*) from events") == 1
    assert await wallet(books, "credit") == (2, 0)
    assert D(await one(books, "select charged from holds")) in (0, 1)
    await assert_idle(books)
