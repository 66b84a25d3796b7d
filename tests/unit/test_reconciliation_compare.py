"""Why their money isn't our cost: by hand, and for any figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.money import ZERO, sum_of
from tollkeeper.reconciliation.compare import compare
from tollkeeper.reconciliation.model import Comparison, Finding, Ours, Theirs

D = Decimal
PRICES = {"input_tokens": D("0.0000025"), "output_tokens": D("0.00001"), "cached_input_tokens": D("0.00000125")}


def ours(vague: str = "0", vague_requests: int = 0, **quantities: int) -> Ours:
    """Calls that the book has priced as gpt-4o."""
    priced = {unit: (D(quantity), quantity * PRICES[unit]) for unit, quantity in quantities.items() if unit in PRICES}
    cost = sum_of(each for _, each in priced.values())
    used = {unit: D(quantity) for unit, quantity in quantities.items()}
    return Ours(bool(quantities) and 1, used, cost, priced, cost, vague_requests, D(vague))


def theirs(money: str | None, requests: int = 1, **quantities: int) -> Theirs:
    return Theirs(requests, {unit: D(each) for unit, each in quantities.items()}, None if money is None else D(money))


def found(mine: Ours, other: Theirs, tolerance: str = "0") -> Comparison:
    return compare(mine, other, currency="USD", tolerance=D(tolerance))


def amounts(comparison: Comparison) -> dict[tuple[str, str | None], Decimal]:
    return {(part.finding.value, part.unit): part.amount for part in comparison.parts}


def test_equal_is_a_match() -> None:
    same = found(ours(input_tokens=1500, output_tokens=500), theirs("0.00875", input_tokens=1500, output_tokens=500))
    assert (same.finding, same.difference, same.parts) == (Finding.MATCH, ZERO, ())


def test_more_there_is_missing_here() -> None:
    mine = ours(input_tokens=1500, output_tokens=500)
    one = found(mine, theirs("0.0175", input_tokens=3000, output_tokens=1000))
    assert one.finding is Finding.MISSING_HERE
    assert amounts(one) == {
        ("missing_here", "input_tokens"): D("0.00375"),
        ("missing_here", "output_tokens"): D("0.005"),
    }
    assert one.theirs_of_vague == D("0.00875")
    assert one.parts[0].because == "They count 3,000 input tokens, we 1,500: 1,500 more, at what they ask 0.00375 USD."


def test_more_here_is_extra_here() -> None:
    one = found(ours(input_tokens=3000, output_tokens=1000), theirs("0.00875", input_tokens=1500, output_tokens=500))
    assert one.finding is Finding.EXTRA_HERE
    assert one.difference == D("-0.00875")
    assert one.price_gap == 0


def test_equal_units_and_other_money_is_a_price_gap() -> None:
    one = found(ours(input_tokens=1500, output_tokens=500), theirs("0.007", input_tokens=1500, output_tokens=500))
    assert one.finding is Finding.PRICE_GAP
    assert amounts(one) == {("price_gap", None): D("-0.00175")}


def test_both_at_once_are_told_apart() -> None:
    """A tenth off, and as much again that we don't have: it's valued at what they ask, not at our price."""
    one = found(ours(input_tokens=1000, output_tokens=500), theirs("0.0135", input_tokens=2000, output_tokens=1000))
    assert one.difference == D("0.006")
    assert amounts(one) == {
        ("missing_here", "input_tokens"): D("0.00225"),
        ("missing_here", "output_tokens"): D("0.0045"),
        ("price_gap", None): D("-0.00075"),
    }


def test_a_grain_that_we_know_nothing_of_is_missing_as_a_whole() -> None:
    one = found(Ours(), theirs("1.25", requests=3, input_tokens=500_000, output_tokens=10))
    assert one.finding is Finding.MISSING_HERE
    assert one.parts[0].because == (
        "They count 500,000 input tokens, 10 output tokens more than we, at what they ask 1.25 USD together."
    )
    assert sum_of(part.amount for part in one.parts) == D("1.25")
    assert one.theirs_of_vague == D("1.25")


def test_a_grain_that_they_know_nothing_of_is_extra_as_a_whole() -> None:
    one = found(ours(input_tokens=1000), Theirs(quantities={}, money=ZERO))
    assert (one.finding, one.difference) == (Finding.EXTRA_HERE, D("-0.0025"))
    assert amounts(one) == {("extra_here", "input_tokens"): D("-0.0025")}


def test_a_unit_without_a_price_of_ours_takes_what_is_left() -> None:
    one = found(ours(input_tokens=1000), theirs("0.0125", input_tokens=1000, output_tokens=1000))
    assert amounts(one) == {("missing_here", "output_tokens"): D("0.01")}


def test_while_they_have_not_told_what_it_costs_only_quantities_speak() -> None:
    more = found(ours(input_tokens=1000), theirs(None, input_tokens=1001))
    assert (more.finding, more.difference, more.parts) == (Finding.MISSING_HERE, None, ())
    assert found(ours(input_tokens=1000), theirs(None, input_tokens=1000)).finding is Finding.MATCH
    assert found(ours(input_tokens=1000), theirs(None)).finding is Finding.EXTRA_HERE


def test_money_without_usage_is_told_as_such() -> None:
    one = found(Ours(), Theirs(None, None, D("0.10")))
    assert amounts(one) == {("missing_here", None): D("0.10")}
    assert "without reporting usage" in one.parts[0].because


def test_what_one_side_does_not_count_apart_is_compared_together() -> None:
    mine = ours(output_tokens=500)
    mine.quantities["reasoning_tokens"], mine.priced["reasoning_tokens"] = D(300), (D(300), D("0.003"))
    mine.cost = mine.priced_cost = D("0.008")
    one = found(mine, theirs("0.008", output_tokens=800))
    assert one.finding is Finding.MATCH
    assert one.ours.quantities == {"output_tokens": D(800)}
    writes = Ours(1, {"cache_write_5m_tokens": D(10)}, D(1), {"cache_write_5m_tokens": (D(10), D(1))}, D(1))
    assert found(writes, theirs("1", cache_write_tokens=10)).finding is Finding.MATCH


def test_what_guesses_and_attributions_have_booked_already_is_no_longer_missing() -> None:
    """One call is known, another was guessed at 0.005; they ask 0.00875 for the latter."""
    usage = {"input_tokens": 3000, "output_tokens": 1000}
    guessed = found(ours("0.005", 1, input_tokens=1500, output_tokens=500), theirs("0.0175", 2, **usage))
    assert (guessed.finding, guessed.difference) == (Finding.MISSING_HERE, D("0.00375"))
    assert guessed.theirs_of_vague == D("0.00875")
    trued = found(ours("0.00875", 1, input_tokens=1500, output_tokens=500), theirs("0.0175", 2, **usage))
    assert (trued.finding, trued.parts, trued.difference) == (Finding.MATCH, (), ZERO)
    too_much = found(ours("0.01", 1, input_tokens=1500, output_tokens=500), theirs("0.0175", 2, **usage))
    assert (too_much.finding, too_much.difference) == (Finding.EXTRA_HERE, D("-0.00125"))


def test_a_gap_that_was_allocated_is_a_match() -> None:
    mine = ours(input_tokens=1500, output_tokens=500)
    mine.cost = mine.priced_cost = D("0.007")  # 0.00175 of 0.00875 was given back.
    assert found(mine, theirs("0.007", input_tokens=1500, output_tokens=500)).finding is Finding.MATCH
    more = found(mine, theirs("0.014", input_tokens=3000, output_tokens=1000))
    assert more.price_gap == 0


@pytest.mark.parametrize(("tolerance", "finding"), [("0", Finding.PRICE_GAP), ("0.01", Finding.MATCH)])
def test_a_tolerance_calls_a_small_difference_a_match(tolerance: str, finding: Finding) -> None:
    one = found(ours(input_tokens=1000), theirs("0.003", input_tokens=1000), tolerance)
    assert (one.finding, one.difference) == (finding, D("0.0005"))


QUANTITIES = st.dictionaries(
    st.sampled_from([*PRICES, "reasoning_tokens", "web_searches"]), st.integers(1, 10**7), max_size=4
)
MONEY = st.decimals("0", "1000", places=12)


@given(QUANTITIES, QUANTITIES, MONEY, MONEY, MONEY, st.dictionaries(st.sampled_from([*PRICES]), MONEY))
def test_the_parts_sum_to_the_difference(
    mine: dict[str, int],
    other: dict[str, int],
    money: Decimal,
    vague: Decimal,
    added: Decimal,
    asked: dict[str, Decimal],
) -> None:
    us = ours(str(vague), int(vague > 0), **mine)
    us.cost = us.cost + added
    us.priced_cost = us.cost if us.priced else ZERO
    them = theirs(str(sum_of(asked.values()) if asked else money), **other)
    them.asked, money = asked, them.money or ZERO
    one = found(us, them)
    assert sum_of(part.amount for part in one.parts) == one.difference == money - us.whole_cost
    assert one.theirs_of_vague is not None
    assert one.theirs_of_vague >= 0
    assert (one.finding is Finding.MATCH) == (not one.parts)


def test_a_bill_by_unit_tells_what_missing_usage_costs() -> None:
    """Their output is a fifth off; what is missing of it is valued so, and of the input as it stands."""
    other = theirs("0.0135", 2, input_tokens=3000, output_tokens=750)
    other.asked = {"input_tokens": D("0.0075"), "output_tokens": D("0.006")}
    one = found(ours(input_tokens=1500, output_tokens=500), other)
    assert amounts(one) == {
        ("missing_here", "input_tokens"): D("0.00375"),
        ("missing_here", "output_tokens"): D("0.002"),
        ("price_gap", None): D("-0.001"),
    }
    assert amounts(found(Ours(), other)) == {
        ("missing_here", "input_tokens"): D("0.0075"),
        ("missing_here", "output_tokens"): D("0.006"),
    }


def test_units_of_a_reports_own_are_compared_by_requests() -> None:
    """The report of images counts images, also where the model is priced by tokens."""
    mine = ours(input_tokens=1000, output_tokens=100)
    mine.requests = 2
    one = found(mine, theirs("0.00525", 3, images=3))
    assert amounts(one) == {("missing_here", "requests"): D("0.00175")}
    untold = Theirs(None, {"images": D(3)}, D("0.0035"))
    assert found(mine, untold).finding is Finding.MATCH


@given(QUANTITIES, MONEY)
def test_what_differs_in_money_alone_is_only_a_price_gap(usage: dict[str, int], money: Decimal) -> None:
    one = found(ours(**usage), theirs(str(money), **usage))
    assert {part.finding for part in one.parts} <= {Finding.PRICE_GAP}
    assert one.price_gap == one.difference
