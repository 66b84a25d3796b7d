"""What a catalog says beside prices: where money comes from, what customers may buy, limits, recurring grants, plans.

Immutable values, no I/O. `gate/standing.py` brings them together with what a customer has of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from tollkeeper.catalog.table import in_words
from tollkeeper.clock import Period, recurrence, start_of_day
from tollkeeper.money import ZERO, multiply, plain


class WhenExhausted(StrEnum):
    """What happens to an operation that the wallet can't pay."""

    REFUSE = "refuse"
    RECEIVABLE = "receivable"
    """The customer pays later, up to the credit ceiling if there is one."""


class Overage(StrEnum):
    """Where the part of a charge goes that is more than its hold."""

    WALLET = "wallet"
    """To what is free in the wallet; the rest to the receivable."""
    RECEIVABLE = "receivable"


class OnExpiry(StrEnum):
    """What becomes of a hold in doubt when it expires."""

    RELEASE = "release"
    CHARGE_ESTIMATE = "charge_estimate"


class LimitPeriod(StrEnum):
    """The window that a limit counts in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING_HOUR = "rolling_hour"
    """The last 60 whole minutes and the one under way, so that no 60 minutes hold more than a hard cap."""


class LimitMode(StrEnum):
    """Whether a limit stops operations."""

    HARD = "hard"
    """An operation that doesn't fit is refused."""
    SOFT = "soft"
    """Everything goes through; crossing a threshold is told."""


class LimitBy(StrEnum):
    """Whose usage a limit counts together."""

    CUSTOMER = "customer"
    MEMBER = "member"
    """Each member has the cap for itself; usage without a member isn't counted."""


@dataclass(frozen=True, slots=True)
class MeterGroup:
    """Meters that a limit can count together, such as the tokens of all models."""

    key: str
    name: str
    meters: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, slots=True)
