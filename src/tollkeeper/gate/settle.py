"""Settle: an operation has happened. Its events are recorded and charged against what its hold has reserved; it ends.

What was used is recorded whatever the hold has come to: of one that has ended before, nothing is reserved any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.customers import customer_id_of
from tollkeeper.customers.model import is_key
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput, NotFound, TollError
from tollkeeper.events import CallIn, EventIn, Refused, Status
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.holds import Hold, HoldKey, HoldState, unknown_hold
from tollkeeper.gate.model import Failure, Recorded, Result
from tollkeeper.gate.record import record_under
from tollkeeper.gate.till import Tills


class SettleIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What an operation came to: its events, or else how its one event differs from the estimate."""

    customer: str
    events: list[dict[str, Any]] | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    calls: list[CallIn] | None = None
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class Settlement:
    """One request to settle, with its events as they were read."""

    customer: str
    hold_id: str
    asked: SettleIn
    events: list[EventIn | Refused] = field(default_factory=list)

    @property
    def key(self) -> HoldKey:
        """The hold that is meant."""
        return str(customer_id_of(self.customer)), self.hold_id


@dataclass(frozen=True, slots=True)
class Settled:
    """What has come of a settlement."""

    customer: str
    hold: Hold
    results: list[Result]
    notice: Failure | None
    """That the hold had ended before, so that the events were recorded without it."""

    def count(self, status: Status) -> int:
        """How many events ended in `status`."""
        return sum(result.status is status for result in self.results)


async def settle(
    tx: Tx, desk: Desk, settlements: Sequence[Settlement], *, tills: Tills, careful: bool
) -> tuple[list[Settled | TollError], Recorded]:
    """The answer to each settlement, in their order. Raises UniqueViolation as `record` does, unless `careful`."""
    usable = [one for one in settlements if is_key(one.customer)]
    await tills.lock(tx, sorted({one.key[0] for one in usable}), {one.key for one in usable})
    _, people = await desk.open(tx, tills, {one.customer for one in usable})
    items: list[EventIn | Refused] = []
    places: list[tuple[int, int] | TollError] = []
    before: dict[HoldKey, str] = {key: hold.state for key, hold in tills.holds.items()}
    for one in settlements:
        found = _items(one, tills, one.customer in people.customers)
        if isinstance(found, TollError):
            places.append(found)
        else:
            places.append((len(items), len(items) + len(found)))
            items += found
    recorded = await record_under(tx, desk, tills, items, careful=careful)
    results = recorded.results
    answers: list[Settled | TollError] = []
    for one, place in zip(settlements, places, strict=True):
        if isinstance(place, TollError):
            answers.append(place)
        else:
            answers.append(_answer(one, tills.holds[one.key], results[place[0] : place[1]], before[one.key]))
    return answers, recorded


def _items(one: Settlement, tills: Tills, known: bool) -> Sequence[EventIn | Refused] | TollError:
    """The events that this settlement records."""
    if not known:
        return NotFound("unknown_customer", f"There is no customer {one.customer!r}.", field="customer")
    hold = tills.holds.get(one.key)
    if hold is None:
        return unknown_hold(one.hold_id)
    items: list[EventIn | Refused] = one.events or [_event_of(hold, one)]
    for item in items:
        if isinstance(item, EventIn) and (item.customer != one.customer or item.hold != one.hold_id):
            told = "A settlement's events are of its customer and hold; leave `customer` and `hold` out of them."
            return InvalidInput("invalid_settlement", told, field="events")
    return [*_estimate_back(hold, one.customer), *items]


def _event_of(hold: Hold, one: Settlement) -> EventIn:
    """The operation as one event, as the hold has it where the settlement says nothing else."""
    asked = one.asked
    calls = asked.calls if asked.calls is not None else msgspec.convert(hold.calls, list[CallIn] | None)
    return EventIn(
        id=hold.hold_id,
        customer=one.customer,
        meter=hold.meter,
        quantity=asked.quantity if asked.quantity is not None else _given(hold),
        amount=asked.amount if asked.amount is not None else hold.event_amount,
        calls=calls,
        member=hold.member,
        dimensions=hold.dimensions or None,
        metadata=asked.metadata if asked.metadata is not None else hold.metadata,
        hold=hold.hold_id,
    )


def _given(hold: Hold) -> Decimal | None:
    """The hold's quantity; None where the operation goes by its amount alone."""
    return None if not hold.quantity and hold.event_amount is not None else hold.quantity


def estimate_id(hold: Hold) -> str:
    """The id of the event that stands for an operation whose outcome was never learnt."""
    return f"{hold.hold_id}:estimate"[-200:]


def estimated_event(hold: Hold, customer: str) -> EventIn:
    """The operation of a hold in doubt, as it was estimated; at the time when it was to begin."""
    event = _event_of(hold, Settlement(customer, hold.hold_id, SettleIn(customer)))
    return msgspec.structs.replace(event, id=estimate_id(hold), time=hold.created_at)


def _estimate_back(hold: Hold, customer: str) -> list[EventIn]:
    """The correction that takes a booked estimate back, now that it's known what the operation really came to."""
    if hold.state != HoldState.EXPIRED or hold.charged is None:
        return []
    calls = msgspec.convert(hold.calls, list[CallIn] | None)
    back = [msgspec.structs.replace(call, cost=None if call.cost is None else -call.cost) for call in calls or []]
    given = _given(hold)
    return [
        EventIn(
            id=f"{estimate_id(hold)}:back"[-200:],
            customer=customer,
            meter=hold.meter,
            quantity=None if given is None else -given,
            amount=None if hold.event_amount is None else -hold.event_amount,
            calls=back or None,
            corrects=estimate_id(hold),
        )
    ]


def _answer(one: Settlement, hold: Hold, results: list[Result], before: str) -> Settled | TollError:
    notice = None
    accepted = any(result.status is Status.ACCEPTED for result in results)
    if before not in (HoldState.OPEN, HoldState.IN_DOUBT) and accepted:
        told = f"The hold was {before} before; the usage was recorded, and nothing was reserved for it."
        notice = Failure(f"hold_{before}", told)
    return Settled(one.customer, hold, results, notice)
