"""Limits count what the gate records: batches, late usage, corrections, members, and limits that come later."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.catalog import Limit, LimitBy, LimitPeriod, apply
from tollkeeper.customers import Customer, CustomerChanges, drop_limit, set_limit, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import Status, has_usage, read_json, used_meters
from tollkeeper.limits import LimitState, looks_of, mark_stale, miscounts, read_states
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

D = Decimal
ZONES = ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]
CATALOG = """
currency = "USD"
[meters.tokens]
unit = "token"
[meters.pages]
unit = "page"
minimum = "2"
[prices.tokens]
model = "unit"
amount = "0.002"
[prices.pages]
model = "graduated"
tiers = [{ up_to = 10, amount = "0.7" }, { amount = "0.1", per = 3 }]
[limits.day]
meter = "tokens"
per = "day"
cap = "1000"
[limits.pages]
meter = "pages"
per = "week"
cap = "1"
[limits.hour]
spend = "USD"
per = "rolling_hour"
cap = "5"
mode = "soft"
[limits.mine]
meter = "tokens"
per = "month"
cap = "100"
by = "member"
enabled = false
"""
LIMITS = [
    Limit("day", LimitPeriod.DAY, D(1000), meters=("tokens",)),
    Limit("pages", LimitPeriod.WEEK, D(1), meters=("pages",)),
    Limit("hour", LimitPeriod.ROLLING_HOUR, D(5), unit="USD"),
    Limit("mine", LimitPeriod.MONTH, D(100), meters=("tokens",), by=LimitBy.MEMBER, enabled=False),
]
LATER = Limit("later", LimitPeriod.MONTH, D(9), unit="USD", meters=("pages",))
TERMS = {"spend": "USD", "meter": "pages", "per": "month", "cap": "9"}
KEYS = itertools.count()


@pytest.fixture
def place(database_url: str) -> Iterator[tuple[asyncio.Runner, Books]]:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        runner.run(database.open())
        runner.run(database.run(lambda tx: apply(tx, CATALOG, models=MODELS, used_meters=used_meters, by="test")))
        yield runner, Books(Settings(database_url=database_url), database)
        runner.run(database.close())


@st.composite
def batches(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Usage of the last two days, most of it recent; `ago` in minutes. Corrections take back part of earlier usage."""
    found: list[list[dict[str, Any]]] = []
    earlier: list[dict[str, Any]] = []
    numbers = itertools.count()
    for _ in range(draw(st.integers(1, 4))):
        batch: list[dict[str, Any]] = []
        for _ in range(draw(st.integers(1, 6))):
            event: dict[str, Any] = {
                "id": f"e{next(numbers)}",
                "meter": draw(st.sampled_from(["tokens", "pages"])),
                "quantity": draw(st.integers(1, 40)),
                "ago": draw(st.one_of(st.integers(-4, 70), st.integers(0, 3000))),
            }
            if draw(st.booleans()):
                event["member"] = draw(st.sampled_from(["ann", "bob"]))
            batch.append(event)
        if earlier and draw(st.booleans()):
            taken = earlier.pop(draw(st.integers(0, len(earlier) - 1)))
            batch.append({"id": f"e{next(numbers)}", "corrects": taken["id"], "meter": taken["meter"], "quantity": -1})
        earlier += [event for event in batch if "corrects" not in event]
        found.append(batch)
    return found


async def a_customer(books: Books, zone: str) -> Customer:
    key, changes = f"c{next(KEYS)}", CustomerChanges(timezone=zone)
    customer, _ = await books.database.run(
        lambda tx: upsert_customer(tx, key, changes, default_currency="USD", in_use=has_usage)
    )
    return customer


async def states_of(books: Books, customer: Customer, member: str) -> list[LimitState]:
    async with books.database.transaction(customer.customer_id, snapshot=True) as tx:
        return await read_states(tx, customer, [*LIMITS, LATER], member=member, now=clock.now())


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(usage=batches(), zone=st.sampled_from(ZONES), later=st.integers(0, 4))
def test_counters_equal_what_the_gate_has_recorded(
    place: tuple[asyncio.Runner, Books], usage: list[list[dict[str, Any]]], zone: str, later: int
) -> None:
    runner, books = place

    async def work() -> None:
        customer = await a_customer(books, zone)
        for number, batch in enumerate(usage):
            if number == later:
                await books.database.run(lambda tx: set_limit(tx, customer, "later", TERMS, now=clock.now(), by="test"))
            await ingest(books, customer, batch)
        counted = {member: await states_of(books, customer, member) for member in ("ann", "bob")}
        async with books.database.transaction(snapshot=True) as tx:
            looks = looks_of(str(customer.customer_id), customer.zone, LIMITS, member="x", at=clock.now())
            assert await miscounts(tx, looks, clock.now()) == []
        async with books.database.transaction() as tx:
            await mark_stale(tx, [str(customer.customer_id)])
        for member, states in counted.items():
            anew = await states_of(books, customer, member)
            assert [(one.limit.key, one.used) for one in states] == [(one.limit.key, one.used) for one in anew]

    runner.run(work())


def test_a_limit_that_was_away_knows_what_was_used_meanwhile(place: tuple[asyncio.Runner, Books]) -> None:
    runner, books = place

    async def work() -> None:
        customer = await a_customer(books, "UTC")

        async def use(name: str) -> None:
            await ingest(books, customer, [{"id": name, "meter": "pages", "quantity": 10}])

        async def agree(present: bool) -> None:
            async def change(tx: Tx) -> object:
                if present:
                    return await set_limit(tx, customer, "later", TERMS, now=clock.now(), by="test")
                return await drop_limit(tx, customer, "later")

            await books.database.run(change)

        await agree(True)
        await use("counted")
        await agree(False)
        await use("away")
        await agree(True)
        await use("counted again")
        [*_, later] = await states_of(books, customer, "ann")
        assert later.used == D("7.666666666667")  # 10 at 0.7, then 20 at 0.1 per 3

    runner.run(work())


async def ingest(books: Books, customer: Customer, batch: list[dict[str, Any]]) -> None:
    now = clock.now()
    events = [
        {name: value for name, value in event.items() if name != "ago"} | {"customer": customer.key} for event in batch
    ]
    for event, ago in zip(events, [each.get("ago") for each in batch], strict=True):
        if ago is not None:
            # In the middle of a minute, and clear of the one that falls out of the hour just now.
            at = now.replace(second=30, microsecond=0) - timedelta(minutes=ago + (1 if 57 <= ago <= 61 else 0) * 5)
            event["time"] = min(at, now + timedelta(minutes=4)).isoformat()
    recorded = await books.ingest(read_json(json.dumps(events).encode(), max_events=100)[0])
    assert recorded.count(Status.ACCEPTED) == len(events), recorded.results
