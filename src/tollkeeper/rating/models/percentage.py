"""percentage: a share of the amount that the event carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tollkeeper.money import HUNDRED, ZERO, add, grouped, plain, price_of
from tollkeeper.rating.model import Measure, PerEvent, Report, Step
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words, figure


@dataclass(frozen=True, slots=True)
class PercentageTerms:
    """`percent` of the amount plus `fixed`, not below `event_minimum`, not above `event_maximum`."""

    percent: Decimal
    fixed: Decimal = ZERO
    event_minimum: Decimal | None = None
    event_maximum: Decimal | None = None

    def as_table(self) -> dict[str, Any]:
        """The canonical table."""
        table = {"percent": plain(self.percent)}
        if self.fixed:
            table["fixed"] = plain(self.fixed)
        if self.event_minimum is not None:
            table["event_minimum"] = plain(self.event_minimum)
        if self.event_maximum is not None:
            table["event_maximum"] = plain(self.event_maximum)
        return table


class Percentage(PerEvent[PercentageTerms]):
    """amount × percent ÷ 100 + fixed, then the event's minimum, then its maximum.

    They aren't called `minimum` and `maximum`, because a price's `maximum` is the period's under every model.
    """

    name = "percentage"
    needs_amount = True

    def parse(self, table: Mapping[str, object], *, problem: Report) -> PercentageTerms | None:
        read = TermsReader(table, problem)
        terms = PercentageTerms(
            percent=read.required("percent"),
            fixed=read.number("fixed", ZERO),
            event_minimum=read.optional("event_minimum"),
            event_maximum=read.optional("event_maximum"),
        )
        if (
            terms.event_minimum is not None
            and terms.event_maximum is not None
            and terms.event_minimum > terms.event_maximum
        ):
            read.refuse("event_maximum", "`event_maximum` can't be less than `event_minimum`.")
        return terms if read.accepted() else None

    def charge(self, terms: PercentageTerms, measure: Measure) -> Decimal | None:
        if measure.amount is None:
            return None
        charge = add(price_of(measure.amount.copy_abs(), terms.percent, HUNDRED), terms.fixed)
        if terms.event_minimum is not None:
            charge = max(charge, terms.event_minimum)
        if terms.event_maximum is not None:
            charge = min(charge, terms.event_maximum)
        # A negative amount is the mirror image: it gives back what the same amount would have cost.
        return charge.copy_negate() if measure.amount < 0 else charge

    def explain(self, terms: PercentageTerms, measure: Measure, words: Words) -> list[Step]:
        if measure.amount is None:
            return [Step("percentage", "The event carries no amount, so there is nothing to take a share of", {})]
        size = measure.amount.copy_abs()
        share = price_of(size, terms.percent, HUNDRED)
        price = add(share, terms.fixed)
        text = f"{grouped(terms.percent)} % of {words.value(size)} = {words.value(share)}"
        if terms.fixed:
            text += f", + {words.value(terms.fixed)} fixed = {words.value(price)}"
        figures = {"amount": plain(size), "percent": plain(terms.percent), "fixed": plain(terms.fixed)}
        steps = [Step("percentage", text, figures | {"price": figure(price)})]
        if terms.event_minimum is not None and price < terms.event_minimum:
            text = f"At least {words.value(terms.event_minimum)} per event"
            steps.append(Step("event_minimum", text, {"price": plain(terms.event_minimum)}))
        if terms.event_maximum is not None and price > terms.event_maximum:
            text = f"At most {words.value(terms.event_maximum)} per event"
            steps.append(Step("event_maximum", text, {"price": plain(terms.event_maximum)}))
        if measure.amount < 0:
            back = self.charge(terms, measure) or ZERO
            text = f"The event's amount is negative, so this is given back: {words.value(back)}"
            steps.append(Step("given_back", text, {"amount": plain(measure.amount), "price": figure(back)}))
        return steps
