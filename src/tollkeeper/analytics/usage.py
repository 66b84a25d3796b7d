"""Usage of one customer: by meter, window of time and declared dimensions. Exact, from the cheapest source."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from tollkeeper.analytics.ranges import check_range
from tollkeeper.analytics.windows import Piece, Source, Window, cut, pieces
from tollkeeper.catalog import Aggregation, Catalog, Meter
from tollkeeper.clock import BEGINNING, Interval, local_slot, start_of_day, zone
from tollkeeper.customers import Customer
from tollkeeper.db import Queries, Tx, array
from tollkeeper.errors import InvalidInput, NotFound
from tollkeeper.money import ZERO, add

_queries = Queries(__package__ or "")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What to show. `group_by` and `filter` name declared dimensions or "member"; no meter means all meters."""

    start: datetime
    end: datetime
    window: Window = Window.TOTAL
    meter: str | None = None
    timezone: str | None = None
    """IANA name of the zone that windows are cut in; the customer's own by default."""
    group_by: tuple[str, ...] = ()
    filter: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class UsageRow:
    """What one meter came to in one window and group. Not frozen: there are thousands, and that would take longer."""

    start: datetime
    end: datetime
    meter: str
    group: dict[str, str | None]
    events: int
    quantity: Decimal
    """By the meter's aggregation: the sum, the count, the largest, the latest, or how many distinct values."""
    charge: Decimal
    unit: str | None
    """The unit of value of `charge`; None where no price was in force."""
    cost: Decimal
    unpriced: int
    """Events that couldn't be priced; `charge` says nothing about them."""
    uncosted: int
    """Events with calls whose cost isn't known; `cost` says nothing about them."""
    estimated: int
    """Events whose charge stands in for one that isn't known yet."""


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What all meters and groups of one window were charged in one unit of value."""

    start: datetime
    end: datetime
    unit: str
    charge: Decimal


@dataclass(slots=True)
class Sum:
    """A row of one of the queries, or what several come to."""

    slot: int
    meter: str
    unit: str | None
    labels: list[str | None]
    events: int
    quantity: Decimal
    peak: Decimal | None
    latest: Decimal | None
    latest_at: datetime | None
    charge: Decimal
    cost: Decimal
    unpriced: int
    uncosted: int
    estimated: int


@dataclass(frozen=True, slots=True)
class _Unique:
    slot: int
    unit: str | None
    labels: list[str | None]
    quantity: int


_Series = tuple[str, str | None, tuple[str | None, ...]]
"""What the rows of all windows have in common: meter, unit, group."""

_BySlot = dict[_Series, dict[int, T]]
"""By series and number of the window: of thousands of rows there are few series, and few windows."""


def _order(series: _Series) -> tuple[Any, ...]:
    """What a window's rows are sorted by. An empty text is a value of its own, and None doesn't sort with texts."""
    meter, unit, labels = series
    return meter, unit is not None, unit or "", [(label is not None, label or "") for label in labels]


async def usage(tx: Tx, customer: Customer, catalog: Catalog, query: UsageQuery) -> list[UsageRow]:
    """The rows of `query`, by window, meter and group. Windows without usage have no row.

    Raises NotFound `unknown_meter`; InvalidInput `invalid_range`, `too_many_windows`, `unknown_dimension`.
    """
    meters = _meters(catalog, query)
    span = check_range(query.start, query.end)
    own = zone(customer.timezone)
    windows = cut(query.window, span.start, span.end, zone(query.timezone) if query.timezone else own)
    common = {
        "customer_id": customer.customer_id,
        "meter": query.meter,
        "group_by": list(query.group_by),
        "first": query.group_by[0] if query.group_by else None,
        "filter": Jsonb(dict(query.filter)),
        "gauged": any(meter.aggregation in _GAUGES for meter in meters),
    }
    sums: _BySlot[Sum] = {}
    by_source: dict[Source, list[Piece]] = {}
    # Days and months of the customer's own zone are made of whole days, wherever the next one begins.
    whole = query.window in _OF_DAYS and query.timezone in (None, customer.timezone)
    for piece in pieces([Interval(span.start, span.end)] if whole else windows, own):
        by_source.setdefault(piece.source, []).append(piece)
    digests = _digests(query, whole_months=query.window is Window.TOTAL or (whole and query.window is Window.MONTH))
    async with tx.together():
        # Most rows come first: they're made into what is shown while the database goes on.
        asked = [
            await tx.ask(Sum, QUERY[source], common | digests | _span(source, windows, by_source[source], customer))
            for source in Source
            if source in by_source
        ]
        for each in asked:
            for row in await each.all():
                _merge(sums, row)
    counted = await _unique(tx, meters, common, windows)
    ways = {key: meter.aggregation for key, meter in catalog.meters.items()}
    rows: list[tuple[int, int, UsageRow]] = []
    for place, series in enumerate(sorted(sums, key=_order)):
        meter, _, labels = series
        how, group = ways.get(meter, Aggregation.SUM), dict(zip(query.group_by, labels, strict=True))
        of_slots = counted.get(series, {})
        for slot, total in sums[series].items():
            quantity = of_slots.get(slot)
            if quantity is None:
                quantity = aggregated(how, total.quantity, total.peak, total.latest)
            rows.append((slot, place, _row(total, windows[slot - 1], group, quantity)))
    rows.sort(key=itemgetter(0, 1))
    return [row for _, _, row in rows]


def totals(rows: Iterable[UsageRow]) -> list[UsageTotal]:
    """The charges of `rows` added up by window and unit. What has no price is in none of them."""
    sums: dict[tuple[datetime, datetime, str], Decimal] = {}
    for row in rows:
        if row.unit is not None:
            place = row.start, row.end, row.unit
            sums[place] = add(sums.get(place, ZERO), row.charge)
    return [UsageTotal(*place, sums[place]) for place in sorted(sums)]


_OF_DAYS = (Window.DAY, Window.MONTH)
_GAUGES = (Aggregation.MAX, Aggregation.LATEST)

QUERY = {
    Source.DAYS: _queries.usage_from_days,
    Source.HOURS: _queries.usage_from_hours,
    Source.EVENTS: _queries.usage_from_events,
}


def _digests(query: UsageQuery, *, whole_months: bool) -> dict[str, Any]:
    """Which digests can answer: those in all, or by the one dimension that is named; null where several are."""
    names = [*{*query.group_by, *query.filter}]
    alone = len(names) <= 1 and len(query.group_by) <= 1
    return {
        "digest": "".join(names) if alone else None,
        "label": next(iter(query.filter.values()), None),
        "whole_months": whole_months,
    }


def _meters(catalog: Catalog, query: UsageQuery) -> list[Meter]:
    """The meters that are asked for, once it's certain that they can be grouped and filtered so."""
    if query.meter is None:
        meters = list(catalog.meters.values())
    elif query.meter in catalog.meters:
        meters = [catalog.meters[query.meter]]
    else:
        raise NotFound("unknown_meter", f"The catalog has no meter {query.meter!r}.", field="meter")
    declared = {"member"}.union(*(meter.dimensions for meter in meters))
    for where, names in (("group_by", query.group_by), ("filter", query.filter)):
        for name in names:
            if name not in declared:
                raise InvalidInput("unknown_dimension", f"No meter asked for declares {name!r}.", field=where)
    return meters


