"""The meter's quantity rules: what an event's quantity counts as."""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.catalog.model import Aggregation, Meter, Rounding
from tollkeeper.money import EXACT, ONE, ZERO, add, multiply

COUNTING = frozenset({Aggregation.COUNT, Aggregation.UNIQUE_COUNT})
"""Aggregations for which an event counts as 1, whatever its quantity, but for 0."""


def billed_quantity(meter: Meter, quantity: Decimal) -> Decimal:
    """What `quantity` counts as on this meter: minimum first, then rounding to the step; 0 stays 0.

    Signs are symmetric: a correction of −0.4 counts exactly as much as an event of 0.4. A correction of a part of an
    event is therefore the difference of two results, of the event's quantity after and before it.
    """
    if not quantity:
        return ZERO
    if meter.aggregation in COUNTING:
        return ONE if quantity > 0 else -ONE
    return rounded(meter, raised(meter, quantity))


def raised(meter: Meter, quantity: Decimal) -> Decimal:
    """`quantity`, or the meter's minimum where that is more."""
    if meter.minimum is None or quantity.copy_abs() >= meter.minimum:
        return quantity
    return meter.minimum.copy_sign(quantity)


def rounded(meter: Meter, quantity: Decimal) -> Decimal:
    """`quantity` as a multiple of the meter's step; halves go away from zero."""
    if meter.rounding is None:
        return quantity
    steps, rest = EXACT.divmod(quantity.copy_abs(), meter.step)
    if meter.rounding is Rounding.UP:
        further = rest > 0
    elif meter.rounding is Rounding.NEAREST:
        further = add(rest, rest) >= meter.step
    else:
        further = False
    result = multiply(add(steps, ONE) if further else steps, meter.step)
    return result.copy_sign(quantity) if result else ZERO
