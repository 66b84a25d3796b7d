"""What a catalog declares besides prices: its currency, units of value, meters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tollkeeper.catalog.model import Aggregation, Meter, Rounding, Unit
from tollkeeper.catalog.source import read
from tollkeeper.catalog.table import KEY, Table
from tollkeeper.money import CHARGE_DECIMALS, ONE, is_currency

_DIMENSION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", re.ASCII)
_MOST_DIMENSIONS = 10
_DEFAULT_DECIMALS = 6
_COUNTING = frozenset({Aggregation.COUNT, Aggregation.UNIQUE_COUNT})


@dataclass(frozen=True, slots=True)
class Declarations:
    """The part of a catalog that each version replaces as a whole."""

    currency: str
    units: Mapping[str, Unit]
    meters: Mapping[str, Meter]


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
    units = {key: _unit(key, table) for key, table in root.tables("units") if _is_key(key, table)}
    meters = {key: _meter(key, table) for key, table in root.tables("meters") if _is_key(key, table)}
    return Declarations(currency, units, meters)


def _is_key(key: str, table: Table) -> bool:
    if KEY.fullmatch(key):
        return True
    table.refuse_all(f"`{key}` can't be a key: a small letter first, then small letters, digits and _, at most 63.")
    return False


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


def in_words(key: str) -> str:
    """The name that a key suggests: "Cv parse" for cv_parse."""
    return key.replace("_", " ").strip().capitalize()
