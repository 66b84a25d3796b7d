"""Top-ups: what customers buy ahead. Immutable values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tollkeeper.catalog import Lifetime
from tollkeeper.clock import Period

TEST = "test"
"""The processor that only pretends."""


class TopUpState(StrEnum):
    """Where a top-up stands."""

    PENDING = "pending"
    """The customer hasn't paid yet."""
    PAID = "paid"
    """The money has come, and the customer has what it bought."""
    FAILED = "failed"
    """The payment was refused."""
    CANCELLED = "cancelled"
    """The customer, or the operator, has given it up."""
    EXPIRED = "expired"
    """It wasn't paid in time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a customer wants to buy: an amount that is offered of a unit, or a pack."""

    unit: str | None = None
    amount: Decimal | None = None
    pack: str | None = None
    key: str | None = None
    """The caller's id: the same one again is the same top-up."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """One purchase of prepaid value, with everything as it was when it was begun."""

    customer_id: UUID
    customer: str
    """The customer's key."""
    top_up_id: UUID
    stored_state: str
    """As the table has it, where what has expired is still pending: see `state`."""
    unit: str
    amount: Decimal
    price: Decimal
    """What all of it costs, in `currency`."""
    currency: str
    pack: str | None
    bonus: Decimal
    expires_after: str | None
    processor: str
    checkout_url: str | None
    reference: str | None
    """What the payment is called where it was made."""
    grant_id: UUID | None
    bonus_grant_id: UUID | None
    created_at: datetime
    created_by: str
    open_until: datetime
    ended_at: datetime | None
    ended_by: str | None
    late: str | None
    """How it had ended before the money came all the same."""

    def state(self, now: datetime) -> TopUpState:
        """Where it stands at `now`."""
        if self.stored_state == TopUpState.PENDING and self.open_until <= now:
            return TopUpState.EXPIRED
        return TopUpState(self.stored_state)

    def ended(self, now: datetime) -> datetime | None:
        """When it ended, if it has by `now`."""
        return self.open_until if self.state(now) is TopUpState.EXPIRED else self.ended_at

    @property
    def is_test(self) -> bool:
        """Whether the payment is only pretended."""
        return self.processor == TEST

    @property
    def lifetime(self) -> Lifetime | None:
        """How long what was bought can be spent."""
        if self.expires_after is None:
            return None
        count, period = self.expires_after.split(" ")
        return Lifetime(int(count), Period(period.removesuffix("s")))
