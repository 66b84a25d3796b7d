"""Duplicate or conflict: whether an event that arrives says the same as the one stored under its id."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.events.model import EventIn, StoredEvent


def same_event(event: EventIn, stored: StoredEvent, quantity: Decimal) -> bool:
    """Whether `event`, which counts `quantity`, repeats `stored`.

    A time that was left out was filled in when the event arrived, so leaving it out again is no difference. A
    correction has its time, member and dimensions from the event it corrects.
    """
    if event.corrects is None:
        if event.time is not None and event.time != stored.time:
            return False
        if event.member != stored.member or (event.dimensions or {}) != stored.dimensions:
            return False
    return (
        event.meter == stored.meter
        and event.corrects == stored.corrects
        and quantity == stored.quantity
        and event.amount == stored.amount
        and _plain(event.metadata) == stored.metadata
        and _plain(event.calls) == stored.calls
    )


def _plain(value: Any) -> Any:
    """`value` as it is read back from a JSON column."""
    return None if value is None else msgspec.json.decode(msgspec.json.encode(value))
