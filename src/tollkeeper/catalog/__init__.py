"""What is sold, to whom, and for how much: versions that are added to and never edited. See README.md."""

from tollkeeper.catalog.apply import Applied, apply
from tollkeeper.catalog.changes import Change, ChangeKind
from tollkeeper.catalog.check import Draft, check
from tollkeeper.catalog.declarations import Declarations, declared
from tollkeeper.catalog.document import as_document
from tollkeeper.catalog.lines import Lines
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
from tollkeeper.catalog.own import limit_of, recurring_of
from tollkeeper.catalog.plans import (
    Funding,
    Limit,
    LimitBy,
    LimitMode,
    LimitPeriod,
    MeterGroup,
    OnExpiry,
    Overage,
    Plan,
    RecurringGrant,
    UnitFunding,
    WhenExhausted,
)
from tollkeeper.catalog.prices import PRICE_KEYS, Models
from tollkeeper.catalog.propose import Proposal, UsedMeters, UsedPlans, propose
from tollkeeper.catalog.shelf import Shelf, load
from tollkeeper.catalog.show import history, show
from tollkeeper.catalog.store import Version, VersionWithSource, price_by_id
from tollkeeper.catalog.table import number_fault
from tollkeeper.catalog.words import grant_in_words, limit_in_words, plural, price_in_words

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
    "Funding",
    "Limit",
    "LimitBy",
    "LimitMode",
    "LimitPeriod",
    "Lines",
    "Meter",
    "MeterGroup",
    "Models",
    "NoPrice",
    "OnExpiry",
    "Overage",
    "Plan",
    "Price",
    "PriceHistory",
    "Proposal",
    "RecurringGrant",
    "Rounding",
    "Shelf",
    "Terms",
    "Unit",
    "UnitFunding",
    "UsedMeters",
    "UsedPlans",
    "Version",
    "VersionWithSource",
    "WhenExhausted",
    "apply",
    "as_document",
    "check",
    "declared",
    "grant_in_words",
    "history",
    "limit_in_words",
    "limit_of",
    "load",
    "number_fault",
    "plural",
    "price_by_id",
    "price_in_words",
    "propose",
    "recurring_of",
    "show",
]
