"""From usage to charge, always in this order:

quantity rules (`quantity.py`) → included quantity → charge model → percent discount → maximum spend.

Included quantity, tiers, packages and maximum run over a period of the customer's calendar, so the charge of an event
is what it adds to the price of the period: F(before + quantity) − F(before). The sum of the charges is then the price
of the sum, however the usage is cut into events and in whichever order they come.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tollkeeper.catalog.model import ADDITIVE, Aggregation, Meter, Price
from tollkeeper.money import (
    CHARGE_DECIMALS,
    HUNDRED,
    ZERO,
    add,
    decimals_of,
    price_of,
    round_charge,
    subtract,
)
from tollkeeper.rating.model import Cumulative, Measure, PerEvent, Rated
from tollkeeper.rating.models import MODELS


def rate(price: Price, measure: Measure, before: Decimal = ZERO, previous: Measure | None = None) -> Rated:
    """The charge of one event.

    `before` is the period's running total without it. Cumulative models keep the quantity in it (and it may go below
    zero while corrections overtake usage); models that price each event keep the spend before the maximum, and need
    none where there is no maximum. For `max`, `unique_count` and `latest` meters the measure's quantity is what the
    event adds to the period's quantity, which can be 0 or less.

    A correction is given as the event after it (`measure`) and before it (`previous`). Under a cumulative model it may
    as well be given as the bare signed quantity.
    """
    model = MODELS[price.model]
    if isinstance(model, Cumulative):
        change = measure.quantity if previous is None else subtract(measure.quantity, previous.quantity)
        after = add(before, change)
        return Rated(subtract(price_of_period(price, after), price_of_period(price, before)), after)
    cost = price_of_event(price, measure)
    if cost is None:
        return Rated(None, before)
    if previous is not None:
        # What was unpriced has been charged nothing.
        cost = subtract(cost, price_of_event(price, previous) or ZERO)
    estimated = not model.sees_nothing(measure) and model.estimated(price.terms, measure)
    if price.maximum is None:
        return Rated(cost, before, estimated)
    after = add(before, cost)
    return Rated(subtract(capped(price, after), capped(price, before)), after, estimated)


def price_of_period(price: Price, quantity: Decimal) -> Decimal:
    """F: what a period's cumulative quantity costs, with every step."""
    return capped(price, spend_of_period(price, quantity))


def spend_of_period(price: Price, quantity: Decimal) -> Decimal:
    """What a period's cumulative quantity costs before the maximum, rounded once."""
    total = _cumulative(price).total(price.terms, charged_quantity(price, quantity))
    return round_charge(discounted(price, total))


def price_of_event(price: Price, measure: Measure) -> Decimal | None:
    """What one event costs by itself, before the maximum, rounded once; None where it can't be priced."""
    model = MODELS[price.model]
    if not isinstance(model, PerEvent):
        raise TypeError(f"{price.model} prices a period's quantity, not single events")
    if model.sees_nothing(measure):
        return ZERO
    charge = model.charge(price.terms, measure)
    return None if charge is None else round_charge(discounted(price, charge))


def charged_quantity(price: Price, quantity: Decimal) -> Decimal:
    """How much of a period's quantity is charged: what is above the included part, and never less than nothing.

    Only a linear price without an included part goes on below zero. Its charges need no running total, so they can't
    know whether corrections overtook the usage, and must be the same either way.
    """
    if _cumulative(price).linear and not price.included:
        return quantity
    return max(ZERO, subtract(quantity, price.included))


def discounted(price: Price, amount: Decimal) -> Decimal:
    """`amount` less the percent discount."""
    return price_of(amount, subtract(HUNDRED, price.discount_percent), HUNDRED) if price.discount_percent else amount


def capped(price: Price, spend: Decimal) -> Decimal:
    """A period's spend, or the maximum where that is less."""
    return spend if price.maximum is None else min(price.maximum, spend)


def price_of_running_total(price: Price, value: Decimal) -> Decimal:
    """What the charges of a period sum to when its running total has come to `value`."""
    return price_of_period(price, value) if MODELS[price.model].cumulative else capped(price, value)


def needs_running_total(price: Price, meter: Meter) -> bool:
    """Whether an event's charge depends on the period's other events, or on rounding their sum.

    It doesn't for a linear price whose every charge is exact in 12 decimals, nor for one that prices each event.
    """
    model = MODELS[price.model]
    if price.maximum is not None:
        return True
    return isinstance(model, Cumulative) and linear_rate(price, meter) is None


def linear_rate(price: Price, meter: Meter) -> Decimal | None:
    """The exact charge of one unit, discount included, where charge = quantity × rate holds for every event.

    Then quantity × rate is exact in 12 decimals and no running total is needed; None where either isn't so.
    """
    model = MODELS[price.model]
    if not isinstance(model, Cumulative) or price.included or price.maximum is not None:
        return None
    listed = model.linear_rate(price.terms)
    if listed is None or meter.aggregation not in ADDITIVE:
        return None
    rate = discounted(price, listed)
    return rate if decimals_of(rate) + _billed_decimals(meter) <= CHARGE_DECIMALS else None


def _billed_decimals(meter: Meter) -> int:
    """Most decimals that a billed quantity of this meter can have."""
    if meter.aggregation is Aggregation.COUNT:
        return 0
    if meter.rounding is not None:
        return decimals_of(meter.step)
    return max(meter.decimals, decimals_of(meter.minimum or ZERO))


def _cumulative(price: Price) -> Cumulative[Any]:
    model = MODELS[price.model]
    if not isinstance(model, Cumulative):
        raise TypeError(f"{price.model} prices single events, not a period's quantity")
    return model
