"""The pipeline: its order, running totals, maximum, corrections, and when no running total is needed."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.vectors.prices import ALL_OF_IT, TOKENS, a_meter, a_price

from tollkeeper.catalog.model import Price
from tollkeeper.rating import Measure, linear_rate, needs_running_total, rate

D = Decimal


def charges(price: Price, *quantities: str) -> list[Decimal | None]:
    """What each event in turn is charged, the running total handed on."""
    result: list[Decimal | None] = []
    before = D(0)
    for quantity in quantities:
        rated = rate(price, Measure(D(quantity)), before)
        result.append(rated.charge)
        before = rated.after
    return result


def test_included_then_model_then_discount_then_maximum() -> None:
    # 1500 used, 300 included: 1200 charged = 1000 × 0.01 + 5 + 200 × 0.005 = 16; less 10 % = 14.40.
    assert rate(a_price("graduated", ALL_OF_IT), Measure(D(1500))).charge == D("17.5")
    assert rate(a_price("graduated", ALL_OF_IT, included="300"), Measure(D(1500))).charge == D("16")
    parts = {"included": "300", "discount_percent": "10"}
    assert rate(a_price("graduated", ALL_OF_IT, **parts), Measure(D(1500))).charge == D("14.4")
    # Were the maximum applied before the discount, 14.40 would be 12.60.
    assert rate(a_price("graduated", ALL_OF_IT, maximum="14", **parts), Measure(D(1500))).charge == D("14")


def test_tiers_start_where_the_included_quantity_ends() -> None:
    price = a_price("graduated", ALL_OF_IT, included="300")
    assert charges(price, "300", "1", "999", "1") == [0, D("5.01"), D("9.99"), D("0.005")]


def test_included_quantity_covers_the_event_that_crosses_it_in_part() -> None:
    price = a_price("unit", {"amount": "0.01"}, included="1000")
    assert charges(price, "980", "50", "50") == [0, D("0.30"), D("0.50")]


def test_package_left_over_serves_the_next_event() -> None:
    assert charges(a_price("package", {"amount": "2", "size": 10}), "1", "9", "1", "20") == [2, 0, 2, 4]


def test_volume_reprices_what_was_used_before() -> None:
    price = a_price("volume", {"tiers": [{"up_to": "10", "amount": "2"}, {"amount": "1"}]})
    assert charges(price, "10", "1", "1") == [20, -9, 1]


def test_thirds_add_up_to_the_whole() -> None:
    thirds = charges(a_price("unit", {"amount": "1", "per": 3}), "1", "1", "1")
    assert thirds == [D("0.333333333333"), D("0.333333333334"), D("0.333333333333")]


def test_maximum_caps_the_period_and_comes_back_after_a_correction() -> None:
    price = a_price("unit", {"amount": "1"}, maximum="10")
    assert charges(price, "8", "5", "5", "-9", "1") == [8, 2, 0, -1, 1]


def test_corrections_that_overtake_usage_end_even() -> None:
    for model in ("graduated", "volume"):
        price = a_price(model, ALL_OF_IT)
        assert charges(price, "-50", "50", "10", "-10") == [0, 0, D("5.1"), D("-5.1")]


def test_linear_price_gives_back_below_zero_with_and_without_running_total() -> None:
    # The hot path knows no running total; charging differently with one would make the sum depend on the path taken.
    price = a_price("unit", {"amount": "0.10"})
    assert charges(price, "-5", "5") == [D("-0.5"), D("0.5")]
    assert rate(price, Measure(D(-5)), D(0)).charge == rate(price, Measure(D(-5)), D(100)).charge


def test_included_quantity_is_not_paid_out_below_zero() -> None:
    assert charges(a_price("unit", {"amount": "1"}, included="10"), "-5", "5", "11") == [0, 0, 1]


def test_a_correction_may_be_given_as_after_and_before() -> None:
    price = a_price("graduated", ALL_OF_IT)
    rated = rate(price, Measure(D(400)), D(1200), previous=Measure(D(700)))
    assert rated == rate(price, Measure(D(-300)), D(1200))
    assert rated.after == 900


def test_maximum_on_events_priced_one_by_one_keeps_the_uncapped_spend() -> None:
    price = a_price("dynamic", {}, maximum="10")
    before, got = D(0), []
    for amount in ("8", "5", "5", "-9"):
        rated = rate(price, Measure(D(1), amount=D(amount)), before)
        before = rated.after
        got.append(rated.charge)
    assert got == [8, 2, 0, -1]
    assert before == 9


def test_discount_on_events_priced_one_by_one_comes_before_their_maximum() -> None:
    price = a_price("percentage", {"percent": "10", "event_minimum": "2"}, discount_percent="25", maximum="1.6")
    assert rate(price, Measure(D(1), amount=D(10)), D(0)).charge == D("1.5")
    assert rate(price, Measure(D(1), amount=D(10)), D("1.5")).charge == D("0.1")


def test_without_maximum_no_running_total_is_kept_for_single_events() -> None:
    assert rate(a_price("dynamic", {}), Measure(D(1), amount=D(3))).after == 0


@pytest.mark.parametrize(
    ("after", "previous", "charge"),
    [
        (Measure(D(1), amount=D(40)), Measure(D(1), amount=D(100)), "-6"),
        (Measure(D(1), amount=D(100)), Measure(D(1), amount=D(40)), "6"),
        (Measure(D(0), amount=D(0)), Measure(D(1), amount=D(100)), "-11"),
        (Measure(D(0)), Measure(D(1), amount=D(100)), "-11"),
        (Measure(D(1), amount=D(100)), Measure(D(1), amount=D(100)), "0"),
        (Measure(D(1), amount=D(100)), Measure(D(1)), "11"),
    ],
)
def test_correction_is_the_difference_of_the_nets(after: Measure, previous: Measure, charge: str) -> None:
    price = a_price("percentage", {"percent": "10", "fixed": "1"})
    assert rate(price, after, previous=previous).charge == D(charge)


def test_known_cost_replaces_the_estimate() -> None:
    price = a_price("cost_plus", {"fallback": "0.50"})
    unknown, known = Measure(D(1)), Measure(D(1), cost=D("0.00875"))
    first = rate(price, unknown)
    assert (first.charge, first.estimated) == (D("0.50"), True)
    trued = rate(price, known, previous=unknown)
    assert (trued.charge, trued.estimated) == (D("-0.4890625"), False)


def test_a_fallback_can_be_of_the_event_instead_of_its_quantity() -> None:
    price = a_price("cost_plus", {"fallback": "0.01", "fallback_per": "event"})
    unknown = Measure(D(5000))
    assert (rate(price, unknown).charge, rate(price, unknown).estimated) == (D("0.01"), True)
    assert rate(price, Measure(D(5000), cost=D("0.02"))).charge == D("0.025")
    assert rate(price, Measure(D(4000)), previous=unknown).charge == 0
    assert rate(price, Measure(D(0)), previous=unknown).charge == D("-0.01")
    assert rate(price, Measure(D(0))).charge == 0


def test_unpriced_is_not_zero_and_is_charged_in_full_once_the_cost_is_known() -> None:
    price = a_price("cost_plus", {}, maximum="1")
    unknown, known = Measure(D(1)), Measure(D(1), cost=D("0.4"))
    assert rate(price, unknown, D("0.9")).charge is None
    assert rate(price, unknown, D("0.9")).after == D("0.9")
    assert rate(price, known, D("0.9"), previous=unknown).charge == D("0.1")
    assert rate(price, Measure(D(0)), D("0.9"), previous=unknown).charge == 0


def test_a_voided_event_is_free_though_its_provider_was_paid() -> None:
    price = a_price("cost_plus", {"fallback": "0.50"})
    # The gate gives such an event without its cost.
    voided = rate(price, Measure(D(0)), previous=Measure(D(1), cost=D("0.4")))
    assert voided.charge == D("-0.5")
    assert not rate(price, Measure(D(0))).estimated


def test_a_cost_is_charged_though_the_event_has_no_quantity() -> None:
    price = a_price("cost_plus", {"fixed": "0.01"})
    paid = Measure(D(0), cost=D("1.00"))
    assert rate(price, paid).charge == D("1.26")
    assert rate(price, paid, previous=Measure(D(0))).charge == D("1.26")
    assert rate(price, Measure(D(0), cost=D(0))).charge == 0


def test_what_is_not_delivered_may_be_free() -> None:
    price = a_price("cost_plus", {"fixed": "0.01", "fallback": "0.50", "undelivered": "free"})
    delivered, failed = Measure(D(1), cost=D("1.00")), Measure(D(0), cost=D("1.00"))
    assert (rate(price, delivered).charge, rate(price, failed).charge) == (D("1.26"), 0)
    assert rate(price, Measure(D(1), cost=D(2)), previous=delivered).charge == D("1.25")  # another call, quantity 0
    assert rate(price, delivered, previous=failed).charge == D("1.26")
    assert rate(price, failed, previous=delivered).charge == D("-1.26")
    assert not rate(price, Measure(D(0), amount=D(1))).estimated


def test_a_correction_of_a_part_gives_nothing_of_the_cost_back() -> None:
    price = a_price("cost_plus", {"fallback": "0.50"})
    whole, part = Measure(D(3), cost=D("0.4")), Measure(D(2), cost=D("0.4"))
    assert rate(price, part, previous=whole).charge == 0
    assert rate(price, Measure(D(0)), previous=part).charge == D("-0.5")


TENTH = {"amount": "0.1"}


@pytest.mark.parametrize(
    ("model", "terms", "parts", "meter", "expected"),
    [
        ("unit", TENTH, {}, {}, "0.1"),
        ("unit", TENTH, {}, {"aggregation": "count"}, "0.1"),
        ("unit", TENTH, {"discount_percent": "12.5"}, {}, "0.0875"),
        ("unit", TENTH, {"included": "1"}, {}, None),
        ("unit", TENTH, {"maximum": "100"}, {}, None),
        ("unit", TENTH, {}, {"aggregation": "max"}, None),
        ("unit", TENTH, {}, {"aggregation": "latest"}, None),
        ("unit", TENTH, {}, {"aggregation": "unique_count"}, None),
        ("unit", {"amount": "1", "per": 3}, {}, {}, None),
        ("unit", {"amount": "1", "per": 3}, {}, {"aggregation": "count"}, None),
        # Six decimals of the rate and six of the quantity fit, seven don't.
        ("unit", {"amount": "0.000001"}, {}, {}, "0.000001"),
        ("unit", {"amount": "0.0000001"}, {}, {}, None),
        ("unit", {"amount": "2.50", "per": 1000000}, {}, {}, None),
        ("unit", {"amount": "2.50", "per": 1000000}, {}, {"decimals": 0}, "0.0000025"),
        ("unit", {"amount": "0.0000001"}, {}, {"aggregation": "count"}, "0.0000001"),
        ("unit", {"amount": "0.0000001"}, {}, {"rounding": "up"}, "0.0000001"),
        ("unit", {"amount": "0.0000001"}, {}, {"rounding": "up", "step": "0.000001"}, None),
        ("unit", {"amount": "0.000001"}, {"discount_percent": "50"}, {}, None),
        ("unit", {"amount": "0.000001"}, {}, {"decimals": 0, "minimum": "0.0000001"}, None),
        ("package", {"amount": "1", "size": 1}, {}, {}, None),
        ("graduated", {"tiers": [{"amount": "1"}]}, {}, {}, None),
    ],
)
def test_linear_rate_exists_where_no_running_total_is_needed(
    model: str, terms: dict[str, object], parts: dict[str, str], meter: dict[str, Any], expected: str | None
) -> None:
    price, counted = a_price(model, terms, **parts), a_meter(**meter)
    assert linear_rate(price, counted) == (None if expected is None else D(expected))
    assert needs_running_total(price, counted) is (expected is None)


@pytest.mark.parametrize(("model", "terms"), [("dynamic", {}), ("percentage", {"percent": "1"}), ("cost_plus", {})])
def test_events_priced_one_by_one_need_a_running_total_only_for_a_maximum(model: str, terms: dict[str, str]) -> None:
    assert not needs_running_total(a_price(model, terms), TOKENS)
    assert needs_running_total(a_price(model, terms, maximum="1"), TOKENS)
    assert linear_rate(a_price(model, terms), TOKENS) is None


def test_linear_rate_charges_what_the_pipeline_charges() -> None:
    price = a_price("unit", {"amount": "2.50", "per": 1000}, discount_percent="20")
    by_unit = linear_rate(price, TOKENS)
    assert by_unit is not None
    totals = [D("0"), D("0.000001"), D("1234.567891"), D("999999999999999.999999")]
    for before, after in pairwise(totals):
        assert rate(price, Measure(after - before), before).charge == (after - before) * by_unit
