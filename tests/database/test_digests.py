"""Digests: whatever happens to usage, and whenever they are made, answers are those of the events."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from tests.database.costing import reported
from tests.database.gating import assert_sound, from_json, one, open_books, put_customer, rows

from tollkeeper import clock
from tollkeeper.analytics import UsageQuery, Window, usage
from tollkeeper.analytics.windows import Piece, Source
from tollkeeper.books import Books
from tollkeeper.clock import Interval
from tollkeeper.customers import get_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import Due, EventIn, announce_digests, digests, due_digests, make_digests
from tollkeeper.gate import record
from tollkeeper.worker import digest

pytestmark = pytest.mark.anyio

CATALOG = """
currency = "USD"
[meters.cv]
unit = "cv"
dimensions = ["job", "candidate"]
[prices.cv]
model = "unit"
amount = "0.0109375"
[meters.answer]
unit = "answer"
dimensions = ["job"]
[prices.answer]
model = "percentage"
percent = "10"
unit = "credit"
[units.credit]
name = "Credit"
[meters.seats]
unit = "seats"
aggregation = "latest"
dimensions = ["team"]
[meters.load]
unit = "load"
aggregation = "max"
"""
ZONES = {"acme": "Europe/Berlin", "other": "Asia/Kathmandu", "third": "Australia/Lord_Howe", "fourth": "UTC"}
FIRST = datetime(2026, 9, 20, tzinfo=UTC)
DAYS = 50  # Berlin's and Lord Howe's clocks change within them.
SPANS = [
    ("2026-09-01 00:00", "2026-11-20 00:00"),
    ("2026-09-22 22:00", "2026-11-02 23:00"),
    ("2026-09-30 14:00", "2026-10-31 13:00"),
    ("2026-10-03 06:29:30", "2026-10-25 21:46"),
]
GROUPS: list[tuple[str, ...]] = [(), ("job",), ("member",), ("candidate",), ("team",), ("job", "member")]
FILTERS = [{}, {"job": "a"}, {"member": "ann"}, {"job": "b", "member": "bob"}]


@contextmanager
def small_ones_too() -> Iterator[None]:
    with (
        patch.object(digests, "_LARGE", 2),
        patch.object(digests, "_ROWS_OF_DAY", 2),
        patch.object(digests, "_ROWS_AT_ONCE", 3),
        patch.object(digests, "_ROWS_OF_MONTH", 4),
    ):
        yield


class Life:
    """Usage at random of some customers, some of it corrected, over days that are long over."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.rng, self.n = books, random.Random(seed), 0
        self.events: list[dict[str, Any]] = []

    async def go_on(self, events: int) -> None:
        batch = [self._event() for _ in range(events)]
        corrections = [self._correction(each) for each in self.rng.sample(self.events, min(len(self.events), 6))]
        self.events += [each for each in batch if each["meter"] in ("cv", "answer")]
        await reported(self.books, *batch, *corrections)

    def items(self, events: int) -> Sequence[EventIn]:
        return from_json(json.dumps([self._event() for _ in range(events)]))

    def _id(self) -> str:
        self.n += 1
        return f"e{self.n}"

    def _event(self) -> dict[str, Any]:
        rng = self.rng
        meter = rng.choice(["cv", "cv", "cv", "answer", "seats", "load"])
        time = FIRST + timedelta(
            days=rng.randint(0, DAYS - 1), minutes=rng.choice([0, 15, 29]) + 60 * rng.randint(0, 23)
        )
        of = {"cv": {"job": "abc", "candidate": "klmnop"}, "answer": {"job": "abc"}, "seats": {"team": "xy"}}
        marks = {name: rng.choice([*values, ""]) for name, values in of.get(meter, {}).items() if rng.random() < 0.8}
        event = {
            "id": self._id(), "customer": rng.choice([*ZONES]), "meter": meter, "time": time.isoformat(),
            "quantity": rng.choice(["1", "2", "0.5", "0.000001"]), "dimensions": marks,
        }  # fmt: skip
        if meter == "answer" and rng.random() < 0.9:
            event["amount"] = rng.choice(["1", "0.333333333333"])
        elif meter == "answer":
            event |= {"amount": "3"}
        return event | ({"member": rng.choice(["ann", "bob"])} if rng.random() < 0.7 else {})

    def _correction(self, of: dict[str, Any]) -> dict[str, Any]:
        self.events.remove(of)
        made = {name: of[name] for name in ("customer", "meter")}
        return made | {"id": self._id(), "corrects": of["id"], "quantity": f"-{of['quantity']}"}


def queries() -> Iterator[UsageQuery]:
    for start, end in SPANS:
        span = datetime.fromisoformat(f"{start}Z"), datetime.fromisoformat(f"{end}Z")
        for group_by in GROUPS:
            for only in FILTERS:
                yield UsageQuery(*span, group_by=group_by, filter=only)
        for window in (Window.DAY, Window.MONTH):
            for zone in (None, "America/New_York"):
                yield UsageQuery(*span, window=window, timezone=zone)
                yield UsageQuery(*span, window=window, timezone=zone, meter="cv", group_by=("job",))


