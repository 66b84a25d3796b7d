"""The calls of a span, summed up so that whatever the price book says of one call of a group holds for all of them.

`width_bucket` counts the cuts that an instant or a size has reached: what `input_up_to` lets in is cut one token later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.catalog import Price, price_by_id
from tollkeeper.clock import Interval, local_slot, start_of_day
from tollkeeper.customers import Customer
from tollkeeper.db import Queries, Tx
from tollkeeper.money import ZERO, add
from tollkeeper.providers import CallFacts, PriceBook, PriceRow, smaller_ones
from tollkeeper.rating import MODELS

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Calls for which the same prices hold."""

    meter: str
    price: Price | None
    """By which their events were charged when they were recorded, whatever is in force now; None where by none."""
    charged: bool
    """Whether their events are charged: not if they were taken back, though the calls had been made."""
    day: int
    """Which local day of the span, counted from 1."""
    provider: str
    model: str
    service_tier: str
    batch: bool
    region: str
    rate: Decimal
    """The catalog's currency for 1 USD, at which their cost was exchanged; 1 where the catalog is in dollars."""
    at: datetime
    """When the first of them was answered."""
    whole: Decimal
    """The smallest prompt of them, in tokens: it says which sizes of prompts they belong to."""
    calls: int
    cost: Decimal
    """What they were booked with, in the catalog's currency."""
    quantities: Mapping[str, Decimal]
    """By unit, summed up."""
    situation: tuple[int, int, int, int]
    """Between which cuts of the book's rows they lie: dates, hours of the day, weekdays, sizes of prompts."""

    @property
    def price_id(self) -> str:
        """Tells prices apart; "" for none."""
        return str(self.price.price_id) if self.price else ""

    def facts(self, model: str | None = None, region: str | None = None, *, batch: bool | None = None) -> CallFacts:
        """What the price of one of them depends on; of another model, or in a batch, where that's told."""
        return CallFacts(
            provider=self.provider,
            model=model or self.model,
            quantities={"input_tokens": self.whole},
            at=self.at,
            service_tier=self.service_tier or None,
            batch=self.batch if batch is None else batch,
            region=region or self.region or None,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    meter: str
    price_id: UUID | None
    charged: bool
    day: int
    provider: str
    model: str
    service_tier: str
    batch: bool
    region: str
    rate: Decimal
    era: int
    hours: int
    weekday: int
    band: int
    at: datetime
    whole: Decimal
    calls: int
    cost: Decimal
    quantities: Mapping[str, str]


async def read_calls(tx: Tx, customer: Customer, span: Interval, book: PriceBook) -> list[CallGroup]:
    """The calls of events whose `time` lies in the span, by meter, model and day.

    The rollups say which models there are, and so which rows of the book matter.
    """
    first = local_slot(span.start, customer.zone).day
    after = local_slot(span.end - timedelta(microseconds=1), customer.zone).day + timedelta(days=1)
    named = {"customer_id": customer.customer_id, "first": first, "after": after}
    called = await tx.all(_Called, _queries.models_called, named)
    if not called:
        return []
    days = [start_of_day(first + timedelta(days=n), customer.zone) for n in range((after - first).days)]
    params = {
        "customer_id": customer.customer_id,
        "from": span.start,
        "to": span.end,
        "days": days,
        **_cuts(_rows_of(book, called)),
    }
    rows = await tx.all(_Row, _queries.call_groups, params)
    ids = {row.price_id for row in rows if row.price_id is not None}
    prices = {price_id: await price_by_id(tx, price_id, MODELS) for price_id in ids}
    found = [_group(row, prices.get(row.price_id) if row.price_id else None) for row in rows]
    return sorted(found, key=_place_and_day)


def _place_and_day(one: CallGroup) -> tuple[Any, ...]:
    return one.meter, one.provider, one.model, one.day, one.situation, not one.charged, one.price_id


@dataclass(frozen=True, slots=True)
class _Called:
    provider: str
    model: str


def _rows_of(book: PriceBook, called: Iterable[_Called]) -> list[PriceRow]:
    """Every row that may price what was called, or a smaller sibling of it."""
    found: list[PriceRow] = []
    for one in called:
        models = one.model, *(sibling.smaller for sibling in smaller_ones(one.provider, one.model))
        found += (row for model in models for row in book.rows_for(one.provider, model))
    return found


def _cuts(rows: Sequence[PriceRow]) -> dict[str, Any]:
    """Where what the rows say changes: in time, on the clock, and with the size of the prompt."""
    on = [row.conditions for row in rows]
    ups = {one.input_up_to + 1 for one in on if one.input_up_to is not None}
    overs = {one.input_above + 1 for one in on if one.input_above is not None}
    return {
        "instants": sorted({each for row in rows for each in (row.start, row.end) if each is not None}),
        "sizes": [Decimal(size) for size in sorted(ups | overs)],
        "minutes": [Decimal(each) for each in sorted({_minute(hour) for one in on for hour in one.hours or ()})],
        "weekdays": any(one.weekdays is not None for one in on),
    }


def _minute(hour: str) -> int:
    """ "16:30" as the minute of the day."""
    return int(hour[:2]) * 60 + int(hour[3:5])


def _group(row: _Row, price: Price | None) -> CallGroup:
    told = {unit: Decimal(quantity) for unit, quantity in row.quantities.items()}
    return CallGroup(
        meter=row.meter,
        price=price,
        charged=row.charged,
        day=row.day,
        provider=row.provider,
        model=row.model,
        service_tier=row.service_tier,
        batch=row.batch,
        region=row.region,
        rate=row.rate,
        at=row.at,
        whole=row.whole,
        calls=row.calls,
        cost=row.cost,
        quantities={unit: quantity for unit, quantity in told.items() if quantity},
        situation=(row.era, row.hours, row.weekday, row.band),
    )


def over_days(groups: Iterable[CallGroup]) -> list[CallGroup]:
    """The groups of all days put together, where the same prices hold."""
    found: dict[tuple[Any, ...], CallGroup] = {}
    for one in groups:
        kind = one.meter, one.price_id, one.charged, one.provider, one.model, one.service_tier, one.batch, one.region
        place = *kind, one.rate, one.situation
        before = found.get(place)
        found[place] = replace(one, day=0) if before is None else _together(before, one)
    return [*found.values()]


def _together(left: CallGroup, right: CallGroup) -> CallGroup:
    units = left.quantities.keys() | right.quantities.keys()
    sums = {unit: add(left.quantities.get(unit, ZERO), right.quantities.get(unit, ZERO)) for unit in sorted(units)}
    return replace(left, calls=left.calls + right.calls, cost=add(left.cost, right.cost), quantities=sums)
