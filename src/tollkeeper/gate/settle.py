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
from tollkeeper.gate.doubt import event_of
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
    asked = one.asked
    items: list[EventIn | Refused] = one.events or [
        event_of(hold, one.customer, asked.quantity, asked.amount, asked.calls, asked.metadata)
    ]
    for item in items:
        if isinstance(item, EventIn) and (item.customer != one.customer or item.hold != one.hold_id):
            told = "A settlement's events are of its customer and hold; leave `customer` and `hold` out of them."
            return InvalidInput("invalid_settlement", told, field="events")
    return items


def _answer(one: Settlement, hold: Hold, results: list[Result], before: str) -> Settled | TollError:
    notice = None
    accepted = any(result.status is Status.ACCEPTED for result in results)
    if before not in (HoldState.OPEN, HoldState.IN_DOUBT) and accepted:
        told = f"The hold had ended before ({before}): the usage was recorded, and nothing was reserved for it."
        notice = Failure(f"hold_{before}", told)
    return Settled(one.customer, hold, results, notice)
