"""What is sold, to whom, and for how much: versions that are added to and never edited. See README.md."""

from tollkeeper.catalog.apply import Applied, apply, redeclare
from tollkeeper.catalog.attribution import Attribution, AttributionRule, TokenClass
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
    Lifetime,
    Limit,
    LimitBy,
    LimitMode,
    LimitPeriod,
    MeterGroup,
    OnExpiry,
    Overage,
    Pack,
    Plan,
    RecurringGrant,
    TopUpOffer,
    UnitFunding,
    WhenExhausted,
)
from tollkeeper.catalog.prices import PRICE_KEYS, Models
from tollkeeper.catalog.propose import Proposal, UsedMeters, UsedPlans, propose
from tollkeeper.catalog.shelf import Shelf, load
from tollkeeper.catalog.show import history, show
from tollkeeper.catalog.store import Version, VersionWithSource, price_by_id
from tollkeeper.catalog.table import in_words, number_fault
from tollkeeper.catalog.words import (
    amount_by_name,
    grant_for_customers,
    grant_in_words,
    limit_for_customers,
    limit_in_words,
    offer_in_words,
    pack_in_words,
    plural,
    price_for_customers,
    price_in_words,
)

__all__ = [
    "PRICE_KEYS",
    "Aggregation",
    "Applied",
    "Attribution",
    "AttributionRule",
    "Catalog",
    "Change",
    "ChangeKind",
    "ChargeModel",
    "Declarations",
    "Draft",
    "Funding",
    "Lifetime",
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
    "Pack",
    "Plan",
    "Price",
    "PriceHistory",
    "Proposal",
    "RecurringGrant",
    "Rounding",
    "Shelf",
    "Terms",
    "TokenClass",
    "TopUpOffer",
    "Unit",
    "UnitFunding",
    "UsedMeters",
    "UsedPlans",
    "Version",
    "VersionWithSource",
    "WhenExhausted",
    "amount_by_name",
    "apply",
    "as_document",
    "check",
    "declared",
    "grant_for_customers",
    "grant_in_words",
    "history",
    "in_words",
    "limit_for_customers",
    "limit_in_words",
    "limit_of",
    "load",
    "number_fault",
    "offer_in_words",
    "pack_in_words",
    "plural",
    "price_by_id",
    "price_for_customers",
    "price_in_words",
    "propose",
    "recurring_of",
    "redeclare",
    "show",
]
