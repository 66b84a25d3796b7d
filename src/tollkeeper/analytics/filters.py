"""Filters as callers write them: `dimension:value`."""

from __future__ import annotations

from collections.abc import Iterable

from tollkeeper.errors import InvalidInput


def parse_filter(pairs: Iterable[str]) -> dict[str, str]:
    """The value of each dimension that is named; the last one wins. Raises InvalidInput `invalid_filter`."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, colon, value = pair.partition(":")
        if not colon or not name:
            raise InvalidInput("invalid_filter", f"{pair!r} isn't of the form dimension:value.", field="filter")
        found[name] = value
    return found
