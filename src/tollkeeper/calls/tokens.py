"""Tokens of a call: of its disjoint units, which together are its input, and which its output."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from tollkeeper.money import ZERO, add


class Tokens(NamedTuple):
    """Tokens of whatever kind: text, audio, images."""

    input: Decimal = ZERO
    """What the model read, from its provider's cache or not, and what was written to it."""
    cached: Decimal = ZERO
    """What of the input came from the cache."""
    output: Decimal = ZERO
    """What the model wrote, and what it thought in."""
    total: Decimal = ZERO
    """All of them; also those that another model took within the call, which are neither input nor output here."""


def tokens_in(quantities: Mapping[str, Decimal]) -> Tokens:
    """The tokens among a call's quantities; below zero where it's taken back."""
    read, cached, written, total = Tokens()
    for unit, quantity in quantities.items():
        is_token, is_input, is_cached, is_output = _kind(unit)
        if is_token:
            total = add(total, quantity)
            read = add(read, quantity) if is_input else read
            cached = add(cached, quantity) if is_cached else cached
            written = add(written, quantity) if is_output else written
    return Tokens(read, cached, written, total)


@cache
def _kind(unit: str) -> tuple[bool, bool, bool, bool]:
    """By its name, as the queries tell it: whether it's tokens; and of the input, from the cache, or of the output."""
    if not unit.endswith("tokens"):
        return False, False, False, False
    begins = unit.startswith
    return True, begins(("input", "cache")), begins("cached"), begins(("output", "reasoning"))
