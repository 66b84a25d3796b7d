"""What is sold, and for how much: units, meters, prices; versions that are added to and never edited. See README.md."""

from tollkeeper.catalog.apply import Applied, apply
from tollkeeper.catalog.changes import Change, ChangeKind
from tollkeeper.catalog.check import Draft, check
from tollkeeper.catalog.declarations import Declarations, declared
from tollkeeper.catalog.document import as_document
from tollkeeper.catalog.model import (
    Aggregation,
    Catalog,
    ChargeModel,
    Meter,
    NoPrice,
    Price,
    PriceHistory,
    Rounding,
    Terms,
    Unit,
)
from tollkeeper.catalog.plan import Plan, UsedMeters, plan
from tollkeeper.catalog.prices import PRICE_KEYS, Models
from tollkeeper.catalog.shelf import Shelf, load
from tollkeeper.catalog.show import history, show
from tollkeeper.catalog.store import Version, VersionWithSource, price_by_id
from tollkeeper.catalog.table import number_fault
from tollkeeper.catalog.words import plural, price_in_words

__all__ = [
    "PRICE_KEYS",
    "Aggregation",
    "Applied",
    "Catalog",
    "Change",
    "ChangeKind",
    "ChargeModel",
    "Declarations",
    "Draft",
    "Meter",
    "Models",
    "NoPrice",
    "Plan",
    "Price",
    "PriceHistory",
    "Rounding",
    "Shelf",
    "Terms",
    "Unit",
    "UsedMeters",
    "Version",
    "VersionWithSource",
    "apply",
    "as_document",
    "check",
    "declared",
    "history",
    "load",
    "number_fault",
    "plan",
    "plural",
    "price_by_id",
    "price_in_words",
    "show",
]
