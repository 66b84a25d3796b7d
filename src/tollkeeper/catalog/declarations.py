"""What a catalog declares besides prices: its currency, units of value, meters, limits, plans, who pays how, and what
they can buy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tollkeeper.catalog.attribution import Attribution, read_attribution
from tollkeeper.catalog.funding import read_funding
from tollkeeper.catalog.grants import read_grants
from tollkeeper.catalog.known import Known
from tollkeeper.catalog.limits import read_limits
from tollkeeper.catalog.model import Aggregation, Meter, Rounding, Unit
from tollkeeper.catalog.offers import read_packs, read_top_ups
from tollkeeper.catalog.plans import Funding, Limit, MeterGroup, OnExpiry, Pack, Plan, TopUpOffer
from tollkeeper.catalog.problems import did_you_mean
from tollkeeper.catalog.source import read
from tollkeeper.catalog.table import Table, in_words
from tollkeeper.customers.model import is_key
from tollkeeper.money import CHARGE_DECIMALS, ONE, is_currency

_DIMENSION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", re.ASCII)
_MOST_DIMENSIONS = 10
_MOST_GROUPED = 100
_DEFAULT_DECIMALS = 6
_COUNTING = frozenset({Aggregation.COUNT, Aggregation.UNIQUE_COUNT})


@dataclass(frozen=True, slots=True)
class Declarations:
    """The part of a catalog that each version replaces as a whole."""

    currency: str
    units: Mapping[str, Unit]
    meters: Mapping[str, Meter]
    groups: Mapping[str, MeterGroup] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    funding: Funding = field(default_factory=Funding)
    customer_funding: Mapping[str, Funding] = field(default_factory=dict)
    default_plan: str | None = None
    attribution: Attribution = field(default_factory=Attribution)
    top_ups: Mapping[str, TopUpOffer] = field(default_factory=dict)
    packs: Mapping[str, Pack] = field(default_factory=dict)


NOTHING = Declarations(currency="USD", units={}, meters={})
"""Before any catalog was applied."""


def declared(text: str) -> Declarations:
    """The declarations of a catalog that was accepted before; its prices aren't read."""
    root, problems = read(text, file=None)
    found = read_declarations(root)
    problems.raise_if_any()
    return found


def read_declarations(root: Table) -> Declarations:
    """The declarations of a file; what can't be used is left out of them, and noted."""
    currency = root.text("currency")
    if currency and not is_currency(currency):
        root.refuse("currency", f"`{currency}` isn't a currency's ISO 4217 code, such as USD.")
    units = {key: _unit(key, table) for key, table in root.keyed("units")}
    meters = {key: _meter(key, table) for key, table in root.keyed("meters")}
    groups = {key: _group(key, table, meters) for key, table in root.keyed("groups")}
    named = Declarations(currency, units, meters, groups)
    plans = {key: _plan(key, table, named) for key, table in root.keyed("plans")}
    default_plan = root.text("default_plan", default="") or None
    if default_plan is not None and default_plan not in plans:
        message = f"No plan is called `{default_plan}`; {did_you_mean(default_plan, plans)}"
        root.refuse("default_plan", message)
    return replace(
        named,
        limits=read_limits(root, named),
        plans=plans,
        funding=read_funding(root, named),
        customer_funding={
            customer: read_funding(table, named)
            for customer, table in root.tables("customers")
            if is_key(customer) and "funding" in table
        },
        default_plan=default_plan,
        attribution=read_attribution(root, meters),
        top_ups=read_top_ups(root, named),
        packs=read_packs(root, named),
    )


def _group(key: str, table: Table, meters: Mapping[str, Meter]) -> MeterGroup:
    texts = table.texts("meters", most=_MOST_GROUPED, required=True)
    for path, meter in texts.items():
        if meter not in meters:
            table.refuse(path, f"No meter is called `{meter}`; {did_you_mean(meter, meters)}")
    if "meters" in table and not texts:
        table.refuse("meters", "`meters` is empty; a group has one meter at least.")
    group = MeterGroup(key, table.text("name", default=in_words(key)), tuple(sorted(texts.values())))
    table.finish()
    return group


def _plan(key: str, table: Table, known: Known) -> Plan:
    table.elsewhere("prices")
    plan = Plan(
        key=key,
        name=table.text("name", default=in_words(key)),
        description=table.text("description", default="") or None,
        funding=read_funding(table, known),
        limits=read_limits(table, known),
        grants=read_grants(table, known),
        listed=table.flag("listed", default=True),
    )
    table.finish()
    return plan


def _unit(key: str, table: Table) -> Unit:
    unit = Unit(
        key=key,
        name=table.text("name", default=in_words(key)),
        decimals=table.whole("decimals", 0, most=CHARGE_DECIMALS),
    )
    table.finish()
    return unit


def _meter(key: str, table: Table) -> Meter:
    aggregation = table.choice("aggregation", Aggregation) or Aggregation.SUM
    rounding = table.choice("round", Rounding)
    dimensions = _dimensions(table)
    meter = Meter(
        key=key,
        name=table.text("name", default=in_words(key)),
        unit=table.text("unit"),
        aggregation=aggregation,
        decimals=table.whole("decimals", _DEFAULT_DECIMALS, most=CHARGE_DECIMALS),
        minimum=table.number("minimum", positive=True),
        rounding=rounding,
        step=table.number("step", positive=True) or ONE,
        dimensions=dimensions,
        unique_by=_unique_by(table, aggregation),
        on_expiry=table.choice("on_expiry", OnExpiry) or OnExpiry.RELEASE,
    )
    if "step" in table and "round" not in table:
        table.refuse("step", "`step` is what quantities are rounded to, so it needs `round`.")
    if aggregation in _COUNTING:
        for rule in ("minimum", "round", "step"):
            if rule in table:
                table.refuse(rule, f"`{rule}` changes nothing here: aggregation `{aggregation}` counts events.")
    table.finish()
    return meter


def _dimensions(table: Table) -> tuple[str, ...]:
    texts = table.texts("dimensions", most=_MOST_DIMENSIONS)
    for path, name in texts.items():
        if name == "member":
            table.refuse(path, "Every event has a `member` anyway; leave it out here.")
        elif not _DIMENSION.fullmatch(name):
            table.refuse(path, f"{name!r} can't be a dimension: a letter or _ first, then letters, digits and _ . -")
    return tuple(texts.values())


def _unique_by(table: Table, aggregation: Aggregation) -> str | None:
    if aggregation is not Aggregation.UNIQUE_COUNT:
        unique_by = table.text("unique_by", default="") or None
        if unique_by is not None:
            table.refuse("unique_by", "`unique_by` is only for the aggregation `unique_count`.")
        return unique_by
    unique_by = table.text("unique_by")
    if unique_by and not _DIMENSION.fullmatch(unique_by):
        table.refuse("unique_by", f'{unique_by!r} must be "member", a dimension, or a key of the metadata.')
    return unique_by
