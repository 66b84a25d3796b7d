"""What the console shows of all customers: immutable values. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Sort(StrEnum):
    """What the list of customers can be sorted by."""

    KEY = "key"
    NAME = "name"
    SPENT = "spent"
    MARGIN = "margin"
    OWED = "owed"
    BALANCE = "balance"
    """What is available in one unit of value."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A customer's place in the list: what it's sorted by, and what the next page goes on behind."""

    customer_id: UUID
    key: str
    rank: Decimal | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Behind:
    """The last place of the page before: the key, and the figure or name that is sorted by."""

    key: str
    rank: Decimal | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which customers, and in which order."""

    sort: Sort = Sort.KEY
    backwards: bool = False
    search: str | None = None
    archived: bool | None = None
    unit: str | None = None
    """The unit of value of the balance that is sorted by; None: the catalog's currency."""
    behind: Behind | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer in the list. Sums are of this calendar month, in the customer's zone, and lag by a round."""

    key: str
    name: str
    currency: str
    timezone: str
    archived_at: datetime | None
    suspended_at: datetime | None
    plan: str | None
    """None: the catalog's default."""
    charge: Decimal
    """In the customer's currency, as `owed`."""
    other_charges: Mapping[str, str]
    """In other units of value, by unit."""
    cost: Decimal
    """In the catalog's currency."""
    margin: Decimal
    """Charge - cost of the usage that is charged in the customer's currency, or not at all. -Infinity: they can't be
    compared, since that isn't the catalog's currency."""
    unpriced: int
    owed: Decimal
    available: Mapping[str, str]
    """By unit of value, at this moment."""
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list, one more than was asked for where there are more."""

    rows: Sequence[CustomerRow]
    ranks: Sequence[Ranked]
    as_of: datetime | None
    """What the sums know of; None: they have never been added up."""


@dataclass(frozen=True, slots=True)
class Round:
    """How far the work has come that runs again and again."""

    as_of: datetime
    whole_at: datetime


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in one unit of value."""

    unit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Span:
    """What a day or a month has brought, of all customers."""

    events: int
    spent: Sequence[Amount]
    cost: Decimal
    margin: Decimal
    """In the catalog's currency, of usage that is charged in it, or not at all."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The operator's books at a glance. `as_of` is of the sums; the counts are of this moment."""

    as_of: datetime | None
    currency: str
    customers: int
    archived: int
    suspended: int
    today: Span
    month: Span
    unpriced: int
    """Events of this month without a charge."""
    quarantine: int
    holds: int
    holds_in_doubt: int
    findings: int
    """What reconciliations of the last 90 days found that isn't a match."""


@dataclass(frozen=True, slots=True)
class UnpricedUsage:
    """Events of one meter without a charge, corrections taken off."""

    meter: str
    events: int
    customers: int
    since: date
    """The local day of the earliest, and of the latest."""
    until: date


@dataclass(frozen=True, slots=True)
class UnpricedCalls:
    """Calls of one model whose cost isn't known."""

    provider: str
    model: str
    calls: int
    customers: int
    since: datetime
    until: datetime
    missing: Sequence[str]
    """What no price was found for."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database says about itself."""

    version: str
    bytes: int
    connections: int
    most_connections: int
    migration: int
