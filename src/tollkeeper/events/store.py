"""The tables of this stage: events, series, rollups. One typed function for each query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from tollkeeper.db import Queries, Tx, literal_array
from tollkeeper.errors import NotFound
from tollkeeper.events.model import StoredEvent, UsageSum
from tollkeeper.events.series import Series

queries = Queries(__package__ or "")


@dataclass(slots=True)
class NewEvent:
    """An event that is ready to be stored: checked, rated, and with its place in the rollups.

    The ids are UUIDs as text. `charge` None means unpriced.
    """

    customer_id: str
    event_id: str
    series_id: str
    time: datetime
    quantity: Decimal
    billed: Decimal
    amount: Decimal | None
    charge: Decimal | None
    price_id: str | None
    running_before: Decimal | None
    running_after: Decimal | None
    estimated: bool
    cost: Decimal | None
    cost_source: str | None
    corrects: str | None
    metadata: dict[str, Any] | None
    calls: Any


@dataclass(frozen=True, slots=True)
class Corrected:
    """An event that a correction refers to, and what it and its corrections so far come to."""

    customer_id: UUID
    event_id: str
    series_id: str
    meter: str
    member: str | None
    dimensions: dict[str, str]
    unit: str | None
    time: datetime
    price_id: UUID | None
    corrects: str | None
    net_quantity: Decimal
    net_billed: Decimal
    net_amount: Decimal | None
    net_cost: Decimal | None


async def insert_series(tx: Tx, series: Sequence[Series]) -> None:
    """Store the series that aren't stored yet; `series` in key order."""
    await tx.execute(
        queries.insert_series,
        {
            "customer_id": literal_array([one.customer_id for one in series]),
            "series_id": literal_array([one.series_id for one in series]),
            "meter": [one.meter for one in series],
            "member": [one.member for one in series],
            "dimensions": [Jsonb(dict(one.dimensions)) for one in series],
            "unit": [one.unit for one in series],
        },
    )


async def insert_events(tx: Tx, events: Sequence[NewEvent], *, transaction_id: UUID, recorded_at: datetime) -> int:
    """Store events, and return how many were stored: fewer than were given if some had been stored before."""
    rows = sorted(events, key=_event_key)
    cursor = await tx.execute(
        queries.insert_events,
        {
            "transaction_id": transaction_id,
            "recorded_at": recorded_at,
            "customer_id": literal_array([e.customer_id for e in rows]),
            "event_id": [e.event_id for e in rows],
            "series_id": literal_array([e.series_id for e in rows]),
            "time": literal_array([e.time for e in rows], quoted=True),
            "quantity": literal_array([e.quantity for e in rows]),
            "billed": literal_array([e.billed for e in rows]),
            "amount": literal_array([e.amount for e in rows]),
            "charge": literal_array([e.charge for e in rows]),
            "price_id": literal_array([e.price_id for e in rows]),
            "running_before": literal_array([e.running_before for e in rows]),
            "running_after": literal_array([e.running_after for e in rows]),
            "estimated": literal_array([e.estimated for e in rows]),
            "cost": literal_array([e.cost for e in rows]),
            "cost_source": literal_array([e.cost_source for e in rows]),
            "corrects": [e.corrects for e in rows],
            "metadata": [_json(e.metadata) for e in rows],
            "calls": [_json(e.calls) for e in rows],
        },
    )
    return cursor.rowcount


def _event_key(event: NewEvent) -> tuple[str, str]:
    return event.customer_id, event.event_id


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


