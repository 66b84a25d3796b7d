"""Estimates in the place of usage: what a hold in doubt is charged when it expires, and how that is taken back.

An operation whose outcome nobody has told may be charged as it was estimated (`on_expiry = "charge_estimate"`). If its
usage is told after all, the estimate is corrected away in the same transaction, so that only the usage is charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.calls import Family, FamilyCall, family_calls
from tollkeeper.db import Tx
from tollkeeper.events import CallIn, Corrected, EventIn, find_corrected
from tollkeeper.events.model import ID_LENGTH
from tollkeeper.gate.holds import Hold, HoldState
from tollkeeper.gate.model import Fact
from tollkeeper.gate.till import Tills
from tollkeeper.ids import content_id
from tollkeeper.money import ZERO, subtract


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


async def estimates_back(tx: Tx, facts: Iterable[Fact], tills: Tills) -> list[EventIn]:
    """The corrections that take back the estimates of holds whose usage is among the facts: what is left of them."""
    holds: dict[tuple[str, str], tuple[Hold, str]] = {}
    for fact in facts:
        hold = tills.holds.get((fact.customer_id, fact.event.hold or ""))
        if hold is not None and hold.state == HoldState.EXPIRED and hold.charged is not None:
            holds[fact.customer_id, _named(hold, "estimate")] = hold, fact.event.customer
    found = await find_corrected(tx, set(holds)) if holds else {}
    calls = await family_calls(tx, found.keys())
    return [
        _taken_back(hold, customer, found[key], Family.of(calls.get(key, ())))
        for key, (hold, customer) in holds.items()
        if _left(found.get(key))
    ]


def _left(estimate: Corrected | None) -> bool:
    return estimate is not None and bool(estimate.net_quantity or estimate.net_amount)


def _taken_back(hold: Hold, customer: str, estimate: Corrected, family: Family) -> EventIn:
    calls = [
        CallIn(call.provider, call.model, call.call_id, call.at, _negative(family, call))
        for call in family.calls.values()
        if call.adjusts is None
    ]
    return EventIn(
        id=_named(hold, "estimate:back"),
        customer=customer,
        meter=hold.meter,
        quantity=-estimate.net_quantity if _given(hold) is not None else None,
        amount=None if estimate.net_amount is None else -estimate.net_amount,
        calls=calls or None,
        corrects=_named(hold, "estimate"),
    )


def _negative(family: Family, call: FamilyCall) -> Decimal:
    """What takes back the cost of a call; 0 where it isn't known."""
    return subtract(ZERO, family.cost_of(call.provider, call.call_id) or ZERO)


def _named(hold: Hold, what: str) -> str:
    """The id of an event that is made for a hold; of one with a long id by its content."""
    name = f"{hold.hold_id}:{what}"
    return name if len(name) <= ID_LENGTH else f"{content_id('hold', hold.hold_id)}:{what}"


def _given(hold: Hold) -> Decimal | None:
    """The hold's quantity; None where the operation goes by its amount alone."""
    return None if not hold.quantity and hold.event_amount is not None else hold.quantity


def _calls(hold: Hold) -> list[CallIn] | None:
    """What the operation was expected to call: guesses, which stand for no response, even if made from one."""
    calls = msgspec.convert(hold.calls, list[CallIn] | None, strict=False)
    return calls and [msgspec.structs.replace(call, estimated=True, response_id=None) for call in calls]