class UnitFunding:
    """Where the money for one unit of value comes from; None: what the next wider setting says."""

    when_exhausted: WhenExhausted | None = None
    credit_ceiling: Decimal | None = None
    """Most that may be owed, open holds included."""
    settle_overage: Overage | None = None
    low_balance: Decimal | None = None
    """An alert says when the wallet falls below."""
    top_up_url: str | None = None
    """Where the customer gets more; `{customer}` and `{unit}` stand for the key and the unit."""

    def as_terms(self) -> dict[str, Any]:
        """What is set, as the catalog file has it: canonical, for JSON and for comparing."""
        settings = {
            "when_exhausted": self.when_exhausted and self.when_exhausted.value,
            "credit_ceiling": None if self.credit_ceiling is None else plain(self.credit_ceiling),
            "settle_overage": self.settle_overage and self.settle_overage.value,
            "low_balance": None if self.low_balance is None else plain(self.low_balance),
            "top_up_url": self.top_up_url,
        }
        return {key: value for key, value in settings.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Funding:
    """The settings of one place in the catalog: for all units, and for single ones."""

    general: UnitFunding = UnitFunding()
    units: Mapping[str, UnitFunding] = field(default_factory=dict)

    def as_terms(self) -> dict[str, Any]:
        """As the catalog file has it, the units under `units`."""
        return {**self.general.as_terms(), "units": {unit: own.as_terms() for unit, own in self.units.items()}}


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap on a quantity of some meters, or on what is spent in one unit of value."""

    key: str
    per: LimitPeriod
    cap: Decimal
    meters: tuple[str, ...] = ()
    """Whose billed quantities are added up, sorted; for spend: whose charges, () meaning every meter's."""
    unit: str | None = None
    """The unit of value whose charges count; None: quantities do."""
    group: str | None = None
    """The meter group that `meters` came from."""
    mode: LimitMode = LimitMode.HARD
    by: LimitBy = LimitBy.CUSTOMER
    warn_at: tuple[Decimal, ...] = (Decimal(80), Decimal(100))
    """Thresholds in percent of the cap, ascending."""
    enabled: bool = True
    """A limit that is switched off goes on counting."""
    member_caps: Mapping[str, Decimal] = field(default_factory=dict)
    """Caps of single members, where `by` is member."""
    called: str | None = None
    """Its name, where it was given one."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.called or in_words(self.key)

    def cap_of(self, member: str | None) -> Decimal:
        """The cap of a member, or of the customer."""
        return self.member_caps.get(member, self.cap) if member else self.cap

    def as_terms(self) -> dict[str, Any]:
        """As the catalog file and the API have it: canonical, with everything that is set by default."""
        counted = {"group": self.group} if self.group else {"meter": next(iter(self.meters), None)}
        optional = {"name": self.called, **counted, "spend": self.unit}
        terms: dict[str, Any] = {
            **{key: value for key, value in optional.items() if value is not None},
            "per": self.per.value,
            "cap": plain(self.cap),
            "mode": self.mode.value,
            "by": self.by.value,
            "warn_at": [plain(percent) for percent in self.warn_at],
            "enabled": self.enabled,
        }
        if self.member_caps:
            terms["member_caps"] = {member: plain(cap) for member, cap in sorted(self.member_caps.items())}
        return terms


@dataclass(frozen=True, slots=True)
class RecurringGrant:
    """Prepaid value that comes again each period, and what happens to the rest of it at the period's end."""

    name: str
    unit: str
    amount: Decimal
    every: Period
    kind: str = "promotional"
    """paid, promotional or compensation (wallets.GrantKind)."""
    priority: int = 50
    most_rolled: Decimal | None = ZERO
    """How much of what is left goes over into the next period: 0 nothing, None everything."""

    def as_terms(self) -> dict[str, Any]:
        """As the catalog file and the API have it: canonical, with everything that is set by default."""
        return {
            "unit": self.unit,
            "amount": plain(self.amount),
            "every": self.every.value,
            "rollover": self.rollover,
            "kind": self.kind,
            "priority": self.priority,
        }

    @property
    def rollover(self) -> str:
        """ "none", "all", or a number."""
        if self.most_rolled is None:
            return "all"
        return plain(self.most_rolled) if self.most_rolled else "none"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long something that was bought can be spent: 12 months."""

    count: int
    period: Period

    def __str__(self) -> str:
        """ "12 months": as the catalog file has it."""
        return f"{self.count} {self.period}{'' if self.count == 1 else 's'}"

    def ends(self, start: datetime, tz: ZoneInfo) -> datetime:
        """When what was bought at `start` expires: at the end of the local day on which its time is over."""
        last = recurrence(start, self.period, self.count, tz).astimezone(tz).date()
        return start_of_day(last + timedelta(days=1), tz)


@dataclass(frozen=True, slots=True)
class TopUpOffer:
    """The amounts of one unit of value that customers may buy at a click."""

    unit: str
    amounts: tuple[Decimal, ...]
    """Ascending."""
    price: Decimal
    """Of one unit, in `currency`; of a currency itself 1."""
    currency: str
    expires_after: Lifetime | None = None
    """None: what was bought never expires."""

    def price_of(self, amount: Decimal) -> Decimal:
        """What an amount costs."""
        return multiply(amount, self.price)

    def as_terms(self) -> dict[str, Any]:
        """As the catalog file has it: canonical, for JSON and for comparing."""
        terms: dict[str, Any] = {"amounts": [plain(amount) for amount in self.amounts]}
        if self.currency != self.unit:
            terms["price"] = plain(self.price)
        return terms | _expiry(self.expires_after)


@dataclass(frozen=True, slots=True)
class Pack:
    """A fixed amount of one unit of value for a fixed price."""

    key: str
    name: str
    unit: str
    amount: Decimal
    price: Decimal
    currency: str
    bonus: Decimal = ZERO
    """So much more comes along as a promotional grant."""
    expires_after: Lifetime | None = None

    def as_terms(self) -> dict[str, Any]:
        """As the catalog file has it: canonical, for JSON and for comparing."""
        terms: dict[str, Any] = {"name": self.name, "unit": self.unit, "amount": plain(self.amount)}
        if self.currency != self.unit:
            terms["price"] = plain(self.price)
        if self.bonus:
            terms["bonus"] = plain(self.bonus)
        return terms | _expiry(self.expires_after)


def _expiry(expires_after: Lifetime | None) -> dict[str, str]:
    return {} if expires_after is None else {"expires_after": str(expires_after)}


@dataclass(frozen=True, slots=True)
class Plan:
    """A named bundle that customers can be on. Its prices are `Catalog.plan_prices`."""

    key: str
    name: str
    description: str | None = None
    funding: Funding = field(default_factory=Funding)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    grants: Mapping[str, RecurringGrant] = field(default_factory=dict)
    listed: bool = True
    """Whether customers may choose it themselves; the operator can put them on any plan."""
