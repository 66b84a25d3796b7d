"""Loading counters, and writing them back: the rows that a transaction needs, and the sums of those that are missing or
stale.

Loading happens under the customers' tills and before the transaction stores events of its own, so that no usage is
missed and none is counted twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tollkeeper.catalog import LimitPeriod
from tollkeeper.clock import EPOCH
from tollkeeper.db import Asked, Tx
from tollkeeper.limits import store
from tollkeeper.limits.counters import Counters, Tally, head_key
from tollkeeper.limits.model import Claim, Counter, CounterKey, Draw
from tollkeeper.limits.windows import has_ended, oldest_minute
from tollkeeper.money import ZERO


@dataclass(frozen=True, slots=True)
class Loading:
    """Counters that were asked for."""

    now: datetime
    draws: dict[CounterKey, Draw]
    """One draw for each counter that is needed, by its head's key."""
    asked: Asked[Counter] | None

    async def read(self, tx: Tx) -> Counters:
        """The counters; one more round trip where some have to be summed up."""
        rows = {} if self.asked is None else {row.key: row for row in await self.asked.all()}
        tallies = {key: _tally(key, draw, rows) for key, draw in self.draws.items()}
        oldest = oldest_minute(self.now)
        for row in rows.values():
            hour = tallies.get((*row.key[:3], EPOCH))
            if hour is not None and row.window_start >= oldest:
                hour.rows[row.window_start] = row
        stale = [(draw, tallies[key]) for key, draw in self.draws.items() if tallies[key].head.stale]
        if stale:
            await _sum_up(tx, stale, oldest)
        for tally in tallies.values():
            tally.before = tally.used
        every = {**rows, **{row.key: row for tally in tallies.values() for row in (tally.head, *tally.rows.values())}}
        counters = Counters(self.now, every.values(), tallies.values())
        for _, tally in stale:
            for row in (tally.head, *tally.rows.values()):
                counters.change(row)
        return counters


async def ask_counters(tx: Tx, draws: Collection[Draw], claims: Collection[Claim], now: datetime) -> Loading:
    """Ask for what `draws` are counted on, whatever their amounts, and for what `claims` are held of."""
    needed: dict[CounterKey, Draw] = {}
    for draw in draws:
        if not has_ended(draw.limit.per, draw.at, draw.zone, now):
            needed.setdefault(head_key(draw), draw)
    keys = {*needed, *(claim.key for claim in claims)}
    ranges = [store.Range(*key) for key in sorted(keys)]
    ranges += [store.since(*key[:3], oldest_minute(now)) for key, draw in needed.items() if _is_rolling(draw)]
    return Loading(now, needed, await store.ask_counters(tx, ranges) if ranges else None)


async def load_counters(tx: Tx, draws: Collection[Draw], claims: Collection[Claim], now: datetime) -> Counters:
    """The counters for these draws and claims."""
    return await (await ask_counters(tx, draws, claims, now)).read(tx)


async def write_counters(tx: Tx, counters: Counters) -> None:
    """Write what has changed, in one statement."""
    await store.write_rows(tx, counters.changed)


def _is_rolling(draw: Draw) -> bool:
    return draw.limit.per is LimitPeriod.ROLLING_HOUR


def _tally(key: CounterKey, draw: Draw, rows: dict[CounterKey, Counter]) -> Tally:
    head = rows.get(key)
    if head is None:
        # A row that is missing is like one that has missed something.
        head = Counter(*key, used=ZERO, held=ZERO, stale=True)
    return Tally(head, {} if _is_rolling(draw) else {head.window_start: head})


async def _sum_up(tx: Tx, stale: Sequence[tuple[Draw, Tally]], oldest: datetime) -> None:
    """Count anew from the rollups; for rolling hours from the events."""
    hours = [(draw, tally) for draw, tally in stale if _is_rolling(draw)]
    windows = [(draw, tally) for draw, tally in stale if not _is_rolling(draw)]
    asked_minutes = await store.ask_minute_sums(tx, [store.hour_of(draw, oldest, draw.member) for draw, _ in hours])
    asked_days = await store.ask_day_sums(tx, [store.days_of(draw, draw.member) for draw, _ in windows])
    for _, tally in stale:
        for row in (tally.head, *tally.rows.values()):
            row.used, row.stale = ZERO, False
    for minute in await asked_minutes.all() if asked_minutes else []:
        tally = hours[minute.number - 1][1]
        row = tally.rows.get(minute.minute)
        if row is None:
            row = Counter(*tally.head.key[:3], minute.minute, used=ZERO, held=ZERO, stale=False)
            tally.rows[minute.minute] = row
        row.used = minute.used
    for window in await asked_days.all() if asked_days else []:
        windows[window.number - 1][1].head.used = window.used
