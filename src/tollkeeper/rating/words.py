"""Numbers with their units, as explanations write them: "15 minutes", "0.10 USD"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from tollkeeper.clock import Period
from tollkeeper.money import ONE, currency_decimals, is_currency, plain, round_charge

_WORD = re.compile(r"[a-z]{3,}$")


@dataclass(frozen=True, slots=True)
class Words:
    """The units that one explanation speaks in."""

    quantity_unit: str
    value_unit: str
    period: Period = Period.MONTH

    def quantity(self, number: Decimal) -> str:
        """ "1 minute", "15 minutes", "3 GB"."""
        unit = self.quantity_unit if number.copy_abs() == ONE else plural(self.quantity_unit)
        return f"{plain(number)} {unit}"

    def value(self, amount: Decimal) -> str:
        """ "1.50 USD", "0.00875 USD", "3 credit": never fewer decimals than the currency has, never more than 12."""
        text = figure(amount)
        if is_currency(self.value_unit):
            whole, _, decimals = text.partition(".")
            decimals = decimals.ljust(currency_decimals(self.value_unit), "0")
            text = f"{whole}.{decimals}" if decimals else whole
        return f"{text} {self.value_unit}"

    def rate(self, amount: Decimal, per: Decimal) -> str:
        """ "0.10 USD", "2.00 USD per 1000"."""
        return self.value(amount) if per == ONE else f"{self.value(amount)} per {plain(per)}"


def figure(number: Decimal) -> str:
    """A number as it stands in a step's figures: at most 12 decimals."""
    return plain(round_charge(number))


def plural(unit: str) -> str:
    """The unit for more than one. Only words of ordinary letters change; CV, GB and ms stay as they are."""
    if not _WORD.search(unit) or unit.endswith("s"):
        return unit
    if unit.endswith("y") and unit[-2] not in "aeiou":
        return f"{unit[:-1]}ies"
    return f"{unit}es" if unit.endswith(("x", "z", "ch", "sh")) else f"{unit}s"
