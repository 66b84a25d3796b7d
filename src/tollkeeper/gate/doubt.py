"""Estimates in the place of usage: what a hold in doubt is charged when it expires, and how that is taken back.

An operation whose outcome nobody has told may be charged as it was estimated (`on_expiry = "charge_estimate"`). If its
usage is told after all, the estimate is corrected away in the same transaction, so that only the usage is charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.events import CallIn, EventIn
from tollkeeper.events.model import ID_LENGTH
from tollkeeper.gate.holds import Hold, HoldKey, HoldState
from tollkeeper.gate.model import Fact
from tollkeeper.gate.till import Tills
from tollkeeper.ids import content_id


def event_of(
    hold: Hold,
    customer: str,
    quantity: Decimal | None = None,
    amount: Decimal | None = None,
    calls: list[CallIn] | None = None,
    metadata: dict[str, Any] | None = None,
) -> EventIn:
    """The operation as one event, as the hold has it where nothing else is said."""
    return EventIn(
        id=hold.hold_id,
        customer=customer,
        meter=hold.meter,
        quantity=quantity if quantity is not None else _given(hold),
        amount=amount if amount is not None else hold.event_amount,
        calls=calls if calls is not None else _calls(hold),
        member=hold.member,
        dimensions=hold.dimensions or None,
        metadata=metadata if metadata is not None else hold.metadata,
        hold=hold.hold_id,
    )


def estimated_event(hold: Hold, customer: str) -> EventIn:
    """The operation as it was estimated, at the time when it was to begin."""
    return msgspec.structs.replace(event_of(hold, customer), id=_named(hold, "estimate"), time=hold.created_at)


def estimates_back(facts: Iterable[Fact], tills: Tills) -> list[EventIn]:
    """The corrections that take back the estimates of holds whose usage is among the facts."""
    found: dict[HoldKey, EventIn] = {}
    for fact in facts:
        key = fact.customer_id, fact.event.hold or ""
        hold = tills.holds.get(key)
        if hold is not None and hold.state == HoldState.EXPIRED and hold.charged is not None:
            found[key] = _taken_back(hold, fact.event.customer)
    return list(found.values())


def _taken_back(hold: Hold, customer: str) -> EventIn:
    given, calls = _given(hold), _calls(hold) or []
    back = [msgspec.structs.replace(call, cost=None if call.cost is None else -call.cost) for call in calls]
    return EventIn(
        id=_named(hold, "estimate:back"),
        customer=customer,
        meter=hold.meter,
        quantity=None if given is None else -given,
        amount=None if hold.event_amount is None else -hold.event_amount,
        calls=back or None,
        corrects=_named(hold, "estimate"),
    )


def _named(hold: Hold, what: str) -> str:
    """The id of an event that is made for a hold; of one with a long id by its content."""
    name = f"{hold.hold_id}:{what}"
    return name if len(name) <= ID_LENGTH else f"{content_id('hold', hold.hold_id)}:{what}"


def _given(hold: Hold) -> Decimal | None:
    """The hold's quantity; None where the operation goes by its amount alone."""
    return None if not hold.quantity and hold.event_amount is not None else hold.quantity


def _calls(hold: Hold) -> list[CallIn] | None:
    return msgspec.convert(hold.calls, list[CallIn] | None, strict=False)
