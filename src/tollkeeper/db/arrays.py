"""PostgreSQL array literals, for the statements that write whole batches.

Building the text here costs a fifth of passing lists through the driver's adaptation of each element, and a column
without any value is sent as an empty array: `unnest` fills the shorter of its arrays up with nulls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def array(values: Sequence[Any]) -> str:
    """Numbers, booleans, UUIDs, dates, or texts of plain words; None is null. Nothing here may need escaping."""
    absent = values.count(None)
    if not absent:
        return "{" + ",".join(map(str, values)) + "}"
    if absent == len(values):
        return "{}"
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def word_array(values: Sequence[str]) -> str:
    """Texts of letters, digits, `-`, `_`, `:`, `+` and `.`, such as UUIDs and times without a space; never None."""
    return "{" + ",".join(values) + "}"


def text_array(values: Sequence[str | None]) -> str:
    """Any texts; None is null."""
    if values.count(None) == len(values):
        return "{}"
    if None not in values:
        joined = '","'.join(values)  # type: ignore[arg-type]
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return '{"' + joined + '"}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
