"""From usage to charge: pure functions over Decimal. See README.md."""

from tollkeeper.rating.explain import explain
from tollkeeper.rating.model import Cumulative, Measure, PerEvent, Rated, Step
from tollkeeper.rating.models import MODELS, models_with
from tollkeeper.rating.quantity import billed_quantity
from tollkeeper.rating.rate import linear_rate, needs_running_total, price_of_running_total, rate
from tollkeeper.rating.words import figure

__all__ = [
    "MODELS",
    "Cumulative",
    "Measure",
    "PerEvent",
    "Rated",
    "Step",
    "billed_quantity",
    "explain",
    "figure",
    "linear_rate",
    "models_with",
    "needs_running_total",
    "price_of_running_total",
    "rate",
]
