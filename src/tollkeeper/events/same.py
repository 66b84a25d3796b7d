"""Duplicate or conflict: whether an event that arrives says the same as the one stored under its id."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.events.model import CallIn, EventIn, StoredEvent


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
        and _same_number(quantity, stored.quantity)
        and _same_number(event.amount, stored.amount)
        and _same_json(event.metadata, stored.metadata)
        and _same_calls(event.calls, stored.calls)
    )


def same_item(event: EventIn, other: EventIn) -> bool:
    """Whether two events of one request, of the same customer and id, say the same; but for what they count."""
    return (
        event.time == other.time
        and event.member == other.member
        and (event.dimensions or {}) == (other.dimensions or {})
        and event.meter == other.meter
        and event.corrects == other.corrects
        and event.amount == other.amount
        and _exact(event.metadata) == _exact(other.metadata)
        and _same_calls(event.calls, other.calls)
    )


def _same_number(arrived: Decimal | None, stored: Decimal | None) -> bool:
    """Comparing a signalling NaN, which nobody has checked yet, would raise."""
    return arrived is stored or (arrived is not None and arrived.is_finite() and arrived == stored)


def _same_calls(arrived: list[CallIn] | None, stored: list[Any] | None) -> bool:
    """Calls are compared by their values, costs and times among them; a usage as JSON."""
    if not arrived or not stored or len(arrived) != len(stored):
        return not arrived and not stored
    return all(map(_same_call, arrived, msgspec.convert(stored, list[CallIn], strict=False)))


def _same_call(arrived: CallIn, stored: CallIn) -> bool:
    bare = (msgspec.structs.replace(call, usage=None, cost=None) for call in (arrived, stored))
    return (
        next(bare) == next(bare) and _same_number(arrived.cost, stored.cost) and _same_json(arrived.usage, stored.usage)
    )


def _same_json(arrived: Any, stored: Any) -> bool:
    """Whether both are the same JSON: a JSON column gives 1e23 back as an integer, which no float equals."""
    return _exact(arrived) == _exact(stored)


def _exact(value: Any) -> Any:
    return None if value is None else json.loads(msgspec.json.encode(value), parse_float=Decimal, parse_int=Decimal)
