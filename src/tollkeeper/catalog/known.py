"""What the entries of a catalog may name: its units, meters and groups."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from tollkeeper.catalog.model import Meter, Unit
from tollkeeper.catalog.plans import MeterGroup
from tollkeeper.catalog.problems import did_you_mean
from tollkeeper.catalog.table import Table
from tollkeeper.money import CHARGE_DECIMALS, decimals_of, is_currency


class Known(Protocol):
    """A catalog, or as much of it as was read so far."""

    @property
    def currency(self) -> str:
        """The currency that everything is in unless it says otherwise."""
        ...

    @property
    def units(self) -> Mapping[str, Unit]:
        """The declared credits."""
        ...

    @property
    def meters(self) -> Mapping[str, Meter]:
        """What is counted."""
        ...

    @property
    def groups(self) -> Mapping[str, MeterGroup]:
        """Meters that are counted together."""
        ...


def unit_fault(unit: str, known: Known) -> str | None:
    """Why `unit` is no unit of value, as a sentence."""
    if unit in known.units or is_currency(unit):
        return None
    suggestion = did_you_mean(unit, [*known.units, known.currency])
    return f"`{unit}` is neither a currency nor a declared unit; {suggestion}"


def read_unit(table: Table, key: str, known: Known) -> str:
    """The unit of value at `key`, by default the catalog's currency."""
    unit = table.text(key, default=known.currency)
    if key in table and (fault := unit_fault(unit, known)) is not None:
        table.refuse(key, fault)
    return unit


def refuse_finer(table: Table, key: str, amount: Decimal | None, unit: str, known: Known) -> None:
    """Refuse an amount of a declared credit that has more decimals than the credit."""
    most = known.units[unit].decimals if unit in known.units else CHARGE_DECIMALS
    if amount is not None and decimals_of(amount) > most:
        table.refuse(key, f"`{key}` can't have more than {most} decimals, as `{unit}` has.")
