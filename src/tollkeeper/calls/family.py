"""The calls of an event and of its corrections: what is still unpriced, and what they cost together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tollkeeper.calls.model import NewCall
from tollkeeper.money import ZERO, add


@dataclass(frozen=True, slots=True)
class FamilyCall:
    """What counts of a call within its family."""

    customer_id: str
    event_id: str
    """The event whose calls these are, also of a call that came with a correction of it."""
    provider: str
    call_id: str
    model: str
    at: datetime
    cost: Decimal | None
    adjusts: str | None
    quantities: dict[str, str] | None = None


@dataclass(slots=True)
class Family:
    """The calls of an event and its corrections, those included that are being recorded."""

    calls: dict[tuple[str, str], FamilyCall] = field(default_factory=dict)
    """By provider and call id."""
    adjusted: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, calls: Iterable[FamilyCall]) -> Family:
        """The family of these stored calls."""
        family = cls()
        for call in calls:
            family._put(call)
        return family

    def copy(self) -> Family:
        """The same, to be changed by itself."""
        return Family(dict(self.calls), set(self.adjusted))

    def add(self, customer_id: str, event_id: str, call: NewCall) -> None:
        """A call more."""
        told = None if call.quantities is None else {unit: str(quantity) for unit, quantity in call.quantities.items()}
        own = (call.provider, call.call_id, call.model, call.at, call.cost, call.adjusts, told)
        self._put(FamilyCall(customer_id, event_id, *own))

    def _put(self, call: FamilyCall) -> None:
        self.calls[call.provider, call.call_id] = call
        if call.adjusts is not None:
            self.adjusted.add((call.provider, call.adjusts))

    @property
    def open(self) -> list[FamilyCall]:
        """The unpriced calls that nothing adjusts."""
        return [call for key, call in self.calls.items() if call.cost is None and key not in self.adjusted]

    @property
    def cost(self) -> Decimal | None:
        """What the calls cost together; None while one of them is open."""
        total = ZERO
        for key, call in self.calls.items():
            if call.cost is not None:
                total = add(total, call.cost)
            elif key not in self.adjusted:
                return None
        return total

    def cost_of(self, provider: str, call_id: str) -> Decimal | None:
        """What one call costs, with all that was added to it; None while it's unpriced."""
        found: Decimal | None = None
        for call in self.calls.values():
            if call.provider == provider and call_id in (call.call_id, call.adjusts) and call.cost is not None:
                found = add(found or ZERO, call.cost)
        return found

    def named(self, call_id: str, provider: str | None = None) -> FamilyCall | None:
        """The call with this id."""
        for call in self.calls.values():
            if call.call_id == call_id and provider in (None, call.provider):
                return call
        return None
