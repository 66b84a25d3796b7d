"""No day ends in the midst of a test: what is used today still is today's when it's looked at.

A pytest plugin. A test that would begin right before a day ends begins after that, and so does the first test of a
module on whose servers figures of today are. Tests of what happens at midnight have clocks of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kathmandu", "Australia/Lord_Howe")
]
"""Those of customers who use something in the present."""

TEST = timedelta(seconds=30)
"""So long a test may take."""
MODULE = timedelta(minutes=2)
"""So long a module may whose tests share a server, and a test that is marked as slow."""
SHARING = ("tests/browser/", "tests/client/", "tests/demo/", "tests/examples/")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    module = item.nodeid.partition("::")[0]
    begins = module.startswith(SHARING) and item.config.stash.get(_LAST, "") != module
    item.config.stash[_LAST] = module
    takes = MODULE if begins or item.get_closest_marker("slow") else TEST
    time.sleep(until_no_day_ends(datetime.now(UTC), takes).total_seconds())
    return (yield)


_LAST = pytest.StashKey[str]()


def until_no_day_ends(now: datetime, within: timedelta) -> timedelta:
    """How long to wait until no zone's day ends within that time: nothing, or until those are over that would."""
    wait = timedelta()
    while ends := [left for zone in ZONES if (left := _left_of_day(now + wait, zone)) <= within]:
        wait += max(ends)
    return wait


def _left_of_day(now: datetime, zone: ZoneInfo) -> timedelta:
    local = now.astimezone(zone)
    next_day = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), zone)
    return next_day.astimezone(UTC) - now
