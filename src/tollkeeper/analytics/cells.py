"""Values as they stand in the cells of a CSV file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from tollkeeper.clock import in_utc
from tollkeeper.money import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: object) -> str:
    """Exact decimals, times in UTC, true and false, objects and lists as JSON, nothing for None.

    Text that a spreadsheet would run as a formula gets a quote.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
        case datetime():
            return in_utc(value)
        case Mapping():
            return json.dumps(dict(value), ensure_ascii=False, default=csv_cell)
        case list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=csv_cell)
        case str() if value.startswith(_FORMULA):
            # The text may be a customer's, and would run with the rights of whoever opens the file.
            return f"'{value}"
    return str(value)
