"""Which rows still hold at an instant: not those that have ended, nor those that a later one has replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tollkeeper.clock import BEGINNING
from tollkeeper.providers.model import Conditions, PriceRow


def standing_at(at: datetime, rows: Sequence[PriceRow]) -> list[PriceRow]:
    """The rows that hold at the instant or begin after it. They say what a call costs from then on: the others can't
    apply any more, since another row that applies wherever they do goes before them.
    """
    by_place: dict[tuple[object, ...], list[tuple[int, PriceRow]]] = {}
    for i, row in enumerate(rows):
        by_place.setdefault((row.provider, row.model, row.unit, row.own), []).append((i, row))
    return [
        row
        for i, row in enumerate(rows)
        if (row.end is None or row.end > at)
        and not any(
            _replaces(other, row, at, later=j > i)
            for j, other in by_place[row.provider, row.model, row.unit, row.own]
            if j != i
        )
    ]


def _replaces(other: PriceRow, row: PriceRow, at: datetime, *, later: bool) -> bool:
    """Whether `other` has begun by `at`, goes on as long as `row`, applies wherever `row` does, and goes before it."""
    begun, since = other.start or BEGINNING, row.start or BEGINNING
    lasts = other.end is None or (row.end is not None and row.end <= other.end)
    if not lasts or begun > at or not _covers(other.conditions, row.conditions):
        return False
    return since < begun or (since == begun and later and other.conditions == row.conditions)


def _covers(wide: Conditions, narrow: Conditions) -> bool:
    pairs = (
        (wide.service_tier, narrow.service_tier),
        (wide.batch, narrow.batch),
        (wide.input_above, narrow.input_above),
        (wide.input_up_to, narrow.input_up_to),
        (wide.hours, narrow.hours),
        (wide.weekdays, narrow.weekdays),
    )
    # A region's prices are a series of their own.
    return wide.region == narrow.region and all(left is None or left == right for left, right in pairs)
