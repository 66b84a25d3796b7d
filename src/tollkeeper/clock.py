"""Time: the only reader of the clock, and the calendar arithmetic of billing.

Instants are timezone-aware and stored in UTC. Intervals are half-open: [start, end). Days and periods are those of the
customer's IANA time zone, computed from local calendar dates, so that a day across a change of daylight-saving time has
23 or 25 hours (or 23.5 on Lord Howe Island) and neither loses nor doubles usage.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from tollkeeper.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Before all usage: the start of a price that has no date."""

END = datetime(9999, 12, 31, tzinfo=UTC)
"""After all usage."""

_QUARTER = timedelta(minutes=15)
"""No time zone of today changes its offset within a quarter of an hour."""


class Period(StrEnum):
    """How long allowances, tiers and spend caps run before they start anew."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open interval of time: `start` belongs to it, `end` doesn't."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class LocalSlot:
    """Where an instant falls in a time zone: the local day, and the start of the local hour as an instant."""

    day: date
    hour: datetime
    day_text: str
    """ISO 8601, as the database is given it; made once for all events of a quarter of an hour."""
    hour_text: str


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def in_utc(instant: datetime) -> str:
    """The instant as JSON has it: RFC 3339 in UTC, with microseconds where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # "Factory" is the zone of a machine that nobody has set up.
    return frozenset(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"}


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone called `name`; raises InvalidInput `unknown_timezone`.

    Always from the `tzdata` package, never from the machine: two machines must not cut days differently.
    """
    if name not in _zone_names():
        raise InvalidInput(
            "unknown_timezone", f"{name!r} is not an IANA time zone such as Europe/Berlin.", field="timezone"
        )
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@lru_cache(maxsize=200_000)
def _slot_of_quarter(quarter: int, tz: ZoneInfo) -> LocalSlot:
    instant = EPOCH + quarter * _QUARTER
    local = instant.astimezone(tz)
    start = instant - timedelta(minutes=local.minute, seconds=local.second)
    if start.astimezone(tz).utcoffset() != local.utcoffset():
        # The zone changed its offset within this local hour (Lord Howe Island, by 30 minutes): a new one begins there.
        start = instant
        while (start - _QUARTER).astimezone(tz).utcoffset() == local.utcoffset():
            start -= _QUARTER
    return LocalSlot(local.date(), start, local.date().isoformat(), start.isoformat())


def local_slot(instant: datetime, tz: ZoneInfo) -> LocalSlot:
    """The local day and local hour that `instant` falls into. The hours of a zone cover all time without overlap."""
    return _slot_of_quarter((instant - EPOCH) // _QUARTER, tz)


@dataclass(frozen=True, slots=True)
class OffsetSpan:
    """A stretch of time in which a zone's offset from UTC stays the same."""

    start: datetime
    end: datetime
    offset: timedelta


def offset_spans(tz: ZoneInfo, start: datetime, end: datetime) -> list[OffsetSpan]:
    """The stretches of constant offset that cover [start, end). The first may have begun long before `start`."""
    found: list[OffsetSpan] = []
    began, at, offset = start, start, start.astimezone(tz).utcoffset() or timedelta()
    while at < end:
        following = min(at + timedelta(hours=12), end)
        if (following.astimezone(tz).utcoffset() or timedelta()) != offset:
            changed = _first_quarter_after(at, tz)
            found.append(OffsetSpan(began, changed, offset))
            began = following = changed
            offset = changed.astimezone(tz).utcoffset() or timedelta()
        at = following
    found.append(OffsetSpan(began, end, offset))
    return found


def _first_quarter_after(instant: datetime, tz: ZoneInfo) -> datetime:
    """The first quarter of an hour after `instant` at which the zone has another offset."""
    offset = instant.astimezone(tz).utcoffset()
    at = EPOCH + ((instant - EPOCH) // _QUARTER) * _QUARTER
    while at.astimezone(tz).utcoffset() == offset:
        at += _QUARTER
    return at


def end_of_hour(instant: datetime, tz: ZoneInfo) -> datetime:
    """The first instant after the local hour that `instant` falls into."""
    start = local_slot(instant, tz).hour
    after = start + _QUARTER
    while local_slot(after, tz).hour == start:
        after += _QUARTER
    return after


@lru_cache(maxsize=50_000)
def start_of_day(day: date, tz: tzinfo) -> datetime:
    """The first instant of the local `day`, in UTC.

    Where midnight doesn't exist (a zone that springs forward at 00:00) this is the moment of the change.
    """
    midnight = datetime.combine(day, time.min, tzinfo=tz)
    return midnight.astimezone(UTC)


def add_months(anchor: date, months: int) -> date:
    """`anchor` plus `months`, clamped to the month's end: 31 January + 1 month is 28 or 29 February.

    Always computed from the anchor, never from the previous boundary, so a day 31 comes back after February.
    """
    total = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(total, 12)
    month += 1
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))


def calendar_period(day: date, period: Period) -> tuple[date, date]:
    """First day, and first day after, of the calendar period that holds `day`; weeks start on Monday."""
    if period is Period.DAY:
        return day, day + timedelta(days=1)
    if period is Period.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if period is Period.MONTH:
        first = day.replace(day=1)
        return first, add_months(first, 1)
    first = date(day.year, 1, 1)
    return first, date(day.year + 1, 1, 1)


@lru_cache(maxsize=50_000)
def period_of_day(day: date, period: Period, tz: ZoneInfo) -> Interval:
    """The calendar period, as instants, that holds the local `day`."""
    first, after = calendar_period(day, period)
    return Interval(start_of_day(first, tz), start_of_day(after, tz))


def recurrence(anchor: datetime, every: Period, n: int, tz: ZoneInfo) -> datetime:
    """When the `n`-th period counted from `anchor` begins: 0 is the anchor itself, later ones begin at local midnight.

    Each is computed from the anchor's local date, clamped to the month's end: from 31 January on the months begin on
    28 or 29 February, 31 March, 30 April; from 29 February on the years begin on 28 February but for leap years.
    """
    if n == 0:
        return anchor.astimezone(UTC)
    day = anchor.astimezone(tz).date()
    match every:
        case Period.DAY:
            day += timedelta(days=n)
        case Period.WEEK:
            day += timedelta(weeks=n)
        case Period.MONTH:
            day = add_months(day, n)
        case Period.YEAR:
            day = add_months(day, 12 * n)
    return start_of_day(day, tz)
