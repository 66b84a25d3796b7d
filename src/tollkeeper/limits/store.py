"""The table limit_counters, and the sums that its rows begin with: one function for each query in queries.sql."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Limit
from tollkeeper.clock import END
from tollkeeper.db import Asked, Queries, Tx, array, text_array, word_array
from tollkeeper.limits.model import Counter, Draw
from tollkeeper.limits.windows import HOUR, days_between

_queries = Queries(__package__ or "")

_WINDOWS_KEPT = timedelta(days=40)
"""Longer than a month: a row knows when its window began, not when it ends."""
_MINUTES_KEPT = 2 * HOUR


@dataclass(frozen=True, slots=True)
class Range:
    """Counters whose windows begin from `first` to `last`; the latter left out: at `first`."""

    customer_id: str
    counter_id: str
    member: str
    first: datetime
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """A calendar window that is to be summed up from the rollups."""

    customer_id: str
    member: str
    limit: Limit
    first: date
    after: date


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes since an instant that are to be summed up from the events."""

    customer_id: str
    member: str
    limit: Limit
    since: datetime


def days_of(draw: Draw, member: str) -> Days:
    """The window of a draw, as its days."""
    return Days(draw.customer_id, member, draw.limit, *days_between(draw.limit.per, draw.at, draw.zone))


def hour_of(draw: Draw, since: datetime, member: str) -> Minutes:
    """The rolling hour of a draw."""
    return Minutes(draw.customer_id, member, draw.limit, since)


@dataclass(frozen=True, slots=True)
class DaysSum:
    """What was used; `number` counts the windows asked for, from 1."""

    number: int
    used: Decimal


@dataclass(frozen=True, slots=True)
class MinuteSum:
    """What was used within a minute; `number` counts the hours asked for, from 1."""

    number: int
    minute: datetime
    used: Decimal


async def ask_counters(tx: Tx, ranges: Sequence[Range]) -> Asked[Counter]:
    """The counters within `ranges` that exist."""
    params = _range_params(ranges) | {"member": text_array([one.member for one in ranges])}
    return await tx.ask(Counter, _queries.find_counters, params)


async def find_counters_of_all_members(tx: Tx, ranges: Sequence[Range]) -> list[Counter]:
    """The counters within `ranges` that exist, whatever their member."""
    return await tx.all(Counter, _queries.find_counters_of_all_members, _range_params(ranges))


def _range_params(ranges: Sequence[Range]) -> dict[str, str]:
    return {
        "customer_id": word_array([one.customer_id for one in ranges]),
        "counter_id": word_array([one.counter_id for one in ranges]),
        "first": word_array([one.first.isoformat() for one in ranges]),
        "last": word_array([(one.last or one.first).isoformat() for one in ranges]),
    }


def since(customer_id: str, counter_id: str, member: str, first: datetime) -> Range:
    """All counters whose windows begin at `first` or later."""
    return Range(customer_id, counter_id, member, first, END)


async def ask_day_sums(tx: Tx, windows: Sequence[Days]) -> Asked[DaysSum] | None:
    """What each window has used; those without usage are left out. None where nothing is to be asked."""
    if not windows:
        return None
    params = _counted_params(windows) | {
        "first": array([one.first for one in windows]),
        "after": array([one.after for one in windows]),
    }
    return await tx.ask(DaysSum, _queries.sum_days, params)


async def ask_minute_sums(tx: Tx, hours: Sequence[Minutes]) -> Asked[MinuteSum] | None:
    """What each minute has used; those without usage are left out. None where nothing is to be asked."""
    if not hours:
        return None
    params = _counted_params(hours) | {"since": word_array([one.since.isoformat() for one in hours])}
    return await tx.ask(MinuteSum, _queries.sum_minutes, params)


def _counted_params(windows: Sequence[Days | Minutes]) -> dict[str, str]:
    return {
        "customer_id": word_array([one.customer_id for one in windows]),
        "member": text_array([one.member for one in windows]),
        "unit": text_array([one.limit.unit for one in windows]),
        # Each an array literal of its own: `unnest` would flatten arrays of arrays.
        "meters": text_array([text_array(one.limit.meters) for one in windows]),
    }


async def write_rows(tx: Tx, counters: Collection[Counter]) -> None:
    """Insert or replace the rows."""
    if not counters:
        return
    ordered = sorted(counters, key=lambda counter: counter.key)
    params = {
        "customer_id": word_array([one.customer_id for one in ordered]),
        "counter_id": word_array([one.counter_id for one in ordered]),
        "member": text_array([one.member for one in ordered]),
        "window_start": word_array([one.window_start.isoformat() for one in ordered]),
        "used": array([one.used for one in ordered]),
        "held": array([one.held for one in ordered]),
        "stale": array([one.stale for one in ordered]),
    }
    await tx.execute(_queries.write_counters, params)


async def mark_stale(tx: Tx, customer_ids: Collection[str]) -> None:
    """Everything of these customers is counted anew when it's next needed; what holds claim stays."""
    if customer_ids:
        await tx.execute(_queries.mark_stale, {"customer_ids": array(sorted(customer_ids))})


async def forget_old(tx: Tx, now: datetime, *, limit: int) -> int:
    """Delete up to `limit` counters of windows that are long over, unless holds still claim them; how many."""
    params = {"windows_before": now - _WINDOWS_KEPT, "minutes_before": now - _MINUTES_KEPT, "limit": limit}
    return (await tx.execute(_queries.forget_old, params)).rowcount
