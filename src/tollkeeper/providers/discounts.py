"""`[[discounts]]` of the operator's file: list prices, lowered by a percentage from a date on.

List prices are the bundled ones, and those of the file that say so (`list_price = true`), as imported ones do: a list
price that changes leaves the discount as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from tollkeeper.clock import BEGINNING
from tollkeeper.money import HUNDRED, ZERO, multiply, subtract
from tollkeeper.providers.model import PriceRow
from tollkeeper.providers.registry import provider_key, provider_of, undated
from tollkeeper.providers.rows import Report, instant_from, row_of
from tollkeeper.providers.succession import standing_at

_KEYS = frozenset({"provider", "match", "percent", "from", "note"})
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)
_HUNDREDTH = Decimal("0.01")


def discounted(tables: object, listed: Sequence[PriceRow], *, problem: Report) -> list[PriceRow]:
    """The rows that the discounts make of list prices, for those that still hold when a discount begins.

    What can't be understood is reported. A percentage of 100 is refused: a price of 0 is written as a row.
    """
    if not isinstance(tables, list):
        problem("discounts", "This must be a list of tables: [[discounts]].")
        return []
    rows: list[PriceRow] = []
    for i, table in enumerate(tables):
        if isinstance(table, Mapping):
            rows += _rows(table, f"discounts[{i}]", listed, problem)
        else:
            problem(f"discounts[{i}]", "This must be a table.")
    return rows


def _rows(table: Mapping[str, Any], path: str, listed: Sequence[PriceRow], problem: Report) -> Iterator[PriceRow]:
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
    mine = [row for row in _sold_by(provider_key(provider), listed) if _names(pattern, row.model)]
    if not mine:
        problem(f"{path}.match", f"No list price of {provider} is for {match}.")
    for row in standing_at(start or BEGINNING, mine):
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
            least=row.least,
        )


def _names(pattern: str, model: str) -> bool:
    """Whether the pattern names the model, or the one that it's a dated version of: answers tell the dated name."""
    return fnmatchcase(model, pattern) or fnmatchcase(undated(model), pattern)


def _sold_by(provider: str, listed: Sequence[PriceRow]) -> list[PriceRow]:
    """The rows by which a provider's calls are priced, under its own name: also those of one that it resells.

    They are one series, in which the operator's go behind the bundled ones that they replace.
    """
    bundled = [row for row in listed if row.provider == provider and not row.own]
    resold, models = provider_of(provider).resells, {row.model for row in bundled}
    others = [row for row in listed if row.provider == resold and row.model not in models and not row.own]
    own = [row for row in listed if row.provider == provider and row.own]
    return [replace(row, provider=provider, own=True) for row in (*bundled, *others, *own)]


def _factor(percent: object) -> Decimal | None:
    """0.9 for "10"."""
    if not isinstance(percent, str) or not _PERCENT.fullmatch(percent):
        return None
    number = Decimal(percent)
    return multiply(subtract(HUNDRED, number), _HUNDREDTH) if ZERO < number < HUNDRED else None
