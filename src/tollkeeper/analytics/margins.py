"""Margins: what is left of the charges when AI providers have taken their costs, by whatever usage is grouped by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from tollkeeper.analytics.cover import by_events, cover
from tollkeeper.analytics.models import CallSum, call_sums
from tollkeeper.analytics.ranges import check_range
from tollkeeper.analytics.windows import Window, cut
from tollkeeper.catalog import Catalog
from tollkeeper.clock import Interval, zone
from tollkeeper.db import Queries, Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.money import HUNDRED, ZERO, add, price_of, round_to, subtract

_queries = Queries(__package__ or "", "costs.queries.sql")

PERCENT_DECIMALS = 2
_BY_CALLS = frozenset({"provider", "model"})
_ROLLED_UP = frozenset({"customer", "meter", *_BY_CALLS})
"""What the rollups of calls know; with anything else, calls are read one by one."""
_OWN = frozenset({"member", *_ROLLED_UP})
_COUNTS = "events", "calls", "unpriced", "uncosted", "estimated"
_AMOUNTS = "charge", "cost", "uncosted_charge", "estimated_charge", "estimated_cost"
_FIGURES = *_COUNTS, *_AMOUNTS
_WINDOWS = {"hour": Window.HOUR, "day": Window.DAY, "month": Window.MONTH}


class Order(StrEnum):
    """How rows are sorted: by their groups, or by a figure, the largest first."""

    GROUP = "group"
    CHARGE = "charge"
    COST = "cost"
    MARGIN = "margin"


@dataclass(frozen=True, slots=True)
class MarginQuery:
    """What to show. `group_by` are `customer`, `meter`, `member`, `provider`, `model`, declared dimensions, or a window
    of time: `hour`, `day`, `month`."""

    start: datetime
    end: datetime
    group_by: tuple[str, ...] = ()
    customer_id: UUID | None = None
    """Only this customer; all of them by default."""
    meter: str | None = None
    timezone: str = "UTC"
    """IANA name of the zone that windows are cut in. Providers count their days in UTC."""
    order: Order = Order.GROUP


@dataclass(frozen=True, slots=True)
class MarginRow:
    """What a group of events came to, each of them with its corrections."""

    start: datetime
    end: datetime
    group: dict[str, str | None]
    unit: str | None
    """The unit of value of the charges; None where no price was in force."""
    events: int
    """Without corrections. By provider or model: those that have calls of it, so that they don't add up."""
    calls: int
    """Provider calls; only known by provider or model."""
    charge: Decimal
    cost: Decimal
    """In the catalog's currency."""
    margin: Decimal | None
    """charge − cost; None where they are in different units."""
    margin_percent: Decimal | None
    """The margin in percent of the cost, as in `cost_plus` prices; rounded to 2 decimals, None without a cost."""
    unpriced: int
    """Events that couldn't be charged yet."""
    uncosted: int
    """Events whose cost isn't known: nothing of it is in `cost` ..."""
    uncosted_charge: Decimal
    """... and what they are charged, which is in `charge`."""
    estimated: int
    """Events whose charge goes by a fallback, or whose cost is an estimate ..."""
    estimated_charge: Decimal
    estimated_cost: Decimal
    """... and what they come to."""
    without_calls: int | None
    """Events that told of no provider call, so that nobody knows what they cost: it counts as 0 ..."""
    without_calls_charge: Decimal | None
    """... and what they are charged. Both None by member or dimension without model: no rollup of calls knows those."""


@dataclass(slots=True)
class _Sum:
    """What is added up of a window, unit and group."""

    slot: int
    unit: str | None
    labels: list[str | None]
    events: int = 0
    calls: int = 0
    charge: Decimal = ZERO
    cost: Decimal = ZERO
    unpriced: int = 0
    uncosted: int = 0
    estimated: int = 0
    uncosted_charge: Decimal = ZERO
    estimated_charge: Decimal = ZERO
    estimated_cost: Decimal = ZERO
    with_calls: int = 0
    with_calls_charge: Decimal = ZERO

    def add(self, other: _Sum, sign: int = 1) -> None:
        """Add another sum of the same group, or take it off."""
        for name in (*_COUNTS, "with_calls"):
            setattr(self, name, getattr(self, name) + sign * getattr(other, name))
        move = add if sign > 0 else subtract
        for name in (*_AMOUNTS, "with_calls_charge"):
            setattr(self, name, move(getattr(self, name), getattr(other, name)))

    @property
    def empty(self) -> bool:
        """Whether there's nothing in it."""
        return not (self.events or self.calls or self.charge or self.cost or self.unpriced)


async def margins(tx: Tx, catalog: Catalog, query: MarginQuery) -> list[MarginRow]:
    """The rows of `query`, one for each window, group and unit of value.

    Charges and costs add up to those in the ledger. Raises InvalidInput `invalid_range`, `too_many_windows`,
    `unknown_dimension`, `invalid_group_by`.
    """
    window = _window(catalog, query.group_by)
    span = check_range(query.start, query.end)
    windows = cut(window, span.start, span.end, zone(query.timezone))
    labels = [name for name in query.group_by if name not in _WINDOWS]
    by_calls = bool(_BY_CALLS & {*labels})
    used = await tx.scalars(_queries.zones_in_use, {"customer_id": query.customer_id})
    parts = cover(windows, used)
    params = parts.params() | {
        "from": span.start,
        "to": span.end,
        "group_by": labels,
        "by_calls": by_calls,
        "customer_id": query.customer_id,
        "meter": query.meter,
    }
    found = _Sums()
    for one in await tx.all(_Sum, _queries.margin_sums, params):
        found.of(one).add(one)
    for one in await tx.all(_Sum, _queries.margin_doubts, params):
        found.of(one).add(one)
    rolled_up = _ROLLED_UP.issuperset(labels)
    told = by_calls or rolled_up
    if told:
        known = parts if rolled_up else by_events(windows, used)
        for calls in await call_sums(tx, known, labels, customer_id=query.customer_id, meter=query.meter):
            found.count_calls(calls, labels, by_calls)
    rows = (_row(one, windows[one.slot - 1], labels, catalog, told) for one in found.values() if not one.empty)
    return sorted(rows, key=_sort_key(query.order))


