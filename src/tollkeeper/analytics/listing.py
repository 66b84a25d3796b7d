"""Events one by one, asked for in the same words as usage, and refused with the same codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tollkeeper.analytics.ranges import check_range
from tollkeeper.catalog import Catalog
from tollkeeper.db import Queries, Tx
from tollkeeper.errors import InvalidInput, NotFound
from tollkeeper.events import EventFilter, StoredEvent, list_events, used_meters

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events to list. `filter` names dimensions or "member"; what isn't given isn't asked for."""

    start: datetime
    end: datetime
    meter: str | None = None
    member: str | None = None
    transaction_id: UUID | None = None
    filter: Mapping[str, str] = field(default_factory=dict)
    cost_only: bool = True
    """Corrections of nothing but the cost as well: those are the operator's alone."""


async def search_events(
    tx: Tx, customer_id: UUID, catalog: Catalog, query: EventQuery, *, before: tuple[datetime, str] | None, limit: int
) -> list[StoredEvent]:
    """A page of a customer's events, newest first, going on before the event at (time, id) `before`.

    A meter or dimension that the catalog has no longer may be asked for as long as the customer has usage of it.
    Raises NotFound `unknown_meter`; InvalidInput `invalid_range`, `unknown_dimension`.
    """
    await _check_meter(tx, catalog, query.meter)
    await _check_dimensions(tx, customer_id, catalog, query)
    span = check_range(query.start, query.end)
    dimensions = dict(query.filter)
    member = dimensions.pop("member", query.member)
    if query.member not in (None, member):
        return []
    wanted = EventFilter(span.start, span.end, query.meter, member, query.transaction_id, dimensions, query.cost_only)
    return await list_events(tx, customer_id, wanted, before=before, limit=limit)


async def _check_meter(tx: Tx, catalog: Catalog, meter: str | None) -> None:
    if meter is not None and meter not in catalog.meters and meter not in await used_meters(tx):
        raise NotFound("unknown_meter", f"The catalog has no meter {meter!r}.", field="meter")


async def _check_dimensions(tx: Tx, customer_id: UUID, catalog: Catalog, query: EventQuery) -> None:
    meters = [meter for key, meter in catalog.meters.items() if query.meter in (None, key)]
    declared = {"member"}.union(*(meter.dimensions for meter in meters))
    for name in query.filter:
        if name in declared:
            continue
        params = {"customer_id": customer_id, "meter": query.meter, "name": name}
        if not await tx.scalar(_queries.has_dimension, params):
            raise InvalidInput("unknown_dimension", f"No meter asked for declares {name!r}.", field="filter")
