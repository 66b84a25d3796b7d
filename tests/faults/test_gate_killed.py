"""Four servers on one database, one of them killed in the middle: never more than N, nothing half done or stuck."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import psycopg
import pytest
from tests.database.gating import CREDITS, assert_idle, books_on, give, open_books

from tollkeeper.customers import Scope, create_key
from tollkeeper.db import Database

TOLLKEEPER = [sys.executable, "-c", "from tollkeeper.cli import main; main()"]
N, CLIENTS, SERVERS = 40, 64, 4
FORGOTTEN = 4
"""Seconds that a hold lasts which nobody ends."""
ENDED = 300
"""And one that is ended: however slow the machine is, that doesn't come too late."""
CATALOG = (
    CREDITS
    + f"""
[meters.page]
unit = "page"
[prices.page]
model = "graduated"
tiers = [{{ up_to = 10, amount = "1" }}, {{ amount = "0.5" }}]
[limits.day]
meter = "page"
per = "day"
cap = "{N}"
"""
)


class Server:
    """`tollkeeper serve` on a database that others serve as well."""

    def __init__(self, url: str, folder: Path) -> None:
        self.log = folder / f"serve-{id(self)}.log"
        here = os.environ | {"TMPDIR": str(folder), "TOLLKEEPER_DATABASE_URL": url, "TOLLKEEPER_SWEEP_SECONDS": "1"}
        with self.log.open("w") as log:
            line = [*TOLLKEEPER, "serve", "--port", "0"]
            self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True, env=here)

    def wait(self) -> str:
        """Its address, once it answers."""
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert found, (told, self.log.read_text()[-3000:])
        self.address = found[0]
        return self.address

    def end(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Crowd:
    """Clients that begin and end operations at any of the servers, and what they were told."""

    servers: list[Server]
    key: str
    meter: str
    held: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    done: threading.Event = field(default_factory=threading.Event)

    def visit(self, number: int) -> None:
        """Each client has one operation after the other, until told to stop; it goes on through every failure."""
        with httpx.Client(headers={"Authorization": f"Bearer {self.key}"}, timeout=20) as client:
            for turn in range(10_000):
                if self.done.is_set():
                    return
                if not self.operate(client, f"{number}-{turn}", self.servers[(number + turn) % SERVERS]):
                    time.sleep(0.05)

    def operate(self, client: httpx.Client, id: str, server: Server) -> bool:
        which = crc32(id.encode()) % 5
        lasts = FORGOTTEN if which == 4 else ENDED
        body = {"id": id, "customer": "acme", "meter": self.meter, "expires_in": lasts}
        if self.meter == "page":
            body["quantity"] = "1"
        answer = self.send(client, server, "/v1/holds", body, id)
        if answer is None or answer.status_code not in (200, 201):
            return False
        self.held.add(id)
        if which == 4:
            return True
        verb, ended = ("settle", self.settled) if which == 0 else ("release", self.released)
        answer = self.send(client, server, f"/v1/holds/{id}/{verb}", {"customer": "acme"}, id)
        (ended if answer is not None and answer.status_code == 200 else self.unknown).add(id)
        return True

    @property
    def refused(self) -> int:
        """How often there was nothing left."""
        return self.statuses[402] + self.statuses[429]

    def send(self, client: httpx.Client, server: Server, path: str, body: dict[str, Any], id: str) -> Any:
        try:
            answer = client.post(server.address + path, json=body)
        except httpx.ConnectError:
            return None  # nothing was sent
        except httpx.TransportError:
            self.unknown.add(id)
            return None
        self.statuses[answer.status_code] += 1
        return answer


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[list[Server]]:
    found = [Server(database_url, tmp_path) for _ in range(SERVERS)]
    try:
        for server in found:
            server.wait()
        yield found
    finally:
        for server in found:
            if server.process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    server.end(signal.SIGKILL)


async def prepare(url: str) -> str:
    """The catalog, a customer with N credits, and a key's secret."""
    async with Database(url, pool_size=2) as database:
        books = await open_books(database, CATALOG)
        await give(books, str(N), "credit")
        _, secret = await database.run(lambda tx: create_key(tx, "test", [Scope.ADMIN]))
        return secret


async def judge(url: str) -> None:
    async with Database(url, pool_size=2) as database:
        await assert_idle(books_on(database))


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


class Watch:
    """Looks again and again, in one snapshot each time, how many operations are under way or have been paid for."""

    def __init__(self, url: str) -> None:
        self.most = self.looks = 0
        self._url = url
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        query = "select count(*) from holds where state in ('open', 'settled')"
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._done.wait(0.01):
                [(count,)] = connection.execute(query.encode()).fetchall()
                self.most, self.looks = max(self.most, count), self.looks + 1


def repeat_unknown(crowd: Crowd) -> None:
    """Whoever wasn't answered asks again for what it wanted to free; that's always safe."""
    with httpx.Client(headers={"Authorization": f"Bearer {crowd.key}"}, timeout=20) as client:
        for id in sorted(crowd.unknown):
            path = f"{crowd.servers[0].address}/v1/holds/{id}/release"
            answer = client.post(path, json={"customer": "acme"})
            assert answer.status_code in (200, 404, 409), answer.text


def run(crowd: Crowd, clients: list[threading.Thread], watch: Watch, url: str, folder: Path) -> None:
    """Let the clients come, kill a server, go on without it, start it again, and go on until there's nothing left."""
    for client in clients:
        client.start()
    try:
        time.sleep(1.5)
        crowd.servers[1].end(signal.SIGKILL)
        before = len(crowd.held)
        until(lambda: len(crowd.held) > before, "the others go on")
        time.sleep(1)
        again = Server(url, folder)
        crowd.servers.append(again)  # so that it's ended in any case
        again.wait()
        crowd.servers[1] = again
        until(lambda: watch.most >= N and crowd.refused > 0, "all of it is used")
    finally:
        crowd.done.set()
        for client in clients:
            client.join()


def until(reached: Callable[[], bool], what: str) -> None:
    """Wait for it, for as long as a busy machine may take."""
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.parametrize("meter", ["interview", "page"])
def test_one_of_four_servers_is_killed(database_url: str, tmp_path: Path, servers: list[Server], meter: str) -> None:
    """Fails where a hold and what it reserves are two transactions, or where only the killed server would end it."""
    crowd = Crowd(servers, asyncio.run(prepare(database_url)), meter)
    clients = [threading.Thread(target=crowd.visit, args=(i,)) for i in range(CLIENTS)]
    with Watch(database_url) as watch:
        run(crowd, clients, watch, database_url, tmp_path)
    assert watch.looks > 20
    assert watch.most == N
    assert set(crowd.statuses) <= {200, 201, 402, 429, 503}, crowd.statuses
    states = dict(read(database_url, "select hold_id, state from holds"))
    assert crowd.held <= states.keys() <= crowd.held | crowd.unknown
    assert all(states[id] == "settled" for id in crowd.settled)
    assert all(states[id] == "released" for id in crowd.released)
    assert 0 < len([id for id, state in states.items() if state == "settled"]) <= N
    repeat_unknown(crowd)
    until(lambda: not read(database_url, "select 1 from holds where ended_at is null"), "a hold is stuck")
    asyncio.run(judge(database_url))
    [(settled, recorded)] = read(
        database_url, "select (select count(*) from holds where state = 'settled'), (select count(*) from events)"
    )
    assert settled <= recorded <= settled + len(crowd.unknown)
