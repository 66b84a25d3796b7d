"""A thousand operations, provider errors, cancels, timeouts, outages, killed processes: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.database.gating import Clock, account

from tollkeeper import Tollkeeper
from tollkeeper.books import Books
from tollkeeper.clock import now
from tollkeeper.db import Database
from tollkeeper.gate import verify
from tollkeeper.settings import Settings
from tollkeeper.simulator import Simulator

from .conftest import CATALOG
from .crowd import CUSTOMERS, Place, work
from .serving import Server, wait_for

WORKERS, OPERATIONS = 4, 250
KILLS = 12


@pytest.mark.slow
def test_a_thousand_operations_survive_everything(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    with Tollkeeper.local(catalog=CATALOG, database_url=database_url, spool=tmp_path / "first") as local:
        for customer in CUSTOMERS:
            local.put_customer(customer)
            local.grant(customer, 1000)
    server = Server(database_url, tmp_path)
    server.start()
    place = Place(server.url, server.api_key, simulator.url, tmp_path / "spool", tmp_path)
    try:
        began = time.monotonic()
        run(place, server)
        print(f"{time.monotonic() - began:.0f} s")
        with Tollkeeper(server.url, server.api_key, spool=place.spool) as toll:
            wait_for(lambda: toll.replay().waiting == 0)
            assert [one for one in toll.spool.entries() if one.state == "waiting"] == []
            assert toll.spool.rows("all_operations") == []
            assert [(one.kind, one.error) for one in toll.spool.entries()] == []
    finally:
        server.kill(signal.SIGTERM)
    judge(database_url, simulator, tmp_path)


def run(place: Place, server: Server) -> None:
    """The workers, one or the other of them killed now and then, and the server too."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.client.crowd"])

    def worker(number: int) -> Any:
        process = context.Process(target=work, args=(place, number, OPERATIONS))
        process.start()
        return process

    over = threading.Event()
    outages = threading.Thread(target=trouble, args=(server, over))
    outages.start()
    chance = random.Random(1)
    running, kills = [worker(number) for number in range(WORKERS)], 0
    while any(process.is_alive() for process in running):
        time.sleep(chance.uniform(0.3, 1.2))
        victim = chance.randrange(WORKERS)
        if kills < KILLS and running[victim].is_alive():
            running[victim].kill()
            kills += 1
        for number, process in enumerate(running):
            if process.exitcode not in (None, 0):
                process.join()
                running[number] = worker(number)
    over.set()
    outages.join()
    assert kills == KILLS


def trouble(server: Server, over: threading.Event) -> None:
    """Tollkeeper doesn't answer, or is killed and comes back."""
    chance = random.Random(2)
    for turn in range(100):
        if over.wait(chance.uniform(3, 5)):
            return
        if turn % 4 == 1:
            server.kill()
            over.wait(chance.uniform(0.2, 1))
            server.start()
        else:
            with server.frozen():
                time.sleep(chance.uniform(0.3, 1.2))


def judge(database_url: str, simulator: Simulator, folder: Path) -> None:
    begun = [line for number in range(WORKERS) for line in (folder / f"begun-{number}").read_text().split()]
    assert len(begun) == len(set(begun)) == WORKERS * OPERATIONS
    seen = {line for number in range(WORKERS) for line in (folder / f"seen-{number}").read_text().split()}
    bills = {bill.response_id: bill for bill in simulator.bills()}
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        booked = connection.execute("select * from provider_calls").fetchall()
        holds = Counter(row["state"] for row in connection.execute("select state from holds"))
        held = connection.execute("select coalesce(sum(held), 0) as held from wallets").fetchone()
        doubted = connection.execute("select coalesce(sum(from_wallet), 0) as held from holds where state = 'in_doubt'")
        assert held == doubted.fetchone()
    ids = Counter(row["call_id"] for row in booked if "#" not in row["call_id"])
    # What the app saw is booked once, what is booked was billed, and what isn't booked no app ever saw.
    assert seen - set(ids) == set()
    assert [id for id, times in ids.items() if times > 1] == []
    assert set(ids) - set(bills) == set()
    missing = set(bills) - set(ids)
    assert missing & seen == set()
    exact = [row for row in booked if row["cost_source"] == "response"]
    assert all(row["cost"] == bills[row["call_id"]].cost for row in exact)
    assert holds["open"] == 0
    told = f"{len(bills)} billed, {len(ids)} booked, {len(exact)} of them exactly; {len(missing)} never seen"
    print(f"{told}; holds: {dict(holds)}")
    assert len(ids) > WORKERS * OPERATIONS / 3
    asyncio.run(assert_sound(database_url))
    asyncio.run(assert_reconciled(database_url, simulator))


async def assert_reconciled(database_url: str, simulator: Simulator) -> None:
    """Once the day is over, what the provider asks is booked to the last digit: with a call, or as missing here."""
    told: dict[str, Any] = {"openai_admin_key": "sk-admin-1", "openai_url": simulator.openai_url}
    told |= {"anthropic_admin_key": "sk-ant-admin-1", "anthropic_url": simulator.url}
    with Clock(now() + timedelta(days=1)):
        async with Database(database_url, pool_size=2) as database:
            books = Books(Settings(database_url=database_url, **told), database)
            ran = await books.reconcile()
            asked = sum((cost for bill in simulator.bills() for cost in bill.asked.values()), Decimal(0))
            assert await account(books, "provider_payable") == -asked
    findings = Counter(row.finding for one in ran for day in one.days for row in day.written)
    assert findings["missing_here"], findings
    await assert_sound(database_url)


async def assert_sound(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    async with Database(database_url, pool_size=2) as database:
        books = Books(settings, database)
        catalog = await books.catalog()
        async with database.transaction(snapshot=True) as tx:
            verdict = await verify(tx, catalog)
        assert verdict.passed, verdict.checks
