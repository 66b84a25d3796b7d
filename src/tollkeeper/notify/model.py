"""What an open page shows of its customer, and what is wanted of a look at the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.clock import Interval

LATEST_EVENTS = 10


@dataclass(frozen=True, slots=True)
class WalletState:
    """Prepaid value of one unit; `held` of it is reserved."""

    customer_id: UUID
    unit: str
    balance: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class HeldState:
    """What open holds have reserved, in one unit of value."""

    customer_id: UUID
    unit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MeterState:
    """One meter in this calendar month. `unit` is the unit of value of `charge`."""

    meter: str
    quantity: Decimal | None
    """None where distinct values are counted: that takes reading all events of the month."""
    events: int
    charge: Decimal
    unit: str | None


@dataclass(slots=True)
class State:
    """A customer's figures as of an instant; `period` is the calendar month in the customer's time zone."""

    customer_id: UUID
    as_of: datetime
    period: Interval
    wallets: list[WalletState] = field(default_factory=list)
    held: list[HeldState] = field(default_factory=list)
    meters: list[MeterState] = field(default_factory=list)
    events: str = "[]"
    """The latest, newest first, as JSON."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the database has found."""

    states: Sequence[State]
    revoked: frozenset[UUID]
    """The sessions, among those asked about, that may not see anything any more."""
