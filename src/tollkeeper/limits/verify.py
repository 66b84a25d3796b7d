"""Whether the counters agree with the usage that they have counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tollkeeper.catalog import LimitPeriod
from tollkeeper.clock import EPOCH
from tollkeeper.db import Tx
from tollkeeper.limits import store
from tollkeeper.limits.model import CounterKey, Draw
from tollkeeper.limits.windows import oldest_minute, window_of
from tollkeeper.money import ZERO


@dataclass(frozen=True, slots=True)
class Miscount:
    """A counter that says something else than the usage it should have counted."""

    customer_id: str
    limit: str
    member: str | None
    window_start: datetime
    expected: Decimal
    found: Decimal


async def miscounts(tx: Tx, looks: Iterable[Draw], now: datetime) -> list[Miscount]:
    """Compare the counters of these limits, of every member, in the windows that hold `now`, with what is recorded.

    `looks` has a draw at `now` for each customer and limit; its member and amount don't matter. What is stale, or
    isn't counted yet, is summed up when it's needed, and can't be wrong. In a snapshot.
    """
    by_counter = {(look.customer_id, look.counter_id): look for look in looks}
    calendar = [look for look in by_counter.values() if look.limit.per is not LimitPeriod.ROLLING_HOUR]
    rolling = [look for look in by_counter.values() if look.limit.per is LimitPeriod.ROLLING_HOUR]
    found = await _compare_windows(tx, calendar, by_counter)
    return found + await _compare_hours(tx, rolling, by_counter, oldest_minute(now))


async def _compare_windows(tx: Tx, looks: list[Draw], by_counter: dict[tuple[str, str], Draw]) -> list[Miscount]:
    ranges = [
        store.Range(look.customer_id, look.counter_id, "", window_of(look.limit.per, look.at, look.zone).start)
        for look in looks
    ]
    rows = [row for row in await store.find_counters_of_all_members(tx, ranges) if not row.stale]
    windows = [store.days_of(by_counter[row.key[:2]], row.member) for row in rows]
    asked = await store.ask_day_sums(tx, windows)
    sums = {one.number: one.used for one in await asked.all()} if asked else {}
    return [
        _miscount(by_counter, row.key, sums.get(number, ZERO), row.used)
        for number, row in enumerate(rows, 1)
        if row.used != sums.get(number, ZERO)
    ]


async def _compare_hours(
    tx: Tx, looks: list[Draw], by_counter: dict[tuple[str, str], Draw], oldest: datetime
) -> list[Miscount]:
    heads = [store.Range(look.customer_id, look.counter_id, "", EPOCH) for look in looks]
    minutes = [store.since(look.customer_id, look.counter_id, "", oldest) for look in looks]
    rows = await store.find_counters_of_all_members(tx, heads + minutes)
    counted = [row for row in rows if row.window_start == EPOCH and not row.stale]
    asked = await store.ask_minute_sums(
        tx, [store.hour_of(by_counter[row.key[:2]], oldest, row.member) for row in counted]
    )
    sums = await asked.all() if asked else []
    expected = {(*counted[one.number - 1].key[:3], one.minute): one.used for one in sums}
    whole = {row.key[:3] for row in counted}
    found = {row.key: row.used for row in rows if row.window_start != EPOCH and row.key[:3] in whole}
    return [
        _miscount(by_counter, key, expected.get(key, ZERO), found.get(key, ZERO))
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key, ZERO) != found.get(key, ZERO)
    ]


def _miscount(by_counter: dict[tuple[str, str], Draw], key: CounterKey, expected: Decimal, found: Decimal) -> Miscount:
    customer_id, counter_id, member, window_start = key
    name = by_counter[customer_id, counter_id].limit.key
    return Miscount(customer_id, name, member or None, window_start, expected, found)
