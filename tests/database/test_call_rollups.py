"""The rollups of calls by model: beside the raw calls after anything that moves them, and what is read from either."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from tests.database.costing import CATALOG, call, reported, used_json
from tests.database.gating import D, assert_sound, one, open_books, put_customer, rows, utc, verdict_of

from tollkeeper import clock
from tollkeeper.analytics import MarginQuery, Tokens, ask_tokens, margins, models
from tollkeeper.analytics.cover import by_events
from tollkeeper.books import Books
from tollkeeper.calls import family_calls, tokens_in
from tollkeeper.clock import Interval
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Database, Tx
from tollkeeper.db.migrate import migrations
from tollkeeper.events import CostSource
from tollkeeper.gate import CallChange, TrueUp, true_up
from tollkeeper.providers.model import INPUT_UNITS, TOKEN_UNITS, Unit

pytestmark = pytest.mark.anyio

ZONES = {"acme": "Europe/Berlin", "other": "Asia/Kathmandu", "third": "Australia/Lord_Howe", "fourth": "UTC"}
FIRST = datetime(2026, 10, 2, tzinfo=UTC)
GROUPS = [
    ("provider",), ("model",), ("provider", "model"), ("meter", "model"), ("customer", "provider"), ("model", "day"),
    ("model", "month"), ("provider", "hour"), ("model", "job"), ("member", "provider"), ("meter",), (),
]  # fmt: skip
RANGES = [
    ("2026-10-01 00:00", "2026-11-01 00:00"),
    ("2026-10-02 22:00", "2026-10-05 22:00"),
    ("2026-10-03 06:29:30", "2026-10-05 21:46"),
    ("2026-10-03 10:10", "2026-10-03 10:50"),
]


class Life:
    """Usage at random of some customers: calls of several models, known, unknown and guessed, corrected, trued up."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.rng, self.n = books, random.Random(seed), 0
        self.events: list[dict[str, Any]] = []

    async def go_on(self) -> None:
        batch = [self._event() for _ in range(self.rng.randint(1, 12))]
        fresh = [*batch]
        known = self.events + fresh
        batch += [self._correction(self.rng.choice(known)) for _ in range(self.rng.randint(0, 5))]
        self.rng.shuffle(batch)
        await reported(self.books, *batch)
        self.events += fresh
        for customer in ZONES:
            await self._true_up(customer, [event for event in self.events if event["customer"] == customer])

    def _id(self, prefix: str) -> str:
        self.n += 1
        return f"{prefix}{self.n}"

    def _call(self) -> dict[str, Any]:
        rng = self.rng
        tokens = rng.randint(1, 3000), rng.choice([0, 7, 333])
        named = rng.choice(["openai", "azure", "own"])
        if named == "own" or rng.random() < 0.2:
            cost = rng.choice(["0", "0.000001", "0.01", "0.333333333333"])
            return {"provider": named, "model": rng.choice(["gpt-4o", "m"]), "cost": cost, "response_id": self._id("r")}
        model = rng.choice(["gpt-4o", "gpt-4o-mini", "gpt-99"])
        made: dict[str, Any] = call(self._id("r"), model=model, tokens=tokens, estimated=rng.random() < 0.1) | {
            "provider": named
        }
        if rng.random() < 0.3:
            made["usage"]["prompt_tokens_details"] = {"cached_tokens": tokens[0] // 2}
        return made

    def _event(self) -> dict[str, Any]:
        calls = [self._call() for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3, 4]))]
        meter = self.rng.choice(["answer", "answer", "bare", "kept", "cv", "unpriced", "peak", "capped"])
        time = FIRST + timedelta(minutes=self.rng.choice([0, 15, 29, 30, 45]) + 60 * self.rng.randint(0, 100))
        more = {"dimensions": {"job": self.rng.choice("abc")}} if meter == "answer" and self.rng.random() < 0.5 else {}
        own = {"customer": self.rng.choice([*ZONES]), "time": time.isoformat()}
        return used_json(self._id("e"), meter, *calls, **own, **more)

    def _correction(self, of: dict[str, Any]) -> dict[str, Any]:
        calls = [self._call() for _ in range(self.rng.choice([0, 0, 1, 2]))]
        if of.get("calls") and self.rng.random() < 0.5:
            about = self.rng.choice(of["calls"])
            cost = self.rng.choice(["0.02", "0.000000000001", "-0.001"])
            calls = [{name: about[name] for name in ("provider", "model", "response_id")} | {"cost": cost}]
        made = used_json(self._id("c"), of["meter"], *calls, customer=of["customer"], corrects=of["id"])
        return made if of["meter"] == "cv" else made | {"quantity": self.rng.choice(["0", "0", "-1", "0.5", "-0.25"])}

    async def _true_up(self, customer: str, events: Sequence[dict[str, Any]]) -> None:
        if not events or self.rng.random() < 0.4:
            return
        some = self.rng.sample([*events], min(len(events), self.rng.randint(1, 4)))

        async def work(tx: Tx) -> None:
            key = str(customer_id_of(customer))
            stored = await family_calls(tx, [(key, event["id"]) for event in some])
            wanted = [
                TrueUp(
                    customer, event["id"], self._id("up"), [self._change(stored.get((key, event["id"]), []))],
                    self.rng.choice([CostSource.PROVIDER_REPORT, CostSource.RESPONSE]), self.rng.random() < 0.7,
                )
                for event in some
            ]  # fmt: skip
            await true_up(tx, self.books.desk, wanted, now=clock.now(), by="test")

        await self.books.database.run(work)

    def _change(self, calls: Sequence[Any]) -> CallChange:
        change = D(self.rng.choice(["0.05", "0.000000000007", "-0.0001"]))
        if calls and self.rng.random() < 0.8:
            about = self.rng.choice([*calls])
            told = {"input_tokens": D(100)} if about.quantities is None and self.rng.random() < 0.5 else None
            return CallChange(about.call_id, change, provider=about.provider, quantities=told)
        return CallChange(None, abs(change), provider="openai", model=self.rng.choice(["gpt-4o", "reported"]))


