"""Many writers at once: nothing twice, nothing lost, every sum the one that independent arithmetic gives."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from faults.arithmetic import CATALOG, F, sum_of
from faults.expected import all_events, compare
from tollkeeper.books import Books
from tollkeeper.catalog import apply
from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import Status, has_usage, read_json, used_meters
from tollkeeper.gate import verify
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

ZONES = {"acme": "Asia/Kathmandu", "bolt": "America/New_York", "cosy": "UTC"}
WRITERS = 4
START = datetime(2026, 10, 31, 12, tzinfo=UTC)
END = datetime(2026, 11, 2, 12, tzinfo=UTC)
WRITER = """
import asyncio, json, sys
from pathlib import Path
import tests_path
from test_record_at_once import write
asyncio.run(write(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])))
"""


def make_events(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of all customers, on plain and stateful prices, with corrections of some of them."""
    found = []
    for i in range(count):
        meter = rng.choice(
            ["plain", "thirds", "tiered", "volume", "packs", "taken", "costly", "calls", "peak", "gauge", "people"]
        )
        time = START + rng.random() * (END - START)
        one: dict[str, Any] = {
            "id": f"e{i}", "customer": rng.choice([*ZONES]), "meter": meter, "time": time.isoformat(),
            "quantity": None if meter in ("calls", "people") else str(rng.randint(0, 40)),
            "member": rng.choice(["ann", "bob", "cid"] if meter == "people" else [None, "ann", "bob"]),
        }  # fmt: skip
        if meter == "plain":
            one["dimensions"] = {"job": str(rng.randint(1, 3))}
        if meter == "taken":
            one["amount"] = f"{rng.randint(1, 90000) / 100:.2f}"
        if meter == "costly" and rng.random() < 0.7:
            one["calls"] = [{"provider": "p", "model": "m", "cost": f"0.{rng.randint(1, 999):03}"}]
        found.append(one)
    for one in rng.sample(
        [one for one in found if one["meter"] in ("plain", "tiered", "volume", "thirds")], count // 10
    ):
        part = F(one["quantity"]) * rng.choice([F(1), F(1, 2)])
        fields = {name: one[name] for name in ("customer", "meter")}
        found.append(fields | {"id": f"c{one['id']}", "corrects": one["id"], "quantity": str(-int(part))})
    return found


async def open_books(database: Database) -> Books:
    books = Books(Settings(database_url=database.url), database)
    await database.run(lambda tx: apply(tx, CATALOG, models=MODELS, used_meters=used_meters, by="test"))
    for key, zone in ZONES.items():
        await database.run(lambda tx, key=key, zone=zone: put(tx, key, timezone=zone))
    return books


async def put(tx: Tx, key: str, **changes: Any) -> None:
    await upsert_customer(tx, key, CustomerChanges(**changes), default_currency="USD", in_use=has_usage)


async def write(url: str, batches: list[list[dict[str, Any]]], tasks: int) -> Counter[str]:
    """Send batches by several tasks on a pool of their own; how many events ended in each status or code."""
    counted: Counter[str] = Counter()
    async with Database(url, pool_size=tasks) as database:
        books = Books(Settings(database_url=url), database)

        async def work(mine: list[list[dict[str, Any]]]) -> None:
            for batch in mine:
                items, _ = read_json(json.dumps(batch).encode(), max_events=10_000)
                for result in (await books.ingest(items)).results:
                    counted[result.error.code if result.error else result.status.value] += 1

        async with anyio.create_task_group() as group:
            for task in range(tasks):
                group.start_soon(work, batches[task::tasks])
    return counted


def overlapping(rng: random.Random, events: list[dict[str, Any]], copies: int) -> list[list[dict[str, Any]]]:
    """Each event in several batches, in any order; corrections in none without their event."""
    originals = {one["id"]: one for one in events}
    deck = [one for one in events for _ in range(copies)]
    rng.shuffle(deck)
    batches = []
    while deck:
        batch = [deck.pop() for _ in range(min(len(deck), rng.randint(1, 60)))]
        batch += [originals[one["corrects"]] for one in batch if "corrects" in one]
        rng.shuffle(batch)
        batches.append(batch)
    return batches


