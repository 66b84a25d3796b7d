"""The console's figures: what the customers' own overviews say, brought up to date in rounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from tests.database.gating import (
    DAY,
    HOUR,
    MINUTE,
    Clock,
    assert_sound,
    give,
    ingest,
    open_books,
    put_customer,
    used,
    utc,
    verdict_of,
)
from tests.database.listing import CATALOG

from tollkeeper.analytics import overview
from tollkeeper.books import Books
from tollkeeper.console import (
    Behind,
    CustomerRow,
    Listed,
    ListQuery,
    Sort,
    Task,
    last_round,
    list_figures,
    refresh_figures,
    summary,
    unpriced,
)
from tollkeeper.customers import CustomerChanges, get_customer, upsert_customer
from tollkeeper.db import Database
from tollkeeper.events import EventIn, has_usage, read_json

pytestmark = pytest.mark.anyio

D = Decimal


@pytest.fixture
def time() -> Iterator[Clock]:
    with Clock(utc("2026-03-15 12:00")) as clock:
        yield clock


async def refresh(books: Books, at: datetime, *, whole: bool = False) -> bool:
    return await books.database.run(lambda tx: refresh_figures(tx, "USD", now=at, whole=whole))


async def listed(books: Books, at: datetime, **query: Any) -> Listed:
    catalog = await books.catalog()
    return await books.database.run(lambda tx: list_figures(tx, catalog, ListQuery(**query), now=at))


async def row(books: Books, at: datetime, key: str = "acme") -> CustomerRow:
    (found,) = (await listed(books, at, search=key)).rows
    return found


async def assert_as_overviews(books: Books, at: datetime) -> None:
    """The list says of each customer what its own overview says; and the summary what the list says in all."""
    catalog = await books.catalog()
    in_all: dict[str, Decimal] = {}
    for one in (await listed(books, at)).rows:

        async def own(tx: Any, key: str = one.key) -> Any:
            return await overview(tx, await get_customer(tx, key), catalog, at)

        told = await books.database.run(own)
        spent = {each.unit: each.amount for each in told.spent if each.amount}
        found = {unit: D(amount) for unit, amount in one.other_charges.items()}
        assert spent == {unit: amount for unit, amount in (found | {one.currency: one.charge}).items() if amount}, (
            one.key
        )
        assert one.owed == sum(each.amount for each in told.owed if each.unit == one.currency), one.key
        assert one.cost == sum(each.cost for each in told.meters), one.key
        for unit, amount in [(one.currency, one.charge), *found.items()]:
            in_all[unit] = in_all.get(unit, D(0)) + amount
    total = await books.database.run(lambda tx: summary(tx, catalog, now=at))
    assert {each.unit: each.amount for each in total.month.spent} == in_all


def event(id: str, quantity: str = "1", *, meter: str = "minute", at: datetime, **more: Any) -> EventIn:
    return used(id, meter, quantity=quantity, time=at, **more)


async def test_figures_are_those_of_the_overviews(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG, "acme")
    for key, zone in (("kiwi", "Pacific/Auckland"), ("adak", "America/Adak"), ("howe", "Australia/Lord_Howe")):
        await put_customer(database, key, timezone=zone)
    assert await refresh(books, time.at)
    assert (await row(books, time.at)).charge == 0
    now = time.go(MINUTE)
    batch = []
    for key in ("acme", "kiwi", "adak", "howe"):
        # Around the beginning of the month in each zone, and in the month before.
        for n, at in enumerate(("2026-02-10 00:00", "2026-02-28 10:30", "2026-03-01 09:30", "2026-03-15 11:59")):
            batch.append(event(f"{key}-{n}", f"{n + 1}.5", at=utc(at), customer=key))
        batch.append(event(f"{key}-i", meter="interview", at=now, customer=key))
        batch.append(event(f"{key}-f", "3", meter="question", at=now, customer=key))
    assert all(one.error is None for one in await ingest(books, *batch))
    assert await refresh(books, now)
    await assert_as_overviews(books, now)
    acme = await row(books, now)
    assert (acme.charge, acme.other_charges, acme.owed, acme.unpriced) == (D("4"), {"credit": "1"}, D("6"), 1)
    assert acme.last_event_at == now
    await assert_sound(books, now)


async def test_a_correction_and_a_late_event_are_found(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG)
    await ingest(books, event("e1", "10", at=time.at), event("e0", "2", at=utc("2026-01-05 00:00")))
    await refresh(books, time.at)
    assert (await row(books, time.at)).owed == 6
    now = time.go(10 * MINUTE)
    await ingest(books, used("fix", "minute", quantity="-4", corrects="e1"))
    await refresh(books, now)
    assert ((await row(books, now)).charge, (await row(books, now)).owed) == (3, 4)
    now = time.go(10 * MINUTE)
    await ingest(books, event("late", "6", at=utc("2026-02-20 00:00")))
    await refresh(books, now)
    assert ((await row(books, now)).charge, (await row(books, now)).owed) == (3, 7)
    await assert_as_overviews(books, now)
    await assert_sound(books, now)


async def test_what_wallets_have_paid_is_not_owed(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "3")
    await ingest(books, event("e1", "10", at=time.at))
    await refresh(books, time.at)
    found = await row(books, time.at)
    assert (found.charge, found.owed, found.available) == (5, 2, {"USD": "0"})
    await assert_as_overviews(books, time.at)


async def test_a_month_begins_anew_in_each_zone(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG, "acme", "kiwi")
    await database.run(
        lambda tx: upsert_customer(
            tx, "kiwi", CustomerChanges(timezone="Pacific/Auckland"), default_currency="USD", in_use=has_usage
        )
    )
    time.at = utc("2026-03-31 10:30")
    await ingest(books, event("a", at=time.at), event("k", at=time.at, customer="kiwi"))
    await refresh(books, time.at)
    # In Auckland it's April from 11:00 UTC on.
    now = time.go(HOUR)
    await refresh(books, now)
    assert ((await row(books, now)).charge, (await row(books, now, "kiwi")).charge) == (D("0.5"), 0)
    now = time.go(13 * HOUR)
    await refresh(books, now)
    assert ((await row(books, now)).charge, (await row(books, now)).owed) == (0, D("0.5"))
    await assert_as_overviews(books, now)
    await assert_sound(books, now)


async def test_what_was_committed_late_is_found_all_the_same(database: Database, time: Clock) -> None:
    """Events are stamped before they're committed: within a minute in the next round, else within a day."""
    books = await open_books(database, CATALOG, "acme", "globex")
    began = time.go(HOUR)
    await refresh(books, time.go(50 * timedelta(seconds=1)))
    time.at = began
    await ingest(books, event("e1", at=began))
    time.at = began + MINUTE
    await refresh(books, time.at)
    assert (await row(books, time.at)).charge == D("0.5")
    time.at = began - 5 * MINUTE
    await ingest(books, event("e2", at=began, customer="globex"))
    await refresh(books, began + 2 * MINUTE)
    assert (await row(books, time.at, "globex")).charge == 0
    await refresh(books, began + DAY + MINUTE)
    assert (await row(books, time.at, "globex")).charge == D("0.5")


