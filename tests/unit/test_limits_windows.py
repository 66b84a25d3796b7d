"""The windows of limits, in the time zones and at the moments that make them hard."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tollkeeper.catalog import LimitPeriod
from tollkeeper.clock import zone
from tollkeeper.limits import window_at, window_of
from tollkeeper.limits.windows import days_between, has_ended

DAY, WEEK, MONTH, HOUR = LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.MONTH, LimitPeriod.ROLLING_HOUR
MOMENT = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "per", "instant", "start", "end"),
    [
        ("UTC", DAY, "2026-03-10T12:00", "2026-03-10T00:00", "2026-03-11T00:00"),
        # 23 and 25 hours.
        ("Europe/Berlin", DAY, "2026-03-29T10:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Berlin", DAY, "2026-10-25T10:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        # 23.5 and 24.5 hours.
        ("Australia/Lord_Howe", DAY, "2026-10-04T00:00", "2026-10-03T13:30", "2026-10-04T13:00"),
        ("Australia/Lord_Howe", DAY, "2026-04-05T00:00", "2026-04-04T13:00", "2026-04-05T13:30"),
        ("Asia/Kathmandu", DAY, "2026-03-10T18:14", "2026-03-09T18:15", "2026-03-10T18:15"),
        ("Asia/Kathmandu", DAY, "2026-03-10T18:15", "2026-03-10T18:15", "2026-03-11T18:15"),
        # Weeks begin on Monday; this one has the change to summer time in it.
        ("Europe/Berlin", WEEK, "2026-03-29T21:59", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("Europe/Berlin", WEEK, "2026-03-29T22:00", "2026-03-29T22:00", "2026-04-05T22:00"),
        ("Asia/Kathmandu", MONTH, "2026-01-31T18:14", "2025-12-31T18:15", "2026-01-31T18:15"),
        ("Asia/Kathmandu", MONTH, "2026-01-31T18:15", "2026-01-31T18:15", "2026-02-28T18:15"),
        ("UTC", MONTH, "2028-02-29T23:59", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("Australia/Lord_Howe", MONTH, "2026-04-20T00:00", "2026-03-31T13:00", "2026-04-30T13:30"),
        # Minutes are the same everywhere.
        ("Asia/Kathmandu", HOUR, "2026-03-10T18:14:59.999999", "2026-03-10T18:14", "2026-03-10T18:15"),
    ],
)
def test_a_window_begins_and_ends_where_its_local_days_do(
    name: str, per: LimitPeriod, instant: str, start: str, end: str
) -> None:
    found = window_of(per, utc(instant), zone(name))
    assert (found.start, found.end) == (utc(start), utc(end))
    assert window_of(per, found.start, zone(name)) == found
    assert window_of(per, found.end - MOMENT, zone(name)) == found
    assert window_of(per, found.end, zone(name)).start == found.end


@pytest.mark.parametrize(
    ("per", "instant", "first", "after"),
    [
        (DAY, "2026-03-31T21:59", date(2026, 3, 31), date(2026, 4, 1)),
        (DAY, "2026-03-31T22:00", date(2026, 4, 1), date(2026, 4, 2)),
        (WEEK, "2026-03-31T22:00", date(2026, 3, 30), date(2026, 4, 6)),
        (MONTH, "2026-03-31T22:00", date(2026, 4, 1), date(2026, 5, 1)),
    ],
)
def test_a_window_knows_its_local_days(per: LimitPeriod, instant: str, first: date, after: date) -> None:
    assert days_between(per, utc(instant), zone("Europe/Berlin")) == (first, after)


def test_a_rolling_hour_is_sixty_whole_minutes_and_the_present_one() -> None:
    found = window_at(HOUR, utc("2026-03-10T12:30:59"), zone("UTC"))
    assert (found.start, found.end) == (utc("2026-03-10T11:30"), utc("2026-03-10T12:31"))
    assert window_at(DAY, utc("2026-03-10T12:30"), zone("UTC")) == window_of(DAY, utc("2026-03-10T12:30"), zone("UTC"))


@pytest.mark.parametrize(
    ("per", "instant", "now", "ended"),
    [
        (DAY, "2026-03-10T23:59", "2026-03-10T23:59:59", False),
        (DAY, "2026-03-10T23:59", "2026-03-11T00:00", True),
        (DAY, "2026-03-11T00:02", "2026-03-10T23:59", False),
        (HOUR, "2026-03-10T11:30:00", "2026-03-10T12:30:59", False),
        (HOUR, "2026-03-10T11:30:59", "2026-03-10T12:31:00", True),
        (HOUR, "2026-03-10T12:35", "2026-03-10T12:31", False),
    ],
)
def test_what_counts_no_more(per: LimitPeriod, instant: str, now: str, ended: bool) -> None:
    assert has_ended(per, utc(instant), zone("UTC"), utc(now)) is ended