async def deadlocks(database: Database) -> int:
    """How many transactions PostgreSQL has broken off, as connections that are closed have told it."""
    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        cursor = await connection.execute("select deadlocks from pg_stat_database where datname = current_database()")
        [(found,)] = await cursor.fetchall()
        return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_tasks_on_several_pools(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    books = await open_books(database)
    events = make_events(rng, 400)
    batches = overlapping(rng, events, 3)
    counted: Counter[str] = Counter()

    async def work(mine: list[list[dict[str, Any]]]) -> None:
        counted.update(await write(database.url, mine, 4))

    async with anyio.create_task_group() as group:
        for pool in range(3):
            group.start_soon(work, batches[pool::3])
    assert counted["accepted"] == len(events)
    assert set(counted) == {"accepted", "duplicate"}
    assert counted.total() == sum(map(len, batches))
    assert await deadlocks(database) == 0
    await compare(books, events, ZONES)


def start(line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=os.environ.copy())


async def test_several_processes(database: Database, tmp_path: Path) -> None:
    rng = random.Random(3)
    books = await open_books(database)
    events = make_events(rng, 300)
    batches = overlapping(rng, events, 2)
    running: list[subprocess.Popen[str]] = []
    here = Path(__file__).parent
    for number in range(3):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(batches[number::3]))
        code = WRITER.replace("import tests_path\n", f"sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n")
        line = [sys.executable, "-c", code, database.url, str(file), "3"]
        running.append(start(line))
    for process in running:
        _, errors = await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == 0, errors
    assert await deadlocks(database) == 0
    await compare(books, events, ZONES)


async def test_customers_change_while_corrections_are_written(database: Database) -> None:
    """Both lock the customer, in one way or another: neither may fail or stand still for the other."""
    books = await open_books(database)
    originals = [{"id": f"e{i}", "customer": "acme", "meter": "tiered", "quantity": "5"} for i in range(40)]
    items, _ = read_json(json.dumps(originals).encode(), max_events=1000)
    await books.ingest(items)
    done = anyio.Event()
    changed = 0

    async def change() -> None:
        nonlocal changed
        while not done.is_set():
            changed += 1
            name = f"Acme {changed}"
            await pool.run(lambda tx, name=name: put(tx, "acme", name=name))

    async def correct(mine: list[dict[str, Any]]) -> None:
        for one in mine:
            fields = one | {"id": f"c{one['id']}", "corrects": one["id"], "quantity": "-5"}
            items, _ = read_json(json.dumps(fields).encode(), max_events=1000)
            [result] = (await Books(books.settings, pool).ingest(items)).results
            assert result.error is None

    async with Database(database.url, pool_size=4) as pool, anyio.create_task_group() as group:
        group.start_soon(change)
        async with anyio.create_task_group() as writers:
            for task in range(3):
                writers.start_soon(correct, originals[task::3])
        done.set()
    assert await deadlocks(database) == 0
    assert changed > 1
    catalog = await books.catalog()
    async with database.transaction(snapshot=True) as tx:
        assert (await verify(tx, catalog)).passed
    assert sum_of(one.charge for one in await all_events(database, "acme")) == 0


async def test_prices_change_while_events_are_written(database: Database) -> None:
    """Each event has the price that was in force at its time, whoever was first."""
    await open_books(database)
    done = anyio.Event()
    amounts: list[int] = []
    written = 0

    async def change() -> None:
        for amount in range(1, 25):
            text = CATALOG.replace('amount = "0.25"', f'amount = "{amount}"')
            await database.run(lambda tx, text=text: apply(tx, text, models=MODELS, used_meters=used_meters, by="test"))
            amounts.append(amount)
            enough = written + WRITERS + 1  # of which one at least has begun since
            while written < enough:  # noqa: ASYNC110 - simpler than an event for each
                await anyio.sleep(0.005)
        done.set()

    async def write_on(writer: int, own: Books) -> None:
        nonlocal written
        i = 0
        while not done.is_set():
            late = datetime.now(UTC) - timedelta(milliseconds=i * 7 % 150)
            fields = [
                {"id": f"{writer} {i}", "customer": "acme", "meter": "plain", "quantity": "1"},
                {
                    "id": f"{writer} {i} late",
                    "customer": "bolt",
                    "meter": "plain",
                    "quantity": "1",
                    "time": late.isoformat(),
                },
            ]
            items, _ = read_json(json.dumps(fields).encode(), max_events=10)
            assert (await own.ingest(items)).count(Status.ACCEPTED) == 2
            written += 1
            i += 1

    async with anyio.create_task_group() as group:
        group.start_soon(change)
        for writer in range(WRITERS):
            group.start_soon(write_on, writer, Books(Settings(database_url=database.url), database))
    assert len(amounts) == 24
    fresh = Books(Settings(database_url=database.url), database)
    catalog = await fresh.catalog()
    history = catalog.prices["plain", None]
    assert len(history.prices) == 25
    charged = Counter()
    for key in ("acme", "bolt"):
        for one in await all_events(database, key):
            price = history.at(one.time)
            assert price is not None
            assert one.price_id == price.price_id, one
            assert str(one.charge) == price.terms.as_table()["amount"]
            charged[one.price_id] += 1
    assert len(charged) > 20
