"""Our own words: `{"characters": 1200}`, `{"seconds": "12.5"}`, `{"images": 2}`, or disjoint tokens by unit."""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.providers.model import TOKEN_UNITS, Unit
from tollkeeper.providers.reading import Reader
from tollkeeper.providers.shapes.parts import Quantities

TOOLS = (Unit.WEB_SEARCHES, Unit.FILE_SEARCHES, Unit.CODE_SESSIONS, Unit.IMAGES, Unit.OTHER_MODEL_TOKENS)
"""What a provider charges besides, and doesn't count in its usage object: it may stand beside any shape."""

_WHOLE = frozenset({Unit.PAGES, Unit.REQUESTS, Unit.CHARACTERS, *TOOLS}) | TOKEN_UNITS


def is_plain(usage: Reader) -> bool:
    """Whether there is nothing but our units."""
    return usage.only(frozenset(unit.value for unit in Unit))


def quantities(usage: Reader, _provider: str, _model: str) -> Quantities:
    """Each unit as it is; they are disjoint already."""
    return {unit: _read(usage, unit) for unit in Unit if usage.has(unit)}


def tools(usage: Reader) -> Quantities:
    """Searches, sessions and pictures that stand beside a provider's own keys."""
    return {unit: usage.tokens(unit) for unit in TOOLS if usage.has(unit)}


def _read(usage: Reader, unit: Unit) -> Decimal:
    return usage.tokens(unit) if unit in _WHOLE else usage.amount(unit)
