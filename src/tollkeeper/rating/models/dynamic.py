"""dynamic: the event itself says what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tollkeeper.money import ONE, grouped, multiply, plain
from tollkeeper.rating.model import Measure, PerEvent, Report, Step
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words, figure


@dataclass(frozen=True, slots=True)
class DynamicTerms:
    """The event's amount, times `multiplier`."""

    multiplier: Decimal = ONE

    def as_table(self) -> dict[str, Any]:
        """The canonical table."""
        return {} if self.multiplier == ONE else {"multiplier": plain(self.multiplier)}


class Dynamic(PerEvent[DynamicTerms]):
    """amount × multiplier."""

    name = "dynamic"
    needs_amount = True

    def parse(self, table: Mapping[str, object], *, problem: Report) -> DynamicTerms | None:
        read = TermsReader(table, problem)
        terms = DynamicTerms(multiplier=read.number("multiplier", ONE))
        return terms if read.accepted() else None

    def charge(self, terms: DynamicTerms, measure: Measure) -> Decimal | None:
        return None if measure.amount is None else multiply(measure.amount, terms.multiplier)

    def explain(self, terms: DynamicTerms, measure: Measure, words: Words) -> list[Step]:
        price = self.charge(terms, measure)
        if measure.amount is None or price is None:
            return [Step("dynamic", "The event carries no amount, so its price isn't known", {})]
        text = f"The event carries the amount {words.value(measure.amount)}"
        if terms.multiplier != ONE:
            text += f", × {grouped(terms.multiplier)} = {words.value(price)}"
        figures = {"amount": plain(measure.amount), "multiplier": plain(terms.multiplier), "price": figure(price)}
        return [Step("dynamic", text, figures)]
