"""Windows and sources: how a range of time is cut for display, and which table answers for which part of it.

The rollups hold whole local days and whole local hours of the customer's own time zone. A range is covered by days
where whole days fit, hours where whole hours fit, and single events at ragged edges of less than an hour, so any range,
in any zone, is exact, and a long one is read from few rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from zoneinfo import ZoneInfo

from tollkeeper.clock import (
    Interval,
    Period,
    add_months,
    calendar_period,
    end_of_hour,
    local_slot,
    start_of_day,
)
from tollkeeper.errors import InvalidInput

MOST_WINDOWS = 2_000
"""83 days of hours. They are computed on the event loop, which must not stand still for other calls."""

_HOUR = timedelta(hours=1)
_LAST_QUARTER = timedelta(minutes=45)


class Window(StrEnum):
    """How long the windows are that usage is shown in."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"
    """One window for the whole range."""


class Source(StrEnum):
    """Which table answers."""

    DAYS = "days"
    HOURS = "hours"
    EVENTS = "events"


_AT_MOST = {Window.HOUR: _HOUR, Window.DAY: timedelta(hours=26), Window.MONTH: timedelta(days=32)}
"""No window is longer, in any zone."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the range, and the table that it's read from."""

    source: Source
    start: datetime
    end: datetime


def cut(window: Window, start: datetime, end: datetime, tz: ZoneInfo) -> list[Interval]:
    """The windows of `tz` that cover [start, end); the first and the last are cut off at the range's ends.

    Raises InvalidInput `too_many_windows`.
    """
    if window is Window.TOTAL:
        return [Interval(start, end)]
    if (end - start) / _AT_MOST[window] > MOST_WINDOWS:  # certain without computing any
        raise _too_many_windows()
    found: list[Interval] = []
    at = start
    for following in _ends(window, start, tz):
        if following == at:
            continue  # a day that the zone has skipped
        found.append(Interval(at, min(following, end)))
        if following >= end:
            return found
        if len(found) >= MOST_WINDOWS:
            raise _too_many_windows()
        at = following
    raise AssertionError("time goes on")


def _too_many_windows() -> InvalidInput:
    told = f"The range has more than {MOST_WINDOWS:,} windows; use a longer window, or a shorter range."
    return InvalidInput("too_many_windows", told, field="window")


def _ends(window: Window, start: datetime, tz: ZoneInfo) -> Iterator[datetime]:
    """The ends of the windows from the one on that holds `start`."""
    day, at = local_slot(start, tz).day, start
    first, _ = calendar_period(day, Period.MONTH)
    for n in count(1):
        if window is Window.DAY:
            yield start_of_day(day + timedelta(days=n), tz)
        elif window is Window.MONTH:
            yield start_of_day(add_months(first, n), tz)
        else:
            yield (at := _end_of_hour(at, tz))


def _end_of_hour(instant: datetime, tz: ZoneInfo) -> datetime:
    """As the clock's `end_of_hour`, but with fewer looks at the zone for the hours that are an hour long."""
    start = local_slot(instant, tz).hour
    following = start + _HOUR
    if local_slot(start + _LAST_QUARTER, tz).hour == start and local_slot(following, tz).hour == following:
        return following
    return end_of_hour(instant, tz)


def pieces(windows: list[Interval], tz: ZoneInfo) -> list[Piece]:
    """How to read `windows` of whichever zone from the rollups of a customer in `tz`."""
    found: list[Piece] = []
    for window in windows:
        for piece in _cover(window, tz):
            last = found[-1] if found else None
            if last is not None and last.source is piece.source and last.end == piece.start:
                found[-1] = Piece(piece.source, last.start, piece.end)
            else:
                found.append(piece)
    return found


def _cover(window: Interval, tz: ZoneInfo) -> list[Piece]:
    """Days in the middle, hours around them, events at the edges; whatever is empty is left out."""
    first_hour = _ceil_hour(window.start, tz)
    last_hour = local_slot(window.end, tz).hour
    if window.end - window.start <= _HOUR and (first_hour, last_hour) == (window.start, window.end):
        return [Piece(Source.HOURS, first_hour, last_hour)]  # Too short for a day; thousands of windows are like this.
    if first_hour >= last_hour:
        return _nonempty(Piece(Source.EVENTS, window.start, window.end))
    first_day = _ceil_day(first_hour, tz)
    last_day = start_of_day(local_slot(last_hour, tz).day, tz)
    if first_day >= last_day:
        middle = [Piece(Source.HOURS, first_hour, last_hour)]
    else:
        middle = [
            Piece(Source.HOURS, first_hour, first_day),
            Piece(Source.DAYS, first_day, last_day),
            Piece(Source.HOURS, last_day, last_hour),
        ]
    return _nonempty(
        Piece(Source.EVENTS, window.start, first_hour), *middle, Piece(Source.EVENTS, last_hour, window.end)
    )


def _nonempty(*found: Piece) -> list[Piece]:
    return [piece for piece in found if piece.start < piece.end]


def _ceil_hour(instant: datetime, tz: ZoneInfo) -> datetime:
    return instant if local_slot(instant, tz).hour == instant else _end_of_hour(instant, tz)


def _ceil_day(instant: datetime, tz: ZoneInfo) -> datetime:
    day = local_slot(instant, tz).day
    start = start_of_day(day, tz)
    return instant if start == instant else start_of_day(day + timedelta(days=1), tz)
