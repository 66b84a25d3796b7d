"""What is sold: units of value, meters, prices; and the catalog that holds them. Immutable values, no I/O.

A catalog is written as TOML, compiled into these values, and applied as a new version. A price is never edited: a
change adds a price with a later `effective_from`, and the one in force at an event's time rates the event.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tollkeeper.catalog.attribution import Attribution
from tollkeeper.catalog.plans import Funding, Limit, MeterGroup, OnExpiry, Pack, Plan, TopUpOffer
from tollkeeper.clock import Period
from tollkeeper.money import ZERO, plain


class Aggregation(StrEnum):
    """How the events of a period become one quantity."""

    SUM = "sum"
    """The quantities added up."""
    COUNT = "count"
    """How many events."""
    MAX = "max"
    """The largest quantity."""
    UNIQUE_COUNT = "unique_count"
    """How many distinct values of the meter's `unique_by`."""
    LATEST = "latest"
    """The quantity of the event with the latest time: a gauge."""


ADDITIVE = frozenset({Aggregation.SUM, Aggregation.COUNT})
"""Aggregations under which an event adds its own quantity to the period's, whatever came before."""


class Rounding(StrEnum):
    """How a quantity is brought to a multiple of the meter's `step`."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"
    """Half away from zero, as people round minutes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A credit that the catalog declares. Currencies need no declaration."""

    key: str
    name: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted. `unit` is for people ("CV", "token"); the quantity rules apply to each event."""

    key: str
    name: str
    unit: str
    aggregation: Aggregation = Aggregation.SUM
    decimals: int = 6
    """Most decimals that a quantity may have."""
    minimum: Decimal | None = None
    """An event counts at least this much (but an event of 0 counts 0)."""
    rounding: Rounding | None = None
    step: Decimal = Decimal(1)
    dimensions: tuple[str, ...] = ()
    """What usage can be grouped by."""
    unique_by: str | None = None
    """For `unique_count`: "member", a declared dimension, or a metadata key."""
    on_expiry: OnExpiry = OnExpiry.RELEASE
    """What becomes of a hold in doubt on this meter, when it expires."""


class Terms(Protocol):
    """The terms of one charge model, as parsed by it from the catalog. Each model in `rating/models/` has its own."""

    def as_table(self) -> dict[str, Any]:
        """The canonical table: strings and lists only, as stored and compared."""
        ...


class ChargeModel(Protocol):
    """What the catalog needs of a charge model. The models themselves are `rating.MODELS`, further down the stream."""

    @property
    def name(self) -> str:
        """How a price calls it: `model = "unit"`."""
        ...

    @property
    def cumulative(self) -> bool:
        """Whether it prices the quantity of a period (tiers, packages) or each event alone."""
        ...

    @property
    def by_cost(self) -> bool:
        """Whether it goes by what the AI provider takes, which is known in the catalog's currency only."""
        ...

    def parse(self, table: Mapping[str, object], *, problem: Callable[[str, str], None]) -> Terms | None:
        """The terms in `table`, the model's own keys of a price.

        `problem` takes the path of each key that can't be used ("tiers[1].up_to"; unknown keys too) and a sentence.
        None after at least one problem.
        """
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """The rule from usage to charge, for one meter, for everyone, one plan or one customer, from a date on.

    Applied in this order: included quantity → charge model → percent discount → maximum spend, each per `period` of the
    customer's calendar. The meter's quantity rules come before.
    """

    price_id: UUID
    meter: str
    customer: str | None
    """The operator's key of the customer that this price overrides the general one for; None for everyone or a plan."""
    effective_from: datetime
    unit: str
    """The unit of value that is charged: a currency or a declared credit."""
    model: str
    """The charge model's name, a key of `rating.MODELS`."""
    terms: Terms
    period: Period = Period.MONTH
    included: Decimal = ZERO
    """Quantity per period that costs nothing."""
    discount_percent: Decimal = ZERO
    maximum: Decimal | None = None
    """Most that one customer is charged per period."""
    plan: str | None = None
    """The plan whose customers this price overrides the general one for."""

    def content(self) -> dict[str, Any]:
        """All that decides the charge, as a canonical table: two prices of the same content charge the same."""
        return {
            "model": self.model,
            "unit": self.unit,
            "terms": self.terms.as_table(),
            "period": self.period.value,
            "included": plain(self.included),
            "discount_percent": plain(self.discount_percent),
            "maximum": None if self.maximum is None else plain(self.maximum),
        }


@dataclass(frozen=True, slots=True)
class NoPrice:
    """From `effective_from` on there is no price: it was taken out of the catalog."""

    meter: str
    customer: str | None
    effective_from: datetime
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was to begin at `effective_from` doesn't: it was taken out of the catalog before it began."""

    meter: str
    customer: str | None
    effective_from: datetime
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """All prices of one meter for one scope (everyone, one plan or one customer), oldest first."""

    starts: tuple[datetime, ...]
    prices: tuple[Price | NoPrice, ...]

    def at(self, instant: datetime) -> Price | None:
        """The price in force at `instant`, if there is one."""
        i = bisect_right(self.starts, instant) - 1
        if i < 0:
            return None
        price = self.prices[i]
        return price if isinstance(price, Price) else None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The catalog in force: what one version declares, and the prices of all versions."""

    version: int
    currency: str
    units: Mapping[str, Unit] = field(default_factory=dict)
    meters: Mapping[str, Meter] = field(default_factory=dict)
    prices: Mapping[tuple[str, str | None], PriceHistory] = field(default_factory=dict)
    """By meter and customer key; customer None holds the prices for everyone."""
    plan_prices: Mapping[tuple[str, str], PriceHistory] = field(default_factory=dict)
    """By meter and plan."""
    groups: Mapping[str, MeterGroup] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Those for everyone. A plan's limit of the same name replaces one of them, and a customer's own both."""
    plans: Mapping[str, Plan] = field(default_factory=dict)
    funding: Funding = field(default_factory=Funding)
    """Where money comes from, for everyone."""
    customer_funding: Mapping[str, Funding] = field(default_factory=dict)
    """By customer key: what differs for single customers."""
    default_plan: str | None = None
    """The plan of customers that were never put on one."""
    attribution: Attribution = field(default_factory=Attribution)
    """Which meter a provider's cost belongs to, where events didn't bring their calls."""
    top_ups: Mapping[str, TopUpOffer] = field(default_factory=dict)
    """By unit of value: the amounts that customers may buy."""
    packs: Mapping[str, Pack] = field(default_factory=dict)
    """What they may buy in fixed sizes."""

    def price_for(self, meter: str, customer: str, at: datetime, plan: str | None = None) -> Price | None:
        """The price that rates an event of `customer`, on `plan`, at `at`: the customer's own, the plan's, the general.

        The first of them that is in force then.
        """
        own = self.prices.get((meter, customer))
        if own is not None and (price := own.at(at)) is not None:
            return price
        if plan is not None:
            planned = self.plan_prices.get((meter, plan))
            if planned is not None and (price := planned.at(at)) is not None:
                return price
        general = self.prices.get((meter, None))
        return None if general is None else general.at(at)
