"""Server and database killed under load: what was acknowledged is there once, and nothing is half there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from examples.running.children import own_port

from faults.arithmetic import CATALOG, DOCUMENT, F, period_price, sum_of
from tollkeeper.books import Books
from tollkeeper.db import Database, embedded
from tollkeeper.gate import Verdict, verify
from tollkeeper.settings import Settings

TOLLKEEPER = [sys.executable, "-c", "from tollkeeper.cli import main; main()"]
CUSTOMERS = ["acme", "bolt", "cosy"]
ROUNDS = 3
SIZE = 40


@dataclass
class Server:
    """`tollkeeper serve` on one folder and port, started anew after each kill."""

    data: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    key: str = ""

    def start(self) -> None:
        line = [*TOLLKEEPER, "serve", "--port", str(self.port), "--data", str(self.data)]
        with (self.data.parent / "serve.log").open("a") as log:
            # What a killed server leaves goes with the test's folder.
            here = os.environ | {"TMPDIR": str(self.data.parent)}
            self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True, env=here)
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
        assert found, (told, (self.data.parent / "serve.log").read_text()[-3000:])
        self.port = int(found[1])

    def run(self, *line: str) -> str:
        done = subprocess.run(
            [*TOLLKEEPER, *line, "--data", str(self.data)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def end(self, sign: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(sign)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def kill_database(self) -> None:
        os.kill(int((self.data / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=20)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with a catalog and customers; nothing of it is left running."""
    folder = Path(tempfile.mkdtemp(prefix="tk-killed-", dir="/tmp"))
    folder.chmod(0o755)
    found = Server(folder / "data", own_port())
    try:
        found.start()
        found.key = found.run("keys", "create", "test", "--scope", "admin")
        with found.client() as client:
            assert client.put("/v1/catalog", json={"source": CATALOG}).is_success
            for key in CUSTOMERS:
                assert client.put(f"/v1/customers/{key}", json={}).is_success
        yield found
    finally:
        if found.process is not None and found.process.poll() is None:
            found.end(signal.SIGKILL)
        for file in folder.rglob("postmaster.pid"):
            if embedded._is_postmaster(file, file.parent):
                os.kill(int(file.read_text().split()[0]), signal.SIGQUIT)
        for file in folder.rglob("server.lock"):
            with file.open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # until the last of its processes is gone
        shutil.rmtree(folder)


@dataclass
class Load:
    """Writers that go on through every failure, and what they were told."""

    server: Server
    batches: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    acknowledged: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)

    def write(self, writer: int) -> None:
        rng = random.Random(writer)
        for number in range(100_000):
            if self.done.is_set():
                return
            name = f"{writer}-{number}"
            self.batches[name] = _batch(rng, name)
            if not self._send(name):
                time.sleep(0.05)

    def _send(self, name: str) -> bool:
        try:
            with self.server.client() as client:
                answer = client.post("/v1/events", json=self.batches[name])
        except httpx.TransportError:
            self.unknown.add(name)
            return False
        self.statuses.add(answer.status_code)
        if answer.status_code != 200:
            self.unknown.add(name)
            return False
        self.unknown.discard(name)
        self.acknowledged[name] = answer.json()["results"]
        return True

    def repeat_unknown(self) -> None:
        for name in sorted(self.unknown):
            assert self._send(name), name


def _batch(rng: random.Random, name: str) -> list[dict[str, Any]]:
    found = []
    for i in range(SIZE):
        meter = rng.choice(["plain", "tiered", "volume", "thirds", "calls"])
        one: dict[str, Any] = {
            "id": f"{name}-{i}", "customer": rng.choice(CUSTOMERS), "meter": meter, "time": "2026-11-01T12:00:00Z",
        }  # fmt: skip
        found.append(one if meter == "calls" else one | {"quantity": str(rng.randint(1, 9))})
    wrong = rng.choice([one for one in found if one["meter"] != "calls"])
    fields = {name: wrong[name] for name in ("customer", "meter")}
    return [*found, fields | {"id": f"{name}-c", "corrects": wrong["id"], "quantity": f"-{wrong['quantity']}"}]


async def _verdict(url: str) -> Verdict:
    async with Database(url, pool_size=2) as database:
        books = Books(Settings(database_url=url), database)
        catalog = await books.catalog()
        async with database.transaction(snapshot=True) as tx:
            return await verify(tx, catalog)


def compare(load: Load, *, everything: bool) -> None:
    """What is stored against what was acknowledged, and the sums against independent arithmetic."""
    with embedded.start(load.server.data) as server:
        verdict = asyncio.run(_verdict(server.url))
        assert verdict.passed, verdict.checks
        with psycopg.connect(server.url) as connection:
            query = b"select event_id, charge::text from events"
            stored = dict(connection.execute(query).fetchall())
            postings = (
                "select coalesce(sum(case kind when 'usage' then amount else -amount end), 0)::text from postings"
            )
            [(booked,)] = connection.execute(postings.encode()).fetchall()
    there: set[str] = set()
    for name, batch in load.batches.items():
        found = [one["id"] for one in batch if one["id"] in stored]
        assert len(found) in (0, len(batch)), (name, len(found))
        if found:
            there.add(name)
    assert load.acknowledged.keys() <= there
    assert len(stored) == sum(len(load.batches[name]) for name in there)
    if everything:
        assert there == load.batches.keys()
    for results in load.acknowledged.values():
        for one in results:
            assert F(one["charge"]) == F(stored[one["id"]])
    used: dict[tuple[str, str], F] = defaultdict(F)
    for one in (one for name in there for one in load.batches[name]):
        used[one["customer"], one["meter"]] += F(one.get("quantity", 1))
    expected = sum_of(period_price(DOCUMENT["prices"][meter], quantity) for (_, meter), quantity in used.items())
    assert sum_of(stored.values()) == expected == F(booked)


def test_killed_at_random_moments(server: Server) -> None:
    rng = random.Random(20261120)
    load = Load(server)
    writers = [threading.Thread(target=load.write, args=(i,)) for i in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(ROUNDS):
            before = len(load.acknowledged)
            time.sleep(0.3 + rng.random())
            server.end(signal.SIGKILL)
            server.start()
            time.sleep(0.3 + rng.random())
            server.kill_database()
            time.sleep(rng.random())
            server.run("migrate")  # starts it again, beside the server, which finds it by itself
            _wait(lambda start=before: len(load.acknowledged) > start)
        _wait(lambda: len(load.acknowledged) > 10 * ROUNDS)
        server.end(signal.SIGKILL)
        server.kill_database()
    finally:
        load.done.set()
        for writer in writers:
            writer.join()
    assert len(load.unknown) > ROUNDS
    assert load.statuses <= {200, 503}, load.statuses
    server.start()
    compare(load, everything=False)
    load.repeat_unknown()
    compare(load, everything=True)


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
