"""What usage is charged by another price: the engine's own rating, day by day, over the totals of its periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from tollkeeper.analytics import UsageRow
from tollkeeper.catalog import Meter, Price
from tollkeeper.catalog.model import ADDITIVE
from tollkeeper.clock import calendar_period, local_slot
from tollkeeper.money import ZERO, add, sum_of
from tollkeeper.rating import MODELS, Measure, rate


@dataclass(slots=True)
class PeriodCharge:
    """What the usage of the span adds to the price of one period."""

    before: Decimal = ZERO
    """The period's quantity when the span began."""
    quantity: Decimal = ZERO
    charge: Decimal = ZERO


@dataclass(slots=True)
class Rerated:
    """What one meter's usage is charged by a price."""

    price: Price
    periods: dict[date, PeriodCharge] = field(default_factory=dict)
    """Of the span, by their first days."""
    days: dict[date, Decimal] = field(default_factory=dict)
    """Of the span."""
    lead: dict[date, Decimal] = field(default_factory=dict)
    """Of the time before it; the day that the span begins within may be in both."""

    @property
    def total(self) -> Decimal:
        """What the span's usage is charged."""
        return sum_of(period.charge for period in self.periods.values())


def rerate(
    meter: Meter, price: Price, rows: Sequence[UsageRow], lead: Sequence[UsageRow], zone: ZoneInfo
) -> Rerated | None:
    """What days are charged by a price, after those of `lead`; None where sums of days don't tell.

    They do for a price of the period's quantity, and for one that takes the cost and a margin, if all costs are known
    (which the caller has seen to). Any other price goes by single events.
    """
    if not _told_by_sums(meter, price):
        return None
    found = Rerated(price)
    running: dict[date, Decimal] = {}
    quantities: dict[date, Decimal] = {}
    for row, counts in _in_order(lead, rows):
        day = local_slot(row.start, zone).day
        first, _ = calendar_period(day, price.period)
        cost = row.cost if MODELS[price.model].by_cost else None
        rated = rate(price, Measure(row.quantity, cost=cost), running.get(first, ZERO))
        charge = rated.charge or ZERO
        if counts:
            period = found.periods.setdefault(first, PeriodCharge(before=quantities.get(first, ZERO)))
            period.quantity, period.charge = add(period.quantity, row.quantity), add(period.charge, charge)
        running[first] = rated.after
        quantities[first] = add(quantities.get(first, ZERO), row.quantity)
        days = found.days if counts else found.lead
        days[day] = add(days.get(day, ZERO), charge)
    return found


def _told_by_sums(meter: Meter, price: Price) -> bool:
    model = MODELS[price.model]
    if model.cumulative:
        return meter.aggregation in ADDITIVE
    # Sums of days don't tell what each event adds by itself, nor which of their cost delivered nothing.
    return model.by_cost and not {"fixed", "undelivered"} & price.terms.as_table().keys()


def _in_order(lead: Sequence[UsageRow], rows: Sequence[UsageRow]) -> Iterator[tuple[UsageRow, bool]]:
    """The days one after the other, and whether they're of the span."""
    yield from ((row, False) for row in lead)
    yield from ((row, True) for row in rows)
