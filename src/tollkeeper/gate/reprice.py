"""Reprice: calls that were unpriced get today's book's prices, at their own time. What has a price keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from tollkeeper.calls import CallFilter, NewCall, OpenCall, call_id_of, list_open_calls
from tollkeeper.db import Queries, Tx, array
from tollkeeper.events import CallIn, Corrected, CostSource, find_corrected
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.model import FactKey, Result
from tollkeeper.gate.till import Tills
from tollkeeper.gate.true_up import CallChange, TrueUp, true_up_under
from tollkeeper.ids import content_id
from tollkeeper.money import add, plain

_queries = Queries(__package__ or "")

After = tuple[UUID, str, str]
"""Customer, provider and call id of the last call of a page."""


@dataclass(frozen=True, slots=True)
class RepricedCall:
    """A call that was unpriced, as today's book prices it."""

    provider: str
    model: str
    call_id: str
    at: datetime
    quantities: dict[str, Decimal] | None
    cost: Decimal | None
    """None: still unpriced."""
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repriced:
    """What becomes of one event by the prices of its calls."""

    customer: str
    event_id: str
    meter: str
    calls: list[RepricedCall]
    unit: str | None
    charge_before: Decimal | None
    """With the event's corrections; None: unpriced."""
    charge_after: Decimal | None
    error: str | None = None
    """Why it can't be booked."""


async def reprice(
    tx: Tx, desk: Desk, wanted: CallFilter, *, now: datetime, by: str, after: After | None = None, limit: int = 500
) -> tuple[list[Repriced], After | None]:
    """Price a page of the open calls and book what they cost; what becomes of their events, and where the next page is.

    To only see the difference, roll the transaction back. Calls that are still unpriced are told too.
    """
    seen = await list_open_calls(tx, wanted, after=after, limit=limit)
    if not seen:
        return [], None
    customers = sorted({str(call.customer_id) for call in seen})
    tills = Tills(now, by)
    await tills.lock(tx, customers)
    await tx.execute(_queries.lock_customers, {"customer_ids": array(customers)})
    # Again, now that nobody else can close them.
    calls = await list_open_calls(tx, wanted, after=after, limit=limit)
    calls = [call for call in calls if str(call.customer_id) in customers]
    catalog, _ = await desk.open(tx, tills, {call.customer for call in calls})
    priced: dict[FactKey, list[tuple[OpenCall, NewCall]]] = {}
    for call in calls:
        new = _price(desk, call, catalog.currency)
        if new is not None:
            priced.setdefault((str(call.customer_id), call.original_id), []).append((call, new))
    before = await find_corrected(tx, priced.keys()) if priced else {}
    items = {key: item for key, found in priced.items() if (item := _true_up(found)) is not None}
    results = (await true_up_under(tx, desk, tills, [*items.values()])).results if items else []
    by_key = dict(zip(items, results, strict=True))
    told = [_repriced(before[key], found, by_key.get(key)) for key, found in priced.items()]
    last = seen[-1]
    return told, (last.customer_id, last.provider, last.call_id) if len(seen) == limit else None


def _price(desk: Desk, call: OpenCall, currency: str) -> NewCall | None:
    """The call as today's book prices it, from what came with its event."""
    came = msgspec.convert(call.calls or [], list[CallIn], strict=False)
    for i, each in enumerate(came):
        if call.call_id in (call_id_of(call.event_id, i, each), f"{call.event_id}#{i}"):
            return desk.pricing.price(each, call.call_id, call.at, currency)
    return None


def _true_up(calls: Sequence[tuple[OpenCall, NewCall]]) -> TrueUp | None:
    """The true-up that books what those of an event's open calls cost that have a price now."""
    changes = [
        CallChange(
            call.call_id,
            new.cost,
            provider=call.provider,
            quantities=new.quantities,
            lines=new.lines,
            rate=new.rate,
            book=new.book,
            source=new.cost_source,
        )
        for call, new in calls
        if new.cost is not None
    ]
    if not changes:
        return None
    first = calls[0][0]
    said = [text for change in changes for text in (change.provider or "", change.call_id or "", plain(change.change))]
    id = f"reprice:{content_id('reprice', str(first.customer_id), first.original_id, *said)}"
    return TrueUp(first.customer, first.original_id, id, changes, CostSource.RESPONSE)


def _repriced(before: Corrected, calls: Sequence[tuple[OpenCall, NewCall]], result: Result | None) -> Repriced:
    unpriced = bool(before.unpriced) and not before.net_charge
    charge = None if unpriced else before.net_charge
    change = None if result is None or result.charge is None else Decimal(result.charge)
    return Repriced(
        customer=calls[0][0].customer,
        event_id=before.event_id,
        meter=before.meter,
        calls=[_call(new) for _, new in calls],
        unit=before.unit,
        charge_before=charge,
        charge_after=charge if change is None else add(before.net_charge, change),
        error=None if result is None or result.error is None else result.error.detail,
    )


def _call(new: NewCall) -> RepricedCall:
    quantities = None if new.quantities is None else dict(new.quantities)
    return RepricedCall(
        new.provider, new.model, new.call_id, new.at, quantities, new.cost, tuple(map(str, new.missing))
    )
