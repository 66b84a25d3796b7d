"""volume: the tier that the whole quantity falls in prices all of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tollkeeper.money import ZERO, plain
from tollkeeper.rating.model import Cumulative, Report, Step
from tollkeeper.rating.tiers import TieredTerms, parse_tiers
from tollkeeper.rating.words import Words, figure


class Volume(Cumulative[TieredTerms]):
    """The whole quantity at its tier's rate. Reaching a cheaper tier re-prices all of it: a charge can be negative."""

    name = "volume"

    def parse(self, table: Mapping[str, object], *, problem: Report) -> TieredTerms | None:
        return parse_tiers(table, problem)

    def total(self, terms: TieredTerms, quantity: Decimal) -> Decimal:
        if not quantity:
            return ZERO
        return next(tier.price(quantity) for tier in terms.tiers if tier.reaches(quantity))

    def explain_total(self, terms: TieredTerms, quantity: Decimal, words: Words) -> list[Step]:
        if not quantity:
            return [Step("volume", f"{words.quantity(quantity)} cost nothing", {"quantity": "0", "price": "0"})]
        number, tier = next((n, t) for n, t in enumerate(terms.tiers, start=1) if t.reaches(quantity))
        text = f"All of it falls in tier {number} ({tier.extent()}): {tier.arithmetic(quantity, words)}"
        figures = {"tier": str(number), "quantity": plain(quantity), "amount": plain(tier.amount)}
        figures |= {"per": plain(tier.per), "flat": plain(tier.flat), "price": figure(tier.price(quantity))}
        return [Step("volume", text, figures)]