def _span(source: Source, windows: Sequence[Interval], parts: list[Piece], customer: Customer) -> dict[str, Any]:
    """The windows and pieces in the terms of the source: days as dates, the others as instants."""
    starts = [window.start for window in windows]
    if source is not Source.DAYS:
        # Those alone that the pieces are in: at the edges of a long range, a few of many.
        spans = [range(bisect(starts, part.start), bisect_left(starts, part.end) + 1) for part in parts]
        slots = sorted({slot for span in spans for slot in span})
        return {
            "slots": array(slots),
            "starts": array([starts[slot - 1].isoformat() for slot in slots]),
            "from": [part.start for part in parts],
            "to": [part.end for part in parts],
        }
    tz = zone(customer.timezone)
    return {
        # A window that begins within a day takes no whole day before the next one.
        "starts": array([_first_day(start, tz) for start in starts]),
        "from": [local_slot(part.start, tz).day for part in parts],
        "to": [local_slot(part.end, tz).day for part in parts],
    }


def _first_day(instant: datetime, tz: ZoneInfo) -> date:
    """The first whole local day at or after `instant`."""
    day = local_slot(instant, tz).day
    return day if start_of_day(day, tz) == instant else day + timedelta(days=1)


def _merge(sums: _BySlot[Sum], row: Sum) -> None:
    total = sums.setdefault((row.meter, row.unit, tuple(row.labels)), {}).setdefault(row.slot, row)
    if total is row:
        return
    total.events += row.events
    total.quantity = add(total.quantity, row.quantity)
    total.peak = max((peak for peak in (total.peak, row.peak) if peak is not None), default=None)
    if _gauge(row) >= _gauge(total):
        total.latest, total.latest_at = row.latest, row.latest_at
    total.charge = add(total.charge, row.charge)
    total.cost = add(total.cost, row.cost)
    total.unpriced += row.unpriced
    total.uncosted += row.uncosted
    total.estimated += row.estimated


def _gauge(row: Sum) -> tuple[datetime, Decimal]:
    return row.latest_at or BEGINNING, ZERO if row.latest is None else row.latest


async def _unique(
    tx: Tx, meters: Iterable[Meter], common: dict[str, Any], windows: Sequence[Interval]
) -> _BySlot[Decimal]:
    """The quantities of meters that count distinct values."""
    found: _BySlot[Decimal] = {}
    for meter in meters:
        if meter.aggregation is not Aggregation.UNIQUE_COUNT:
            continue
        params = common | {
            "meter": meter.key,
            "unique_by": meter.unique_by,
            "starts": [window.start for window in windows],
            "start": windows[0].start,
            "end": windows[-1].end,
        }
        for row in await tx.all(_Unique, _queries.unique_from_events, params):
            found.setdefault((meter.key, row.unit, tuple(row.labels)), {})[row.slot] = Decimal(row.quantity)
    return found


def _row(total: Sum, window: Interval, group: dict[str, str | None], quantity: Decimal) -> UsageRow:
    return UsageRow(
        window.start,
        window.end,
        total.meter,
        group,
        total.events,
        quantity,
        total.charge,
        total.unit,
        total.cost,
        total.unpriced,
        total.uncosted,
        total.estimated,
    )


def aggregated(aggregation: Aggregation, quantity: Decimal, peak: Decimal | None, latest: Decimal | None) -> Decimal:
    """The figure that stands for a meter's usage, of those that a rollup keeps; not for distinct values."""
    if aggregation is Aggregation.MAX:
        return peak or ZERO
    if aggregation is Aggregation.LATEST:
        return latest or ZERO
    return quantity
