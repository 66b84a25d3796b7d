"""What passes the gate: facts on their way to the books, and what is answered about each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from uuid import UUID

import msgspec

from tollkeeper.calls import CallKey, FamilyCall, NewCall, Pricing
from tollkeeper.catalog import Catalog
from tollkeeper.events import Corrected, NewEvent, Refused, Series, Status, StoredEvent
from tollkeeper.gate.holds import Hold, HoldKey
from tollkeeper.gate.lanes import Lane, Rule
from tollkeeper.money import ZERO, plain
from tollkeeper.rating import Measure, Step
from tollkeeper.wallets import EventBurn

FactKey = tuple[str, str]
"""Customer id (as text) and event id: what identifies an event for all time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a correction of the engine's own brings: calls that are priced already, and whether it charges them."""

    calls: list[NewCall]
    charge: bool
    """False leaves the charge as it is, whatever the price says."""


@dataclass(slots=True, kw_only=True)
class Fact(NewEvent):
    """An accepted event on its way to the books: what is stored, and what is needed to get there."""

    index: int
    """The item's place in the request."""
    lane: Lane
    rule: Rule
    previous: Measure | None = None
    """For a correction: the event that it corrects, as it stood before ..."""
    corrected: Measure | None = None
    """... and as it stands with the correction."""
    inherited_member: str | None = None
    """For a correction: the member of the event that it corrects ..."""
    charged_before: Decimal = ZERO
    """... and what that was charged, where it's stored already, corrections included."""
    original: Corrected | None = None
    """For a correction: the event that it corrects, as the correction found it."""
    calls: Sequence[NewCall] = ()
    """The provider calls that count for it."""
    prepared: Prepared | None = None
    """Of the engine's own corrections."""
    cost_only: bool = False
    """Whether it leaves the charge as it is."""

    @property
    def key(self) -> FactKey:
        """What identifies the event."""
        return self.customer_id, self.event.id

    @property
    def member(self) -> str | None:
        """Whose usage it is within the customer."""
        return self.event.member or self.inherited_member

    @property
    def measure(self) -> Measure:
        """What the event brings to its price."""
        return self.corrected or Measure(self.billed, self.event.amount, self.cost)


class Failure(msgspec.Struct, omit_defaults=True, frozen=True):
    """Why an item was not accepted."""

    code: str
    detail: str
    field: str | None = None


class Result(msgspec.Struct, omit_defaults=True):
    """The answer about one item."""

    id: str | None
    status: Status
    charge: str | None = None
    unit: str | None = None
    error: Failure | None = None
    quarantine_id: UUID | None = None


@dataclass(slots=True)
class Batch:
    """The items of one request on their way through the gate."""

    catalog: Catalog
    pricing: Pricing
    now: datetime
    asked: int
    """How many items the request has; those placed behind them are the gate's own."""
    results: list[Result | None] = field(default_factory=list)
    arrived: Sequence[datetime] = ()
    """When each item first came; empty if all of them come now."""
    facts: dict[FactKey, Fact] = field(default_factory=dict)
    refused: list[tuple[int, Refused]] = field(default_factory=list)
    twins: list[tuple[int, int]] = field(default_factory=list)
    """Items that repeat an earlier one of the same request, with the place of that one."""
    series: set[Series] = field(default_factory=set)
    stored_calls: Mapping[CallKey, FamilyCall] = field(default_factory=dict)
    """The calls of the items that are known to be stored."""
    claimed_calls: set[CallKey] = field(default_factory=set)
    """The calls that count for facts of this batch."""

    def refuse(self, index: int, refused: Refused, status: Status = Status.REJECTED) -> None:
        """Answer an item with its reason; it goes to quarantine."""
        reason = refused.reason
        self.results[index] = Result(refused.event_id, status, error=Failure(reason.code, reason.detail, reason.field))
        self.refused.append((index, refused))

    def duplicate(self, index: int, stored: StoredEvent) -> None:
        """Answer an item that is stored already with what it was charged."""
        charge = None if stored.charge is None else plain(stored.charge)
        self.results[index] = Result(stored.event_id, Status.DUPLICATE, charge, stored.unit)


class Recorded:
    """What a request has come to, once its transaction is committed."""

    def __init__(self, batch: Batch, series: list[Series], holds: Mapping[HoldKey, Hold]) -> None:
        self._batch = batch
        self.holds = holds
        """The holds that the items named, as they stand now."""
        self.series = series
        """Series that this transaction has stored: known from now on."""

    @cached_property
    def results(self) -> list[Result]:
        """The answer about each item, in their order. Made when it's asked for: not every caller wants them all."""
        answers = {fact.index: _accepted(fact) for fact in self._batch.facts.values()}
        answers |= {i: result for i, result in enumerate(self._batch.results) if result is not None}
        for index, first in self._batch.twins:
            answers[index] = _twin_of(answers[first])
        return [answers[index] for index in range(self._batch.asked)]

    @property
    def refused(self) -> list[Result]:
        """The answers about items that were not accepted, in their order."""
        if not self._batch.refused:
            return []
        return [result for result in self.results if result.error is not None]

    def count(self, status: Status) -> int:
        """How many items ended in `status`."""
        return self._counts[status]

    @cached_property
    def _counts(self) -> Counter[Status]:
        if self._batch.twins or len(self._batch.results) > self._batch.asked:
            return Counter(result.status for result in self.results)
        counts = Counter(result.status for result in self._batch.results if result is not None)
        counts[Status.ACCEPTED] += len(self._batch.facts)
        return counts


def _accepted(fact: Fact) -> Result:
    charge = None if fact.charge is None else plain(fact.charge)
    return Result(fact.event.id, Status.ACCEPTED, charge, fact.rule.unit)


def _twin_of(first: Result) -> Result:
    """The answer about an item that repeats an earlier one; where that was refused, nothing is stored."""
    return first if first.error is not None else Result(first.id, Status.DUPLICATE, first.charge, first.unit)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The arithmetic of one charge, in words and figures, in the order in which it was done."""

    event: StoredEvent
    customer: str
    charge: Decimal | None
    unit: str | None
    price_id: UUID | None
    price_from: datetime | None
    steps: list[Step]
    paid: list[EventBurn]
    """What it took of which grants, or gave back; the rest of the charge is receivable."""
    ledger_transaction: UUID
