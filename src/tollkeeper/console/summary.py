"""The books at a glance: sums of the customers' figures, and counts of what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Catalog
from tollkeeper.console.figures import Task, last_round, zone_columns
from tollkeeper.console.model import Amount, DatabaseFacts, Span, Summary, UnpricedCalls, UnpricedUsage
from tollkeeper.db import Queries, Tx
from tollkeeper.money import sum_of

_queries = Queries(__package__ or "")

_LOOKED_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class _Counts:
    customers: int
    archived: int
    suspended: int


@dataclass(frozen=True, slots=True)
class _Open:
    quarantine: int
    holds: int
    holds_in_doubt: int
    findings: int


@dataclass(frozen=True, slots=True)
class _Sum:
    unit: str
    customers: int
    events: int
    charge: Decimal
    cost: Decimal
    margin: Decimal
    unpriced: int
    day_events: int
    day_charge: Decimal
    day_cost: Decimal
    day_margin: Decimal


async def summary(tx: Tx, catalog: Catalog, *, now: datetime) -> Summary:
    """All customers together, this month and today, each by the calendar of its own zone."""
    counts = await tx.one(_Counts, _queries.count_customers)
    waiting = await tx.one(_Open, _queries.count_open, {"since": now - _LOOKED_BACK})
    if counts is None or waiting is None:
        raise AssertionError("count(*) gave no row")
    last = await last_round(tx, Task.FIGURES)
    columns = zone_columns(await tx.scalars(_queries.zones_in_use), now)
    sums = await tx.all(_Sum, _queries.sum_figures, columns)
    return Summary(
        as_of=None if last is None else last.as_of,
        currency=catalog.currency,
        customers=counts.customers,
        archived=counts.archived,
        suspended=counts.suspended,
        today=Span(
            events=sum(one.day_events for one in sums),
            spent=[Amount(one.unit, one.day_charge) for one in sums if one.customers],
            cost=sum_of(one.day_cost for one in sums),
            margin=sum_of(one.day_margin for one in sums),
        ),
        month=Span(
            events=sum(one.events for one in sums),
            spent=[Amount(one.unit, one.charge) for one in sums],
            cost=sum_of(one.cost for one in sums),
            margin=sum_of(one.margin for one in sums),
        ),
        unpriced=sum(one.unpriced for one in sums),
        quarantine=waiting.quarantine,
        holds=waiting.holds,
        holds_in_doubt=waiting.holds_in_doubt,
        findings=waiting.findings,
    )


async def unpriced(tx: Tx) -> tuple[list[UnpricedUsage], list[UnpricedCalls]]:
    """What no price is known for, the most first: events by meter, and calls by model."""
    usage = await tx.all(UnpricedUsage, _queries.unpriced_usage)
    return usage, await tx.all(UnpricedCalls, _queries.unpriced_calls)


async def database_facts(tx: Tx) -> DatabaseFacts:
    """What the database says about itself."""
    facts = await tx.one(DatabaseFacts, _queries.database_facts)
    if facts is None:
        raise AssertionError("a select without a table gave no row")
    return facts
