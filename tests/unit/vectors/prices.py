"""Prices and meters for the rating tests, made as the catalog makes them: through the model's own parser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from tollkeeper.catalog.model import Aggregation, Meter, Price, Rounding
from tollkeeper.clock import BEGINNING, Period
from tollkeeper.rating import MODELS

CHARGE_MODELS = Path(__file__).with_name("charge_models")
TOKENS = Meter("tokens", "Tokens", "token")
ALL_OF_IT = {"tiers": [{"up_to": "1000", "amount": "0.01", "flat": "5"}, {"amount": "0.005"}]}

REQUIRED_KEYS = {
    "unit": 'model = "unit"\namount = 1',
    "package": 'model = "package"\namount = 1\nsize = 5',
    "graduated": 'model = "graduated"\ntiers = [{ amount = 1 }]',
    "volume": 'model = "volume"\ntiers = [{ amount = 1 }]',
    "percentage": 'model = "percentage"\npercent = 5',
    "dynamic": 'model = "dynamic"',
    "cost_plus": 'model = "cost_plus"',
}
"""The catalog's text of a price under each model that has nothing but what it must have."""

_EVERY = 'unit = "USD"\nperiod = "year"\ndiscount_percent = 5\nmaximum = 9\nfrom = 2026-12-01T00:00:00Z'
_TIERS = "tiers = [{ up_to = 5, amount = 1, per = 2, flat = 3 }, { flat = 4 }]"
ALL_KEYS = {
    "unit": f'model = "unit"\namount = 1\nper = 2\nincluded = 5\n{_EVERY}',
    "package": f'model = "package"\namount = 1\nsize = 5\nincluded = 5\n{_EVERY}',
    "graduated": f'model = "graduated"\n{_TIERS}\nincluded = 5\n{_EVERY}',
    "volume": f'model = "volume"\n{_TIERS}\nincluded = 5\n{_EVERY}',
    "percentage": f'model = "percentage"\npercent = 5\nfixed = 1\nevent_minimum = 2\nevent_maximum = 3\n{_EVERY}',
    "dynamic": f'model = "dynamic"\nmultiplier = 2\n{_EVERY}',
    "cost_plus": (
        'model = "cost_plus"\nmargin_percent = 5\nfixed = 1\nfallback = 2\nfallback_per = "event"\n'
        f'true_up = "cost_only"\nundelivered = "free"\n{_EVERY}'
    ),
}
"""The same with every key that it can have."""


def a_price(model: str, terms: Mapping[str, object], **parts: Any) -> Price:
    """A price under `model`; `parts` (included, maximum, discount_percent ...) may be strings."""
    problems: list[tuple[str, str]] = []
    parsed = MODELS[model].parse(terms, problem=lambda key, message: problems.append((key, message)))
    assert not problems
    assert parsed is not None
    amounts = {key: Decimal(value) if key != "unit" else value for key, value in parts.items()}
    return Price(
        UUID(int=1), "tokens", None, BEGINNING, amounts.pop("unit", "USD"), model, parsed, Period.MONTH, **amounts
    )


def a_meter(aggregation: str = "sum", unit: str = "minute", **rules: Any) -> Meter:
    """A meter; `minimum` and `step` may be strings, `rounding` a word."""
    numbers = {key: Decimal(rules.pop(key)) for key in ("minimum", "step") if key in rules}
    rounding = Rounding(rules.pop("rounding")) if "rounding" in rules else None
    return Meter("m", "M", unit, Aggregation(aggregation), rounding=rounding, **numbers, **rules)


def vectors() -> list[tuple[str, dict[str, Any]]]:
    """Every golden case, with its model's name."""
    return [(path.stem, case) for path in sorted(CHARGE_MODELS.glob("*.json")) for case in json.loads(path.read_text())]