async def test_one_works_and_the_others_find_nothing_to_do(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG)
    await refresh(books, time.at)
    now = time.go(MINUTE)
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(tx: Any) -> bool:
        done = await refresh_figures(tx, "USD", now=now)
        held.set()
        await go_on.wait()
        return done

    first = asyncio.create_task(books.database.run(slowly))
    await asyncio.wait_for(held.wait(), 10)
    assert not await refresh(books, now)
    go_on.set()
    assert await first
    assert await refresh(books, now)
    last = await books.database.run(lambda tx: last_round(tx, Task.FIGURES))
    assert last is not None
    assert last.as_of == now


async def test_verify_looks_at_the_figures(database: Database, database_url: str, time: Clock) -> None:
    books = await open_books(database, CATALOG)
    await ingest(books, event("e1", at=time.at))
    await refresh(books, time.go(5 * MINUTE))
    await assert_sound(books, time.at)
    with psycopg.connect(database_url) as owner:
        owner.execute("update customer_figures set charge = charge + 1")
    verdict = await verdict_of(books, time.at)
    (check,) = [check for check in verdict.checks if check.differences]
    assert check.name == "figures"
    assert check.differences[0].customer == "acme"
    # Mended by the next round that goes through everything.
    await refresh(books, time.go(MINUTE), whole=True)
    await assert_sound(books, time.at)


