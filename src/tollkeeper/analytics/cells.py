"""Values as they stand in the cells of a CSV file."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tollkeeper.clock import in_utc
from tollkeeper.money import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: object) -> str:
    """Exact decimals, times in UTC, nothing for None; text that a spreadsheet would run as a formula gets a quote."""
    match value:
        case None:
            return ""
        case Decimal():
            return plain(value)
        case datetime():
            return in_utc(value)
        case str() if value.startswith(_FORMULA):
            # The text may be a customer's, and would run with the rights of whoever opens the file.
            return f"'{value}"
    return str(value)
