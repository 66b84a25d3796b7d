"""`[[discounts]]` of the operator's file: bundled prices, lowered by a percentage from a date on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from tollkeeper.clock import BEGINNING
from tollkeeper.money import HUNDRED, ZERO, multiply, subtract
from tollkeeper.providers.model import Conditions, PriceRow
from tollkeeper.providers.registry import provider_key
from tollkeeper.providers.rows import Report, instant_from, row_of

_KEYS = frozenset({"provider", "match", "percent", "from", "note"})
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)
_HUNDREDTH = Decimal("0.01")


def discounted(tables: object, bundled: Sequence[PriceRow], *, problem: Report) -> list[PriceRow]:
    """The rows that the discounts make of the bundled ones, for those that still hold when a discount begins.

    What can't be understood is reported. A percentage of 100 is refused: a price of 0 is written as a row.
    """
    if not isinstance(tables, list):
        problem("discounts", "This must be a list of tables: [[discounts]].")
        return []
    rows: list[PriceRow] = []
    for i, table in enumerate(tables):
        if isinstance(table, Mapping):
            rows += _rows(table, f"discounts[{i}]", bundled, problem)
        else:
            problem(f"discounts[{i}]", "This must be a table.")
    return rows


def _rows(table: Mapping[str, Any], path: str, bundled: Sequence[PriceRow], problem: Report) -> Iterator[PriceRow]:
    for key in table:
        if key not in _KEYS:
            problem(f"{path}.{key}", f"There is no such key; known are {', '.join(sorted(_KEYS))}.")
    provider, match = table.get("provider"), table.get("match", "*")
    if not isinstance(provider, str) or not isinstance(match, str):
        problem(f"{path}.provider", 'Whose prices these are is missing: provider = "openai", match = "gpt-*".')
        return
    start, factor = instant_from(table, "from", path, problem), _factor(table.get("percent"))
    if factor is None:
        problem(f"{path}.percent", 'This must be a percentage in quotes above 0 and below 100, such as "12.5".')
        return
    pattern = match.strip().lower()
    mine = [row for row in bundled if row.provider == provider_key(provider) and fnmatchcase(row.model, pattern)]
    if not mine:
        problem(f"{path}.match", f"No bundled price of {provider} is for {match}.")
    for row in _in_force_from(start or BEGINNING, mine):
        yield row_of(
            row.provider,
            row.model,
            row.unit,
            multiply(row.amount, factor),
            row.per,
            start=max(start, row.start) if start and row.start else start or row.start,
            end=row.end,
            conditions=row.conditions,
            source=row.source,
            checked_on=row.checked_on,
            own=True,
        )


def _factor(percent: object) -> Decimal | None:
    """0.9 for "10"."""
    if not isinstance(percent, str) or not _PERCENT.fullmatch(percent):
        return None
    number = Decimal(percent)
    return multiply(subtract(HUNDRED, number), _HUNDREDTH) if ZERO < number < HUNDRED else None


def _in_force_from(start: datetime, rows: Sequence[PriceRow]) -> Iterator[PriceRow]:
    """The rows that can apply from `start` on: not those that end before, or that a later one has replaced by then."""
    by_place: dict[tuple[str, str], list[PriceRow]] = {}
    for row in rows:
        by_place.setdefault((row.model, row.unit), []).append(row)
    for row in rows:
        ended = row.end is not None and row.end <= start
        if not ended and not any(_replaces(other, row, start) for other in by_place[row.model, row.unit]):
            yield row


def _replaces(other: PriceRow, row: PriceRow, at: datetime) -> bool:
    """Whether `other` began after `row`, by `at`, and applies wherever `row` does."""
    begun = other.start is not None and (row.start or BEGINNING) < other.start <= at.astimezone(UTC)
    return begun and (other.end is None or other.end > at) and _covers(other.conditions, row.conditions)


def _covers(wide: Conditions, narrow: Conditions) -> bool:
    pairs = (
        (wide.service_tier, narrow.service_tier),
        (wide.batch, narrow.batch),
        (wide.region, narrow.region),
        (wide.input_above, narrow.input_above),
        (wide.input_up_to, narrow.input_up_to),
        (wide.hours, narrow.hours),
        (wide.weekdays, narrow.weekdays),
    )
    return all(left is None or left == right for left, right in pairs)
