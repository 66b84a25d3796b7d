"""The charge models. A new one is a file here, a line below, and its vectors in tests/unit/vectors/charge_models/."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tollkeeper.rating.model import Cumulative, PerEvent
from tollkeeper.rating.models import cost_plus, dynamic, graduated, package, percentage, unit, volume

MODELS: Mapping[str, Cumulative[Any] | PerEvent[Any]] = {
    "unit": unit.Unit(),
    "package": package.Package(),
    "graduated": graduated.Graduated(),
    "volume": volume.Volume(),
    "percentage": percentage.Percentage(),
    "dynamic": dynamic.Dynamic(),
    "cost_plus": cost_plus.CostPlus(),
}
"""Every charge model, by the name that the catalog uses."""


def models_with(margin_percent: Decimal) -> Mapping[str, Cumulative[Any] | PerEvent[Any]]:
    """The charge models for reading a catalog file, whose `cost_plus` prices have this margin where they say none."""
    return {**MODELS, "cost_plus": cost_plus.CostPlus(margin_percent)}
