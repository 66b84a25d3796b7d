"""The charge models. A new one is a file here, a line below, and its vectors in tests/unit/vectors/charge_models/."""

from __future__ import annotations

from collections.abc import Mapping
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
