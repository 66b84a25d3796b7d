"""Times that callers give."""

from __future__ import annotations

from datetime import datetime

from tollkeeper.clock import EPOCH
from tollkeeper.errors import InvalidInput

_LATEST_YEAR = 9000


def sane(instant: datetime, field: str) -> datetime:
    """The instant, which the database and every time zone can express. Raises InvalidInput `invalid_<field>`."""
    if instant < EPOCH or instant.year >= _LATEST_YEAR:
        raise InvalidInput(f"invalid_{field}", f"{field} must lie between 1970 and {_LATEST_YEAR}.", field=field)
    return instant