class _Sums(dict[tuple[Any, ...], _Sum]):
    """Sums by window, unit and group."""

    def of(self, one: _Sum) -> _Sum:
        return self.setdefault((one.slot, one.unit, *one.labels), _Sum(one.slot, one.unit, one.labels))

    def count_calls(self, calls: CallSum, labels: Sequence[str], by_calls: bool) -> None:
        """Tell events with calls from those without; by provider or model they also move to groups of their own."""
        one = _of_calls(calls) if by_calls else _Sum(calls.slot, calls.unit, calls.labels)
        one.with_calls, one.with_calls_charge = calls.events if by_calls else calls.firsts, calls.charge
        self.of(one).add(one)
        if by_calls:
            bare = _without_calls(calls, labels)
            self.of(bare).add(bare, -1)


def _of_calls(one: CallSum) -> _Sum:
    return _Sum(one.slot, one.unit, one.labels, **{name: getattr(one, name) for name in _FIGURES})


def _without_calls(one: CallSum, labels: Sequence[str]) -> _Sum:
    """What the sums of all events, which know no calls, have of these."""
    bare = [None if name in _BY_CALLS else label for name, label in zip(labels, one.labels, strict=True)]
    figures = {"events": one.firsts, "charge": one.charge, "cost": one.cost, "unpriced": one.first_unpriced}
    return _Sum(one.slot, one.unit, bare, **figures)


def sums_by_unit(rows: Iterable[MarginRow], span: Interval, catalog: Catalog) -> list[MarginRow]:
    """What all rows come to, by unit of value. Of events it says nothing: by model they don't add up."""
    totals: dict[str, _Sum] = {}
    told = True
    for row in rows:
        told = told and row.without_calls_charge is not None
        with_calls = subtract(row.charge, row.without_calls_charge or ZERO)
        one = _Sum(1, row.unit, [], charge=row.charge, cost=row.cost, with_calls_charge=with_calls)
        totals.setdefault(row.unit or "", _Sum(1, row.unit, [])).add(one)
    return sorted((_row(one, span, [], catalog, told) for one in totals.values()), key=_sort_key(Order.GROUP))


def _window(catalog: Catalog, group_by: Sequence[str]) -> Window:
    """The window among what it's grouped by, once it's certain that all of it can be grouped by."""
    declared = set().union(*(meter.dimensions for meter in catalog.meters.values()))
    for name in group_by:
        if name not in _OWN and name not in _WINDOWS and name not in declared:
            raise InvalidInput("unknown_dimension", f"No meter declares {name!r}.", field="group_by")
    found = [_WINDOWS[name] for name in group_by if name in _WINDOWS]
    if len(found) > 1 or len({*group_by}) < len(group_by):
        told = "Group by each thing once, and by one of hour, day and month."
        raise InvalidInput("invalid_group_by", told, field="group_by")
    return found[0] if found else Window.TOTAL


def _row(total: _Sum, window: Interval, labels: Sequence[str], catalog: Catalog, told: bool) -> MarginRow:
    margin = None if total.unit not in (None, catalog.currency) else subtract(total.charge, total.cost)
    return MarginRow(
        start=window.start,
        end=window.end,
        group=dict(zip(labels, total.labels, strict=True)),
        unit=total.unit,
        events=total.events,
        calls=total.calls,
        charge=total.charge,
        cost=total.cost,
        margin=margin,
        margin_percent=percent_of_cost(margin, total.cost),
        unpriced=total.unpriced,
        uncosted=total.uncosted,
        uncosted_charge=total.uncosted_charge,
        estimated=total.estimated,
        estimated_charge=total.estimated_charge,
        estimated_cost=total.estimated_cost,
        without_calls=total.events - total.with_calls if told else None,
        without_calls_charge=subtract(total.charge, total.with_calls_charge) if told else None,
    )


def percent_of_cost(margin: Decimal | None, cost: Decimal) -> Decimal | None:
    """A margin in percent of the cost, rounded to 2 decimals; None without a cost."""
    return None if margin is None or cost <= 0 else round_to(price_of(margin, HUNDRED, cost), PERCENT_DECIMALS)


def _by_group(row: MarginRow) -> tuple[Any, ...]:
    labels = [(label is not None, label or "") for label in row.group.values()]
    return row.start, labels, row.unit is not None, row.unit or ""


def _sort_key(order: Order) -> Callable[[MarginRow], tuple[Any, ...]]:
    """Windows first, then the groups, or the largest figure first; rows that have none last."""

    def by_figure(row: MarginRow) -> tuple[Any, ...]:
        figure: Decimal | None = getattr(row, order.value)
        return row.start, figure is None, subtract(ZERO, figure or ZERO), _by_group(row)

    return _by_group if order is Order.GROUP else by_figure
