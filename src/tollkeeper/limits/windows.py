"""The windows that limits count in: local days, weeks and months, and the rolling hour. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tollkeeper.catalog import LimitPeriod
from tollkeeper.clock import Interval, Period, calendar_period, local_slot, period_of_day

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

_CALENDAR = {
    LimitPeriod.DAY: Period.DAY,
    LimitPeriod.WEEK: Period.WEEK,
    LimitPeriod.MONTH: Period.MONTH,
}


def window_of(per: LimitPeriod, instant: datetime, zone: ZoneInfo) -> Interval:
    """What is counted together with `instant`: the local day, week or month; for a rolling hour the minute."""
    if per is LimitPeriod.ROLLING_HOUR:
        start = minute_of(instant)
        return Interval(start, start + MINUTE)
    return period_of_day(local_slot(instant, zone).day, _CALENDAR[per], zone)


def window_at(per: LimitPeriod, now: datetime, zone: ZoneInfo) -> Interval:
    """What the cap holds for at `now`: the local day, week or month, or the last 60 whole minutes and this one."""
    if per is LimitPeriod.ROLLING_HOUR:
        return Interval(oldest_minute(now), minute_of(now) + MINUTE)
    return window_of(per, now, zone)


def days_between(per: LimitPeriod, instant: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The local days of a calendar window: the first, and the first after it."""
    return calendar_period(local_slot(instant, zone).day, _CALENDAR[per])


def has_ended(per: LimitPeriod, instant: datetime, zone: ZoneInfo, now: datetime) -> bool:
    """Whether what happens at `instant` counts no more at `now`."""
    if per is LimitPeriod.ROLLING_HOUR:
        return instant < oldest_minute(now)
    return window_of(per, instant, zone).end <= now


def minute_of(instant: datetime) -> datetime:
    """The start of the minute."""
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def oldest_minute(now: datetime) -> datetime:
    """The start of the first minute that a rolling hour counts at `now`: 60 whole minutes before the one under way.

    One fewer, and what was used less than 60 minutes ago, late in its minute, would already be out.
    """
    return minute_of(now) - HOUR
