"""Limits in use: what an operation draws, what holds claim, what is found. Values; README.md explains the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tollkeeper.catalog import Limit, LimitMode, LimitPeriod
from tollkeeper.clock import Interval
from tollkeeper.money import HUNDRED, cut_off, price_of

PERCENT_DECIMALS = 2

CounterKey = tuple[str, str, str, datetime]
"""Customer id, counter id, member ('' for the customer as a whole), start of the window."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What one operation takes of one limit."""

    customer_id: str
    zone: ZoneInfo
    limit: Limit
    counter_id: str
    member: str
    """Empty for the customer as a whole."""
    amount: Decimal
    """Negative: a correction, or a step down a volume price."""
    at: datetime
    counted: bool = True
    """False where another draw of the same operation counts it: limits that differ in name or cap share a counter."""


@dataclass(slots=True)
class Counter:
    """A row of limit_counters, as a transaction holds it under the customer's till."""

    customer_id: str
    counter_id: str
    member: str
    window_start: datetime
    used: Decimal
    held: Decimal
    stale: bool

    @property
    def key(self) -> CounterKey:
        """What identifies the row."""
        return self.customer_id, self.counter_id, self.member, self.window_start


@dataclass(frozen=True, slots=True)
class Claim:
    """What a hold keeps of a counter, until it ends."""

    customer_id: str
    counter_id: str
    member: str
    window_start: datetime
    amount: Decimal

    @property
    def key(self) -> CounterKey:
        """The row that holds it."""
        return self.customer_id, self.counter_id, self.member, self.window_start

    def stored(self) -> dict[str, Any]:
        """The claim as its hold keeps it, which knows the customer."""
        return {
            "counter_id": self.counter_id,
            "member": self.member,
            "window_start": self.window_start,
            "amount": self.amount,
        }


def claims_of(customer_id: str, stored: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """The claims that a hold of the customer has kept, from its JSON."""
    return [msgspec.convert({"customer_id": customer_id, **each}, Claim) for each in stored]


@dataclass(frozen=True, slots=True)
class LimitState:
    """How far a limit is used."""

    limit: Limit
    member: str | None
    window: Interval
    used: Decimal
    held: Decimal
    cap: Decimal
    remaining: Decimal
    """What a new operation may take; 0 where the cap is passed."""

    @property
    def percent(self) -> Decimal | None:
        """What is used in percent of the cap, cut off after two decimals: it's 100 only where all is used.

        None where nothing is allowed: there's no share of 0.
        """
        return cut_off(price_of(self.used, HUNDRED, self.cap), PERCENT_DECIMALS) if self.cap else None


@dataclass(frozen=True, slots=True)
class Exceeded:
    """An operation that doesn't fit under a limit: with what is used and held, it takes more than the cap."""

    limit: str
    name: str
    member: str | None
    unit: str | None
    """The unit of value, where it limits what is spent."""
    per: LimitPeriod
    mode: LimitMode
    window: Interval
    used: Decimal
    held: Decimal
    cap: Decimal
    needed: Decimal
    resets_at: datetime | None
    """When it fits if nothing else is used; None: it's more than the cap, and never fits."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold of a limit that usage has reached."""

    customer_id: str
    limit: Limit
    member: str | None
    window: Interval
    told_for: datetime
    """The start of the period that it's told once for: the window, or for a rolling hour the local hour."""
    used: Decimal
    cap: Decimal
    percent: Decimal
