"""How soon an event is on an open page: streams that are watched while events come in at a steady rate.

The time runs from the instant at which an event's request was to be sent until a state that has the event has arrived,
for every event. One process writes, one watches; both do little of their own. A month of 100,000 events is there.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from uuid import uuid4

import psycopg

from bench import client, server
from bench.cpu import Usage, usage
from bench.stream import Stream
from tollkeeper.customers import open_session
from tollkeeper.db import LISTENER, Tx

Row = tuple[str, str, str]

CUSTOMERS = 200
"""Each with as many pages open; all events are theirs."""
PER_SECOND = 500
TOGETHER = 5
"""Events in one request."""
_WRITERS = 8
_STORED = 100_000
_LEAD_SECONDS = 1.0
_TRAIL_SECONDS = 3.0
_PATH = "/v1/events?results=errors"
_CONTEXT = mp.get_context("fork")
_SEEN = re.compile(rb'"id" ?: ?"(live-[0-9a-z-]+)"')


def all_of_it(url: str, *, quick: bool) -> Iterator[Row]:
    """The figures of the live feed, in a database that has the stream's customers."""
    seconds = 6.0 if quick else 30.0
    with server.serving(url, 2) as (port, secret):
        stored = _STORED // (10 if quick else 1)
        client.send(port, secret, Stream("stored", stored), 0, stored, 1000, writers=2, path=_PATH)
    for workers, pages in ((1, 0), (1, CUSTOMERS), (2, CUSTOMERS), (1, 1000)):
        yield _measured(url, workers, pages, seconds)


def _measured(url: str, workers: int, pages: int, seconds: float) -> Row:
    tokens = server.run(url, lambda tx: _sessions(tx, max(1, pages // CUSTOMERS) if pages else 0))
    with server.serving(url, workers) as (port, secret), watching(port, tokens) as watched:
        writer = _Writer(port, secret, seconds)
        listeners = _listeners(url)
        before = usage(url)
        sent = writer.write()
        used = usage(url) - before
        time.sleep(_TRAIL_SECONDS)
        seen = watched.stop()
    each = f"{workers} server process{'es' if workers > 1 else ''}"
    what = f"{pages:,} open pages, {PER_SECOND} events/s in requests of {TOGETHER}, {each}"
    if not pages:
        return f"no open page, {what.split(', ', 1)[1]}", _cpu(used), _answers(writer)
    delays = sorted(seen[id] - at for id, at in sent.items() if id in seen)
    missing = len(sent) - len(delays)
    figure = f"p95 {_at(delays, 95):.0f} ms" if not missing else f"**{missing:,} never arrived**"
    told = f"p50 {_at(delays, 50):.0f} ms, max {delays[-1] * 1000:.0f} ms, {watched.states / seconds:,.0f} states/s"
    name = f"**live update, {what}**" if pages == CUSTOMERS else f"live update, {what}"
    return name, figure, f"budget 1,000 ms; {told}; {_cpu(used)}; {listeners} listening connections; {_answers(writer)}"


def _cpu(used: Usage) -> str:
    return f"cores: server {used.server:.2f}, PostgreSQL {used.database:.2f}"


def _answers(writer: _Writer) -> str:
    return f"requests p50 {_at(sorted(writer.latencies), 50):.0f} ms, p99 {_at(sorted(writer.latencies), 99):.0f} ms"


def _at(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


async def _sessions(tx: Tx, each: int) -> list[str]:
    return [
        (await open_session(tx, f"customer-{i:04d}", expires_in=3600, by="bench")).token
        for _ in range(each)
        for i in range(CUSTOMERS)
    ]


def _listeners(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "select count(*) from pg_stat_activity where application_name = %s and datname = current_database()"
        return (connection.execute(query, [LISTENER]).fetchone() or (0,))[0]


@dataclass(slots=True)
class _Watched:
    """The process that watches."""

    process: BaseProcess
    ending: Event
    results: mp.Queue
    states: int = 0

    def stop(self) -> dict[str, float]:
        """When each event was first seen."""
        self.ending.set()
        self.states, seen = self.results.get()
        self.process.join()
        return seen


@contextmanager
def watching(port: int, tokens: list[str]) -> Iterator[_Watched]:
    """Have these pages open, and all of them shown their first state."""
    ready, ending, results = _CONTEXT.Event(), _CONTEXT.Event(), _CONTEXT.Queue()
    process = _CONTEXT.Process(target=_watch, args=(port, tokens, ready, ending, results), daemon=True)
    process.start()
    if not ready.wait(60):
        raise RuntimeError("not every page was shown a state")
    time.sleep(_LEAD_SECONDS)
    yield _Watched(process, ending, results)


def _watch(port: int, tokens: list[str], ready: Event, ending: Event, results: mp.Queue) -> None:
    chosen, buffers = selectors.DefaultSelector(), {}
    for token in tokens:
        stream = socket.create_connection(("127.0.0.1", port))
        stream.sendall(f"GET /v1/portal/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        stream.setblocking(False)
        chosen.register(stream, selectors.EVENT_READ, stream)
        buffers[stream] = b""
    shown, seen, states = set(), {}, 0
    while not ending.is_set():
        if len(shown) == len(tokens):
            ready.set()
        for key, _ in chosen.select(0.05):
            stream: socket.socket = key.data
            data = stream.recv(1 << 18)
            at = time.perf_counter()
            if not data:
                raise ConnectionError("a stream has ended")
            whole, _, buffers[stream] = (buffers[stream] + data).rpartition(b"\n\n")
            if (found := whole.count(b"event: state")) and ready.is_set():
                states += found
            if found:
                shown.add(stream)
            for id in _SEEN.findall(whole):
                seen.setdefault(id.decode(), at)
    results.put((states, seen))


class _Writer:
    """Sends events at a steady rate, whatever the server does."""

    def __init__(self, port: int, secret: str, seconds: float) -> None:
        self._connections = [client.Connection(port, secret) for _ in range(_WRITERS)]
        self._seconds = seconds
        self._run = f"live-{uuid4().hex[:8]}"
        self.latencies: list[float] = []

    def write(self) -> dict[str, float]:
        """When each event was to be sent."""
        requests = int(self._seconds * PER_SECOND / TOGETHER)
        began = time.perf_counter() + 0.1
        due = [began + i * TOGETHER / PER_SECOND for i in range(requests)]
        sent: dict[str, float] = {}

        def write(connection: client.Connection, first: int) -> None:
            for i in range(first, requests, _WRITERS):
                events = [self._event(i * TOGETHER + k) for k in range(TOGETHER)]
                body = json.dumps(events).encode()
                time.sleep(max(0.0, due[i] - time.perf_counter()))
                sent.update((str(event["id"]), due[i]) for event in events)
                status, answer = connection.request("POST", _PATH, body)
                if status != 200:
                    raise RuntimeError(answer)
                self.latencies.append(time.perf_counter() - due[i])

        threads = [
            threading.Thread(target=write, args=each) for each in zip(self._connections, range(_WRITERS), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sent

    def _event(self, number: int) -> dict[str, object]:
        customer = (number * 7919) % CUSTOMERS
        return {
            "id": f"{self._run}-{number:07d}",
            "customer": f"customer-{customer:04d}",
            "meter": "output_tokens",
            "quantity": str(100 + number % 900),
            "dimensions": {"model": "gpt-4o", "job": f"job-{customer}-{number % 3}"},
        }
