"""Usage events: what arrives, what is refused, and what is stored.

`EventIn` is the wire format. It is decoded by msgspec, which reads JSON numbers into `Decimal` without passing through
a float and costs a fifth of the alternatives per event.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.ids import content_id
from tollkeeper.providers import observe

ID_LENGTH = 200
NAME_LENGTH = 200
METADATA_BYTES = 16 * 1024
MAX_DIMENSIONS = 20
MAX_CALLS = 1000

Key = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]


class CallIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False, omit_defaults=True):
    """One call to an AI provider that an event caused.

    A `response` is reduced to what it says of itself as soon as it is read; its content is kept nowhere. `cost` is what
    the provider takes, in the catalog's currency, and goes before `usage`, the provider's usage object as it is.
    `project` and `api_key` are the provider's own ids of them, never a secret.
    """

    provider: Key
    model: Key | None = None
    response_id: Key | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    cost: Decimal | None = None
    usage: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    service_tier: Key | None = None
    batch: bool = False
    region: Key | None = None
    project: Key | None = None
    api_key: Key | None = None
    estimated: bool = False

    def __post_init__(self) -> None:
        if self.response is not None:
            for name, said in said_by(self.provider, self.response).items():
                if not getattr(self, name):
                    force_setattr(self, name, said)
            force_setattr(self, "response", None)
        if self.at is not None and self.at.tzinfo is not UTC:
            with suppress(OverflowError):  # At the calendar's ends; it's refused later.
                force_setattr(self, "at", self.at.astimezone(UTC))


def said_by(provider: str, response: Mapping[str, Any]) -> dict[str, Any]:
    """What a provider's response says of itself, in the fields of a call; nothing of its content.

    A text that is longer than the field takes is left out; of an id its digest stands for it.
    """
    try:
        seen = observe(provider, response)
    except UsageNotUnderstood:
        return {}
    names = ("response_id", "model", "service_tier", "at", "usage", "batch", "region")
    found = {name: said for name in names if (said := getattr(seen, name))}
    for name in [name for name, said in found.items() if isinstance(said, str) and len(said) > ID_LENGTH]:
        said = found.pop(name)
        if name == "response_id":
            found[name] = str(content_id("response", said))
    return found


class EventIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A usage event as a product reports it: docs/reference/events.md says what each field means."""

    id: Key
    customer: Key
    meter: Key
    quantity: Decimal | None = None
    time: Annotated[datetime, Meta(tz=True)] | None = None
    member: Key | None = None
    dimensions: dict[Key, Annotated[str, Meta(max_length=NAME_LENGTH)]] | None = None
    amount: Decimal | None = None
    corrects: Key | None = None
    calls: Annotated[list[CallIn], Meta(max_length=MAX_CALLS)] | None = None
    hold: Key | None = None
    metadata: dict[str, Any] | None = None


class Status(StrEnum):
    """What became of one item of a request."""

    ACCEPTED = "accepted"
    """Stored, rated and booked by this request."""
    DUPLICATE = "duplicate"
    """The same event is already stored; nothing was done."""
    CONFLICT = "conflict"
    """Another event is stored under this id; nothing was done, and the item is in quarantine."""
    REJECTED = "rejected"
    """Not acceptable; the item is in quarantine with the reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item was refused: a stable code, the field, and a sentence for people."""

    code: str
    detail: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that can't be accepted, with its text as it came."""

    reason: Reason
    text: str
    event_id: str | None = None
    customer: str | None = None


class CostSource(StrEnum):
    """How the cost of an event is known."""

    RESPONSE = "response"
    """By the provider's responses: their usage at the price book's prices, or a cost that came with the call."""
    PROVIDER_REPORT = "provider_report"
    """By what the provider reported afterwards."""
    ESTIMATE = "estimate"
    """By what was expected: the usage of at least one call is a guess."""
    NONE = "none"
    """Calls were made, and the cost of at least one isn't known."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A usage event as it is stored, with its charge."""

    customer_id: UUID
    event_id: str
    meter: str
    member: str | None
    dimensions: dict[str, str]
    unit: str | None
    time: datetime
    recorded_at: datetime
    transaction_id: UUID
    quantity: Decimal
    billed: Decimal
    amount: Decimal | None
    charge: Decimal | None
    price_id: UUID | None
    running_before: Decimal | None
    running_after: Decimal | None
    estimated: bool
    cost: Decimal | None
    cost_source: str | None
    cost_only: bool
    """Whether it's a true-up that leaves the charge as it is."""
    corrects: str | None
    metadata: dict[str, Any] | None
    calls: list[dict[str, Any]] | None
    corrected_by: list[str]
