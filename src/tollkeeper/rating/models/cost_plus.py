"""cost_plus: what the AI provider takes, plus a margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.money import HUNDRED, ONE, ZERO, add, grouped, multiply, plain, price_of, subtract
from tollkeeper.rating.model import Measure, PerEvent, Report, Step
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words, figure

DEFAULT_MARGIN_PERCENT = Decimal(25)


class TrueUps(StrEnum):
    """What becomes of a charge when the provider's cost turns out later, or to be another."""

    CHARGE = "charge"
    """The customer is charged by it: the difference is charged or given back."""
    COST_ONLY = "cost_only"
    """The operator's cost is booked, and the charge stays."""


class FallbackPer(StrEnum):
    """What the fallback is the price of."""

    UNIT = "unit"
    """One unit of the quantity."""
    EVENT = "event"
    """The event, however much it counts: a generation whose tokens are counted, say."""


class Undelivered(StrEnum):
    """What becomes of the cost of an event whose quantity is 0: calls were made, and nothing was delivered."""

    CHARGE = "charge"
    """The customer is charged by it, as by any cost."""
    FREE = "free"
    """The operator's cost is booked, and the customer is charged nothing."""


@dataclass(frozen=True, slots=True)
class CostPlusTerms:
    """The cost with `margin_percent` on top, or `fallback` while no cost is known; and `fixed` per event."""

    margin_percent: Decimal = DEFAULT_MARGIN_PERCENT
    fixed: Decimal = ZERO
    fallback: Decimal | None = None
    fallback_per: FallbackPer = FallbackPer.UNIT
    true_up: TrueUps = TrueUps.CHARGE
    undelivered: Undelivered = Undelivered.CHARGE

    def as_table(self) -> dict[str, Any]:
        """The canonical table. The margin is always in it: another default must not re-price what is stored."""
        table = {"margin_percent": plain(self.margin_percent)}
        if self.fixed:
            table["fixed"] = plain(self.fixed)
        if self.fallback is not None:
            table["fallback"] = plain(self.fallback)
        if self.fallback_per is not FallbackPer.UNIT:
            table["fallback_per"] = self.fallback_per.value
        if self.true_up is not TrueUps.CHARGE:
            table["true_up"] = self.true_up.value
        if self.undelivered is not Undelivered.CHARGE:
            table["undelivered"] = self.undelivered.value
        return table


class CostPlus(PerEvent[CostPlusTerms]):
    """cost × (100 + margin_percent) ÷ 100 + fixed."""

    name = "cost_plus"
    by_cost = True

    def __init__(self, default_margin: Decimal = DEFAULT_MARGIN_PERCENT) -> None:
        """`default_margin` is that of prices which don't say theirs; it's put into the price when it's parsed."""
        self._default_margin = default_margin

    def trues_up(self, terms: CostPlusTerms) -> bool:
        return terms.true_up is TrueUps.CHARGE

    def parse(self, table: Mapping[str, object], *, problem: Report) -> CostPlusTerms | None:
        read = TermsReader(table, problem)
        terms = CostPlusTerms(
            margin_percent=read.number("margin_percent", self._default_margin),
            fixed=read.number("fixed", ZERO),
            fallback=read.optional("fallback"),
            fallback_per=read.choice("fallback_per", FallbackPer, FallbackPer.UNIT),
            true_up=read.choice("true_up", TrueUps, TrueUps.CHARGE),
            undelivered=read.choice("undelivered", Undelivered, Undelivered.CHARGE),
        )
        return terms if read.accepted() else None

    def charge(self, terms: CostPlusTerms, measure: Measure) -> Decimal | None:
        if _free(terms, measure):
            return ZERO
        variable = self._variable(terms, measure)
        if variable is None:
            return None
        # Below zero it is the mirror image: it gives back what the same would have cost, its fixed part with it.
        return subtract(variable, terms.fixed) if variable < 0 else add(variable, terms.fixed)

    def _variable(self, terms: CostPlusTerms, measure: Measure) -> Decimal | None:
        if measure.cost is not None:
            return price_of(measure.cost, add(HUNDRED, terms.margin_percent), HUNDRED)
        if terms.fallback is None:
            return None
        return multiply(_times(terms, measure.quantity), terms.fallback)

    def estimated(self, terms: CostPlusTerms, measure: Measure) -> bool:
        return measure.cost is None and terms.fallback is not None and not _free(terms, measure)

    def explain(self, terms: CostPlusTerms, measure: Measure, words: Words) -> list[Step]:
        if _free(terms, measure):
            cost = "" if measure.cost is None else plain(measure.cost)
            return [Step("cost_plus", "Nothing was delivered, so its cost isn't charged", {"cost": cost, "price": "0"})]
        variable, price = self._variable(terms, measure), self.charge(terms, measure)
        if variable is None or price is None:
            return [Step("cost_plus", "The provider's cost isn't known, and the price has no fallback", {})]
        figures = {"fixed": plain(terms.fixed), "price": figure(price)}
        if measure.cost is not None:
            text = f"The provider's cost {words.value(measure.cost)} + {grouped(terms.margin_percent)} % margin"
            figures |= {"cost": plain(measure.cost), "margin_percent": plain(terms.margin_percent)}
        else:
            fallback = terms.fallback or ZERO
            times = _times(terms, measure.quantity)
            counted = words.quantity(times) if terms.fallback_per is FallbackPer.UNIT else _events(times)
            text = f"Estimated while the provider's cost isn't known: {counted} × {words.value(fallback)}"
            figures |= {"quantity": plain(measure.quantity), "fallback": plain(fallback)}
        text += f" = {words.value(variable)}"
        if terms.fixed:
            sign = "−" if variable < 0 else "+"
            text += f", {sign} {words.value(terms.fixed)} fixed = {words.value(price)}"
        return [Step("cost_plus", text, figures)]


def _free(terms: CostPlusTerms, measure: Measure) -> bool:
    """Whether nothing was delivered, and what it cost is the operator's own loss."""
    return terms.undelivered is Undelivered.FREE and not measure.quantity


def _times(terms: CostPlusTerms, quantity: Decimal) -> Decimal:
    """How often the fallback is charged. An event of nothing is none, and what takes one back is one less."""
    if terms.fallback_per is FallbackPer.UNIT or not quantity:
        return quantity
    return ONE if quantity > 0 else -ONE


def _events(times: Decimal) -> str:
    return "1 event" if times == ONE else f"{grouped(times)} events"
