"""How far a day is settled, and what is to be read again. Pure.

A provider adds to a day for hours after its end, and nobody says when it is done. So a day is closed once several reads
in a row have found the same, or by a read that comes a week after its end; it is read on as long as it is within reach,
and opened again, visibly, if it grows after all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tollkeeper.clock import start_of_day
from tollkeeper.reconciliation.model import Day
from tollkeeper.reconciliation.reports import DAY, MINUTE, ReportKind, Stretch

MINUTES_READ = timedelta(hours=2)
"""So far back usage is read again by minute ..."""
DAYS_READ = 3
"""... so many days by day ..."""
COSTS_READ = 7
"""... and so many days' costs."""


def utc_day(instant: datetime) -> datetime:
    """The start of the UTC day: providers know no other."""
    return start_of_day(instant.astimezone(UTC).date(), UTC)


def days_between(start: datetime, end: datetime) -> list[datetime]:
    """The starts of the UTC days that [start, end) touches."""
    first = utc_day(start)
    return [first + n * DAY for n in range(-((first - end) // DAY))]


def due_stretches(now: datetime) -> list[Stretch]:
    """What a periodic run reads: the last hours by minute, the last days by day, the costs of a week."""
    today, minute = utc_day(now), now.replace(second=0, microsecond=0)
    return [
        Stretch(ReportKind.USAGE, minute - MINUTES_READ, minute + MINUTE, MINUTE),
        Stretch(ReportKind.USAGE, today - DAYS_READ * DAY, today + DAY, DAY),
        Stretch(ReportKind.COST, today - COSTS_READ * DAY, today + DAY, DAY),
    ]


def asked_stretches(start: datetime, end: datetime) -> list[Stretch]:
    """What a run for given days reads: whole UTC days, usage and costs."""
    days = days_between(start, end)
    return [Stretch(kind, days[0], days[-1] + DAY, DAY) for kind in (ReportKind.USAGE, ReportKind.COST)] if days else []


def after_read(day: Day, *, changed: bool, told: bool, now: datetime, stable: int, close: bool = False) -> Day:
    """The day after another read, in which something had `changed` or not.

    `told` says whether the provider has told what the day costs, `stable` after how many equal reads it is closed;
    with `close` it is closed at once, if it's over.
    """
    over = day.start + DAY <= now
    reads = day.stable_reads + 1 if over and not changed else 0
    read = replace(day, reads=day.reads + 1, stable_reads=reads, last_read_at=now)
    if day.closed_at is not None:
        if not changed:
            return read
        read = replace(read, closed_at=None, reopened=day.reopened + 1)
    final = day.start + (1 + COSTS_READ) * DAY <= now or (close and over)
    return replace(read, closed_at=now) if (told and reads >= stable) or final else read
