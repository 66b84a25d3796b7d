"""unit: the same amount for each unit, or for each `per` units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, Inexact
from typing import Any

from tollkeeper.money import EXACT, ONE, plain, price_of
from tollkeeper.rating.model import Cumulative, Report, Step
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words, figure


@dataclass(frozen=True, slots=True)
class UnitTerms:
    """`amount` for each `per`."""

    amount: Decimal
    per: Decimal = ONE

    def as_table(self) -> dict[str, Any]:
        """The canonical table."""
        table = {"amount": plain(self.amount)}
        return table if self.per == ONE else table | {"per": plain(self.per)}


class Unit(Cumulative[UnitTerms]):
    """quantity × amount ÷ per."""

    name = "unit"
    linear = True

    def parse(self, table: Mapping[str, object], *, problem: Report) -> UnitTerms | None:
        read = TermsReader(table, problem)
        terms = UnitTerms(amount=read.required("amount"), per=read.positive("per", ONE))
        return terms if read.accepted() else None

    def total(self, terms: UnitTerms, quantity: Decimal) -> Decimal:
        return price_of(quantity, terms.amount, terms.per)

    def explain_total(self, terms: UnitTerms, quantity: Decimal, words: Words) -> list[Step]:
        price = self.total(terms, quantity)
        text = f"{words.quantity(quantity)} × {words.rate(terms.amount, terms.per)} = {words.value(price)}"
        figures = {
            "quantity": plain(quantity),
            "amount": plain(terms.amount),
            "per": plain(terms.per),
            "price": figure(price),
        }
        return [Step("unit", text, figures)]

    def linear_rate(self, terms: UnitTerms) -> Decimal | None:
        context = EXACT.copy()
        context.clear_flags()
        rate = context.divide(terms.amount, terms.per)
        return None if context.flags[Inexact] else rate
