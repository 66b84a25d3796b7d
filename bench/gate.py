"""What the gate costs: authorize and settle, over HTTP beside an empty POST, as library calls, and with much open.

Loads that are compared take turns in slices of a second or two, so that what else the machine does strikes them alike.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from uuid import uuid4

import psycopg
import uvloop

from bench import empty, server
from bench.crowd import Crowd, Pair, Seen
from bench.operations import AFFORDED, CLIENTS, GRANTS, HOLDS, MANY, ONE, SCARCE, Operations, empty_pairs, loads_of
from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.gate import ChangeIn, HoldIn, Settlement, Verb, verify
from tollkeeper.settings import Settings

T = TypeVar("T")
Row = tuple[str, str, str]

_WARM_UP_SECONDS = 1.0

# Beside how many holds there are: what nothing may be left of. Customers with holds that stay open don't count.
_LEFT = """
with idle as (select customer_id from customers where key not like 'holds-%')
select (select count(*) from holds),
       (select count(*) from holds join idle using (customer_id) where ended_at is null),
       (select coalesce(sum(held), 0) from wallets join idle using (customer_id)),
       (select count(*) from (
           select from entries where account = 'receivable' group by customer_id having sum(amount) <> 0) e)
"""


def all_of_it(url: str, *, quick: bool) -> Iterator[Row]:
    """All figures of the gate, in a database that `operations.furnish` has filled."""
    rounds = 1 if quick else 3
    yield from with_much_open(url, 50 if quick else 400)
    for workers in (1, 2):
        yield from over_http(url, workers, rounds, variations=workers > 1)
    yield from as_library(url, 2.0 if quick else 6.0)


def over_http(url: str, workers: int, rounds: int, *, variations: bool) -> Iterator[Row]:
    """Authorize and settle by 16 clients, as a ratio of the same server's empty POSTs of the same bodies."""
    loads = loads_of(uuid4().hex[:6])
    if not variations:
        loads = {name: loads[name] for name in (MANY, ONE)}
    with server.serving(url, workers, run_by=("-m", "bench.empty")) as (port, secret):
        crowd = Crowd(port, secret, CLIENTS, workers=workers, whoami=empty.PATH)
        turns = {"": empty_pairs(Operations("empty"))} | {what: load.requests for what, load in loads.items()}
        slices = _in_turns(crowd, turns, rounds)
        scarce = crowd.drive(1.5, Operations("scarce", customers=SCARCE).two_holds) if variations else None
        crowd.close()
    processes = f"{workers} server process{'es' if workers > 1 else ''}"
    plain = _sum(slices[""])
    yield (
        f"empty POST of the same bodies, {CLIENTS} clients, {processes}",
        f"{plain.per_second:,.0f} requests/s",
        f"1.00; {_latencies(plain)}; the clients alone could {plain.ceiling:,.0f}/s",
    )
    many = slices[MANY]
    for name in loads:
        seen = slices[name]
        compared = _ratio(seen, slices[""], "the empty POST")
        if seen is not many:
            compared += f", {_ratio(seen, many, 'the first')}"
        total = _sum(seen)
        each = "authorize {:.1f}, settle {:.1f}".format(*(statistics.median(one) * 1000 for one in total.latencies))
        what = f"**HTTP, {name}**, {processes}" if name == MANY else f"HTTP, {name}, {processes}"
        yield what, f"{total.per_second:,.0f} requests/s", f"{compared}; {_latencies(total)} ({each})"
    if scarce is not None:
        allowed = scarce.requests - scarce.refused
        exact = f"{allowed:,}" if allowed == AFFORDED else f"**{allowed:,}**"
        yield f"holds of a wallet that affords {AFFORDED}, {processes}", exact, f"of {scarce.requests:,} asked for"
    yield audit(url, processes)


def _in_turns(crowd: Crowd, loads: dict[str, Callable[[], Pair]], rounds: int) -> dict[str, list[Seen]]:
    """The slices of each load."""
    for pairs in loads.values():
        crowd.drive(_WARM_UP_SECONDS, pairs)
    found: dict[str, list[Seen]] = {what: [] for what in loads}
    for _ in range(rounds):
        for what, pairs in loads.items():
            seen = crowd.drive(2.0 if what else 1.0, pairs)
            if seen.refused:
                raise RuntimeError(f"{what}: {seen.refused} operations refused, though there's plenty")
            found[what].append(seen)
    return found


def _sum(slices: list[Seen]) -> Seen:
    total = Seen()
    for one in slices:
        total.add(one)
    return total


def _ratio(slices: list[Seen], others: list[Seen], name: str) -> str:
    """The median of the rounds, and how far they lie apart."""
    ratios = sorted(one.per_second / other.per_second for one, other in zip(slices, others, strict=True))
    return f"{statistics.median(ratios):.2f} of {name} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _latencies(seen: Seen) -> str:
    both = sorted([*seen.latencies[0], *seen.latencies[1]])
    return f"p50 {_at(both, 50):.1f} ms, p99 {_at(both, 99):.1f} ms"


