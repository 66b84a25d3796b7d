"""Recording: from the items of one request to events, rollups and postings, in one transaction.

    place → (find duplicates) → resolve corrections → rate → book

A batch is first taken to have no duplicates. If one of its events is stored already, the unique key refuses the batch,
and the transaction is rolled back and run again `careful`ly, with a look-up of what is stored. So duplicates cost
twice, and everything else costs no look-up, but for two: a correction that is repeated would find nothing left to take
back, and a repeated event may be refused for what has changed since it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg.errors import UniqueViolation

from tollkeeper.catalog import Meter, Shelf
from tollkeeper.customers import Customer, Directory
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
    quantity_of,
    quarantine,
    same_event,
    store_events,
)
from tollkeeper.gate.correct import lock_corrected, resolve_corrections
from tollkeeper.gate.lanes import Lanes
from tollkeeper.gate.model import Batch, Fact, FactKey, Recorded, Result
from tollkeeper.gate.place import place, refused
from tollkeeper.gate.totals import rate_cumulative
from tollkeeper.ids import new_id
from tollkeeper.ledger import Charges, post_charges
from tollkeeper.money import EXACT
from tollkeeper.rating import MODELS, rate

_MAY_CHANGE = {"customer_archived", "currency_mismatch", "missing_field", "quantity_too_precise", "unknown_dimension"}
"""Reasons to refuse what was acceptable before the customer or the catalog changed."""


@dataclass(slots=True)
class Desk:
    """What a process keeps in memory for recording: the catalog, customers, series, and lanes made of them."""

    directory: Directory = field(default_factory=Directory)
    shelf: Shelf = field(default_factory=Shelf)
    series: SeriesIndex = field(default_factory=SeriesIndex)
    lanes: Lanes = field(default_factory=Lanes)
    max_future: timedelta = timedelta(minutes=5)


async def record(
    tx: Tx,
    desk: Desk,
    items: Sequence[EventIn | Refused],
    *,
    now: datetime,
    by: str,
    careful: bool = False,
    arrived: Sequence[datetime] = (),
) -> Recorded:
    """Store, rate and book the items; what can't be accepted goes to quarantine with its reason.

    `by` says who reports them; `arrived` is when each item first came, where that wasn't now.

    Raises Again where an event turns out to be stored already, unless `careful`.
    """
    epochs = await read_epochs(tx)
    catalog = await desk.shelf.current(tx, epochs, MODELS)
    keys = {item.customer for item in items if isinstance(item, EventIn)}
    customers = await desk.directory.resolve(tx, epochs, keys)
    desk.lanes.hold(epochs)

    batch = Batch(catalog, now, [None] * len(items), arrived)
    place(batch, items, customers, desk.lanes, desk.series, now + desk.max_future)
    await _set_repetitions_aside(tx, batch, items, customers)
    if await lock_corrected(tx, batch) or careful:
        await _set_duplicates_aside(tx, batch)
    await resolve_corrections(tx, batch)
    facts = list(batch.facts.values())
    await _rate(tx, facts)
    series = await _book(tx, batch, facts, by)
    await _quarantine(tx, batch)
    return Recorded(batch, series)


async def _set_duplicates_aside(tx: Tx, batch: Batch) -> None:
    stored = await find_events(tx, batch.facts.keys()) if batch.facts else {}
    for key, found in stored.items():
        fact = batch.facts.pop(key)
        if same_event(fact.event, found, fact.quantity):
            batch.duplicate(fact.index, found)
        else:
            reason = Reason("event_conflict", "Another event is stored under this id; ids are for all time.", "id")
            batch.refuse(fact.index, refused(fact.event, reason), Status.CONFLICT)


async def _set_repetitions_aside(
    tx: Tx, batch: Batch, items: Sequence[EventIn | Refused], customers: Mapping[str, Customer]
) -> None:
    """Answer refused items as duplicates where they repeat what was accepted before the customer or meter changed."""
    events: dict[int, tuple[EventIn, Meter]] = {}
    for index, why in batch.refused:
        item = items[index]
        if why.reason.code in _MAY_CHANGE and isinstance(item, EventIn):
            events[index] = item, batch.catalog.meters[item.meter]
    if not events:
        return
    keys = {index: (str(customers[item.customer].customer_id), item.id) for index, (item, _) in events.items()}
    stored = await find_events(tx, {*keys.values()})
    for index, (item, meter) in events.items():
        found = stored.get(keys[index])
        if found is not None and same_event(item, found, quantity_of(item, meter)):
            batch.duplicate(index, found)
    batch.refused = [(index, why) for index, why in batch.refused if _is_refused(batch.results[index])]


def _is_refused(result: Result | None) -> bool:
    return result is not None and result.error is not None


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


async def _book(tx: Tx, batch: Batch, facts: list[Fact], by: str) -> list[Series]:
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
        await post_charges(tx, charges, transaction_id=transaction_id, booked_at=batch.now, booked_by=by)
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
