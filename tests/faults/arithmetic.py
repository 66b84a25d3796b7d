"""What usage must cost, computed a second time: from docs/reference/charge-models.md, with fractions alone.

It shares no code with what it checks, not even its rounding or its calendar of tiers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

F = Fraction
Table = Mapping[str, Any]

CATALOG = """\
currency = "USD"

[meters.plain]
unit = "call"
decimals = 3
dimensions = ["job", "region"]
[prices.plain]
model = "unit"
amount = "0.25"

[meters.thirds]
unit = "token"
[prices.thirds]
model = "unit"
amount = "1"
per = 3
discount_percent = "7.5"

[meters.tiered]
unit = "minute"
decimals = 2
[prices.tiered]
model = "graduated"
period = "day"
included = "1.5"
tiers = [
  { up_to = 10, amount = "0.70", flat = "2" },
  { up_to = 50, amount = "0.31" },
  { amount = "1", per = 7 },
]

[meters.volume]
unit = "page"
decimals = 0
[prices.volume]
model = "volume"
tiers = [{ up_to = 20, amount = "0.11" }, { up_to = 60, amount = "0.05", flat = "1" }, { amount = "0.01" }]

[meters.packs]
unit = "page"
minimum = "0.5"
round = "up"
step = "0.25"
[prices.packs]
model = "package"
amount = "1.99"
size = "2.5"
period = "week"
maximum = "500"

[meters.taken]
unit = "payment"
decimals = 0
[prices.taken]
model = "percentage"
percent = "2.9"
fixed = "0.30"
event_minimum = "0.50"
event_maximum = "20.00"

[meters.costly]
unit = "answer"
[prices.costly]
model = "cost_plus"
margin_percent = "25"
fixed = "0.01"
fallback = "0.5"

[meters.calls]
unit = "call"
aggregation = "count"
[prices.calls]
model = "graduated"
tiers = [{ up_to = 3, amount = "1" }, { amount = "0.1" }]

[meters.peak]
unit = "seat"
aggregation = "max"
[prices.peak]
model = "unit"
amount = "3"
period = "day"

[meters.gauge]
unit = "GB"
aggregation = "latest"
[prices.gauge]
model = "graduated"
tiers = [{ up_to = 5, amount = "0" }, { amount = "0.2" }]

[meters.people]
unit = "person"
aggregation = "unique_count"
unique_by = "member"
[prices.people]
model = "unit"
amount = "4"

[meters.unpriced]
unit = "thing"
"""
"""Every charge model and every aggregation, with numbers that don't divide evenly."""

DOCUMENT = tomllib.loads(CATALOG)


def rounded(amount: Fraction) -> Fraction:
    """12 decimals, half to even."""
    return F(round(amount * 10**12), 10**12)


def billed(meter: Table, quantity: Fraction) -> Fraction:
    """What an event's quantity counts as: minimum, then rounding up to the step."""
    if meter.get("aggregation") in ("count", "unique_count"):
        return F((quantity > 0) - (quantity < 0))
    if quantity == 0:
        return F(0)
    size = max(abs(quantity), F(meter.get("minimum", 0)))
    if "round" in meter:
        step = F(meter.get("step", 1))
        steps = size / step
        match meter["round"]:
            case "up":
                size = step * -(-steps.numerator // steps.denominator)
            case "down":
                size = step * (steps.numerator // steps.denominator)
            case _:
                size = step * ((2 * steps.numerator + steps.denominator) // (2 * steps.denominator))
    return size if quantity > 0 else -size


def _tiers(price: Table) -> list[tuple[Fraction, Fraction | None, Table]]:
    found, lower = [], F(0)
    for tier in price["tiers"]:
        top = F(tier["up_to"]) if "up_to" in tier else None
        found.append((lower, top, tier))
        lower = top or lower
    return found


def _model(price: Table, quantity: Fraction) -> Fraction:
    match price["model"]:
        case "unit":
            return quantity * F(price["amount"]) / F(price.get("per", 1))
        case "package":
            packages = quantity / F(price["size"])
            return F(price["amount"]) * -(-packages.numerator // packages.denominator)
        case "graduated":
            total = F(0)
            for lower, top, tier in _tiers(price):
                if quantity > lower:
                    part = (quantity if top is None else min(quantity, top)) - lower
                    total += part * F(tier.get("amount", 0)) / F(tier.get("per", 1)) + F(tier.get("flat", 0))
            return total
        case "volume":
            for _, top, tier in _tiers(price):
                if quantity and (top is None or quantity <= top):
                    return quantity * F(tier.get("amount", 0)) / F(tier.get("per", 1)) + F(tier.get("flat", 0))
            return F(0)
    raise AssertionError(price["model"])


def period_price(price: Table, quantity: Fraction) -> Fraction:
    """What a period's quantity costs under a price that goes by the period."""
    included = F(price.get("included", 0))
    if price["model"] != "unit" or included:
        quantity = max(F(0), quantity - included)
    return _finished(price, _model(price, quantity))


def event_price(price: Table, quantity: Fraction, amount: Fraction | None, cost: Fraction | None) -> Fraction | None:
    """What one event costs under a price that goes by the event."""
    if not quantity and not amount and not cost:
        return F(0)
    if price["model"] == "cost_plus":
        if cost is None and "fallback" not in price:
            return None
        share = quantity * F(price["fallback"]) if cost is None else cost * (100 + F(price["margin_percent"])) / 100
        return _finished(price, share + F(price.get("fixed", 0)))
    assert amount is not None
    if price["model"] == "dynamic":
        return _finished(price, amount * F(price.get("multiplier", 1)))
    share = abs(amount) * F(price["percent"]) / 100 + F(price.get("fixed", 0))
    share = max(share, F(price.get("event_minimum", 0)))
    share = min(share, F(price["event_maximum"])) if "event_maximum" in price else share
    return _finished(price, -share if amount < 0 else share)


def _finished(price: Table, amount: Fraction) -> Fraction:
    amount = rounded(amount * (100 - F(price.get("discount_percent", 0))) / 100)
    return min(amount, F(price["maximum"])) if "maximum" in price else amount


def sum_of(amounts: Iterable[Fraction | str | None]) -> Fraction:
    """The sum, None left out."""
    return sum((F(amount) for amount in amounts if amount is not None), F(0))
