"""Every recorded answer of a provider: its quantities, and its cost against arithmetic written down by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.unit.vectors.calls import FOLDER, facts, names, provider_calls, reckoned

from tollkeeper.money import decimals_of
from tollkeeper.providers import PROVIDERS, CallFacts, book, observe

CASES = provider_calls()
PRICED = [case for case in CASES if case["cost"] is not None]
STEP = Fraction(1, 10**12)


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_cost_reckoned_by_hand(case: dict[str, Any]) -> None:
    call = facts(case)
    assert {str(unit): number for unit, number in call.quantities.items()} == {
        unit: Decimal(number) for unit, number in case["quantities"].items()
    }
    priced = book().price(call)
    if case["cost"] is None:
        assert (priced.cost, list(priced.missing)) == (None, case["missing"])
    else:
        assert (priced.cost, priced.missing) == (Decimal(case["cost"]), ())
        assert decimals_of(priced.cost) <= 12


@pytest.mark.parametrize("case", PRICED, ids=names(PRICED))
def test_the_arithmetic_gives_the_cost(case: dict[str, Any]) -> None:
    """The test data itself: the result is the arithmetic's, rounded half-even to 12 decimals."""
    exact, told = reckoned(case["arithmetic"]), Fraction(case["cost"])
    assert told % STEP == 0
    assert told == Fraction(round(exact / STEP)) * STEP


def test_floats_of_a_decoder_that_makes_them_cost_the_same() -> None:
    for exact, floating in zip(CASES, provider_calls(float), strict=True):
        assert book().price(facts(exact)) == book().price(facts(floating)), exact["name"]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert {case["provider"] for case in CASES} == {provider.key for provider in PROVIDERS}
    assert {file.stem for file in FOLDER.iterdir()} == {provider.key for provider in PROVIDERS}
    assert len(set(names(CASES))) == len(CASES)


def test_the_example_of_the_issue() -> None:
    call = CallFacts(
        "openai", "gpt-4o", {"input_tokens": Decimal(1500), "output_tokens": Decimal(500)}, datetime.now(UTC)
    )
    assert book().price(call).cost == Decimal("0.00875")


def test_content_is_not_kept() -> None:
    for case in CASES:
        if "response" in case:
            kept = repr(observe(case["provider"], case["response"]))
            assert not any(word in kept.lower() for word in ("secret", "u2vjcmv0")), case["name"]
    assert "Secret words" in json.dumps(CASES, default=str)
