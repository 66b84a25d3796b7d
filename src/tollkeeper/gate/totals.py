"""Running totals: where each cumulative price stands in each period, locked while events are rated against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tollkeeper.catalog import Aggregation, Price
from tollkeeper.clock import period_of_day
from tollkeeper.db import Queries, Tx, array
from tollkeeper.events import unique_value
from tollkeeper.gate.model import Fact
from tollkeeper.money import ONE, ZERO, subtract
from tollkeeper.rating import MODELS, Measure, rate

_queries = Queries(__package__ or "")

TotalKey = tuple[str, str, datetime]
"""Customer id, price id, start of the period."""


@dataclass(slots=True)
class Total:
    """A running total as the transaction holds it."""

    customer_id: str
    price_id: str
    period_start: datetime
    value: Decimal
    held: Decimal
    """What open holds claim on top of it."""
    latest_at: datetime | None


async def rate_cumulative(tx: Tx, facts: list[Fact]) -> None:
    """Rate, in the order given, the facts whose charge depends on the period's other usage."""
    keys = [_total_key(fact) for fact in facts]
    totals = await lock_totals(tx, set(keys))
    fresh = await _claim_unique(tx, facts, keys)
    for fact, key in zip(facts, keys, strict=True):
        _rate_one(fact, totals[key], fresh)
    await _write(tx, totals.values())


def _total_key(fact: Fact) -> TotalKey:
    return total_key(fact.customer_id, _price(fact), fact.slot.day, fact.lane.zone)


def total_key(customer_id: str, price: Price, day: date, zone: ZoneInfo) -> TotalKey:
    """The running total of a price that an event of the local `day` belongs to."""
    return customer_id, str(price.price_id), period_of_day(day, price.period, zone).start


def _price(fact: Fact) -> Price:
    if fact.rule.price is None:
        raise ValueError(f"event {fact.event.id} has no price to be rated with")
    return fact.rule.price


def _rate_one(fact: Fact, total: Total, fresh: set[tuple[TotalKey, str]]) -> None:
    price = _price(fact)
    measure = fact.measure
    if MODELS[price.model].cumulative and fact.event.corrects is None:
        measure = Measure(_change(fact, total, fresh), fact.event.amount, fact.cost)
    rated = rate(price, measure, total.value, fact.previous)
    fact.charge, fact.estimated = rated.charge, rated.estimated
    fact.running_before, fact.running_after = total.value, rated.after
    total.value = rated.after


def _change(fact: Fact, total: Total, fresh: set[tuple[TotalKey, str]]) -> Decimal:
    """By how much the event changes the period's quantity."""
    match fact.lane.meter.aggregation:
        case Aggregation.MAX:
            return max(ZERO, subtract(fact.billed, total.value))
        case Aggregation.UNIQUE_COUNT:
            claim = ((fact.customer_id, fact.price_id or "", total.period_start), unique_value_of(fact))
            if not fact.billed or claim not in fresh:
                return ZERO
            fresh.remove(claim)
            return ONE
        case Aggregation.LATEST:
            # Where two events have the same time the larger quantity counts, so that the order of arrival doesn't.
            if total.latest_at is not None and (fact.time, fact.billed) < (total.latest_at, total.value):
                return ZERO
            total.latest_at = fact.time
            return subtract(fact.billed, total.value)
        case _:
            return fact.billed


def unique_value_of(fact: Fact) -> str:
    """The value that the event's meter counts once."""
    return unique_value(fact.event, fact.lane.meter) or ""


async def lock_totals(tx: Tx, keys: Collection[TotalKey]) -> dict[TotalKey, Total]:
    """These running totals, locked; those that don't exist yet at 0."""
    if not keys:
        return {}
    await tx.execute(_queries.open_totals, _key_arrays(sorted(keys)))
    return await read_totals(tx, keys)


async def read_totals(tx: Tx, keys: Collection[TotalKey]) -> dict[TotalKey, Total]:
    """Those of these running totals that exist."""
    found = await tx.all(Total, _queries.read_totals, _key_arrays(sorted(keys)))
    return {(total.customer_id, total.price_id, total.period_start): total for total in found}


async def claim_totals(tx: Tx, changes: Mapping[TotalKey, Decimal]) -> None:
    """Change what open holds claim of running totals."""
    keys = sorted(key for key, change in changes.items() if change)
    if keys:
        params = _key_arrays(keys) | {"change": array([changes[key] for key in keys])}
        await tx.execute(_queries.hold_totals, params)


async def _claim_unique(tx: Tx, facts: list[Fact], keys: list[TotalKey]) -> set[tuple[TotalKey, str]]:
    claims = {
        (key, unique_value_of(fact))
        for fact, key in zip(facts, keys, strict=True)
        if fact.lane.meter.aggregation is Aggregation.UNIQUE_COUNT and fact.event.corrects is None and fact.billed
    }
    if not claims:
        return set()
    rows = sorted(claims)
    params = _key_arrays([key for key, _ in rows]) | {"value": [value for _, value in rows]}
    cursor = await tx.execute(_queries.claim_unique_values, params)
    return {((row[0], row[1], row[2]), row[3]) for row in await cursor.fetchall()}


async def _write(tx: Tx, totals: Iterable[Total]) -> None:
    rows = sorted(totals, key=lambda total: (total.customer_id, total.price_id, total.period_start))
    params = _key_arrays([(row.customer_id, row.price_id, row.period_start) for row in rows])
    params["value"] = array([row.value for row in rows])
    params["latest_at"] = array([row.latest_at and row.latest_at.isoformat() for row in rows])
    await tx.execute(_queries.write_totals, params)


def _key_arrays(keys: list[TotalKey]) -> dict[str, object]:
    return {
        "customer_id": array([key[0] for key in keys]),
        "price_id": array([key[1] for key in keys]),
        "period_start": array([key[2].isoformat() for key in keys]),
    }
