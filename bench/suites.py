"""What is measured. Each suite returns rows for the report: what, figure, budget or comparison."""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
import os
import time
from collections.abc import Iterator
from urllib.parse import quote

from bench import baseline, client, server
from bench.client import Sent
from bench.stream import CUSTOMERS, Stream
from tollkeeper.books import Books
from tollkeeper.clock import in_utc, now
from tollkeeper.db import Database
from tollkeeper.events import Status, read_json
from tollkeeper.settings import Settings

Row = tuple[str, str, str]

WORKERS = max(2, os.cpu_count() or 2)
WRITERS = 4
PATH = "/v1/events?results=errors"
_WARM_UP = 20_000


def ingest(url: str, port: int, secret: str, events: int) -> Iterator[Row]:
    """Ingest over HTTP beside a plain COPY of the same rows, and its variations."""
    stream = Stream("main", events)
    warm_up = Stream("warm-up", _WARM_UP)
    client.send(port, secret, warm_up, 0, _WARM_UP, 1000, writers=WRITERS, path=PATH)
    sent = client.send(port, secret, stream, 0, events, 1000, writers=WRITERS, path=PATH)
    copied = baseline.copy_rate(url, events)
    parallel = baseline.copy_rate(url, events, connections=2)
    yield _rate(f"plain COPY of the same {events:,} rows, unique index only, 1 connection", copied, copied)
    yield _rate("the same COPY over 2 connections", parallel, copied)
    yield _row(f"**HTTP, batches of 1,000, {CUSTOMERS:,} customers, {WRITERS} writers**", sent, copied)

    share = max(events // 5, 20_000)
    for batch, count in ((1, share // 20), (100, share), (10_000, share)):
        varied = Stream(f"of-{batch}", share)
        row = client.send(port, secret, varied, 0, count, batch, writers=WRITERS, path=PATH)
        yield _row(f"HTTP, batches of {batch:,}", row, copied)
    full = client.send(port, secret, Stream("full", share), 0, share, 1000, writers=WRITERS, path="/v1/events")
    yield _row("HTTP, batches of 1,000, an answer for each event", full, copied)
    hot = client.send(port, secret, Stream("hot", share, hot=True), 0, share, 1000, writers=WRITERS, path=PATH)
    yield _row("HTTP, batches of 1,000, one hot customer", hot, copied)
    tiered = Stream("tiered", share, tiered_percent=20)
    yield _row(
        "HTTP, batches of 1,000, 20% tiered prices",
        client.send(port, secret, tiered, 0, share, 1000, writers=WRITERS, path=PATH),
        copied,
    )
    again = client.send(port, secret, stream, 0, min(share, events), 1000, writers=WRITERS, path=PATH)
    yield _row("HTTP, batches of 1,000, all duplicates", again, copied)
    yield _row("library, batches of 1,000, 2 processes, no HTTP", library(url, share), copied)


def _row(what: str, sent: Sent, copied: float) -> Row:
    what_else = f"p50 {sent.percentile(50):.0f} ms, p99 {sent.percentile(99):.0f} ms per request"
    return what, f"{sent.per_second:,.0f} events/s", f"{sent.per_second / copied:.3f} of COPY; {what_else}"


def _rate(what: str, rate: float, copied: float) -> Row:
    return what, f"{rate:,.0f} rows/s", f"{rate / copied:.3f} of COPY"


def library(url: str, events: int) -> Sent:
    """Ingest through `Books`, by as many processes as there are workers."""
    context = mp.get_context("fork")
    barrier, results = context.Barrier(2), context.Queue()
    share = events // 2
    stream = Stream("library", events)
    parts = [
        context.Process(target=_ingest_in_process, args=(url, stream, i * share, share, barrier, results))
        for i in range(2)
    ]
    for part in parts:
        part.start()
    found = [results.get() for _ in parts]
    for part in parts:
        part.join()
    latencies = [one for _, _, latencies in found for one in latencies]
    return Sent(share * 2, max(end for _, end, _ in found) - min(start for start, *_ in found), latencies)


def _ingest_in_process(url: str, stream: Stream, first: int, count: int, barrier, results) -> None:
    bodies = list(stream.bodies(first, count, 1000))

    async def work() -> tuple[float, float, list[float]]:
        async with Database(url, pool_size=2) as database:
            books = Books(Settings(), database)
            await books.catalog()
            barrier.wait()
            began, latencies = time.perf_counter(), []
            for body in bodies:
                start = time.perf_counter()
                recorded = await books.ingest(read_json(body, max_events=1000)[0])
                latencies.append(time.perf_counter() - start)
                if recorded.count(Status.ACCEPTED) != 1000:
                    raise RuntimeError(str(recorded.results[:3]))
            return began, time.perf_counter(), latencies

    results.put(asyncio.run(work()))


def growth(port: int, secret: str, sizes: list[int]) -> Iterator[Row]:
    """The cost of an event when so many are stored already. The database must be empty at first."""
    probe = 40_000
    stream, stored, first = Stream("growth", sizes[-1] + probe * len(sizes)), 0, None
    for size in sizes:
        fill = size - stored
        client.send(port, secret, stream, stored, fill, 1000, writers=WRITERS, path=PATH)
        sent = client.send(port, secret, stream, size, probe, 1000, writers=WRITERS, path=PATH)
        stored = size + probe
        cost = 1e6 / sent.per_second
        first = first or cost
        yield f"ingest with {size:,} events stored", f"{sent.per_second:,.0f} events/s", f"{cost / first:.2f}× the cost"


def reads(port: int, secret: str, stored: int) -> Iterator[Row]:
    """The billing page's queries, one after the other, over HTTP, with nothing else going on."""
    customers = [f"customer-{(i * 37) % CUSTOMERS:04d}" for i in range(400)]
    until = quote(in_utc(now()))
    for what, path in (
        ("/v1/usage, one customer, 30 days, by day", "/v1/usage?customer={}&window=day&to=" + until),
        ("/v1/usage, the same by day and job", "/v1/usage?customer={}&window=day&group_by=job&to=" + until),
        ("/v1/customers/{key}/overview", "/v1/customers/{}/overview"),
        ("/v1/customers/{key}/balance", "/v1/customers/{}/balance"),
        ("/v1/events, first page", "/v1/events?customer={}"),
    ):
        found = sorted(client.ask(port, secret, [path.format(customer) for customer in customers]))
        p50, p95 = found[len(found) // 2], found[int(len(found) * 0.95)]
        yield f"{what}, {stored:,} events stored", f"p95 {p95:.1f} ms", f"p50 {p50:.1f} ms"


def start(url: str) -> Iterator[Row]:
    """From the command to the first answer, on existing data."""
    began = time.perf_counter()
    with server.serving(url, 1) as (port, secret):
        connection = client.Connection(port, secret)
        status, answer = connection.request("GET", "/readyz")
        seconds = time.perf_counter() - began
        if status != 200 or not json.loads(answer):
            raise RuntimeError(answer)
    yield "start of the server on existing data, until /readyz answers", f"{seconds:.2f} s", "budget 2 s"
