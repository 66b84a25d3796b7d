"""Reconciling: keep what was read, compare each day with our calls, book the difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Attribution
from tollkeeper.db import Tx
from tollkeeper.gate import Desk
from tollkeeper.money import ZERO
from tollkeeper.reconciliation.book import book_comparisons
from tollkeeper.reconciliation.compare import compare
from tollkeeper.reconciliation.days import after_read, days_between
from tollkeeper.reconciliation.give import Given, give_shares
from tollkeeper.reconciliation.keep import keep_reports
from tollkeeper.reconciliation.model import Allocate, Bucket, Comparison, Day, Grain, Reconciliation
from tollkeeper.reconciliation.readers.model import Report
from tollkeeper.reconciliation.reports import DAY, ReportKind, Stretch
from tollkeeper.reconciliation.sides import Rates, Sides, sides_of
from tollkeeper.reconciliation.store import (
    compared_day,
    find_days,
    last_read,
    latest_reports,
    lock_provider,
    our_usage,
    outdate_days,
    outdated_days,
    put_day,
)

_UNSEEN = timedelta(minutes=10)
"""So long before a run something may have been recorded that it couldn't see, since it wasn't committed yet."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How to reconcile: what the operator has set."""

    rates: Rates
    tolerance: Decimal = ZERO
    """A difference of at most so much is called a match."""
    stable_reads: int = 3
    """So many equal reads close a day."""
    close: bool = False
    """Whether days that are over are taken for final at once."""
    allocate: Allocate = Allocate.NONE
    attribution: Attribution = field(default_factory=Attribution)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a provider: of each stretch everything that it tells."""

    stretch: Stretch
    report: Report


@dataclass(frozen=True, slots=True)
class DayCompared:
    """A provider's day, compared."""

    day: Day
    comparisons: Mapping[Grain, Comparison]
    written: Sequence[Reconciliation]
    """The revisions that are new; none where nothing has changed, or the day isn't over."""
    given: Given
    """What true-ups have brought to calls and events; nothing as long as the day isn't closed."""


async def keep(tx: Tx, provider: str, reads: Sequence[Read], rules: Rules, *, now: datetime) -> list[datetime]:
    """Store what was read, and note how far each day is settled; the days that are to be compared.

    Those are the days that were read, and earlier ones whose calls have changed since: their reports are kept.
    """
    await lock_provider(tx, provider)
    last = await last_read(tx, provider)
    changed: set[datetime] = set()
    days: set[datetime] = set()
    for read in reads:
        rows = read.report.usage if read.stretch.kind is ReportKind.USAGE else read.report.costs
        starts = await keep_reports(tx, provider, rows, read.stretch, now=now)
        if read.stretch.width == DAY:
            changed |= starts
            days |= {*days_between(read.stretch.start, read.stretch.end)}
    await _note_days(tx, provider, sorted(days), changed, rules, now)
    if last is not None:
        await outdate_days(tx, provider, last - _UNSEEN)
    return sorted(days.union(await outdated_days(tx, provider)))


async def _note_days(
    tx: Tx, provider: str, days: Sequence[datetime], changed: Collection[datetime], rules: Rules, now: datetime
) -> None:
    if not days:
        return
    known = {day.start: day for day in await find_days(tx, provider, days[0], days[-1] + DAY)}
    costs = await latest_reports(tx, provider, Stretch(ReportKind.COST, days[0], days[-1] + DAY, DAY))
    told = {row.bucket_start for row, _ in costs}
    for start in days:
        day = known.get(start) or Day(provider, start, 0, 0, now, None, 0)
        read = after_read(
            day, changed=start in changed, told=start in told, now=now, stable=rules.stable_reads, close=rules.close
        )
        await put_day(tx, read)


async def sides_of_day(tx: Tx, bucket: Bucket, rules: Rules) -> Sides:
    """What both sides have of the day."""
    reports = [
        row
        for kind in (ReportKind.USAGE, ReportKind.COST)
        for row, _ in await latest_reports(tx, bucket.provider, Stretch(kind, bucket.start, bucket.end, DAY))
    ]
    return sides_of(bucket, await our_usage(tx, bucket), reports, rules.rates)


def compared(sides: Sides, rules: Rules) -> dict[Grain, Comparison]:
    """Every grain, compared."""
    return {
        grain: compare(ours, theirs, currency=rules.rates.currency, tolerance=rules.tolerance)
        for grain, (ours, theirs) in sides.grains.items()
    }


async def reconcile_day(
    tx: Tx, desk: Desk, provider: str, start: datetime, rules: Rules, *, now: datetime, by: str
) -> DayCompared:
    """Compare a day that was read. If it's closed, its costs are shared out; if it's over, what differs is booked."""
    await lock_provider(tx, provider)
    [day] = await find_days(tx, provider, start, start + DAY)
    bucket = Bucket(provider, start, start + DAY)
    await compared_day(tx, provider, start)
    sides = await sides_of_day(tx, bucket, rules)
    comparisons = compared(sides, rules)
    given = Given()
    if day.closed_at is not None:
        options = {"currency": rules.rates.currency, "attribution": rules.attribution, "allocate": rules.allocate}
        given = await give_shares(tx, desk, bucket, sides, comparisons, **options, now=now, by=by)
        if given.shares:
            comparisons = compared(await sides_of_day(tx, bucket, rules), rules)
    written: list[Reconciliation] = []
    if start + DAY <= now:
        currency = rules.rates.currency
        written = await book_comparisons(tx, bucket, comparisons, currency=currency, now=now, by=by)
    return DayCompared(day, comparisons, written, given)
