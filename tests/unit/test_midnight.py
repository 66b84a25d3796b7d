"""Tests begin when no day ends while they run."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.midnight import until_no_day_ends


@pytest.mark.parametrize(
    ("now", "seconds", "wait"),
    [
        ("2026-11-30T23:59:29Z", 30, 0),
        ("2026-11-30T23:59:30Z", 30, 30),
        ("2026-11-30T23:59:59.5Z", 30, 0.5),
        ("2026-12-01T00:00:00Z", 30, 0),
        ("2026-11-30T22:59:45Z", 30, 15),  # midnight in Berlin,
        ("2026-06-30T21:59:45Z", 30, 15),  # and in summer;
        ("2026-11-30T18:14:50Z", 30, 10),  # in Kathmandu
        ("2026-11-30T12:00:00Z", 120, 0),
    ],
)
def test_it_waits_until_no_day_ends(now: str, seconds: int, wait: float) -> None:
    assert until_no_day_ends(datetime.fromisoformat(now), timedelta(seconds=seconds)).total_seconds() == wait