async def live(database: Database, seed: int, rounds: int) -> Books:
    books = await open_books(database, CATALOG)
    for key, zone in ZONES.items():
        await put_customer(database, key, timezone=zone)
    life = Life(books, seed)
    for _ in range(rounds):
        await life.go_on()
    return books


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_rollups_equal_the_calls(database: Database, seed: int) -> None:
    books = await live(database, seed, 8)
    await assert_sound(books)
    assert await one(books, "select count(*) from call_days where repeats > 0") > 0
    assert await one(books, "select count(*) from events where corrects is not null") > 20
    assert await one(books, "select count(*) from provider_calls where adjusts is not null") > 20


async def test_verify_finds_what_is_wrong_in_a_rollup(database: Database, owner: psycopg.Connection[Any]) -> None:
    books = await open_books(database, CATALOG)
    await reported(books, used_json("e", "cv", call("r1"), call("r2", model="gpt-4o-mini")))
    for change in (
        "update call_days set tokens = tokens + 1 where model = 'gpt-4o'",
        "update call_hours set charge = charge + 0.000000000001 where model = 'gpt-4o-mini'",
    ):
        owner.execute(change)
        [check] = [one for one in (await verdict_of(books)).checks if one.differences]
        assert (check.name, len(check.differences)) == ("models", 1)
        owner.execute(change.replace(" + ", " - "))
    await assert_sound(books)


async def test_the_migration_makes_the_rollups_of_what_was_there(
    database: Database, owner: psycopg.Connection[Any]
) -> None:
    books = await live(database, 31, 8)
    [migration] = [one for one in migrations() if one.name == "call_rollups"]
    start, end = migration.text.index("with used as ("), migration.text.index("grant select")
    owner.execute("delete from call_days; delete from call_hours")
    owner.execute(migration.text[start:end].encode())
    await assert_sound(books)
    assert await one(books, "select sum(calls) from call_hours") > 100


@pytest.mark.parametrize("seed", [11, 12])
async def test_margins_are_the_same_from_the_rollups_as_from_the_events(database: Database, seed: int) -> None:
    books = await live(database, seed, 8)
    catalog = await books.catalog()
    for group_by in GROUPS:
        for start, end in RANGES:
            for timezone in ("UTC", "Europe/Berlin"):
                query = MarginQuery(utc(start), utc(end), group_by, timezone=timezone)
                found = await database.run(lambda tx, query=query: margins(tx, catalog, query))
                with patch("tollkeeper.analytics.margins.cover", by_events):
                    expected = await database.run(lambda tx, query=query: margins(tx, catalog, query))
                assert found == expected, query
                assert found or (start, end) == RANGES[-1]


