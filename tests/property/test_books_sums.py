"""However usage is cut, mixed and delayed, the books come to the same: through the real gate and database."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.arithmetic import CATALOG
from faults.expected import compare
from tollkeeper.books import Books
from tollkeeper.catalog import apply
from tollkeeper.customers import CustomerChanges, customer_id_of, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import Status, has_usage, read_json, used_meters
from tollkeeper.ledger import balances
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

CUMULATIVE = ["plain", "thirds", "tiered", "volume"]
GAUGES = ["peak", "gauge", "people", "calls"]
ZONES = ["UTC", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe"]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CAREFUL = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Place:
    """Books on one database, for all examples of a test: each has customers of its own."""

    def __init__(self, runner: asyncio.Runner, books: Books) -> None:
        self.runner = runner
        self.books = books
        self.numbers = itertools.count()

    def customer(self, zone: str = "UTC") -> str:
        key = f"c{next(self.numbers)}"

        async def put(tx: Tx) -> None:
            await upsert_customer(tx, key, CustomerChanges(timezone=zone), default_currency="USD", in_use=has_usage)

        self.runner.run(self.books.database.run(put))
        return key

    def send(self, batch: list[dict[str, Any]]) -> None:
        if batch:
            items, _ = read_json(json.dumps(batch).encode(), max_events=10_000)
            recorded = self.runner.run(self.books.ingest(items))
            assert recorded.count(Status.ACCEPTED) == len(batch), recorded.results

    def compare(self, events: list[dict[str, Any]], zones: dict[str, str]) -> None:
        self.runner.run(compare(self.books, events, zones))


@pytest.fixture
def place(database_url: str) -> Iterator[Place]:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        runner.run(database.open())
        books = Books(Settings(database_url=database_url), database)
        runner.run(database.run(lambda tx: apply(tx, CATALOG, models=MODELS, used_meters=used_meters, by="test")))
        yield Place(runner, books)
        runner.run(database.close())


def cuts(total: int) -> st.SearchStrategy[list[int]]:
    """Ways to cut a whole number into parts; some are 0."""
    places = st.lists(st.integers(0, total), max_size=8).map(sorted)
    return places.map(lambda found: [b - a for a, b in itertools.pairwise([0, *found, total])])


parts = st.integers(0, 200).flatmap(lambda total: st.tuples(st.just(total), cuts(total), cuts(total)))


@CAREFUL
@given(wanted=st.lists(st.tuples(st.sampled_from(CUMULATIVE), parts), min_size=1, max_size=5), data=st.data())
def test_usage_cut_in_any_way_costs_the_same(
    place: Place, wanted: list[tuple[str, tuple[int, list[int], list[int]]]], data: st.DataObject
) -> None:
    customers = [place.customer() for _ in range(3)]
    everything: list[dict[str, Any]] = []
    for way, customer in enumerate(customers):
        events = []
        for i, (meter, (total, first, second)) in enumerate(wanted):
            for j, part in enumerate([[total], first, second][way]):
                events.append(
                    {
                        "id": f"{i} {j}",
                        "customer": customer,
                        "meter": meter,
                        "quantity": str(part),
                        "time": NOON.isoformat(),
                    }
                )
        everything += events
        for batch in in_batches(data, events):
            place.send(batch)
    place.compare(everything, dict.fromkeys(customers, "UTC"))
    totals = [
        {one.account: one.balance for one in place.runner.run(place.books.database.run(_balances(customer)))}
        for customer in customers
    ]
    assert totals[0] == totals[1] == totals[2]


def _balances(customer: str) -> Any:
    return lambda tx: balances(tx, customer_id_of(customer))


def in_batches(data: st.DataObject, events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The events in any order, cut into batches."""
    shuffled = data.draw(st.permutations(events), label="order")
    ends = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4), label="batches"))
    return [shuffled[a:b] for a, b in itertools.pairwise([0, *ends, len(events)])]


moments = st.integers(-20 * 96, 12 * 96).map(lambda quarters: NOON + quarters * timedelta(minutes=15))


@st.composite
def usages(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events over a month, around the month's beginning and a change of daylight-saving time, some at one time."""
    found = []
    times = draw(st.lists(moments, min_size=1, max_size=6))
    for i in range(draw(st.integers(1, 25))):
        meter = draw(st.sampled_from([*CUMULATIVE, *GAUGES, *GAUGES, "packs", "unpriced", "taken", "costly"]))
        one: dict[str, Any] = {"id": f"e{i}", "meter": meter, "time": draw(st.sampled_from(times)).isoformat()}
        one["member"] = draw(st.sampled_from(["ann", "bob", "cid"]))
        if meter not in ("calls", "people"):
            one["quantity"] = str(draw(st.integers(0, 30)))
        if meter == "taken":
            one["amount"] = str(draw(st.integers(0, 1000)))
        found.append(one)
    return found


@CAREFUL
@given(usage=usages(), zone=st.sampled_from(ZONES), data=st.data())
def test_the_order_of_arrival_changes_nothing(
    place: Place, usage: list[dict[str, Any]], zone: str, data: st.DataObject
) -> None:
    """Late events into earlier periods, gauges and distinct values among them."""
    first, second = place.customer(zone), place.customer(zone)
    mine = [one | {"customer": first} for one in usage]
    for batch in in_batches(data, mine):
        place.send(batch)
    yours = [one | {"customer": second} for one in sorted(usage, key=lambda one: one["time"])]
    for one in yours:
        place.send([one])
    place.compare([*mine, *yours], {first: zone, second: zone})
