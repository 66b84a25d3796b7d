"""Lanes: what is the same for all events of one customer and meter, prepared once and kept while nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from tollkeeper.catalog import Aggregation, Catalog, Meter, Price
from tollkeeper.clock import zone
from tollkeeper.customers import Agreement, Customer
from tollkeeper.events import EventIn, Reason, Series, SeriesIndex
from tollkeeper.money import is_currency
from tollkeeper.rating import MODELS, linear_rate, needs_running_total

_MOST_LANES = 500_000
_MOST_SERIES = 1000
"""A dimension with more values, such as a candidate's name, isn't worth keeping for each customer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A price, or the absence of one, prepared for rating."""

    price: Price | None
    price_id: str | None
    unit: str | None
    rate: Decimal | None
    """The exact charge of one unit, where that alone decides."""
    needs_total: bool
    needs_amount: bool
    problem: Reason | None
    """Why nothing can be rated with it."""


NO_PRICE = Rule(None, None, None, None, needs_total=False, needs_amount=False, problem=None)


@dataclass(frozen=True, slots=True)
class Lane:
    """One customer's use of one meter."""

    customer: Customer
    customer_id: str
    zone: ZoneInfo
    meter: Meter
    bare: bool
    """Whether events count as they are: summed up, without quantity rules."""
    rules: dict[UUID, Rule]
    only: Rule | None
    """The rule, where the same one holds at all times."""
    catalog: Catalog
    agreement: Agreement
    series: dict[tuple[object, ...], Series]
    """The series met so far, by unit of charge, member and dimensions as they came."""

    def series_of(self, event: EventIn, unit: str | None, index: SeriesIndex) -> Series:
        """The series that an event of this lane belongs to."""
        dimensions = event.dimensions
        # Names, then values: one flat tuple hashes faster than pairs, and its length tells the two apart.
        content = (unit, event.member, *dimensions, *dimensions.values()) if dimensions else (unit, event.member)
        series = self.series.get(content)
        if series is None:
            series = index.find(self.customer_id, self.meter.key, event.member, dimensions, unit)
            if len(self.series) < _MOST_SERIES:
                self.series[content] = series
        return series

    def rule_at(self, time: datetime) -> Rule:
        """The rule for an event at `time`."""
        if self.only is not None:
            return self.only
        change = self.agreement.change_at(time) if self.agreement.plans else None
        plan = (change.plan if change else None) or self.catalog.default_plan
        return self.rule_of(self.catalog.price_for(self.meter.key, self.customer.key, time, plan))

    def rule_of(self, price: Price | None) -> Rule:
        """The rule for a price."""
        if price is None:
            return NO_PRICE
        rule = self.rules.get(price.price_id)
        if rule is None:
            rule = self.rules[price.price_id] = _prepare(price, self.meter, self.customer)
        return rule


class Lanes:
    """The lanes of the catalog and customers that are in force."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._epochs: dict[str, int] = {}

    def hold(self, epochs: dict[str, int]) -> None:
        """Forget everything if the catalog or a customer has changed."""
        if epochs != self._epochs or len(self._lanes) > _MOST_LANES:
            self._lanes.clear()
            self._epochs = epochs

    def get(self, customer: str, meter: str) -> Lane | None:
        """The lane, if it's known."""
        return self._lanes.get((customer, meter))

    def open(self, customer: Customer, meter: Meter, catalog: Catalog, agreement: Agreement) -> Lane:
        """Prepare a lane."""
        lane = Lane(
            customer=customer,
            customer_id=str(customer.customer_id),
            zone=zone(customer.timezone),
            meter=meter,
            bare=meter.aggregation is Aggregation.SUM and meter.minimum is None and meter.rounding is None,
            rules={},
            only=_only_rule(catalog, customer, meter, agreement),
            catalog=catalog,
            agreement=agreement,
            series={},
        )
        self._lanes[customer.key, meter.key] = lane
        return lane


def _only_rule(catalog: Catalog, customer: Customer, meter: Meter, agreement: Agreement) -> Rule | None:
    """The rule that holds at all times, if there is just one: no override, and a general price without a change."""
    plans = {catalog.default_plan, *(change.plan for change in agreement.plans)}
    if (meter.key, customer.key) in catalog.prices or any((meter.key, plan) in catalog.plan_prices for plan in plans):
        return None
    history = catalog.prices.get((meter.key, None))
    if history is None:
        return NO_PRICE
    first = history.prices[0]
    always = len(history.prices) == 1 and isinstance(first, Price) and first.effective_from.year == 1
    return _prepare(first, meter, customer) if always and isinstance(first, Price) else None


def _prepare(price: Price, meter: Meter, customer: Customer) -> Rule:
    problem = None
    if is_currency(price.unit) and price.unit != customer.currency:
        problem = Reason(
            "currency_mismatch",
            f"The price of {meter.key!r} is in {price.unit}, and the customer's currency is {customer.currency}; "
            "give the customer a price of its own.",
            "customer",
        )
    return Rule(
        price=price,
        price_id=str(price.price_id),
        unit=price.unit,
        rate=linear_rate(price, meter),
        needs_total=needs_running_total(price, meter),
        needs_amount=MODELS[price.model].needs_amount,
        problem=problem,
    )
