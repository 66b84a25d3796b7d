"""What holds for every price, however usage is cut into events."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.vectors.prices import TOKENS, a_meter, a_price

from tollkeeper.catalog.model import Price
from tollkeeper.money import decimals_of
from tollkeeper.rating import MODELS, Cumulative, Measure, billed_quantity, explain, linear_rate, rate
from tollkeeper.rating.rate import price_of_period

rating = settings(max_examples=150)

ZERO = Decimal(0)


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


def texts(numbers: st.SearchStrategy[Decimal]) -> st.SearchStrategy[str]:
    return numbers.map(lambda number: format(number, "f"))


amounts = texts(decimals("0", "1000", 12) | decimals("0", "10", 2))
divisors = texts(st.sampled_from([Decimal(n) for n in ("1", "3", "7", "1000", "1000000", "0.25")]))
quantities = decimals("0", "100000", 6) | st.integers(0, 200).map(Decimal)
signed = quantities | quantities.map(lambda quantity: -quantity)


@st.composite
def tiers(draw: st.DrawFn) -> dict[str, Any]:
    """Up to four tiers with edges that events land on, beside and beyond."""
    edges = sorted(draw(st.sets(st.integers(1, 300).map(Decimal) | decimals("0.5", "90000", 6), max_size=3)))
    tables = [{"up_to": format(edge, "f")} for edge in edges] + [{}]
    for table in tables:
        table |= {"amount": draw(amounts), "per": draw(divisors), "flat": draw(st.just("0") | amounts)}
    return {"tiers": tables}


TERMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "unit": st.fixed_dictionaries({"amount": amounts, "per": divisors}),
    "package": st.fixed_dictionaries({"amount": amounts, "size": divisors}),
    "graduated": tiers(),
    "volume": tiers(),
    "percentage": st.fixed_dictionaries(
        {"percent": texts(decimals("0", "200", 3))},
        optional={
            "fixed": amounts,
            "event_minimum": texts(decimals("0", "5", 2)),
            "event_maximum": texts(decimals("5", "90", 2)),
        },
    ),
    "dynamic": st.fixed_dictionaries({}, optional={"multiplier": amounts}),
    "cost_plus": st.fixed_dictionaries(
        {},
        optional={
            "margin_percent": texts(decimals("0", "300", 3)),
            "fixed": amounts,
            "fallback": amounts,
            "fallback_per": st.sampled_from(["unit", "event"]),
            "undelivered": st.sampled_from(["charge", "free"]),
        },
    ),
}
CUMULATIVE = sorted(name for name, model in MODELS.items() if model.cumulative)
PER_EVENT = sorted(name for name, model in MODELS.items() if not model.cumulative)


@st.composite
def prices(draw: st.DrawFn, names: list[str]) -> Price:
    """Any price under one of the models."""
    name = draw(st.sampled_from(names))
    parts: dict[str, Any] = {"discount_percent": draw(st.just(ZERO) | decimals("0", "100", 2))}
    parts["maximum"] = draw(st.none() | decimals("0", "500", 2)) or None
    if MODELS[name].cumulative:
        parts["included"] = draw(st.just(ZERO) | quantities)
    given_parts = {key: value for key, value in parts.items() if value is not None}
    return a_price(name, draw(TERMS[name]), **given_parts)


measures = st.builds(
    Measure,
    quantity=st.integers(0, 50).map(Decimal),
    amount=st.none() | decimals("0", "1000", 4),
    cost=st.none() | decimals("0", "1", 12),
)


def charged(price: Price, changes: list[Decimal]) -> Decimal:
    """The sum of the charges of events that bring `changes`, one after another."""
    total = before = ZERO
    for change in changes:
        rated = rate(price, Measure(change), before)
        assert rated.charge is not None
        assert decimals_of(rated.charge) <= 12
        total, before = total + rated.charge, rated.after
    return total


def test_every_model_takes_part() -> None:
    assert TERMS.keys() == MODELS.keys()


@rating
@given(price=prices(CUMULATIVE), changes=st.lists(quantities, max_size=8), random=st.randoms())
def test_splitting_and_order_do_not_change_the_sum(price: Price, changes: list[Decimal], random: Any) -> None:
    at_once = charged(price, [sum(changes, ZERO)])
    assert charged(price, changes) == at_once
    random.shuffle(changes)
    assert charged(price, changes) == at_once
    assert at_once == price_of_period(price, sum(changes, ZERO))


@rating
@given(price=prices(CUMULATIVE), changes=st.lists(signed, max_size=8))
def test_corrections_telescope_too_even_below_zero(price: Price, changes: list[Decimal]) -> None:
    assert charged(price, changes) == price_of_period(price, sum(changes, ZERO))
    undone = [-change for change in reversed(changes)]
    assert charged(price, changes + undone) == 0


@rating
@given(price=prices(CUMULATIVE), before=signed)
def test_nothing_is_free(price: Price, before: Decimal) -> None:
    assert price_of_period(price, ZERO) == 0
    assert rate(price, Measure(ZERO), before).charge == 0


@rating
@given(price=prices(CUMULATIVE), quantity=quantities)
def test_a_period_never_costs_less_than_nothing_or_more_than_its_maximum(price: Price, quantity: Decimal) -> None:
    total = price_of_period(price, quantity)
    assert total >= 0
    assert price.maximum is None or total <= price.maximum
    assert quantity > price.included or total == 0


@rating
@given(price=prices([name for name in CUMULATIVE if name != "volume"]), low=quantities, more=quantities)
def test_more_usage_never_costs_less_unless_volume_reprices_it(price: Price, low: Decimal, more: Decimal) -> None:
    assert price_of_period(price, low + more) >= price_of_period(price, low)


@rating
@given(price=prices(CUMULATIVE), before=signed, change=signed)
def test_explanation_of_a_period_ends_in_the_charge(price: Price, before: Decimal, change: Decimal) -> None:
    charge = rate(price, Measure(change), before).charge
    steps = explain(TOKENS, price, quantity=change, measure=Measure(change), before=before, charge=charge)
    assert charge is not None
    assert Decimal(steps[-1].figures["charge"]) == charge
    assert "mismatch" not in [step.name for step in steps]
    # The figure before the last says the same, unless all of it was included.
    assert len(steps) < 2 or steps[-2].name == "included" or Decimal(steps[-2].figures["price"]) == charge


@rating
@given(price=prices(PER_EVENT), before=quantities, measure=measures, previous=st.none() | measures)
def test_explanation_of_an_event_ends_in_the_charge(
    price: Price, before: Decimal, measure: Measure, previous: Measure | None
) -> None:
    charge = rate(price, measure, before, previous).charge
    steps = explain(
        TOKENS, price, quantity=measure.quantity, measure=measure, before=before, charge=charge, previous=previous
    )
    assert "mismatch" not in [step.name for step in steps]
    if charge is None:
        assert steps[-1].figures == {"charge": "unpriced"}
    else:
        assert Decimal(steps[-1].figures["charge"]) == charge
        assert Decimal(steps[-2].figures["price"]) == charge


@rating
@given(price=prices(PER_EVENT), nets=st.lists(measures, min_size=1, max_size=5))
def test_corrections_of_an_event_add_up_to_its_last_state(price: Price, nets: list[Measure]) -> None:
    # A cost that was known stays known.
    nets = list(
        accumulate(nets, lambda old, new: Measure(new.quantity, new.amount or old.amount, new.cost or old.cost))
    )
    total = spent = ZERO
    previous: Measure | None = None
    for net in nets:
        rated = rate(price, net, spent, previous)
        total, spent, previous = total + (rated.charge or ZERO), rated.after, net
    assert total == (rate(price, nets[-1]).charge or ZERO)


@rating
@given(price=prices(PER_EVENT), events=st.lists(measures, max_size=6))
def test_a_maximum_is_reached_and_never_passed(price: Price, events: list[Measure]) -> None:
    total = spent = ZERO
    for event in events:
        rated = rate(price, event, spent)
        total, spent = total + (rated.charge or ZERO), rated.after
    if price.maximum is not None:
        assert total == min(price.maximum, spent)


@rating
@given(terms=TERMS["unit"], before=signed, change=signed, discount=decimals("0", "100", 2))
def test_linear_rate_agrees_with_the_pipeline(
    terms: dict[str, Any], before: Decimal, change: Decimal, discount: Decimal
) -> None:
    price = a_price("unit", terms, discount_percent=discount)
    by_unit = linear_rate(price, TOKENS)
    if by_unit is not None:
        assert rate(price, Measure(change), before).charge == change * by_unit


@rating
@given(terms=st.sampled_from(sorted(TERMS)).flatmap(lambda name: st.tuples(st.just(name), TERMS[name])))
def test_canonical_table_reads_back_as_itself(terms: tuple[str, dict[str, Any]]) -> None:
    name, table = terms
    parsed = a_price(name, table).terms
    assert a_price(name, parsed.as_table()).terms == parsed
    assert isinstance(MODELS[name], Cumulative) == MODELS[name].cumulative


@rating
@given(
    quantity=signed,
    minimum=decimals("0", "5", 3),
    rounding=st.sampled_from(["up", "down", "nearest"]),
    step=st.sampled_from(["1", "0.25", "0.000001", "15", "7"]),
)
def test_quantity_rules_are_symmetric_and_land_on_a_step(
    quantity: Decimal, minimum: Decimal, rounding: str, step: str
) -> None:
    meter = a_meter(minimum=minimum, rounding=rounding, step=step)
    billed = billed_quantity(meter, quantity)
    assert billed == -billed_quantity(meter, -quantity)
    assert billed % Decimal(step) == 0
    raised = max(minimum, abs(quantity)) if quantity else ZERO
    off = abs(billed) - raised
    assert {
        "up": 0 <= off < Decimal(step),
        "down": -Decimal(step) < off <= 0,
        "nearest": abs(off) * 2 <= Decimal(step),
    }[rounding]