def by_events(windows: Sequence[Interval], _: object) -> list[Piece]:
    return [Piece(Source.EVENTS, one.start, one.end) for one in windows]


async def assert_answers_are_those_of_the_events(books: Books) -> None:
    async def work(tx: Tx) -> None:
        catalog = await books.catalog(tx)
        for key in ZONES:
            customer = await get_customer(tx, key)
            for query in queries():
                found = [astuple(row) for row in await usage(tx, customer, catalog, query)]
                with patch("tollkeeper.analytics.usage.pieces", by_events):
                    expected = [astuple(row) for row in await usage(tx, customer, catalog, query)]
                assert found == expected, (key, query)

    await books.database.run(work)


async def open_in_zones(database: Database) -> Books:
    """The books, with a customer in each zone."""
    books = await open_books(database, CATALOG)
    for key, zone in ZONES.items():
        await put_customer(database, key, timezone=zone)
    return books


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_answers_are_those_of_the_events(database: Database, seed: int) -> None:
    books = await open_in_zones(database)
    life = Life(books, seed)
    with small_ones_too():
        for day in (18, 33, 33, 60):
            await life.go_on(150)
            await digest(database, now=FIRST + timedelta(days=day, hours=life.rng.randint(0, 23)))
            await life.go_on(20)
            assert await one(books, "select count(*) from late_days")
            await assert_answers_are_those_of_the_events(books)
            await assert_sound(books)
        await digest(database, now=FIRST + timedelta(days=60))
    assert await one(books, "select count(*) from late_days") == 0
    made = {(each["grain"], each["dimension"]) for each in await rows(books, "select * from digest_rows")}
    assert made >= {("month", ""), ("day", ""), ("month", "job"), ("month", "member"), ("day", "job")}
    await assert_answers_are_those_of_the_events(books)
    await assert_sound(books)


async def test_a_batch_that_has_not_seen_what_was_announced_is_waited_for(database: Database) -> None:
    books = await open_in_zones(database)
    life = Life(books, 7)
    now = FIRST + timedelta(days=60)
    with small_ones_too():
        await life.go_on(200)
        async with database.transaction() as tx:
            # Its look at what was announced is before that is, and its commit behind.
            await record(tx, books.desk, life.items(40), now=clock.now(), by="test")
            summing_up = asyncio.create_task(digest(database, now=now))
            async with asyncio.timeout(60):
                while await one(books, "select count(*) from digests") < len(ZONES):  # noqa: ASYNC110 - it is of another connection
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.2)
            assert not summing_up.done()
        assert await summing_up == len(ZONES)
    assert await one(books, "select count(*) from late_days") == 0
    await assert_answers_are_those_of_the_events(books)
    await assert_sound(books)


async def test_a_batch_that_commits_behind_the_first_summing_up_is_late(database: Database) -> None:
    books = await open_in_zones(database)
    life = Life(books, 11)
    now = FIRST + timedelta(days=60)
    with small_ones_too():
        await life.go_on(200)
        zones = sorted({*ZONES.values()})
        await database.run(lambda tx: announce_digests(tx, zones, now, grow=True, since=None))
        async with database.transaction() as tx:
            # It has seen what was announced, so nobody waits for it; the sums are made without its usage.
            await record(tx, books.desk, life.items(40), now=clock.now(), by="test")
            due = await database.run(lambda other: due_digests(other, after=None, limit=10))
            assert len(due) == len(ZONES)
            for each in due:
                step: Due | None = each
                while step is not None:
                    step = await database.run(partial(make_digests, due=step))
        assert await one(books, "select count(*) from late_days")
        await assert_answers_are_those_of_the_events(books)
        await digest(database, now=now)
    await assert_answers_are_those_of_the_events(books)
    await assert_sound(books)


async def test_what_is_marked_while_a_day_is_summed_up_stays_marked(database: Database) -> None:
    books = await open_in_zones(database)
    life = Life(books, 8)
    now = FIRST + timedelta(days=60)
    with small_ones_too():
        await life.go_on(200)
        await digest(database, now=now)
        await life.go_on(30)
        async with database.transaction() as tx:
            await record(tx, books.desk, life.items(40), now=clock.now(), by="test")
            [due, *_] = await database.run(lambda other: due_digests(other, after=None, limit=10))
            assert await database.run(lambda other: make_digests(other, due)) is None
        assert await one(books, "select count(*) from late_days where customer_id = %s", due.customer_id)
        await assert_answers_are_those_of_the_events(books)
        await digest(database, now=now)
    assert await one(books, "select count(*) from late_days") == 0
    await assert_answers_are_those_of_the_events(books)
    await assert_sound(books)


async def test_a_customer_with_little_usage_has_no_digests(database: Database) -> None:
    books = await open_in_zones(database)
    await Life(books, 9).go_on(50)
    assert await digest(database, now=FIRST + timedelta(days=60)) == 0
    assert await one(books, "select count(*) from digests") == 0
    assert await one(books, "select count(*) from late_days") == 0
