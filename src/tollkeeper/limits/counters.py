"""Counters: what the limits of a transaction's customers have counted, and how that changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tollkeeper.catalog import LimitMode, LimitPeriod
from tollkeeper.clock import EPOCH, Interval, local_slot
from tollkeeper.limits.model import Claim, Counter, CounterKey, Crossing, Draw, Exceeded, LimitState
from tollkeeper.limits.windows import HOUR, MINUTE, has_ended, minute_of, window_at, window_of
from tollkeeper.money import HUNDRED, ZERO, add, multiply, subtract, sum_of


@dataclass(slots=True, eq=False)
class Tally:
    """What one counter says now. For a calendar window that is one row. A rolling hour has a row for each of its 61
    minutes that has usage, and one for the epoch, its head: that says that the minutes are counted, and has what is
    held, whichever the minute.
    """

    head: Counter
    rows: dict[datetime, Counter]
    """Where it's used: by start of the window, or of the minute."""
    before: Decimal = ZERO
    """What was used when the transaction began."""

    @property
    def used(self) -> Decimal:
        """What is used in the window."""
        return sum_of(row.used for row in self.rows.values())


def head_key(draw: Draw) -> CounterKey:
    """The row that decides whether a draw's counter is known, and that holds claim."""
    rolling = draw.limit.per is LimitPeriod.ROLLING_HOUR
    start = EPOCH if rolling else window_of(draw.limit.per, draw.at, draw.zone).start
    return draw.customer_id, draw.counter_id, draw.member, start


class Counters:
    """The counters that a transaction has loaded: for some draws at `now`, and for some claims of holds.

    A draw at a time that doesn't count any more, in a window that is over, is let pass by every verb.
    """

    def __init__(self, now: datetime, rows: Iterable[Counter], tallies: Iterable[Tally]) -> None:
        self.now = now
        self._rows = {row.key: row for row in rows}
        self._tallies = {tally.head.key: tally for tally in tallies}
        self._changed: dict[CounterKey, Counter] = {}
        self._used: dict[tuple[str, CounterKey], tuple[Draw, Tally]] = {}

    def exceeded(self, draw: Draw) -> Exceeded | None:
        """Why a hard limit refuses the draw. One that takes nothing is never refused."""
        return self._passed(draw, LimitMode.HARD)

    def over(self, draw: Draw) -> Exceeded | None:
        """What a soft limit has to say about the draw."""
        return self._passed(draw, LimitMode.SOFT)

    def hold(self, draw: Draw) -> Claim | None:
        """Keep the draw's amount for an operation under way; None where there's nothing to keep."""
        tally = self._tally(draw)
        if tally is None or not draw.counted or draw.amount <= 0:
            return None
        head = tally.head
        head.held = add(head.held, draw.amount)
        self.change(head)
        return Claim(*head.key, draw.amount)

    def release(self, claim: Claim) -> None:
        """Give back what a hold has kept, in the window that it was kept in."""
        row = self._rows[claim.key]
        row.held = subtract(row.held, claim.amount)
        self.change(row)

    def use(self, draw: Draw) -> None:
        """Count what has happened; corrections count down."""
        tally = self._tally(draw)
        if tally is None or not draw.amount:
            return
        if draw.counted:
            row = self._row(tally, draw)
            row.used = add(row.used, draw.amount)
            self.change(row)
        if draw.limit.enabled:
            self._used[draw.limit.key, tally.head.key] = draw, tally

    def state(self, draw: Draw) -> LimitState:
        """How far the draw's limit is used in the draw's window, which isn't over; its amount doesn't matter."""
        tally = self._tallies[head_key(draw)]
        used, held, cap = tally.used, tally.head.held, draw.limit.cap_of(draw.member)
        remaining = max(ZERO, subtract(cap, add(used, held)))
        return LimitState(draw.limit, draw.member or None, self._window(draw), used, held, cap, remaining)

    def crossings(self) -> list[Crossing]:
        """The thresholds that usage has reached in this transaction, of limits that are switched on."""
        return [crossing for draw, tally in self._used.values() for crossing in self._crossed(draw, tally)]

    def change(self, row: Counter) -> None:
        """Note that the row is to be written."""
        self._changed[row.key] = row

    @property
    def changed(self) -> list[Counter]:
        """The rows that are to be written."""
        return [*self._changed.values()]

    def _tally(self, draw: Draw) -> Tally | None:
        if has_ended(draw.limit.per, draw.at, draw.zone, self.now):
            return None
        return self._tallies[head_key(draw)]

    def _row(self, tally: Tally, draw: Draw) -> Counter:
        """The row that the draw is counted in; a minute's is made with its first use."""
        start = window_of(draw.limit.per, draw.at, draw.zone).start
        row = tally.rows.get(start)
        if row is None:
            row = Counter(draw.customer_id, draw.counter_id, draw.member, start, ZERO, ZERO, stale=False)
            tally.rows[start] = self._rows[row.key] = row
        return row

    def _passed(self, draw: Draw, mode: LimitMode) -> Exceeded | None:
        limit = draw.limit
        tally = self._tally(draw)
        if tally is None or not limit.enabled or limit.mode is not mode or draw.amount <= 0:
            return None
        used, held, cap = tally.used, tally.head.held, limit.cap_of(draw.member)
        surplus = subtract(sum_of((used, held, draw.amount)), cap)
        if surplus <= 0:
            return None
        return Exceeded(
            limit=limit.key,
            name=limit.name,
            member=draw.member or None,
            unit=limit.unit,
            per=limit.per,
            mode=mode,
            window=self._window(draw),
            used=used,
            held=held,
            cap=cap,
            needed=draw.amount,
            resets_at=None if draw.amount > cap else self._fits_at(tally, draw, surplus),
        )

    def _fits_at(self, tally: Tally, draw: Draw, surplus: Decimal) -> datetime:
        """When the draw fits, if nothing else is used until then: what minute M has used is out at M + 61 minutes."""
        if draw.limit.per is not LimitPeriod.ROLLING_HOUR:
            return self._window(draw).end
        for start, row in sorted(tally.rows.items()):
            surplus = subtract(surplus, row.used)
            if surplus <= 0:
                return start + HOUR + MINUTE
        # What is held stands in the way: even if all of it were used now, it would be out by then.
        return minute_of(self.now) + HOUR + MINUTE

    def _window(self, draw: Draw) -> Interval:
        rolling = draw.limit.per is LimitPeriod.ROLLING_HOUR
        return window_at(draw.limit.per, self.now if rolling else draw.at, draw.zone)

    def _crossed(self, draw: Draw, tally: Tally) -> Iterator[Crossing]:
        limit, window = draw.limit, self._window(draw)
        cap, used = limit.cap_of(draw.member), tally.used
        rolling = limit.per is LimitPeriod.ROLLING_HOUR
        told_for = local_slot(self.now, draw.zone).hour if rolling else window.start
        for percent in limit.warn_at:
            if _reached(used, cap, percent) and not _reached(tally.before, cap, percent):
                yield Crossing(draw.customer_id, limit, draw.member or None, window, told_for, used, cap, percent)


def _reached(used: Decimal, cap: Decimal, percent: Decimal) -> bool:
    """Whether `used` is at the threshold or above; where nothing is allowed, anything used is."""
    return used > 0 and multiply(used, HUNDRED) >= multiply(cap, percent)
