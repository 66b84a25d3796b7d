"""What a customer has of its own beside the catalog: the plans it is on over time, and its own limits. Values only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class PlanChange:
    """From `effective_from` on the customer is on `plan`; None: on the catalog's default plan, if there is one."""

    effective_from: datetime
    plan: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The plans by time, ascending, and the customer's own limits by name, as `catalog.limit_of` reads them."""

    plans: tuple[PlanChange, ...] = ()
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def change_at(self, instant: datetime) -> PlanChange | None:
        """The change that decides at `instant`; None before the first."""
        i = bisect_right([change.effective_from for change in self.plans], instant) - 1
        return self.plans[i] if i >= 0 else None

    def next_change(self, instant: datetime) -> datetime | None:
        """When another plan begins after `instant`."""
        return next((change.effective_from for change in self.plans if change.effective_from > instant), None)


NO_AGREEMENT = Agreement()


@dataclass(frozen=True, slots=True)
class AgreedTerm:
    """One piece of a customer's agreement: a plan from an instant on, or the terms of a limit."""

    customer_id: str
    effective_from: datetime | None
    plan: str | None
    name: str | None
    terms: Mapping[str, Any] | None


def agreements_in(agreed: Iterable[AgreedTerm]) -> dict[str, Agreement]:
    """The agreements by customer id; the pieces come by customer, and plans by time."""
    return {customer_id: _agreement(pieces) for customer_id, pieces in groupby(agreed, attrgetter("customer_id"))}


def _agreement(pieces: Iterable[AgreedTerm]) -> Agreement:
    plans: list[PlanChange] = []
    limits: dict[str, Mapping[str, Any]] = {}
    for piece in pieces:
        if piece.effective_from is not None:
            plans.append(PlanChange(piece.effective_from, piece.plan))
        elif piece.name is not None:
            limits[piece.name] = piece.terms or {}
    return Agreement(tuple(plans), limits)


@dataclass(frozen=True, slots=True)
class PlanDecision:
    """A change of plan as it was decided, and by whom; one that was withdrawn never came into effect."""

    effective_from: datetime
    plan: str | None
    created_at: datetime
    created_by: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """What a customer has instead of, or beside, a limit of its plan."""

    name: str
    terms: Mapping[str, Any]
    updated_at: datetime
    updated_by: str
