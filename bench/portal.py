"""The billing page's calls, for customers of many sizes, with nothing else going on.

Event k of n happens at start + k × 365 days / n. Half of the events belong to 1,000 customers; the others to five large
ones, a tenth of all events each. Every month a customer has other jobs: a small one 3, a large one 20, and as many
members. One event in ten is an AI call whose price goes by its cost.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import psycopg

from bench import client, server
from bench.paint import painted
from bench.stream import CATALOG as STREAM_CATALOG
from tollkeeper import catalog, clock
from tollkeeper.clock import in_utc
from tollkeeper.console import refresh_figures
from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database, Tx, migrate
from tollkeeper.events import has_usage, used_meters
from tollkeeper.rating import MODELS
from tollkeeper.worker import digest

Row = tuple[str, str, str]

EVENTS = 5_000_000
_SMALL, _LARGE, _DAYS = 1000, 5, 365
_CALLS = 200
_KNUTH = 2654435761
_STARTED = datetime.now(UTC)

CATALOG = (
    STREAM_CATALOG
    + """
[meters.answer]
unit = "answer"
dimensions = ["job"]
[prices.answer]
model = "cost_plus"
fallback = "0.01"
[units.credit]
name = "Credit"
[limits.monthly_spend]
spend = "USD"
per = "month"
cap = "1000000"
mode = "soft"
[limits.daily_cvs]
meter = "cv_parse"
per = "day"
cap = "1000000"
"""
)


@dataclass(frozen=True, slots=True)
class PageStream:
    """`total` events; as `bench.stream.Stream`, for `client.send`."""

    total: int

    def event(self, k: int) -> dict[str, object]:
        """Event number `k`."""
        mixed = (k * _KNUTH) & 0xFFFFFFFF
        turn, pick = mixed % 20, mixed >> 8
        large = turn < 2 * _LARGE
        customer = f"large-{turn // 2}" if large else f"customer-{pick % _SMALL:04d}"
        jobs = 20 if large else 3
        month = k * 12 // self.total
        body: dict[str, object] = {
            "id": f"page-{k:09d}",
            "customer": customer,
            "member": f"member-{pick % jobs}",
            "time": in_utc(_STARTED - timedelta(days=_DAYS) + timedelta(seconds=k * _DAYS * 86400 / self.total)),
        }
        marks = {"job": f"job-{month}-{(pick >> 4) % jobs}"}
        match (pick >> 12) % 10:
            case 0:
                usage = {"prompt_tokens": pick % 4000, "completion_tokens": pick % 900}
                call = {"provider": "openai", "model": "gpt-4o", "response_id": f"r-{k}", "usage": usage}
                return body | {"meter": "answer", "quantity": "1", "dimensions": marks, "calls": [call]}
            case 1 | 2:
                return body | {"meter": "cv_parse", "dimensions": marks}
            case 3:
                return body | {"meter": "interview_minute", "quantity": str(pick % 60), "dimensions": marks}
        return body | {"meter": "input_tokens", "quantity": str(pick % 4000), "dimensions": marks | {"model": "gpt-4o"}}

    def bodies(self, first: int, count: int, batch: int) -> Iterator[bytes]:
        """Request bodies of `batch` events each."""
        for start in range(first, first + count, batch):
            stop = min(start + batch, first + count)
            yield json.dumps([self.event(k) for k in range(start, stop)], separators=(",", ":")).encode()


async def furnish(url: str) -> None:
    """The customers and the catalog."""
    keys = [f"customer-{i:04d}" for i in range(_SMALL)] + [f"large-{i}" for i in range(_LARGE)]
    async with Database(url, pool_size=1) as opened:

        async def work(tx: Tx) -> None:
            for key in keys:
                await upsert_customer(tx, key, CustomerChanges(), default_currency="USD", in_use=has_usage)

        await opened.run(work)
        await opened.run(
            lambda tx: catalog.apply(tx, CATALOG, file="bench", models=MODELS, used_meters=used_meters, by="bench")
        )


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """A fresh database that is gone afterwards; or the one at `url`, furnished if need be, which stays."""
    if url is None:
        with server.database(furnish) as fresh:
            yield fresh
        return
    migrate(url)
    with psycopg.connect(url) as connection:
        empty = connection.execute("select not exists (select from customers)").fetchone() == (True,)
    if empty:
        asyncio.run(furnish(url))
    yield url


def all_of_it(url: str, events: int) -> Iterator[Row]:
    """Fill the database, unless it's full, and ask for each of the page's calls."""
    stored, until = _stored(url)
    if not stored:
        with server.serving(url, 2) as (port, secret):
            path = "/v1/events?results=errors"
            sent = client.send(port, secret, PageStream(events), 0, events, 1000, writers=4, path=path)
            yield f"{events:,} events reported", f"{sent.per_second:,.0f} events/s", "a tenth with AI calls"
        stored, until = _stored(url)
    yield from _settled(url, stored)
    with server.serving(url, 1) as (port, secret):
        pages = {
            f"{_SMALL:,} customers, the first call of each": _small_ones(PageStream(stored)),
            f"{_LARGE} large customers": [f"large-{i}" for i in range(_LARGE)],
        }
        for who, keys in pages.items():
            yield from _asked(port, secret, who, keys, until)
            yield from painted(port, secret, keys[0], who.partition(", the")[0])


def _stored(url: str) -> tuple[int, datetime]:
    """How many events there are, and the time behind the last one."""
    with psycopg.connect(url) as connection:
        found = connection.execute("select count(*), coalesce(max(time), now()) from events").fetchone()
    assert found is not None
    return found[0], found[1] + timedelta(seconds=1)


def _settled(url: str, events: int) -> Iterator[Row]:
    """What goes on in the background, done before anything is asked: digests, figures, a vacuum."""

    async def summed_up() -> tuple[float, float]:
        async with Database(url, pool_size=2) as opened:
            began = time.perf_counter()
            await digest(opened, now=clock.now())
            digested = time.perf_counter()
            await opened.run(lambda tx: refresh_figures(tx, "USD", now=clock.now(), whole=True))
            return digested - began, time.perf_counter() - digested

    digests, figures = asyncio.run(summed_up())
    with psycopg.connect(url, autocommit=True) as connection:
        # What autovacuum does in time: visible pages, statistics.
        connection.execute("vacuum analyze")
    if digests > 1:
        yield f"digests of {events:,} events", f"{digests:.0f} s", "once, in the background"
    yield (
        f"the console's figures, {events:,} events",
        f"{figures:.0f} s",
        "once a day, in the background",
    )


def _small_ones(stream: PageStream) -> list[str]:
    """Customers that have events."""
    found: dict[str, None] = {}
    for k in range(stream.total):
        found |= {str(stream.event(k)["customer"]): None}
        if len(found) == _CALLS + _LARGE:
            break
    return [key for key in found if key.startswith("customer")]


def _asked(port: int, secret: str, who: str, keys: list[str], until: datetime) -> Iterator[Row]:
    operator = client.Connection(port, secret)
    tokens = []
    for key in keys:
        body = json.dumps({"customer": key}).encode()
        status, answer = operator.request("POST", "/v1/portal-sessions", body)
        if status != 201:
            raise RuntimeError(answer)
        token = json.loads(answer)["token"]
        _, answer = client.Connection(port, token).request("GET", "/v1/portal/events?limit=1")
        tokens.append((token, json.loads(answer)["data"][0]["id"]))
    for what, path in _calls(until):
        found: list[float] = []
        rounds = _CALLS // len(tokens)
        for token, event_id in tokens:
            paths = [path.replace("{id}", event_id)] * rounds
            found += client.ask(port, token, paths)
        found.sort()
        p50, p95 = found[len(found) // 2], found[int(len(found) * 0.95)]
        yield f"{what}, {who}", f"p95 {p95:.1f} ms", f"p50 {p50:.1f} ms"


def _calls(end: datetime) -> Iterator[tuple[str, str]]:
    until = quote(in_utc(end))
    yield "/v1/portal/session", "/v1/portal/session"
    yield "/v1/portal/overview", "/v1/portal/overview"
    for days in (30, 365):
        since = quote(in_utc(end - timedelta(days=days)))
        span = f"from={since}&to={until}"
        yield f"/v1/portal/usage, {days} days, in all", f"/v1/portal/usage?{span}"
        yield f"/v1/portal/usage, {days} days, by day", f"/v1/portal/usage?{span}&window=day"
        yield f"/v1/portal/usage, {days} days, by job", f"/v1/portal/usage?{span}&group_by=job"
        yield f"/v1/portal/models, {days} days", f"/v1/portal/models?{span}"
    yield "/v1/portal/events, first page", "/v1/portal/events?limit=50"
    yield "/v1/portal/events/{id}/explanation", "/v1/portal/events/{id}/explanation"
    yield "/v1/portal/ledger, first page", "/v1/portal/ledger?limit=50"
    yield "/v1/portal/grants", "/v1/portal/grants"
    yield "/v1/portal/limits", "/v1/portal/limits"
    yield "/v1/portal/alerts", "/v1/portal/alerts"
    yield "/v1/portal/members", "/v1/portal/members"
