"""graduated: each part of the quantity costs what its own tier says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from tollkeeper.money import plain, subtract, sum_of
from tollkeeper.rating.model import Cumulative, Report, Step
from tollkeeper.rating.tiers import Tier, TieredTerms, parse_tiers
from tollkeeper.rating.words import Words, figure


class Graduated(Cumulative[TieredTerms]):
    """The sum over the tiers that the quantity enters."""

    name = "graduated"

    def parse(self, table: Mapping[str, object], *, problem: Report) -> TieredTerms | None:
        return parse_tiers(table, problem)

    def total(self, terms: TieredTerms, quantity: Decimal) -> Decimal:
        return sum_of(tier.price(part) for tier, part in _parts(terms, quantity))

    def explain_total(self, terms: TieredTerms, quantity: Decimal, words: Words) -> list[Step]:
        steps: list[Step] = []
        for number, (tier, part) in enumerate(_parts(terms, quantity), start=1):
            text = f"Tier {number} ({tier.extent()}): {tier.arithmetic(part, words)}"
            figures = {"tier": str(number), "quantity": plain(part), "amount": plain(tier.amount)}
            figures |= {"per": plain(tier.per), "flat": plain(tier.flat), "price": figure(tier.price(part))}
            steps.append(Step("tier", text, figures))
        if len(steps) != 1:
            total = self.total(terms, quantity)
            text = f"All tiers together: {words.quantity(quantity)} cost {words.value(total)}"
            steps.append(Step("graduated", text, {"quantity": plain(quantity), "price": figure(total)}))
        return steps


def _parts(terms: TieredTerms, quantity: Decimal) -> Iterator[tuple[Tier, Decimal]]:
    """The tiers that `quantity` enters, each with how much of it falls there."""
    for tier in terms.tiers:
        if quantity <= tier.lower:
            return
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield tier, subtract(top, tier.lower)
