"""Provider calls: as they are about to be stored, and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.events import CostSource, NewEvent
from tollkeeper.providers.model import Line

CallKey = tuple[str, str, str]
"""Customer id (as text), provider and call id: what identifies a provider call for all time."""


@dataclass(slots=True)
class NewCall:
    """A call of an event that is being recorded, with what it costs; or a change of an earlier call's cost."""

    provider: str
    call_id: str
    """The provider's id of its response; else the event's id and the call's place in it."""
    model: str
    at: datetime
    cost: Decimal | None
    """In the catalog's currency, at most 12 decimals; None: unpriced."""
    cost_source: CostSource
    missing: tuple[str, ...] = ()
    """Why it is unpriced: units without a price, or "model", "usage", "usd_rate"."""
    quantities: Mapping[str, Decimal] | None = None
    """By unit, disjoint; None where no usage is known. Negative where a call is taken back."""
    lines: tuple[Line, ...] = ()
    """How the cost comes about, in USD."""
    rate: Decimal | None = None
    """The catalog's currency for 1 USD, where the lines' dollars had to be exchanged."""
    book: str | None = None
    """The version of the price book."""
    project: str | None = None
    api_key: str | None = None
    service_tier: str | None = None
    batch: bool = False
    region: str | None = None
    adjusts: str | None = None
    """The call, of the same event, that this cost is added to."""


@dataclass(slots=True)
class Caller:
    """An event that is being recorded, and the calls that count for it; or a correction of one that has calls."""

    event: NewEvent
    unit: str | None
    """The unit of value that it's charged in."""
    calls: Sequence[NewCall]
    corrected: bool
    """Whether it's a correction, or is corrected by one that is recorded with it."""

    @property
    def family(self) -> str:
        """The event that its calls belong to: of a correction, the corrected one."""
        return self.event.event.corrects or self.event.event.id


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it is stored, with its customer's key."""

    customer_id: UUID
    customer: str
    provider: str
    call_id: str
    event_id: str
    transaction_id: UUID
    model: str
    at: datetime
    recorded_at: datetime
    project: str | None
    api_key: str | None
    service_tier: str | None
    batch: bool
    region: str | None
    quantities: dict[str, str] | None
    lines: list[dict[str, Any]] | None
    rate: Decimal | None
    book: str | None
    cost: Decimal | None
    cost_source: str
    missing: list[str]
    adjusts: str | None
    open: bool
    """Whether its cost still isn't known: it's unpriced, and nothing adjusts it."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """An unpriced call that nothing adjusts, of the event that `corrects` (or `event_id` itself) names."""

    customer_id: UUID
    customer: str
    currency: str
    provider: str
    call_id: str
    event_id: str
    original_id: str
    """The event that its cost belongs to: of a call that came with a correction, the corrected one."""
    model: str
    at: datetime
    calls: list[dict[str, Any]] | None
    """The calls of `event_id` as they came."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list; what isn't given isn't asked for."""

    customer_id: UUID | None = None
    event_id: str | None = None
    provider: str | None = None
    model: str | None = None
    unpriced: bool = False
    """Only those whose cost still isn't known."""
    start: datetime | None = None
    end: datetime | None = None
