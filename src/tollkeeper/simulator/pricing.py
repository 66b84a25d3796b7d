"""What a call costs by the price book, and what the provider takes for it, unit by unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tollkeeper.errors import InvalidInput
from tollkeeper.money import ZERO, add, price_of
from tollkeeper.providers import CallFacts, Unit, book, extract
from tollkeeper.simulator.model import Provider, Reply

_UNKNOWN, _PER = Decimal(2), Decimal(1_000_000)
"""A provider has a price for all that it sells. What the book doesn't know is sold at so much."""

_SOLD_AS = {Unit.REASONING_TOKENS: Unit.OUTPUT_TOKENS}


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A call's quantities and money."""

    quantities: Mapping[str, Decimal]
    cost: Decimal | None
    """By the book; None: unpriced."""
    asked: Mapping[str, Decimal] = field(default_factory=dict)
    """What the provider takes, by the unit that it sells: reasoning is sold as output."""


def reckon(provider: Provider, reply: Reply, at: datetime) -> Reckoned:
    """Quantities and cost. A dictated usage object that means nothing has neither."""
    try:
        quantities = extract(provider, {**_tools(reply), **reply.usage}, model=reply.model)
    except InvalidInput:
        return Reckoned({}, None)
    found = {str(unit): quantity for unit, quantity in quantities.items() if quantity}
    if reply.endpoint == "moderations":
        return Reckoned(found, ZERO)
    priced = book().price(CallFacts(provider, reply.model, quantities, at, reply.service_tier))
    known = {line.unit: line.cost for line in priced.lines}
    asked: dict[str, Decimal] = {}
    for unit, quantity in found.items():
        sold = _SOLD_AS.get(Unit(unit), unit)
        asked[sold] = add(asked.get(sold, ZERO), known.get(unit, price_of(quantity, _UNKNOWN, _PER)))
    return Reckoned(found, priced.cost, {str(unit): amount for unit, amount in asked.items()})


def _tools(reply: Reply) -> dict[str, int]:
    """Searches, which stand beside the usage object."""
    return {name: number for name, number in reply.counted.items() if name == "web_searches"}