async def add_usage(
    tx: Tx,
    hours: dict[tuple[str, datetime, str], UsageSum],
    days: dict[tuple[str, date, str], UsageSum],
) -> None:
    """Add to the rollups; the keys are (customer_id, start of the hour or day, series_id)."""
    for query, sums in ((queries.add_usage_hours, hours), (queries.add_usage_days, days)):
        keys = sorted(sums)
        rows = [sums[key] for key in keys]  # type: ignore[index]
        await tx.execute(
            query,
            {
                "customer_id": literal_array([key[0] for key in keys]),
                "slot": literal_array([key[1] for key in keys], quoted=True),
                "series_id": literal_array([key[2] for key in keys]),
                "events": literal_array([row.events for row in rows]),
                "quantity": literal_array([row.quantity for row in rows]),
                "peak": literal_array([row.peak for row in rows]),
                "latest": literal_array([row.latest for row in rows]),
                "latest_at": literal_array([row.latest_at for row in rows], quoted=True),
                "charge": literal_array([row.charge for row in rows]),
                "cost": literal_array([row.cost for row in rows]),
                "unpriced": literal_array([row.unpriced for row in rows]),
                "uncosted": literal_array([row.uncosted for row in rows]),
                "estimated": literal_array([row.estimated for row in rows]),
            },
        )


async def find_events(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], StoredEvent]:
    """The stored ones among these (customer_id, event_id)."""
    params = {"customer_id": literal_array([key[0] for key in keys]), "event_id": [key[1] for key in keys]}
    found = await tx.all(StoredEvent, queries.find_events, params)
    return {(str(event.customer_id), event.event_id): event for event in found}


async def find_corrected(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Corrected]:
    """The events that corrections refer to, with their nets."""
    params = {"customer_id": literal_array([key[0] for key in keys]), "event_id": [key[1] for key in keys]}
    found = await tx.all(Corrected, queries.find_corrected, params)
    return {(str(event.customer_id), event.event_id): event for event in found}


async def get_event(tx: Tx, customer_id: UUID, event_id: str) -> StoredEvent:
    """One event, with the ids of its corrections. Raises NotFound `unknown_event`."""
    params = {"customer_id": customer_id, "event_id": event_id}
    event = await tx.one(StoredEvent, queries.get_event, params)
    if event is None:
        raise NotFound("unknown_event", f"The customer has no event {event_id!r}.", field="id")
    return event


@dataclass(frozen=True, slots=True)
class Net:
    """What an event and some of its corrections come to."""

    quantity: Decimal
    billed: Decimal
    amount: Decimal | None
    cost: Decimal | None


async def get_net_before(tx: Tx, correction: StoredEvent) -> Net:
    """What the corrected event came to just before this correction."""
    params = {
        "customer_id": correction.customer_id,
        "corrects": correction.corrects,
        "transaction_id": correction.transaction_id,
        "event_id": correction.event_id,
    }
    net = await tx.one(Net, queries.get_net_before, params)
    if net is None:
        raise NotFound("unknown_event", f"The customer has no event {correction.corrects!r}.", field="id")
    return net


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of a customer to list: [start, end), and only those that match what is given."""

    start: datetime
    end: datetime
    meter: str | None = None
    member: str | None = None
    transaction_id: UUID | None = None
    dimensions: dict[str, str] | None = None


async def list_events(
    tx: Tx, customer_id: UUID, wanted: EventFilter, *, before: tuple[datetime, str] | None, limit: int
) -> list[StoredEvent]:
    """A page of events, newest first, going on before the event at (time, id) `before`."""
    params = {
        "customer_id": customer_id,
        "from": wanted.start,
        "to": wanted.end,
        "meter": wanted.meter,
        "member": wanted.member,
        "transaction_id": wanted.transaction_id,
        "dimensions": Jsonb(wanted.dimensions or {}),
        "before_time": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    return await tx.all(StoredEvent, queries.list_events, params)


async def has_usage(tx: Tx, customer_id: UUID) -> bool:
    """Whether the customer has any usage: then its currency and time zone stand."""
    return bool(await tx.scalar(queries.has_usage, {"customer_id": customer_id}))


async def used_meters(tx: Tx) -> set[str]:
    """The meters that have usage: what they mean may not change any more."""
    return set(await tx.scalars(queries.used_meters))
