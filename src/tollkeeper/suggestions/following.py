"""What follows for the customer when the provider takes less: the charge of a price that goes by the cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tollkeeper.catalog import Price
from tollkeeper.money import ONE, ZERO, add, amount_in_words, grouped, plain, round_charge, subtract, sum_of
from tollkeeper.rating import MODELS, Measure, Step, figure, rate
from tollkeeper.suggestions.bill import Costs
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.model import Saving, Whom


def savings_of(case: Case, costs: Sequence[Costs]) -> tuple[tuple[Saving, ...], list[Step]]:
    """Who saves what, where the cost of calls were another.

    The charge follows where the price that was in force went by the cost, and has no maximum, which might have cut it
    already; but not of events that were taken back, for which nothing is charged.
    """
    now = round_charge(sum_of(one.now for one in costs))
    then = round_charge(sum_of(one.instead for one in costs))
    currency = case.catalog.currency
    saved = subtract(now, then)
    told = (amount_in_words(each, currency) for each in (now, then, saved))
    text = "{} − {} = {} less".format(*told)
    steps = [Step("saving", text, {"now": plain(now), "instead": plain(then), "saving": plain(saved)})]
    charged = ZERO
    for one in costs:
        price, before, after = one.price, one.charged_now, one.charged_instead
        if price is not None and MODELS[price.model].by_cost and price.maximum is None and before > after:
            less = subtract(_charge(price, before), _charge(price, after))
            charged = add(charged, less)
            steps.append(_step(case, price, subtract(before, after), less))
    savings = [Saving(Whom.OPERATOR, saved, currency)]
    if charged > 0:
        savings.append(Saving(Whom.CUSTOMER, charged, currency))
    return tuple(savings), steps


def _charge(price: Price, cost: Decimal) -> Decimal:
    """What one event of this cost is charged. The difference of two is without what the price says of each event."""
    return rate(price, Measure(ONE, cost=cost)).charge or ZERO


def _step(case: Case, price: Price, cost: Decimal, charge: Decimal) -> Step:
    margin = str(price.terms.as_table()["margin_percent"])
    off = f" and {grouped(price.discount_percent)} % off" if price.discount_percent else ""
    text = (
        f"{case.name_of(price.meter)} is charged by the cost with {grouped(Decimal(margin))} % on top{off}, so the "
        f"customer is charged {amount_in_words(charge, price.unit)} less"
    )
    figures = {"meter": price.meter, "cost": figure(cost), "margin_percent": margin, "charge": plain(charge)}
    if price.discount_percent:
        figures["discount_percent"] = plain(price.discount_percent)
    return Step("charge", text, figures)