async def test_models_of_a_customer_are_exact_for_any_range(database: Database) -> None:
    books = await live(database, 21, 8)
    catalog = await books.catalog()
    for key in ZONES:
        customer = await database.run(lambda tx, key=key: get_customer(tx, key))
        for start, end in RANGES:
            span = Interval(utc(start), utc(end))
            found = await database.run(lambda tx, customer=customer, span=span: models(tx, customer, span))
            query = MarginQuery(span.start, span.end, ("provider", "model"), customer_id=customer.customer_id)
            with patch("tollkeeper.analytics.margins.cover", by_events):
                expected = await database.run(lambda tx, query=query: margins(tx, catalog, query))
            told = [(row.group["provider"], row.group["model"], row.calls, row.charge, row.unit) for row in expected]
            assert [(one.provider, one.model, one.calls, one.charge, one.unit) for one in found] == [
                row for row in told if row[0] is not None
            ]
            assert await raw_tokens(books, customer.customer_id, span) == [
                sum((getattr(one.tokens, name) for one in found), D(0))
                for name in ("input", "cached", "output", "total")
            ]


async def raw_tokens(books: Books, customer_id: Any, span: Interval) -> list[Decimal]:
    query = "select quantities from provider_calls join events using (customer_id, event_id) \
             where customer_id = %s and time >= %s and time < %s and quantities is not null"
    sums = [D(0)] * 4
    for row in await rows(books, query, customer_id, span.start, span.end):
        told = tokens_in({unit: D(quantity) for unit, quantity in row["quantities"].items()})
        sums = [sum_ + more for sum_, more in zip(sums, told, strict=True)]
    return sums


async def test_tokens_of_a_month_are_those_of_the_customers_days(database: Database) -> None:
    books = await open_books(database, CATALOG, timezone="America/New_York")
    cached = call("r3", tokens=(1000, 10))
    cached["usage"]["prompt_tokens_details"] = {"cached_tokens": 600}
    await reported(
        books,
        used_json("before", "answer", call("r1"), time="2026-10-01T03:59:59Z"),
        used_json("first", "answer", call("r2"), time="2026-10-01T04:00:00Z"),
        used_json("last", "answer", cached, call("r4", model="gpt-99"), time="2026-11-01T03:59:59Z"),
    )
    month = datetime(2026, 10, 1).date(), datetime(2026, 11, 1).date()  # noqa: DTZ001

    async def tokens(tx: Tx, first: date, after: date) -> Tokens:
        [found] = await (await ask_tokens(tx, customer_id_of("acme"), first, after)).all()
        return found

    found = await database.run(lambda tx: tokens(tx, *month))
    assert astuple(found) == (3, 4000, 600, 1010, 5010)
    nothing = await database.run(lambda tx: tokens(tx, month[1], month[1]))
    assert astuple(nothing) == (0, 0, 0, 0, 0)


async def test_an_event_of_two_models_is_charged_to_both_and_counted_once(database: Database) -> None:
    books = await open_books(database, CATALOG)
    time = "2026-10-10T12:00:00Z"
    await reported(books, used_json("e", "cv", call("r1"), call("r2", model="gpt-4o-mini"), call("r3"), time=time))
    catalog = await books.catalog()
    query = MarginQuery(utc("2026-10-01 00:00"), utc("2026-11-01 00:00"), ("provider",))
    [row] = await database.run(lambda tx: margins(tx, catalog, query))
    assert (row.events, row.calls, row.charge) == (1, 3, D("0.5"))
    customer = await database.run(lambda tx: get_customer(tx, "acme"))
    first, second = await database.run(lambda tx: models(tx, customer, Interval(query.start, query.end)))
    assert [(one.model, one.calls, one.tokens.total, one.charge) for one in (first, second)] == [
        ("gpt-4o", 2, 4000, D("0.485436893204")),
        ("gpt-4o-mini", 1, 2000, D("0.014563106796")),
    ]


@pytest.mark.parametrize("unit", sorted(TOKEN_UNITS))
def test_every_unit_of_tokens_is_input_or_output(unit: Unit) -> None:
    found = tokens_in({unit: D(5)})
    of_input, other = unit in INPUT_UNITS, unit is Unit.OTHER_MODEL_TOKENS
    assert found.total == 5
    assert (found.input, found.output) == (5 if of_input else 0, 0 if of_input or other else 5)
    assert bool(found.cached) is ("cached" in unit)


def test_what_isnt_tokens_is_none() -> None:
    assert tokens_in({unit: D(5) for unit in {*Unit} - TOKEN_UNITS}) == (0, 0, 0, 0)
