"""Prepaid value: wallets, grants, and what became of them. README.md explains the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from tollkeeper.catalog import RecurringGrant
from tollkeeper.clock import END
from tollkeeper.money import ZERO, subtract


class GrantKind(StrEnum):
    """How the customer came by a grant, which decides the account that it is booked against."""

    PAID = "paid"
    """Bought: money came in."""
    PROMOTIONAL = "promotional"
    """Given away."""
    COMPENSATION = "compensation"
    """Given to make up for something."""


class GrantState(StrEnum):
    """Where a grant stands at an instant."""

    SCHEDULED = "scheduled"
    """It begins later."""
    ACTIVE = "active"
    """It can pay."""
    ENDED = "ended"
    """Nothing is left, or it has expired or was voided; what holds keep of it doesn't count."""


class EntryKind(StrEnum):
    """What changed a wallet's balance."""

    GRANTED = "granted"
    SPENT = "spent"
    RETURNED = "returned"
    """Given back by a correction, or by a step down a volume price."""
    EXPIRED = "expired"
    VOIDED = "voided"
    REFUNDED = "refunded"
    ROLLED_IN = "rolled_in"
    ROLLED_OUT = "rolled_out"


@dataclass(slots=True)
class Wallet:
    """A customer's prepaid value of one unit, as a transaction holds it under the customer's till."""

    customer_id: str
    unit: str
    balance: Decimal
    """What is left of the grants in force."""
    held: Decimal
    """What open holds have reserved of it."""
    owed: Decimal
    """The receivable, where a credit ceiling must hold."""
    owed_held: Decimal
    """What open holds have reserved of the ceiling."""
    last_at: datetime
    """The instant of the newest entry."""
    next_change_at: datetime | None
    """When something is due next. Past: something is, or what holds have kept of a grant waits for them to end."""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the wallet."""
        return self.customer_id, self.unit

    @property
    def available(self) -> Decimal:
        """What a new hold may take: never below zero."""
        return subtract(self.balance, self.held)


@dataclass(slots=True)
class Grant:
    """A lot of prepaid value: amount = remaining + spent + expired + voided + rolled_out."""

    customer_id: str
    grant_id: UUID
    unit: str
    kind: str
    priority: int
    amount: Decimal
    rolled_in: Decimal
    """How much of the amount came from the period before."""
    remaining: Decimal
    spent: Decimal
    expired: Decimal
    voided: Decimal
    """Taken back, or refunded."""
    rolled_out: Decimal
    """Gone over into the next period's grant."""
    effective_at: datetime
    expires_at: datetime | None
    begun: bool
    """Whether it counts in the wallet's balance."""
    recurring: str | None
    """The recurring grant that made it ..."""
    period_start: datetime | None
    """... and the start of the period that it is for."""
    reference: str | None
    note: str | None
    created_at: datetime
    created_by: str
    voided_at: datetime | None
    voided_by: str | None
    refunded: bool

    @property
    def key(self) -> tuple[str, UUID]:
        """What identifies the grant."""
        return self.customer_id, self.grant_id

    @property
    def place(self) -> BurnPlace:
        """Its place in the burn order: priority, earliest expiry (never last), earliest created, id."""
        return self.priority, self.expires_at or END, self.created_at, self.grant_id

    def pays(self, since: datetime) -> bool:
        """Whether an operation that began at `since` may take from it: one that began before it ended may.

        So what a hold has kept of a grant that has expired or was voided stays payable by that hold.
        """
        return (
            self.begun
            and (self.expires_at is None or since < self.expires_at)
            and (self.voided_at is None or since <= self.voided_at)
        )

    def over(self, at: datetime) -> bool:
        """Whether it has expired at `at`, or was voided."""
        return self.voided_at is not None or (self.expires_at is not None and self.expires_at <= at)

    def state(self, at: datetime) -> GrantState:
        """Where it stands at `at`."""
        if not self.remaining or self.over(at):
            return GrantState.ENDED
        return GrantState.ACTIVE if self.effective_at <= at else GrantState.SCHEDULED


BurnPlace = tuple[int, datetime, datetime, UUID]
"""By which grants are sorted into the burn order."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurring grant as one customer has it."""

    rule: RecurringGrant
    anchor: datetime
    """When the first period begins; the others are counted from here (`clock.recurrence`)."""
    zone: ZoneInfo
    until: datetime | None
    """Periods that would begin then or later don't come; None: no end."""
    source: str
    """Where it comes from, such as "plan pro"."""
    joins: datetime | None = None
    """When it begins, where that's within a period that is under way: what that one gives, it gives from here."""
    already: Decimal = ZERO
    """What others have given of the period that it joins."""
    since: datetime | None = None
    """Periods that were over by then don't come either: for a rule that is younger than its anchor."""

    @property
    def key(self) -> str:
        """What tells its grants from those of other recurring grants of the customer."""
        return f"{self.source}: {self.rule.name}"


@dataclass(frozen=True, slots=True)
class Cover:
    """What the wallet is to pay of one event's charge (> 0). The gate has made sure that it can."""

    wallet: Wallet
    event_id: str
    amount: Decimal
    since: datetime
    """When the operation began: with its hold, else now. Grants that expire later than this may pay."""
    corrects: str | None = None
    """The event that this one adds to, where it's a correction."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """What one event gives back to the wallet (> 0)."""

    wallet: Wallet
    event_id: str
    amount: Decimal
    corrects: str | None
    """The event whose grants get it back first."""
