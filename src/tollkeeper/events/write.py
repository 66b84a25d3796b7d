"""Writing: the events of one batch, their series and their rollups, each with one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from tollkeeper.catalog import Aggregation
from tollkeeper.clock import LocalSlot
from tollkeeper.db import Tx, array, text_array, word_array
from tollkeeper.events.digests import LATE_AFTER, mark_late
from tollkeeper.events.model import CostSource, EventIn
from tollkeeper.events.series import Series
from tollkeeper.events.store import queries


@dataclass(frozen=True, slots=True)
class Revision:
    """What a correction adds to the rollups' counts of events whose charge or cost isn't known for good.

    Below 0 where it brings what its event lacked. Other events count 1 for what is unknown of them.
    """

    unpriced: int
    uncosted: int
    estimates: int
    cost_only: bool = False
    """Whether it books a cost and leaves the charge as it is."""

    @classmethod
    def first(cls, event: NewEvent) -> Revision:
        """What an event that corrects nothing counts."""
        return cls(int(event.charge is None), int(event.cost_source is CostSource.NONE), int(event.estimated))


@dataclass(slots=True)
class NewEvent:
    """An event that was accepted: what it says, and what was found for it. Ids are UUIDs as text."""

    event: EventIn
    customer_id: str
    aggregation: Aggregation
    series_id: str
    time: datetime
    slot: LocalSlot
    quantity: Decimal
    billed: Decimal
    price_id: str | None
    cost: Decimal | None
    cost_source: CostSource | None
    charge: Decimal | None = None
    """None: unpriced."""
    running_before: Decimal | None = None
    running_after: Decimal | None = None
    estimated: bool = False
    revision: Revision | None = None
    """Of corrections."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a batch's events and its postings have in common, as columns of text."""

    customer_id: str
    time: str
    charge: str
    cost: str


async def insert_series(tx: Tx, series: Sequence[Series]) -> None:
    """Store the series that aren't stored yet; `series` in key order."""
    await tx.execute(
        queries.insert_series,
        {
            "customer_id": word_array([one.customer_id for one in series]),
            "series_id": word_array([one.series_id for one in series]),
            "meter": text_array([one.meter for one in series]),
            "member": text_array([one.member for one in series]),
            "dimensions": [Jsonb(dict(one.dimensions)) for one in series],
            "unit": text_array([one.unit for one in series]),
        },
    )


async def store_events(tx: Tx, events: Sequence[NewEvent], *, transaction_id: UUID, recorded_at: datetime) -> Columns:
    """Store events, which come in key order, and add them to the rollups by hour and day.

    Raises UniqueViolation where one of them is stored already.
    """
    columns = Columns(
        customer_id=word_array([one.customer_id for one in events]),
        time=word_array([one.time.isoformat() for one in events]),
        charge=array([one.charge for one in events]),
        cost=array([one.cost for one in events]),
    )
    tx.touches(one.customer_id for one in events)
    await tx.execute(
        queries.store_events,
        {
            "transaction_id": transaction_id,
            "recorded_at": recorded_at,
            "customer_id": columns.customer_id,
            "event_id": text_array([one.event.id for one in events]),
            "series_id": word_array([one.series_id for one in events]),
            "time": columns.time,
            "hour": word_array([one.slot.hour_text for one in events]),
            "day": word_array([one.slot.day_text for one in events]),
            "quantity": array([one.quantity for one in events]),
            "billed": array([one.billed for one in events]),
            "amount": array([one.event.amount for one in events]),
            "charge": columns.charge,
            "price_id": array([one.price_id for one in events]),
            "running_before": array([one.running_before for one in events]),
            "running_after": array([one.running_after for one in events]),
            "estimated": array([one.estimated or None for one in events]),
            "cost": columns.cost,
            "cost_source": array([one.cost_source for one in events]),
            "corrects": text_array([one.event.corrects for one in events]),
            "metadata": text_array([_json(one.event.metadata) for one in events]),
            "calls": text_array([_json(one.event.calls) for one in events]),
            "gauge": array(["max" if one.aggregation is Aggregation.MAX else None for one in events]),
            **_counts(events),
        },
    )
    await _set_latest(
        tx, [one for one in events if one.aggregation is Aggregation.LATEST and one.event.corrects is None]
    )
    before = recorded_at - LATE_AFTER
    late = {(one.customer_id, one.slot.day_text) for one in events if one.time < before}
    if late:
        await mark_late(tx, late, transaction_id)
    return columns


def _counts(events: Sequence[NewEvent]) -> dict[str, str]:
    """What each event adds to the counts of what isn't known for good; null for nothing, as nearly always."""
    revised = [one.revision for one in events]
    if revised.count(None) == len(revised):
        return {
            "unpriced": array([1 if one.charge is None else None for one in events]),
            "uncosted": array([1 if one.cost_source is CostSource.NONE else None for one in events]),
            "estimates": array([1 if one.estimated else None for one in events]),
            "cost_only": "{}",
        }
    found = [one.revision or Revision.first(one) for one in events]
    return {
        "unpriced": array([one.unpriced or None for one in found]),
        "uncosted": array([one.uncosted or None for one in found]),
        "estimates": array([one.estimates or None for one in found]),
        "cost_only": array([one.cost_only or None for one in found]),
    }


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


async def _set_latest(tx: Tx, events: Sequence[NewEvent]) -> None:
    """Note the newest values of gauges in the rollups, which hold the rows by now."""
    if not events:
        return
    await tx.execute(
        queries.set_latest,
        {
            "customer_id": word_array([one.customer_id for one in events]),
            "series_id": word_array([one.series_id for one in events]),
            "hour": word_array([one.slot.hour_text for one in events]),
            "day": word_array([one.slot.day_text for one in events]),
            "time": word_array([one.time.isoformat() for one in events]),
            "quantity": array([one.billed for one in events]),
        },
    )
