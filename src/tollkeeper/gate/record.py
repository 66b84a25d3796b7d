"""Recording: from the items of one request to events, rollups and postings, in one transaction.

    lock tills → place → (find duplicates) → cost → resolve corrections → rate → fund → book

A batch is first taken to have no duplicates. If one of its events is stored already, the unique key refuses the batch,
and the transaction is rolled back and run again `careful`ly, with a look-up of what is stored. So duplicates cost
twice, and everything else costs no look-up, but for two: a correction that is repeated would find nothing left to take
back, and a repeated event may be refused for what has changed since it was stored.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime

from tollkeeper.calls import Caller, add_calls, store_calls
from tollkeeper.catalog import Meter
from tollkeeper.customers import Customer, customer_id_of
from tollkeeper.db import Tx, text_array
from tollkeeper.events import (
    EventIn,
    Reason,
    Refused,
    Series,
    Status,
    find_events,
    insert_series,
    quantity_of,
    quarantine,
    same_event,
    store_events,
)
from tollkeeper.gate.correct import lock_corrected, resolve_corrections, revise
from tollkeeper.gate.cost import cost_facts, unpriced_calls
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.doubt import estimates_back
from tollkeeper.gate.fund import end_unreserved, fund
from tollkeeper.gate.holds import HoldKey
from tollkeeper.gate.model import Batch, Fact, FactKey, Recorded, Result
from tollkeeper.gate.place import place, refused
from tollkeeper.gate.till import Tills
from tollkeeper.gate.totals import rate_cumulative
from tollkeeper.ledger import Charges, post_charges
from tollkeeper.money import EXACT, ZERO
from tollkeeper.rating import rate

_MAY_CHANGE = {"customer_archived", "currency_mismatch", "missing_field", "quantity_too_precise", "unknown_dimension"}
"""Reasons to refuse what was acceptable before the customer or the catalog changed."""


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

    Raises UniqueViolation where an event turns out to be stored already, unless `careful`: `Database.run` then runs the
    work anew. In a pipelined transaction it may come as late as the commit.
    """
    ids = {item.customer: str(customer_id_of(item.customer)) for item in items if isinstance(item, EventIn)}
    holds = {(ids[item.customer], item.hold) for item in items if isinstance(item, EventIn) and item.hold}
    tills = Tills(now, by)
    await tills.lock(tx, list(ids.values()), holds)
    return await record_under(tx, desk, tills, items, careful=careful, arrived=arrived)


async def record_under(
    tx: Tx,
    desk: Desk,
    tills: Tills,
    items: Sequence[EventIn | Refused],
    *,
    careful: bool,
    arrived: Sequence[datetime] = (),
) -> Recorded:
    """As `record`, where the tills, and the holds that the items name, are locked and loaded already."""
    catalog, people = await desk.open(tx, tills, {item.customer for item in items if isinstance(item, EventIn)})
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=False)
    await tills.expire_due(tx)
    batch = Batch(catalog, desk.pricing, tills.now, len(items), arrived=arrived)
    place(batch, items, people, desk.lanes, desk.series, tills.now + desk.max_future)
    _refuse_unknown_holds(batch, tills)
    await _set_repetitions_aside(tx, batch, items, people.customers)
    if await lock_corrected(tx, batch) or careful:
        await set_duplicates_aside(tx, batch)
    backs = await estimates_back(tx, batch.facts.values(), tills)
    if backs:
        place(batch, backs, people, desk.lanes, desk.series, tills.now)
        await lock_corrected(tx, batch)
        await set_duplicates_aside(tx, batch)
    await cost_facts(tx, batch, careful=careful)
    recorded = await rate_and_book(tx, batch, tills, _repeated(batch, items))
    await _quarantine(tx, batch)
    return recorded


async def rate_and_book(tx: Tx, batch: Batch, tills: Tills, repeated: Mapping[HoldKey, Sequence[str]]) -> Recorded:
    """The second half of recording: from facts that are new, and know what they cost, to the books.

    `repeated` are the holds whose events were recorded before, with those events.
    """
    await resolve_corrections(tx, batch)
    facts = list(batch.facts.values())
    await _rate(tx, facts)
    revise(batch)
    end_unreserved(tills, repeated, facts)
    await fund(tx, tills, facts)
    series = await _book(tx, batch, facts, tills)
    return Recorded(batch, series, tills.holds)


def _refuse_unknown_holds(batch: Batch, tills: Tills) -> None:
    for key, fact in list(batch.facts.items()):
        hold = fact.event.hold
        if hold is not None and (fact.customer_id, hold) not in tills.holds:
            del batch.facts[key]
            reason = Reason("unknown_hold", f"The customer has no hold {hold!r}.", "hold")
            batch.refuse(fact.index, refused(fact.event, reason))


def _repeated(batch: Batch, items: Sequence[EventIn | Refused]) -> dict[HoldKey, list[str]]:
    """The holds whose event was recorded before, with those events."""
    found: dict[HoldKey, list[str]] = {}
    for item, result in zip(items, batch.results, strict=False):
        if isinstance(item, EventIn) and item.hold and result is not None and result.status is Status.DUPLICATE:
            found.setdefault((str(customer_id_of(item.customer)), item.hold), []).append(item.id)
    return found


async def set_duplicates_aside(tx: Tx, batch: Batch) -> None:
    """Answer the facts that are stored already: as duplicates, or as conflicts with what is stored."""
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
        if fact.cost_only:
            fact.charge = ZERO
        elif rule.rate is not None:
            fact.charge = EXACT.multiply(fact.billed, rule.rate)
        elif rule.needs_total:
            cumulative.append(fact)
        elif rule.price is not None:
            rated = rate(rule.price, fact.measure, previous=fact.previous)
            fact.charge, fact.estimated = rated.charge, rated.estimated
    if cumulative:
        await rate_cumulative(tx, cumulative)


async def _book(tx: Tx, batch: Batch, facts: list[Fact], tills: Tills) -> list[Series]:
    """Write the events, their rollups and their postings, and what has changed in tills; the series that are new."""
    if not facts:
        await tills.write(tx)
        return []
    transaction_id = tills.transaction_id
    facts = sorted(facts, key=_fact_key)
    columns = await store_events(tx, facts, transaction_id=transaction_id, recorded_at=batch.now)
    callers = _callers(facts)
    if callers:
        tills.told += unpriced_calls(facts, tills.now)
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
        if callers:
            await store_calls(tx, callers, transaction_id=transaction_id, recorded_at=batch.now)
            await add_calls(tx, callers)
        await post_charges(tx, charges, transaction_id=transaction_id, booked_at=batch.now, booked_by=tills.by)
        await tills.write(tx)
    return series


def _callers(facts: Sequence[Fact]) -> list[Caller]:
    """The facts that move what is known of calls: those that bring some, and corrections of events that have some."""
    moving = [fact for fact in facts if fact.calls or fact.original is not None]
    if not moving:
        return []
    calling = {fact.key for fact in moving if fact.calls}
    corrected = {(fact.customer_id, fact.event.corrects or "") for fact in moving if fact.original is not None}
    return [
        Caller(fact, fact.rule.unit, fact.calls, fact.original is not None or fact.key in corrected)
        for fact in moving
        if fact.calls or _has_calls(fact, calling)
    ]


def _has_calls(fact: Fact, calling: Container[FactKey]) -> bool:
    """Whether the event that the fact corrects may have calls: those say what it costs, or that this isn't known."""
    original = fact.original
    assert original is not None
    known = original.net_cost is not None or original.uncosted != 0
    return known or (fact.customer_id, original.event_id) in calling


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
