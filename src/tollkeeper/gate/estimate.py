"""Estimate: what a planned operation would be charged, and the arithmetic of it. Nothing is reserved or refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tollkeeper.calls import cost_steps
from tollkeeper.db import Tx
from tollkeeper.errors import TollError
from tollkeeper.gate.authorize import cost_unknown, estimate_charge, measure_of, understand
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.holds import HoldIn
from tollkeeper.gate.till import Tills
from tollkeeper.gate.totals import read_totals
from tollkeeper.money import ZERO, add
from tollkeeper.rating import Step, explain


@dataclass(frozen=True, slots=True)
class Estimated:
    """What an operation would be charged now."""

    charge: Decimal
    unit: str
    price_id: UUID
    steps: list[Step]
    estimated: bool
    """The price's fallback, because what the provider takes isn't known."""


async def estimate(tx: Tx, desk: Desk, item: HoldIn, *, tills: Tills) -> Estimated:
    """The charge behind all recorded usage and open holds. Raises NotFound and InvalidInput as `authorize`."""
    await tills.lock(tx, [])
    catalog, people = await desk.open(tx, tills, {item.customer})
    one = understand(item, catalog, people, desk, tills)
    if isinstance(one, TollError):
        raise one
    total = (await read_totals(tx, {one.total})).get(one.total) if one.total is not None else None
    found = estimate_charge(one, total)
    price = one.rule.price
    if found is None or price is None:
        raise cost_unknown(one.calls)
    before = ZERO if total is None else add(total.value, total.held)
    steps = explain(
        one.lane.meter,
        price,
        quantity=one.quantity,
        measure=measure_of(one, total),
        before=before,
        charge=found.charge,
        previous=None,
    )
    calls = cost_steps(one.calls, catalog.currency, one.cost)
    return Estimated(found.charge, price.unit, price.price_id, [*calls, *steps], found.estimated)
