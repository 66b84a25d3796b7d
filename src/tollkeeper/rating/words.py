"""Numbers with their units, as explanations write them: "15 minutes", "0.10 USD"."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tollkeeper.catalog import plural
from tollkeeper.clock import Period
from tollkeeper.money import ONE, amount_in_words, grouped, plain, round_charge


@dataclass(frozen=True, slots=True)
class Words:
    """The units that one explanation speaks in."""

    quantity_unit: str
    value_unit: str
    period: Period = Period.MONTH

    def quantity(self, number: Decimal) -> str:
        """ "1 minute", "15,000 minutes", "3 GB"."""
        unit = self.quantity_unit if number.copy_abs() == ONE else plural(self.quantity_unit)
        return f"{grouped(number)} {unit}"

    def value(self, amount: Decimal) -> str:
        """ "1.50 USD", "0.00875 USD", "3 credit": never fewer decimals than the currency has, never more than 12."""
        return amount_in_words(amount, self.value_unit)

    def rate(self, amount: Decimal, per: Decimal) -> str:
        """ "0.10 USD", "2.00 USD per 1,000"."""
        return self.value(amount) if per == ONE else f"{self.value(amount)} per {grouped(per)}"


def figure(number: Decimal) -> str:
    """A number as it stands in a step's figures, for programs: at most 12 decimals, in plain digits."""
    return plain(round_charge(number))
