"""Recording: from the items of one request to events, rollups and postings, in one transaction.

    place → (find duplicates) → resolve corrections → rate → book

A batch is first taken to have no duplicates. If one of its events is stored already, the unique key refuses the batch,
and the transaction is rolled back and run again `careful`ly, with a look-up of what is stored. So duplicates cost
twice, and everything else costs no look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg.errors import UniqueViolation

from tollkeeper.catalog import Shelf
from tollkeeper.customers import Directory
from tollkeeper.db import Again, Tx, read_epochs, text_array
from tollkeeper.events import (
    EventIn,
    Reason,
    Refused,
    Series,
    SeriesIndex,
    Status,
    find_events,
    insert_series,
    quarantine,
    same_event,
    store_events,
)
from tollkeeper.gate.correct import resolve_corrections
from tollkeeper.gate.lanes import Lanes
from tollkeeper.gate.model import Batch, Fact, FactKey, Recorded, Result
from tollkeeper.gate.place import place, refused
from tollkeeper.gate.totals import rate_cumulative
from tollkeeper.ids import new_id
from tollkeeper.ledger import Charges, post_charges
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


async def _book(tx: Tx, batch: Batch, facts: list[Fact]) -> list[Series]:
    """Write the events, their rollups and their postings; the series that are new."""
    if not facts:
        return []
    transaction_id = new_id()
    facts = sorted(facts, key=_fact_key)
    try:
        columns = await store_events(tx, facts, transaction_id=transaction_id, recorded_at=batch.now)
    except UniqueViolation as error:
        raise Again from error
    series = sorted(batch.series, key=lambda one: (one.customer_id, one.series_id))
    charges = Charges(
        customer_id=columns.customer_id,
        unit=text_array([fact.rule.unit for fact in facts]),
        charge=columns.charge,
        cost=columns.cost,
        cost_unit=batch.catalog.currency,
        time=columns.time,
    )
    async with tx.together():
        if series:
            await insert_series(tx, series)
        await post_charges(tx, charges, transaction_id=transaction_id, booked_at=batch.now)
    return series


def _fact_key(fact: Fact) -> FactKey:
    return fact.customer_id, fact.event.id


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
            fact.event.id, Status.ACCEPTED, None if charge is None else plain(charge), fact.rule.unit
        )
    for index, first in batch.twins:
        if (twin := batch.results[first]) is not None:
            batch.results[index] = Result(twin.id, Status.DUPLICATE, twin.charge, twin.unit)
    return [result for result in batch.results if result is not None]
