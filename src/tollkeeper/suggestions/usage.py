"""The usage of a span by day, with what went before it in the periods that it begins within."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tollkeeper.analytics import UsageQuery, UsageRow, Window, events_with_calls, usage
from tollkeeper.catalog import Price
from tollkeeper.clock import Interval, Period, local_slot, period_of_day
from tollkeeper.db import Queries, Tx
from tollkeeper.rating import MODELS
from tollkeeper.suggestions.case import Case

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Used:
    """Rows by day, in their order."""

    rows: Sequence[UsageRow]
    """Of the span."""
    lead: Sequence[UsageRow]
    """Of the time before it, from where the longest of the periods began that it begins within."""
    called: Mapping[str, int]
    """By meter: how many events brought calls, and so know their cost."""
    taken_back: frozenset[str] = frozenset()
    """Meters some of whose cost is charged to nobody, since its events were taken back."""

    def of(self, meter: str) -> list[UsageRow]:
        """The meter's rows of the span."""
        return [row for row in self.rows if row.meter == meter]

    def before(self, meter: str) -> list[UsageRow]:
        """The meter's rows of the time before."""
        return [row for row in self.lead if row.meter == meter]

    @property
    def meters(self) -> list[str]:
        """The meters with usage in the span."""
        return sorted({row.meter for row in self.rows})

    def knows_costs(self, meter: str, price: Price | None) -> bool:
        """Whether all that a price by cost goes by is known of the meter's events. One in force has told of those
        without a cost; under any other price every event must have brought its calls.
        """
        rows = [*self.before(meter), *self.of(meter)]
        if meter in self.taken_back or any(row.uncosted or row.estimated or row.unpriced for row in rows):
            return False
        return _by_cost(price) or sum(row.events for row in rows) == self.called.get(meter, 0)


def _by_cost(price: Price | None) -> bool:
    return price is not None and MODELS[price.model].by_cost


async def read_used(tx: Tx, case: Case, prices: Iterable[Price], since: date) -> Used:
    """The usage of the span, and of the time since that day; with what these prices need to know of the time before."""
    start = _start(case, {price.period for price in prices}, since)
    rows = await _read(tx, case, case.span)
    lead = await _read(tx, case, Interval(start, case.span.start)) if rows and start < case.span.start else []
    called = await events_with_calls(tx, case.customer, Interval(start, case.span.end)) if rows else {}
    params = {"customer_id": case.customer.customer_id, "from": start, "to": case.span.end}
    back = await tx.all(_Meter, _queries.taken_back, params) if rows else []
    return Used(rows, lead, called, frozenset(one.meter for one in back))


@dataclass(frozen=True, slots=True)
class _Meter:
    meter: str


async def read_by_member(tx: Tx, case: Case, used: Used) -> list[UsageRow]:
    """The same usage, by member."""
    start = min((row.start for row in used.lead), default=case.span.start)
    query = UsageQuery(start, case.span.end, Window.DAY, group_by=("member",))
    return await usage(tx, case.customer, case.catalog, query)


def _start(case: Case, periods: set[Period], since: date) -> datetime:
    """When the longest period began that holds the span's first day, or the one told if that's earlier; limits count
    weeks and months besides.
    """
    day = min(since, local_slot(case.span.start, case.customer.zone).day)
    return min(period_of_day(day, period, case.customer.zone).start for period in periods | {Period.WEEK, Period.MONTH})


async def _read(tx: Tx, case: Case, span: Interval) -> list[UsageRow]:
    return await usage(tx, case.customer, case.catalog, UsageQuery(span.start, span.end, Window.DAY))
