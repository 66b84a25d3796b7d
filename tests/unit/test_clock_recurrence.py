"""Periods counted from an anchor: 29/30/31 anchors, leap days, and zones whose midnights move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tollkeeper.clock import Period, recurrence, zone


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


VECTORS = [
    ("UTC", Period.MONTH, "2023-01-31T15:30", "2023-01-31T15:30 2023-02-28 2023-03-31 2023-04-30 2023-05-31"),
    ("UTC", Period.MONTH, "2024-01-31T00:00", "2024-01-31 2024-02-29 2024-03-31 2024-04-30"),
    ("UTC", Period.MONTH, "2023-01-30T00:00", "2023-01-30 2023-02-28 2023-03-30"),
    ("UTC", Period.MONTH, "2023-01-29T00:00", "2023-01-29 2023-02-28 2023-03-29"),
    ("UTC", Period.MONTH, "2024-01-29T00:00", "2024-01-29 2024-02-29 2024-03-29"),
    ("UTC", Period.YEAR, "2024-02-29T08:00", "2024-02-29T08:00 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
    ("UTC", Period.WEEK, "2024-02-28T23:59", "2024-02-28T23:59 2024-03-06 2024-03-13"),
    ("UTC", Period.DAY, "2024-02-28T12:00", "2024-02-28T12:00 2024-02-29 2024-03-01"),
    # The local date is what counts: it's already the 31st in Tokyo.
    ("Asia/Tokyo", Period.MONTH, "2024-01-30T20:00", "2024-01-30T20:00 2024-02-28T15:00 2024-03-30T15:00"),
    # Clocks go forward on 31 March 2024, back on 27 October: midnights stay where they are on the wall.
    ("Europe/Berlin", Period.DAY, "2024-03-30T12:00", "2024-03-30T12:00 2024-03-30T23:00 2024-03-31T22:00"),
    ("Europe/Berlin", Period.DAY, "2024-10-26T12:00", "2024-10-26T12:00 2024-10-26T22:00 2024-10-27T23:00"),
    ("Europe/Berlin", Period.MONTH, "2024-02-29T23:30", "2024-02-29T23:30 2024-03-31T22:00 2024-04-30T22:00"),
    ("America/New_York", Period.WEEK, "2024-03-05T05:00", "2024-03-05T05:00 2024-03-12T04:00"),
    # No midnight on the day that the clocks go forward at 00:00.
    ("America/Sao_Paulo", Period.DAY, "2018-11-03T12:00", "2018-11-03T12:00 2018-11-04T03:00 2018-11-05T02:00"),
    # Half an hour of daylight saving, and a zone of five hours and three quarters.
    ("Australia/Lord_Howe", Period.DAY, "2024-10-05T00:00", "2024-10-05T00:00 2024-10-05T13:30 2024-10-06T13:00"),
    ("Australia/Lord_Howe", Period.DAY, "2024-04-06T00:00", "2024-04-06T00:00 2024-04-06T13:00 2024-04-07T13:30"),
    ("Asia/Kathmandu", Period.MONTH, "2024-01-31T00:00", "2024-01-31T00:00 2024-02-28T18:15 2024-03-30T18:15"),
]


@pytest.mark.parametrize(("name", "every", "anchor", "starts"), VECTORS)
def test_periods_from_an_anchor(name: str, every: Period, anchor: str, starts: str) -> None:
    found = [recurrence(utc(anchor), every, n, zone(name)) for n in range(len(starts.split()))]
    assert found == [utc(start) for start in starts.split()]


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"])
@pytest.mark.parametrize("every", list(Period))
def test_periods_follow_one_another(name: str, every: Period) -> None:
    starts = [recurrence(utc("2024-01-31T22:45"), every, n, zone(name)) for n in range(60)]
    assert all(left < right for left, right in pairwise(starts))


def test_a_day_that_never_was_is_empty() -> None:
    # Samoa crossed the date line: 30 December 2011 has no instant.
    apia = zone("Pacific/Apia")
    starts = [recurrence(utc("2011-12-29T20:00"), Period.DAY, n, apia) for n in range(4)]
    assert starts[1] == starts[2] == utc("2011-12-30T10:00")
    assert starts[3] - starts[2] == timedelta(days=1)
