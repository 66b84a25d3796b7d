"""Each charge model against figures reckoned by hand, and what its parser accepts and refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.vectors.prices import CHARGE_MODELS, a_price, vectors

from tollkeeper.catalog.prices import PRICE_KEYS
from tollkeeper.money import decimals_of, round_charge
from tollkeeper.rating import MODELS, Cumulative, Measure, PerEvent, rate

CASES = vectors()
TIER = {"amount": "0.01"}


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(("model", "case"), CASES, ids=[f"{model}: {case['why']}" for model, case in CASES])
def test_price_reckoned_by_hand(model: str, case: dict[str, Any]) -> None:
    price = a_price(model, case["terms"])
    measure = Measure(Decimal(case["quantity"]), number(case.get("amount")), number(case.get("cost")))
    rated = rate(price, measure)
    assert rated.charge == number(case["price"])
    assert rated.estimated is case.get("estimated", False)
    assert rated.charge is None or decimals_of(rated.charge) <= 12


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_registered_under_its_name_and_has_vectors(name: str) -> None:
    model = MODELS[name]
    assert model.name == name
    assert isinstance(model, Cumulative if model.cumulative else PerEvent)
    assert sum(model == name for model, _ in CASES) >= 8
    assert (CHARGE_MODELS / f"{name}.json").exists()


@pytest.mark.parametrize(("model", "case"), CASES, ids=[f"{model}: {case['why']}" for model, case in CASES])
def test_canonical_table_reads_back_as_the_same_terms(model: str, case: dict[str, Any]) -> None:
    terms = a_price(model, case["terms"]).terms
    table = terms.as_table()
    assert a_price(model, table).terms == terms
    assert a_price(model, table).terms.as_table() == table


def test_canonical_table_is_the_same_however_the_numbers_are_written() -> None:
    plain = a_price("graduated", {"tiers": [{"up_to": 1000, "amount": "0.5", "per": 1, "flat": 0}, {"amount": 0}]})
    padded = a_price("graduated", {"tiers": [{"up_to": "1000.0", "amount": "00.50"}, {"amount": "0.00"}]})
    assert plain.terms.as_table() == padded.terms.as_table()
    assert plain.terms.as_table() == {"tiers": [{"up_to": "1000", "amount": "0.5"}, {"amount": "0"}]}


def test_stored_cost_plus_terms_name_their_margin() -> None:
    assert a_price("cost_plus", {}).terms.as_table() == {"margin_percent": "25"}


@pytest.mark.parametrize(
    ("model", "terms", "key", "words"),
    [
        ("unit", {}, "amount", "missing"),
        ("unit", {"amount": 0.5}, "amount", 'quoted: "0.5"'),
        ("unit", {"amount": 0.5}, "amount", "aren't exact"),
        ("unit", {"amount": True}, "amount", "must be a number"),
        ("unit", {"amount": None}, "amount", "must be a number"),
        ("unit", {"amount": ["1"]}, "amount", "must be a number"),
        ("unit", {"amount": "1e-6"}, "amount", "plain digits"),
        ("unit", {"amount": "1_000"}, "amount", "plain digits"),
        ("unit", {"amount": " 1"}, "amount", "plain digits"),
        ("unit", {"amount": "1\n"}, "amount", "plain digits"),
        ("unit", {"amount": "٣"}, "amount", "plain digits"),
        ("unit", {"amount": "NaN"}, "amount", "plain digits"),
        ("unit", {"amount": "Infinity"}, "amount", "plain digits"),
        ("unit", {"amount": ""}, "amount", "plain digits"),
        ("unit", {"amount": "-0.01"}, "amount", "negative"),
        ("unit", {"amount": -1}, "amount", "negative"),
        ("unit", {"amount": "0.0000000000001"}, "amount", "12 decimals"),
        ("unit", {"amount": 10**15}, "amount", "less than 1000000000000000"),
        ("unit", {"amount": "1", "per": 0}, "per", "more than 0"),
        ("unit", {"amount": "1", "per": "-1"}, "per", "negative"),
        ("unit", {"amount": "1", "per": 1.5}, "per", "quoted"),
        ("unit", {"amount": "1", "amout": "1"}, "amout", "known are `amount`, `per`"),
        ("package", {"amount": "1"}, "size", "missing"),
        ("package", {"amount": "1", "size": "0"}, "size", "more than 0"),
        ("package", {"size": "5"}, "amount", "missing"),
        ("graduated", {}, "tiers", "at least one"),
        ("graduated", {"tiers": []}, "tiers", "at least one"),
        ("graduated", {"tiers": {"amount": "1"}}, "tiers", "at least one"),
        ("graduated", {"tiers": ["1"]}, "tiers[0]", "must be a table"),
        ("graduated", {"tiers": [{"up_to": "10"} | TIER]}, "tiers[0].up_to", "last tier has no `up_to`"),
        ("graduated", {"tiers": [TIER, TIER]}, "tiers[0].up_to", "Only the last"),
        ("graduated", {"tiers": [{"up_to": "0"} | TIER, TIER]}, "tiers[0].up_to", "above 0"),
        ("graduated", {"tiers": [{"up_to": "9"} | TIER, {"up_to": "9"} | TIER, TIER]}, "tiers[1].up_to", "above 9"),
        ("graduated", {"tiers": [{"up_to": "9"} | TIER, {"up_to": "8"} | TIER, TIER]}, "tiers[1].up_to", "above 9"),
        ("graduated", {"tiers": [{"up_to": 0.5} | TIER, TIER]}, "tiers[0].up_to", "quoted"),
        ("graduated", {"tiers": [{}]}, "tiers[0].amount", "missing"),
        ("graduated", {"tiers": [{"amount": "1", "flat": "-1"}]}, "tiers[0].flat", "negative"),
        ("graduated", {"tiers": [{"amount": "1", "price": "1"}]}, "tiers[0].price", "isn't a key"),
        ("graduated", {"tiers": [TIER], "amount": "1"}, "amount", "isn't a key"),
        ("volume", {"tiers": [TIER, TIER]}, "tiers[0].up_to", "Only the last"),
        ("percentage", {"fixed": "1"}, "percent", "missing"),
        ("percentage", {"percent": "1", "event_minimum": "2", "event_maximum": "1"}, "event_maximum", "less than"),
        ("percentage", {"percent": "1", "event_maximum": "-2"}, "event_maximum", "negative"),
        ("dynamic", {"multiplier": "-1"}, "multiplier", "negative"),
        ("dynamic", {"amount": "1"}, "amount", "known are `multiplier`"),
        ("cost_plus", {"margin_percent": "-5"}, "margin_percent", "negative"),
        (
            "cost_plus",
            {"margin": "5"},
            "margin",
            "known are `fallback`, `fallback_per`, `fixed`, `margin_percent`",
        ),
        ("cost_plus", {"undelivered": "never"}, "undelivered", 'must be "charge" or "free"'),
        ("cost_plus", {"true_up": "never"}, "true_up", 'must be "charge" or "cost_only"'),
    ],
)
def test_problem_is_reported_at_its_key(model: str, terms: dict[str, object], key: str, words: str) -> None:
    problems: list[tuple[str, str]] = []
    assert MODELS[model].parse(terms, problem=lambda *found: problems.append(found)) is None
    assert [found for found, _ in problems] == [key]
    assert words in problems[0][1]


def test_all_problems_are_reported_at_once() -> None:
    problems: list[str] = []
    terms = {"tiers": [{"up_to": "5", "amount": "-1", "per": "0"}, {"up_to": "3", "flat": "x"}, {"amout": "1"}], "a": 1}
    assert MODELS["graduated"].parse(terms, problem=lambda key, _: problems.append(key)) is None
    assert problems == [
        "tiers[0].amount",
        "tiers[0].per",
        "tiers[1].up_to",
        "tiers[1].flat",
        "tiers[2].amount",
        "tiers[2].amout",
        "a",
    ]


def test_no_model_has_a_key_that_every_price_has() -> None:
    # The catalog keeps those to itself, so the model's would never be read.
    for name, case in CASES:
        assert not PRICE_KEYS & a_price(name, case["terms"]).terms.as_table().keys()


def test_a_tier_may_be_a_flat_part_alone() -> None:
    price = a_price("graduated", {"tiers": [{"up_to": "10", "flat": "7"}, {"amount": "1"}]})
    assert rate(price, Measure(Decimal(10))).charge == 7


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"amount": "0.10"}, "0.1"),
        ({"amount": "2.50", "per": 1000000}, "0.0000025"),
        ({"amount": "1", "per": 8}, "0.125"),
        ({"amount": "1", "per": 3}, None),
        ({"amount": "1", "per": 7}, None),
        ({"amount": "3", "per": "0.3"}, "10"),
    ],
)
def test_linear_rate_is_exact_or_absent(terms: dict[str, object], expected: str | None) -> None:
    unit = MODELS["unit"]
    assert isinstance(unit, Cumulative)
    assert unit.linear_rate(a_price("unit", terms).terms) == number(expected)


def test_total_isn_t_rounded() -> None:
    unit = MODELS["unit"]
    assert isinstance(unit, Cumulative)
    exact = unit.total(a_price("unit", {"amount": "0.000000000001"}).terms, Decimal("0.000001"))
    assert exact == Decimal("0.000000000000000001")
    assert round_charge(exact) == 0
