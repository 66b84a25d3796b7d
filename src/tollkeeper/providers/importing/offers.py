"""A price as another book has it, brought to our words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tollkeeper.errors import InvalidInput
from tollkeeper.providers.model import Unit

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Offer:
    """One price of one unit of some models, as somebody else tells it."""

    provider: str
    models: tuple[str, ...]
    """Names, and patterns in which * stands for anything."""
    unit: Unit
    amount: Decimal
    per: Decimal
    service_tier: str | None = None
    """None: standard."""
    batch: bool = False
    region: str | None = None
    input_above: int | None = None
    input_up_to: int | None = None
    start: datetime | None = None


@dataclass(frozen=True, slots=True)
class OtherBook:
    """Somebody else's prices of the providers that we know."""

    source: str
    """What it's called: "genai-prices 0.2.3"."""
    offers: Sequence[Offer]
    names: Mapping[str, frozenset[str]]
    """By provider, all names and patterns of models that it has, also those whose prices can't be compared."""


def read_json(text: str, *, file: str) -> Any:
    """The document, with every number exact. Raises InvalidInput `invalid_price_file`."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise not_that(file, f"it isn't JSON: {error}") from None


def not_that(file: str, why: str) -> InvalidInput:
    """The error for a file that isn't what it should be."""
    return InvalidInput("invalid_price_file", f"{file} can't be imported: {why}.", field="file")


def number(value: object) -> Decimal | None:
    """An exact price ≥ 0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value)
    except ArithmeticError:
        return None
    return found if found.is_finite() and found >= 0 else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