def _at(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def audit(url: str, after: str) -> Row:
    """Whether the books agree, the wallets have paid everything, and nothing is held but by holds that stay open."""

    async def ask() -> list[str]:
        async with Database(url, pool_size=1) as database:
            books = Books(Settings(), database)
            async with database.transaction(snapshot=True) as tx:
                verdict = await verify(tx, await books.catalog(tx))
        return [f"{check.name}: {check.differences[:2]}" for check in verdict.checks if check.differences]

    began, wrong = time.perf_counter(), asyncio.run(ask())
    with psycopg.connect(url) as connection:
        found = connection.execute(_LEFT).fetchone() or (0,)
    holds, *left = found
    wrong += [
        f"{amount} {what}"
        for amount, what in zip(left, ("holds open", "USD held", "customers owe"), strict=True)
        if amount
    ]
    what = f"`verify` after {holds:,} holds ({after}): books agree, nothing held, no overdraft"
    return what, f"**no**: {'; '.join(wrong)}" if wrong else "yes", f"{time.perf_counter() - began:.1f} s"


def as_library(url: str, seconds: float) -> Iterator[Row]:
    """The same without HTTP: 16 tasks in one process, and one at a time."""
    together, alone = uvloop.run(_opened(url, lambda books: _called(books, seconds)))
    yield f"library, {CLIENTS} tasks in one process", f"{together.per_second:,.0f} calls/s", _latencies(together)
    hold, settle = (statistics.median(one) * 1000 for one in alone.latencies)
    what = f"authorize {hold:.2f} ms, settle {settle:.2f} ms; {_latencies(alone)}"
    yield "library, one at a time", f"{alone.per_second:,.0f} calls/s", what
    yield audit(url, "library")


async def _opened(url: str, work: Callable[[Books], Awaitable[T]]) -> T:
    async with Database(url) as database:
        return await work(Books(Settings(), database))


async def _called(books: Books, seconds: float) -> tuple[Seen, Seen]:
    operations = Operations(f"library-{uuid4().hex[:6]}")
    await _call(books, operations, CLIENTS, _WARM_UP_SECONDS)
    return await _call(books, operations, CLIENTS, seconds), await _call(books, operations, 1, seconds)


async def _call(books: Books, operations: Operations, tasks: int, seconds: float) -> Seen:
    seen, began = Seen(), time.perf_counter()

    async def each() -> None:
        while time.perf_counter() < began + seconds:
            hold, settlement = operations.calls()
            await _timed(seen, books, hold, settlement)

    await asyncio.gather(*(each() for _ in range(tasks)))
    seen.seconds = time.perf_counter() - began
    return seen


async def _timed(seen: Seen, books: Books, hold: HoldIn, settlement: Settlement) -> None:
    start = time.perf_counter()
    await books.authorize(hold)
    held = time.perf_counter()
    await books.settle(settlement)
    seen.latencies[0].append(held - start)
    seen.latencies[1].append(time.perf_counter() - held)


def with_much_open(url: str, repetitions: int) -> Iterator[Row]:
    """Authorize for customers with so many open grants, and so many open holds; each is released again, untimed."""
    kinds = [f"grants-{count}" for count in GRANTS] + [f"holds-{count}" for count in HOLDS]
    found = uvloop.run(_opened(url, lambda books: _probed(books, kinds, repetitions)))
    for what, counts in (("grants", GRANTS), ("holds", HOLDS)):
        first = found[f"{what}-{counts[0]}"]
        for count in counts:
            times = found[f"{what}-{count}"]
            median, mean = statistics.median(times), statistics.fmean(times)
            compared = f"{median / statistics.median(first):.2f}× of {counts[0]} (budget 1.5×)"
            means = f"mean {mean * 1000:.2f} ms, {mean / statistics.fmean(first):.2f}×"
            yield f"authorize, open {what}: {count:,}", f"{median * 1000:.2f} ms", f"{compared}; {means}"
    yield audit(url, "much open")


async def _probed(books: Books, customers: list[str], repetitions: int) -> dict[str, list[float]]:
    """The times of each customer, in turns."""
    found: dict[str, list[float]] = {customer: [] for customer in customers}
    operations = {customer: Operations(f"probe-{uuid4().hex[:6]}", customers=customer) for customer in customers}
    for turn in range(-20, repetitions):
        for customer in customers:
            hold, _ = operations[customer].calls()
            start = time.perf_counter()
            allowed = await books.authorize(hold)
            if turn >= 0:
                found[customer].append(time.perf_counter() - start)
            await books.change_hold(ChangeIn(Verb.RELEASE, customer, allowed.hold.hold_id))
    return found
