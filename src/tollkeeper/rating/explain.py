"""The arithmetic of one charge, step by step, in words and figures: only steps that apply, and the charge last."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tollkeeper.catalog.model import ADDITIVE, Aggregation, Meter, Price, Rounding
from tollkeeper.money import ZERO, add, grouped, plain, round_charge, subtract
from tollkeeper.rating.model import Cumulative, Measure, PerEvent, Step
from tollkeeper.rating.models import MODELS
from tollkeeper.rating.quantity import COUNTING, raised, rounded
from tollkeeper.rating.rate import (
    capped,
    charged_quantity,
    discounted,
    price_of_event,
    price_of_period,
    spend_of_period,
)
from tollkeeper.rating.words import Words, figure

_ROUNDED = {Rounding.UP: "rounded up to", Rounding.DOWN: "rounded down to", Rounding.NEAREST: "rounded to the nearest"}


def explain(
    meter: Meter,
    price: Price,
    *,
    quantity: Decimal,
    measure: Measure,
    before: Decimal,
    charge: Decimal | None,
    previous: Measure | None = None,
) -> list[Step]:
    """How `charge` came about: `quantity` as the event gave it, the rest as `rate` took it.

    The quantity rules hold for the corrected event as a whole, so a correction (with `previous`) tells what it brings
    the event from and to, and not what its own signed quantity would count as.

    The last step's figure `charge` is always `charge`, the amount in the books. Should the arithmetic ever say
    something else, the step before says so.
    """
    words = Words(meter.unit, price.unit, price.period)
    model = MODELS[price.model]
    if previous is None:
        steps = list(_quantity_rules(meter, quantity, words))
    else:
        steps = list(_corrected(quantity, measure, previous, words))
    if isinstance(model, Cumulative):
        change = measure.quantity if previous is None else subtract(measure.quantity, previous.quantity)
        steps += _movement(meter, before, change, words)
        result, priced = _explain_period(price, model, before, change, words)
    else:
        result, priced = _explain_event(price, model, measure, before, previous, words)
    missing = "amount" if model.needs_amount else "cost"
    return [*steps, *priced, *_booked(result, charge, missing, words)]


def _quantity_rules(meter: Meter, quantity: Decimal, words: Words) -> Iterator[Step]:
    """The meter's minimum and rounding, as `billed_quantity` applies them."""
    if meter.aggregation in COUNTING or not quantity:
        return
    least = raised(meter, quantity)
    if least != quantity:
        text = f"{words.quantity(quantity)} count as the minimum of {words.quantity(least)}"
        yield Step("minimum", text, {"quantity": plain(quantity), "billed": plain(least)})
    whole = rounded(meter, least)
    if meter.rounding is not None and whole != least:
        text = f"{words.quantity(least)}, {_ROUNDED[meter.rounding]} {grouped(meter.step)}, are {words.quantity(whole)}"
        yield Step("rounding", text, {"quantity": plain(least), "step": plain(meter.step), "billed": plain(whole)})


def _corrected(quantity: Decimal, measure: Measure, previous: Measure, words: Words) -> Iterator[Step]:
    """What the correction makes of the corrected event's billed quantity, if it corrects a quantity at all."""
    if measure.quantity != previous.quantity:
        moved = f"brings the event from {words.quantity(previous.quantity)} to {words.quantity(measure.quantity)}"
    elif quantity:
        moved = f"leaves the event at {words.quantity(measure.quantity)}"
    else:
        return
    figures = {"before": plain(previous.quantity), "after": plain(measure.quantity)}
    yield Step("corrected", f"The correction {moved}", figures)


def _movement(meter: Meter, before: Decimal, change: Decimal, words: Words) -> Iterator[Step]:
    """What the event adds to the period's quantity, where that isn't simply its own quantity."""
    if meter.aggregation in ADDITIVE:
        return
    after = add(before, change)
    kind = {
        Aggregation.MAX: "The largest quantity",
        Aggregation.LATEST: "The latest quantity",
        Aggregation.UNIQUE_COUNT: "The number of distinct ones",
    }[meter.aggregation]
    moved = f"goes from {grouped(before)} to {words.quantity(after)}" if change else f"stays {words.quantity(before)}"
    figures = {"before": plain(before), "quantity": plain(change), "after": plain(after)}
    yield Step(meter.aggregation.value, f"{kind} of the {words.period} {moved}", figures)


def _explain_period(
    price: Price, model: Cumulative[Any], before: Decimal, change: Decimal, words: Words
) -> tuple[Decimal, list[Step]]:
    """The charge under a cumulative model, and how it comes about."""
    after = add(before, change)
    price_before, price_after = price_of_period(price, before), price_of_period(price, after)
    result = subtract(price_after, price_before)
    steps = list(_included(price, before, change, words))
    moved = subtract(charged_quantity(price, after), charged_quantity(price, before))
    if not moved and steps:
        return result, steps
    if _in_one_line(price, model, moved, result):
        return result, [*steps, *_priced(price, model, moved, words)]
    steps += _priced(price, model, charged_quantity(price, after), words)
    steps += _maximum(price, spend_of_period(price, after), words)
    if before:
        text = (
            f"This event is what it changes: price of {words.quantity(after)} so far ({words.value(price_after)}) − "
            f"price of {words.quantity(before)} before, reckoned in the same way ({words.value(price_before)}) "
            f"= {words.value(result)}"
        )
        figures = {"price_after": figure(price_after), "price_before": figure(price_before), "price": figure(result)}
        steps.append(Step("difference", text, figures))
    return result, steps


