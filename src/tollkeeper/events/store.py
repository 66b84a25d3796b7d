"""The tables of this stage: events, series, rollups. One typed function for each query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from tollkeeper.db import Queries, Tx, array
from tollkeeper.errors import NotFound
from tollkeeper.events.model import StoredEvent

queries = Queries(__package__ or "")


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
    reported: Decimal
    """The quantity without corrections."""
    net_charge: Decimal
    net_quantity: Decimal
    net_billed: Decimal
    net_amount: Decimal | None
    net_cost: Decimal | None
    charged_cost: Decimal | None
    """The cost that the charge goes by: without what true-ups have booked and not charged."""
    cost_only: bool
    """Whether there are such true-ups."""
    unpriced: int
    """What it and its corrections add to the rollups' counts of what isn't known for good."""
    uncosted: int
    estimates: int


async def find_events(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], StoredEvent]:
    """The stored ones among these (customer_id, event_id)."""
    params = {"customer_id": array([key[0] for key in keys]), "event_id": [key[1] for key in keys]}
    found = await tx.all(StoredEvent, queries.find_events, params)
    return {(str(event.customer_id), event.event_id): event for event in found}


async def find_corrected(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Corrected]:
    """The events that corrections refer to, with their nets."""
    params = {"customer_id": array([key[0] for key in keys]), "event_id": [key[1] for key in keys]}
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
class Change:
    """What one correction has changed."""

    event_id: str
    billed: Decimal
    charge: Decimal | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Net:
    """What an event, `reported` with some quantity, and some of its corrections come to."""

    reported: Decimal
    billed: Decimal
    amount: Decimal | None
    cost: Decimal | None


async def corrections_of(tx: Tx, event: StoredEvent) -> list[Change]:
    """What the event's corrections have changed, the first one first."""
    if not event.corrected_by:
        return []
    params = {"customer_id": event.customer_id, "event_id": event.event_id}
    return await tx.all(Change, queries.corrections_of, params)


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
    cost_only: bool = True
    """Corrections of nothing but the cost as well: those are the operator's alone."""


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
        "cost_only": wanted.cost_only,
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
