"""Recording: from the items of one request to events, rollups and postings, in one transaction.

    place → (find duplicates) → resolve corrections → rate → book

A batch is first taken to have no duplicates. If the insert then finds one of its events stored already, the
transaction is rolled back and run again `careful`ly, with a look-up of what is stored. So duplicates cost twice, and
everything else costs no look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Aggregation, Shelf
from tollkeeper.clock import local_slot
from tollkeeper.customers import Directory
from tollkeeper.db import Again, Tx, read_epochs
from tollkeeper.events import (
    CostSource,
    EventIn,
    Reason,
    Refused,
    SeriesIndex,
    Status,
    UsageSum,
    add_usage,
    find_events,
    insert_events,
    insert_series,
    quarantine,
    same_event,
)
from tollkeeper.gate.correct import resolve_corrections
from tollkeeper.gate.lanes import Lanes
from tollkeeper.gate.model import Batch, Fact, Recorded, Result
from tollkeeper.gate.place import place, refused
from tollkeeper.gate.totals import rate_cumulative
from tollkeeper.ids import new_id
from tollkeeper.ledger import Batch as Charges
from tollkeeper.ledger import post
from tollkeeper.money import EXACT, plain
from tollkeeper.rating import MODELS, rate


@dataclass(slots=True)
class Desk:
    """What a process keeps in memory for recording: the catalog, customers, series, and lanes made of them."""

    directory: Directory = field(default_factory=Directory)
    shelf: Shelf = field(default_factory=Shelf)
    series: SeriesIndex = field(default_factory=SeriesIndex)
    lanes: Lanes = field(default_factory=Lanes)
    max_future: timedelta = timedelta(minutes=5)


async def record(
    tx: Tx, desk: Desk, items: Sequence[EventIn | Refused], *, now: datetime, careful: bool = False
) -> Recorded:
    """Store, rate and book the items; what can't be accepted goes to quarantine with its reason.

    Raises Again where an event turns out to be stored already, unless `careful`.
    """
    epochs = await read_epochs(tx)
    catalog = await desk.shelf.current(tx, epochs, MODELS)
    keys = {item.customer for item in items if isinstance(item, EventIn)}
    customers = await desk.directory.resolve(tx, epochs, keys)
    desk.lanes.hold(epochs)

    batch = Batch(catalog, now, [None] * len(items))
    place(batch, items, customers, desk.lanes, desk.series, now + desk.max_future)
    if careful:
        await _set_duplicates_aside(tx, batch)
    await resolve_corrections(tx, batch)
    facts = list(batch.facts.values())
    await _rate(tx, facts)
    series = await _book(tx, batch, facts)
    await _quarantine(tx, batch)
    return Recorded(_results(batch, facts), series)


async def _set_duplicates_aside(tx: Tx, batch: Batch) -> None:
    stored = await find_events(tx, batch.facts.keys()) if batch.facts else {}
    for key, found in stored.items():
        fact = batch.facts.pop(key)
        if same_event(fact.event, found, fact.quantity):
            charge = None if found.charge is None else plain(found.charge)
            batch.duplicate(fact.index, found.event_id, charge, found.unit)
        else:
            reason = Reason("event_conflict", "Another event is stored under this id; ids are for all time.", "id")
            batch.refuse(fact.index, refused(fact.event, reason), Status.CONFLICT)


async def _rate(tx: Tx, facts: list[Fact]) -> None:
    cumulative: list[Fact] = []
    for fact in facts:
        rule = fact.rule
        if rule.rate is not None:
            fact.charge = EXACT.multiply(fact.billed, rule.rate)
        elif rule.needs_total:
            cumulative.append(fact)
        elif rule.price is not None:
            rated = rate(rule.price, fact.measure, previous=fact.previous)
            fact.charge, fact.estimated = rated.charge, rated.estimated
    if cumulative:
        await rate_cumulative(tx, cumulative)


async def _book(tx: Tx, batch: Batch, facts: list[Fact]) -> list:
    """Write the events, their rollups and their postings."""
    if not facts:
        return []
    transaction_id = new_id()
    series = sorted(batch.series, key=lambda one: (one.customer_id, one.series_id))
    hours: dict[tuple[str, datetime, str], UsageSum] = {}
    days: dict[tuple, UsageSum] = {}
    charges = Charges()
    for fact in facts:
        slot = local_slot(fact.time, fact.lane.zone)
        _add_usage(hours, (fact.customer_id, slot.hour, fact.series_id), fact)
        _add_usage(days, (fact.customer_id, slot.day, fact.series_id), fact)
        if fact.charge and fact.rule.unit:
            charges.charge(fact.customer_id, fact.rule.unit, fact.charge, fact.time)
        if fact.cost:
            charges.cost(fact.customer_id, batch.catalog.currency, fact.cost, fact.time)
    postings = charges.postings(transaction_id, batch.now)
    if await insert_events(tx, facts, transaction_id=transaction_id, recorded_at=batch.now) < len(facts):
        raise Again
    async with tx.together():
        if series:
            await insert_series(tx, series)
        await add_usage(tx, hours, days)
        if postings:
            await post(tx, postings, transaction_id=transaction_id, booked_at=batch.now)
    return series


def _add_usage(sums: dict, key: tuple, fact: Fact) -> None:
    total = sums.get(key)
    if total is None:
        total = sums[key] = UsageSum()
    total.events += 1
    total.quantity = EXACT.add(total.quantity, fact.billed)
    if fact.charge is None:
        total.unpriced += 1
    else:
        total.charge = EXACT.add(total.charge, fact.charge)
    if fact.cost is not None:
        total.cost = EXACT.add(total.cost, fact.cost)
    elif fact.cost_source is CostSource.NONE:
        total.uncosted += 1
    if fact.estimated:
        total.estimated += 1
    _add_gauge(total, fact)


def _add_gauge(total: UsageSum, fact: Fact) -> None:
    aggregation = fact.lane.meter.aggregation
    if aggregation is Aggregation.MAX:
        total.peak = fact.billed if total.peak is None else max(total.peak, fact.billed)
    elif aggregation is Aggregation.LATEST:
        newest = (fact.time, fact.billed)
        if total.latest is None or total.latest_at is None or newest >= (total.latest_at, total.latest):
            total.latest_at, total.latest = newest


async def _quarantine(tx: Tx, batch: Batch) -> None:
    if not batch.refused:
        return
    ids = await quarantine(tx, [item for _, item in batch.refused], now=batch.now)
    for (index, _), quarantine_id in zip(batch.refused, ids, strict=True):
        result = batch.results[index]
        if result is not None:
            result.quarantine_id = quarantine_id


def _results(batch: Batch, facts: list[Fact]) -> list[Result]:
    for fact in facts:
        charge: Decimal | None = fact.charge
        batch.results[fact.index] = Result(
            fact.event_id, Status.ACCEPTED, None if charge is None else plain(charge), fact.rule.unit
        )
    for index, first in batch.twins:
        if (twin := batch.results[first]) is not None:
            batch.results[index] = Result(twin.id, Status.DUPLICATE, twin.charge, twin.unit)
    return [result for result in batch.results if result is not None]
