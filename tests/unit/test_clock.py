"""Local days, hours and periods, in the time zones that make them hard."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from tollkeeper.clock import (
    Interval,
    Period,
    add_months,
    calendar_period,
    end_of_hour,
    local_slot,
    period_of_day,
    start_of_day,
    zone,
)
from tollkeeper.errors import InvalidInput

QUARTER = timedelta(minutes=15)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day", "starts", "hours"),
    [
        ("UTC", "2024-05-05", "2024-05-05T00:00", 24),
        ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00", 23),
        ("Europe/Berlin", "2024-10-27", "2024-10-26T22:00", 25),
        ("America/New_York", "2024-03-10", "2024-03-10T05:00", 23),
        ("America/New_York", "2024-11-03", "2024-11-03T04:00", 25),
        ("Asia/Kolkata", "2024-05-05", "2024-05-04T18:30", 24),
        ("Asia/Kathmandu", "2024-05-05", "2024-05-04T18:15", 24),
        # Midnight doesn't exist: the day begins at 01:00, the moment of the change.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),
        ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00", 23),
        # 23:00 to midnight comes twice at the end of the day.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", 25),
        # Midnight comes twice: the day begins with the first.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25),
        ("Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30", 23.5),
        ("Australia/Lord_Howe", "2024-04-07", "2024-04-06T13:00", 24.5),
        # Samoa crossed the date line: 30 December 2011 never was.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
    ],
)
def test_local_day(name: str, day: str, starts: str, hours: float) -> None:
    on = date.fromisoformat(day)
    interval = period_of_day(on, Period.DAY, zone(name))
    assert interval.start == utc(starts)
    assert interval.end - interval.start == timedelta(hours=hours)
    assert interval.end == start_of_day(on + timedelta(days=1), zone(name))


@pytest.mark.parametrize(
    ("name", "around"),
    [
        ("Europe/Berlin", "2024-03-31T01:00"),
        ("Europe/Berlin", "2024-10-27T01:00"),
        ("America/Sao_Paulo", "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2018-02-18T02:00"),
        ("Asia/Beirut", "2024-03-30T22:00"),
        ("America/Havana", "2024-11-03T05:00"),
        ("Australia/Lord_Howe", "2024-10-05T15:30"),
        ("Australia/Lord_Howe", "2024-04-06T15:00"),
        ("Asia/Kathmandu", "2024-05-05T00:00"),
        ("Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_every_instant_is_in_exactly_one_day_and_one_hour(name: str, around: str) -> None:
    tz = zone(name)
    hours: list[datetime] = []
    for n in range(-200, 200):
        instant = utc(around) + n * QUARTER
        slot = local_slot(instant, tz)
        assert instant in period_of_day(slot.day, Period.DAY, tz)
        assert slot == local_slot(instant + QUARTER - timedelta(microseconds=1), tz)
        assert slot.hour <= instant < end_of_hour(instant, tz)
        hours.append(slot.hour)
    assert hours == sorted(hours)
    for hour, following in pairwise(sorted(set(hours))):
        assert end_of_hour(hour, tz) == following


@pytest.mark.parametrize(
    ("name", "instant", "day", "hour"),
    [
        ("UTC", "2024-05-05T13:59:59", "2024-05-05", "2024-05-05T13:00"),
        ("Asia/Kolkata", "2024-01-01T00:10", "2024-01-01", "2023-12-31T23:30"),
        ("Asia/Kathmandu", "2024-01-01T18:20", "2024-01-02", "2024-01-01T18:15"),
        ("America/New_York", "2024-07-01T03:59", "2024-06-30", "2024-07-01T03:00"),
    ],
)
def test_slot_of_an_instant(name: str, instant: str, day: str, hour: str) -> None:
    slot = local_slot(utc(instant), zone(name))
    assert slot.day == date.fromisoformat(day)
    assert slot.hour == utc(hour)


@pytest.mark.parametrize(
    ("instant", "start", "end"),
    [
        ("2024-10-05T15:29", "2024-10-05T14:30", "2024-10-05T15:30"),
        ("2024-10-05T15:31", "2024-10-05T15:30", "2024-10-05T16:00"),
        ("2024-04-06T14:59", "2024-04-06T14:00", "2024-04-06T15:00"),
        ("2024-04-06T15:01", "2024-04-06T15:00", "2024-04-06T15:30"),
    ],
)
def test_lord_howe_has_a_half_hour_where_its_clocks_change(instant: str, start: str, end: str) -> None:
    # 02:00 becomes 02:30 in October; in April it becomes 01:30, which then comes a second time.
    tz = zone("Australia/Lord_Howe")
    assert local_slot(utc(instant), tz).hour == utc(start)
    assert end_of_hour(utc(instant), tz) == utc(end)


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    tz = zone("Europe/Berlin")
    first, second = utc("2024-10-27T00:30"), utc("2024-10-27T01:30")
    assert first.astimezone(tz).hour == second.astimezone(tz).hour == 2
    assert local_slot(first, tz).hour == utc("2024-10-27T00:00")
    assert local_slot(second, tz).hour == utc("2024-10-27T01:00")


@pytest.mark.parametrize(
    ("anchor", "months", "result"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-01-31", 2, "2024-03-31"),
        ("2024-01-31", 3, "2024-04-30"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2024-12-15", 1, "2025-01-15"),
        ("2024-03-31", -1, "2024-02-29"),
        ("2024-01-31", -2, "2023-11-30"),
        ("2024-01-31", 0, "2024-01-31"),
        ("2099-12-31", 2, "2100-02-28"),
    ],
)
def test_months_are_clamped_to_their_end(anchor: str, months: int, result: str) -> None:
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(result)


@pytest.mark.parametrize(
    ("day", "period", "first", "after"),
    [
        ("2024-02-29", Period.DAY, "2024-02-29", "2024-03-01"),
        ("2024-02-29", Period.MONTH, "2024-02-01", "2024-03-01"),
        ("2023-02-28", Period.MONTH, "2023-02-01", "2023-03-01"),
        ("2024-12-31", Period.MONTH, "2024-12-01", "2025-01-01"),
        ("2024-12-31", Period.YEAR, "2024-01-01", "2025-01-01"),
        ("2024-12-30", Period.WEEK, "2024-12-30", "2025-01-06"),
        ("2025-01-05", Period.WEEK, "2024-12-30", "2025-01-06"),
        ("2024-03-03", Period.WEEK, "2024-02-26", "2024-03-04"),
    ],
)
def test_calendar_periods(day: str, period: Period, first: str, after: str) -> None:
    assert calendar_period(date.fromisoformat(day), period) == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("period", "hours"), [(Period.WEEK, 7 * 24 - 1), (Period.MONTH, 31 * 24 - 1), (Period.YEAR, 366 * 24)]
)
def test_longer_periods_have_the_hours_of_their_days(period: Period, hours: int) -> None:
    interval = period_of_day(date(2024, 3, 31), period, zone("Europe/Berlin"))
    assert interval.end - interval.start == timedelta(hours=hours)


def test_intervals_are_half_open() -> None:
    interval = Interval(utc("2024-01-01T00:00"), utc("2024-02-01T00:00"))
    assert interval.start in interval
    assert interval.end - timedelta(microseconds=1) in interval
    assert interval.end not in interval
    assert interval.start - timedelta(microseconds=1) not in interval


def test_hours_before_1970_are_hours_too() -> None:
    assert local_slot(utc("1969-12-31T23:59:59.999999"), zone("UTC")).hour == utc("1969-12-31T23:00")
    assert end_of_hour(utc("1969-12-31T23:59:59"), zone("UTC")) == utc("1970-01-01T00:00")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "europe/berlin", "+02:00"])
def test_unknown_time_zones_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        zone(name)
    assert refused.value.code == "unknown_timezone"
    assert refused.value.field == "timezone"