SPENT = {f"c{n:02}": n // 3 for n in range(20)}
CREDITS = {"c03": "3", "c04": "4"} | dict.fromkeys(("c14", "c16", "c17", "c18", "c19"), "17")
"""More have the same than a page holds."""


@pytest.fixture
async def many(database: Database, time: Clock) -> Books:
    """Twenty customers, of whom each three have spent the same; c05 is archived, and euro's currency is another one."""
    books = await open_books(database, CATALOG, *SPENT)
    for key in SPENT:
        await put_customer(database, key, name=f"Firm {key[::-1].upper()}")
    await put_customer(database, "euro", currency="EUR")
    await ingest(books, *[event(f"e-{key}", str(n), at=time.at, customer=key) for key, n in SPENT.items() if n])
    for key, credits in CREDITS.items():
        await give(books, credits, customer=key, unit="credit")
    await put_customer(database, "c05", archived=True)
    await refresh(books, time.at)
    return books


async def pages(books: Books, at: datetime, size: int, **query: Any) -> list[CustomerRow]:
    """All pages of the list, one after the other."""
    found: list[CustomerRow] = []
    behind = None
    while True:
        part = await listed(books, at, limit=size + 1, behind=behind, **query)
        assert [one.key for one in part.rows] == [one.key for one in part.ranks]
        found += part.rows[:size]
        if len(part.rows) <= size:
            return found
        last = part.ranks[size - 1]
        behind = Behind(last.key, last.rank, last.name)


QUERIES = ({}, {"search": "FIRM"}, {"archived": False}, {"archived": True}, {"unit": "credit"})


async def test_pages_hold_everybody_once_in_order(many: Books, time: Clock) -> None:
    for sort, backwards, query in product(Sort, (False, True), QUERIES):
        await assert_in_order(many, time.at, sort, backwards, query)


async def assert_in_order(many: Books, at: datetime, sort: Sort, backwards: bool, query: dict[str, Any]) -> None:
    found = await pages(many, at, 3, sort=sort, backwards=backwards, **query)
    wanted = {"euro", *SPENT} if "search" not in query else {*SPENT}
    if "archived" in query:
        wanted = {"c05"} if query["archived"] else wanted - {"c05"}
    assert sorted(one.key for one in found) == sorted(wanted)

    def place(one: CustomerRow) -> Any:
        match sort:
            case Sort.KEY:
                return one.key
            case Sort.NAME:
                return one.name.lower(), one.key
            case Sort.BALANCE:
                amount = D(one.available.get(query.get("unit", "USD"), "0"))
                return amount, amount == 0 and one.key
            case Sort.SPENT:
                return one.charge, one.key
            case Sort.MARGIN:
                return one.margin, one.key
            case Sort.OWED:
                return one.owed, one.key

    assert found == sorted(found, key=place, reverse=backwards)


FOUND = (
    ("c1", 10), ("C07", 1), ("firm 7", 2), ("firm 70c", 1), ("%", 0), ("_", 0), ("\\", 0), ("' or 1=1", 0), ("\n", 0),
)  # fmt: skip


async def test_text_is_found_in_keys_and_names(many: Books, time: Clock) -> None:
    for search, wanted in FOUND:
        assert len((await listed(many, time.at, search=search)).rows) == wanted, search


async def test_plans_are_those_of_the_moment(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG + '[plans.pro]\nname = "Pro"\n')
    assert (await row(books, time.at)).plan is None
    await books.assign_plan("acme", "pro")
    await books.assign_plan("acme", None, at=time.at + DAY)
    assert (await row(books, time.at)).plan == "pro"
    assert (await row(books, time.at + DAY)).plan is None


async def test_the_summary_adds_up_what_the_list_shows(many: Books, time: Clock) -> None:
    catalog = await many.catalog()
    told = await many.database.run(lambda tx: summary(tx, catalog, now=time.at))
    spent = sum(SPENT.values()) * D("0.5")
    assert (told.customers, told.archived, told.suspended) == (21, 1, 0)
    assert {one.unit: one.amount for one in told.month.spent} == {"USD": spent, "EUR": 0}
    assert told.month == told.today
    assert (told.month.margin, told.month.cost) == (spent, 0)
    # Tomorrow nothing was used today, though no round has come by.
    tomorrow = await many.database.run(lambda tx: summary(tx, catalog, now=time.at + DAY))
    assert (tomorrow.today.events, tomorrow.month.events) == (0, told.month.events)


async def test_unpriced_usage_is_told_by_meter_and_model(database: Database, time: Clock) -> None:
    books = await open_books(database, CATALOG, "acme", "globex")
    counted = {"input_tokens": 5, "output_tokens": 7}
    calls = [{"provider": "openai", "model": "gpt-99", "response_id": "r1", "usage": counted}]
    await ingest(
        books,
        event("f1", meter="question", at=time.at - 2 * DAY),
        event("f2", meter="question", at=time.at, customer="globex"),
        event("f3", meter="question", at=time.at),
        event("m1", at=time.at),
    )
    usage, models = await database.run(unpriced)
    assert [(one.meter, one.events, one.customers, one.since.day, one.until.day) for one in usage] == [
        ("question", 3, 2, 13, 15)
    ]
    assert models == []
    body = {"id": "c1", "customer": "acme", "meter": "minute", "quantity": "1", "calls": calls}
    await books.ingest(read_json(json.dumps(body).encode(), max_events=1)[0])
    _, models = await database.run(unpriced)
    assert [(one.provider, one.model, one.calls, one.customers) for one in models] == [("openai", "gpt-99", 1, 1)]
    assert models[0].missing == ["model"]