def _in_one_line(price: Price, model: Cumulative[Any], moved: Decimal, result: Decimal) -> bool:
    """Whether the event's own quantity × rate is the whole story: no tiers, no maximum, no rounding of the sum."""
    return model.linear and round_charge(discounted(price, model.total(price.terms, moved))) == result


def _priced(price: Price, model: Cumulative[Any], quantity: Decimal, words: Words) -> Iterator[Step]:
    yield from model.explain_total(price.terms, quantity, words)
    yield from _discount(price, model.total(price.terms, quantity), words)


def _included(price: Price, before: Decimal, change: Decimal, words: Words) -> Iterator[Step]:
    """How much of the event the included quantity of the period covers."""
    if not price.included:
        return
    after = add(before, change)
    charged = subtract(charged_quantity(price, after), charged_quantity(price, before))
    free = subtract(change, charged)
    head = f"The first {words.quantity(price.included)} of the {words.period} are included: "
    if change < 0:
        less = grouped(charged.copy_abs())
        text = f"usage goes down from {grouped(before)} to {grouped(after)}, so {less} fewer are charged"
    else:
        whole = "this 1" if change == 1 else f"these {grouped(change)}"
        text = f"{grouped(before)} already used, {grouped(free)} of {whole} free, {grouped(charged)} charged"
    figures = {
        "included": plain(price.included),
        "before": plain(before),
        "free": plain(free),
        "charged": plain(charged),
    }
    yield Step("included", head + text, figures)


def _explain_event(
    price: Price, model: PerEvent[Any], measure: Measure, before: Decimal, previous: Measure | None, words: Words
) -> tuple[Decimal | None, list[Step]]:
    """The charge under a model that prices each event, and how it comes about."""
    steps = list(_event(price, model, measure, words))
    cost = price_of_event(price, measure)
    if cost is None:
        return None, steps
    if previous is not None:
        earlier = price_of_event(price, previous) or ZERO
        text = (
            f"The correction is what it changes: price of the corrected event ({words.value(cost)}) − price before "
            f"({words.value(earlier)}) = {words.value(subtract(cost, earlier))}"
        )
        figures = {"price_after": figure(cost), "price_before": figure(earlier)}
        cost = subtract(cost, earlier)
        steps.append(Step("correction", text, figures | {"price": figure(cost)}))
    if price.maximum is None:
        return cost, steps
    after = add(before, cost)
    result = subtract(capped(price, after), capped(price, before))
    if result != cost:
        text = (
            f"At most {words.value(price.maximum)} per {words.period}: {words.value(capped(price, before))} charged "
            f"before, so {words.value(result)} of {words.value(cost)} is charged"
        )
        figures = {"maximum": plain(price.maximum), "before": figure(before), "price": figure(result)}
        steps.append(Step("maximum", text, figures))
    return result, steps


def _event(price: Price, model: PerEvent[Any], measure: Measure, words: Words) -> Iterator[Step]:
    if model.sees_nothing(measure):
        yield Step("nothing", "Nothing was used, so nothing is charged", {"price": "0"})
        return
    yield from model.explain(price.terms, measure, words)
    charge = model.charge(price.terms, measure)
    if charge is not None:
        yield from _discount(price, charge, words)


def _discount(price: Price, amount: Decimal, words: Words) -> Iterator[Step]:
    if not price.discount_percent:
        return
    less = discounted(price, amount)
    taken = f"{words.value(amount)} − {words.value(subtract(amount, less))} = {words.value(less)}"
    text = f"{grouped(price.discount_percent)} % discount: {taken}"
    figures = {"percent": plain(price.discount_percent), "before": figure(amount), "price": figure(less)}
    yield Step("discount", text, figures)


def _maximum(price: Price, spend: Decimal, words: Words) -> Iterator[Step]:
    if price.maximum is None or spend <= price.maximum:
        return
    text = f"At most {words.value(price.maximum)} per {words.period}, so not {words.value(spend)}"
    yield Step(
        "maximum", text, {"maximum": plain(price.maximum), "before": figure(spend), "price": plain(price.maximum)}
    )


def _booked(result: Decimal | None, charge: Decimal | None, missing: str, words: Words) -> Iterator[Step]:
    """The charge in the books, as the last step."""
    if result != charge:
        shown = "no price" if result is None else words.value(result)
        text = f"The arithmetic above gives {shown}; the books say otherwise"
        yield Step("mismatch", text, {"price": "" if result is None else figure(result)})
    if charge is None:
        text = "This event is unpriced: usage and cost are kept, and nothing is charged"
        yield Step("charge", f"{text}; a correction can bring the {missing}", {"charge": "unpriced"})
        return
    yield Step("charge", f"Charge of this event: {words.value(charge)}", {"charge": plain(charge)})
