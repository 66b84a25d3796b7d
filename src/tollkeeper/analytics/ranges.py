"""Ranges of time as callers ask for them: within the time that usage can have, and never empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tollkeeper.clock import EPOCH, Interval
from tollkeeper.errors import InvalidInput

LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No usage is later, and none is earlier than 1970; the calendar's own ends can't be expressed in every time zone."""

_DEFAULT_LENGTH = timedelta(days=30)


def whole_range(start: datetime | None, end: datetime | None) -> Interval:
    """[start, end) in UTC; what isn't given is the beginning or the end of all usage. Raises as `check_range` does."""
    return check_range(EPOCH if start is None else start, LATEST if end is None else end)


def recent_range(start: datetime | None, end: datetime | None, now: datetime) -> Interval:
    """[start, end) in UTC; up to `now`, and 30 days long, unless told otherwise. Raises as `check_range` does."""
    end = _bounded(now if end is None else end, "to")
    return check_range(max(end - _DEFAULT_LENGTH, EPOCH) if start is None else start, end)


def check_range(start: datetime, end: datetime) -> Interval:
    """[start, end) in UTC. Raises InvalidInput `invalid_range`: it's empty, or reaches beyond 1970 or 9000."""
    found = Interval(_bounded(start, "from"), _bounded(end, "to"))
    if found.start >= found.end:
        raise InvalidInput("invalid_range", "`from` must lie before `to`.", field="from")
    return found


def _bounded(instant: datetime, field: str) -> datetime:
    # Compared before anything is computed with it: arithmetic at the calendar's ends overflows.
    if not EPOCH <= instant <= LATEST:
        raise InvalidInput("invalid_range", f"`{field}` must lie between 1970-01-01 and 9000-01-01 UTC.", field=field)
    return instant.astimezone(UTC)
