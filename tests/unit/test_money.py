"""Rounding, allocation and display of exact amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tollkeeper.money import (
    allocate,
    amount_in_words,
    currency_decimals,
    cut_off,
    decimals_of,
    fits,
    grouped,
    is_currency,
    multiply,
    plain,
    price_of,
    round_charge,
    round_to,
    sum_of,
    with_decimals,
    written_once,
)

D = Decimal


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("1.5", "1.5"),
        ("0.1234567890125", "0.123456789012"),
        ("0.1234567890135", "0.123456789014"),
        ("0.12345678901250001", "0.123456789013"),
        ("-0.1234567890125", "-0.123456789012"),
        ("-0.1234567890135", "-0.123456789014"),
        ("0.0000000000004", "0"),
        ("999999999999999999.1234567890126", "999999999999999999.123456789013"),
    ],
)
def test_charges_keep_twelve_decimals_half_even(amount: str, rounded: str) -> None:
    assert round_charge(D(amount)) == D(rounded)
    assert decimals_of(round_charge(D(amount))) <= 12


@pytest.mark.parametrize(
    ("amount", "decimals", "rounded"),
    [
        ("2.665", 2, "2.66"),
        ("2.675", 2, "2.68"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("-0.125", 2, "-0.12"),
        ("1", 3, "1.000"),
    ],
)
def test_invoice_lines_round_half_even(amount: str, decimals: int, rounded: str) -> None:
    assert str(round_to(D(amount), decimals)) == rounded


def test_products_and_sums_keep_more_digits_than_decimal_does_by_itself() -> None:
    long = D("999999999999999.999999999999")
    assert multiply(long, long) == D("999999999999999999999999998000.000000000000000000000001")
    assert multiply(long, long) != long * long
    assert sum_of([D(10) ** 27, D("0.000000000001")]) == D("1000000000000000000000000000.000000000001")
    assert sum_of([]) == 0


def test_multiplies_first_and_divides_last() -> None:
    assert price_of(D(3), D(1), D(3)) == 1
    assert price_of(D(7), D("2.50"), D(1000000)) == D("0.0000175")


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        ("1.50", 1, "1.5"),
        ("300", 0, "300"),
        ("3E+2", 0, "300"),
        ("1E-7", 7, "0.0000001"),
        ("0.000", 0, "0"),
        ("-0", 0, "0"),
        ("-1.10", 1, "-1.1"),
        ("100.00", 0, "100"),
    ],
)
def test_decimals_and_plain_text(number: str, decimals: int, text: str) -> None:
    assert decimals_of(D(number)) == decimals
    assert plain(D(number)) == text


SMALL = "1." + "0" * 70 + "1"
"""More digits than the money context keeps: whoever counted after a rounding would find none."""


@pytest.mark.parametrize(
    ("number", "decimals"),
    [
        (SMALL, 71),
        (f"-{SMALL}", 71),
        ("1." + "0" * 70, 0),
        ("0." + "0" * 70, 0),
        ("123456789" * 8 + ".5", 1),
        ("1E+70", 0),
        ("1E-70", 70),
        ("10E-70", 69),
        ("1.230", 2),
        ("-0.0001", 4),
    ],
)
def test_decimals_are_counted_in_numbers_of_any_length(number: str, decimals: int) -> None:
    assert decimals_of(D(number)) == decimals


@pytest.mark.parametrize(
    ("number", "decimals", "enough"),
    [
        ("1.5", 1, True),
        ("1.5", 0, False),
        ("1.50", 1, True),  # written with more than it needs
        ("1.500", 0, False),
        ("300", 0, True),
        ("3E+2", 0, True),
        ("0.000", 0, True),
        ("-0.000001", 6, True),
        ("-0.0000001", 6, False),
        ("0.123456789012", 12, True),
        ("0.1234567890123", 12, False),
        ("1." + "0" * 70, 0, True),
        (SMALL, 12, False),
        (SMALL, 70, False),
        (SMALL, 71, True),
        (f"-{SMALL}", 12, False),
        ("1E-70", 12, False),
    ],
)
def test_what_fits_into_so_many_decimals(number: str, decimals: int, enough: bool) -> None:
    assert fits(D(number), decimals) is enough


@given(number=st.decimals(allow_nan=False, allow_infinity=False), decimals=st.integers(0, 80))
def test_the_quick_way_to_see_what_fits_agrees_with_counting(number: Decimal, decimals: int) -> None:
    assert fits(number, decimals) is (decimals_of(number) <= decimals)


@pytest.mark.parametrize(
    ("number", "least", "shown", "said"),
    [
        ("4", 2, "4.00", "4.00"),
        ("10.5", 2, "10.50", "10.50"),
        ("0.00875", 2, "0.00875", "0.00875"),
        ("1E+6", 0, "1000000", "1,000,000"),
        ("-1234.50", 2, "-1234.50", "-1,234.50"),
        ("-0.5", 0, "-0.5", "-0.5"),
        ("999", 0, "999", "999"),
        ("0", 2, "0.00", "0.00"),
        ("123456789012345678901234567890.123456789012", 2, "123456789012345678901234567890.123456789012",
         "123,456,789,012,345,678,901,234,567,890.123456789012"),
    ],
)  # fmt: skip
def test_decimals_that_are_shown_and_thousands_that_are_apart(number: str, least: int, shown: str, said: str) -> None:
    assert with_decimals(D(number), least) == shown
    assert grouped(D(number), least) == said


def test_amounts_in_words_have_at_most_twelve_decimals() -> None:
    assert amount_in_words(D(100000) / 3, "USD") == "33,333.333333333333 USD"
    assert amount_in_words(D(1500), "JPY") == "1,500 JPY"


@pytest.mark.parametrize(("code", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2)])
def test_currencies_have_their_own_digits(code: str, decimals: int) -> None:
    assert is_currency(code)
    assert currency_decimals(code) == decimals


@pytest.mark.parametrize("code", ["usd", "XQZ", "", "interview_credit"])
def test_other_units_are_not_currencies(code: str) -> None:
    assert not is_currency(code)


@pytest.mark.parametrize(
    ("total", "weights", "decimals", "shares"),
    [
        ("10.00", "1 1 1", 2, "3.34 3.33 3.33"),
        ("-10.00", "1 1 1", 2, "-3.34 -3.33 -3.33"),
        ("0.05", "1 1 1 1 1 1", 2, "0.01 0.01 0.01 0.01 0.01 0"),
        ("100", "1 2 4", 0, "14 29 57"),
        ("100", "0 1 0", 0, "0 100 0"),
        ("0", "1 2", 2, "0 0"),
        ("1", "0.1 0.2", 0, "0 1"),
        ("10", "3 3 3 1", 0, "3 3 3 1"),
        ("1", "999999999999999.999999 999999999999999.999998", 0, "1 0"),
    ],
)
def test_shares_by_largest_remainder(total: str, weights: str, decimals: int, shares: str) -> None:
    assert allocate(D(total), [D(w) for w in weights.split()], decimals) == [D(s) for s in shares.split()]


@settings(max_examples=200)
@given(
    total=st.decimals(-(10**12), 10**12, places=2),
    weights=st.lists(st.decimals(0, 10**9, places=6), min_size=1, max_size=12),
)
def test_shares_sum_to_the_total_and_are_within_one_unit(total: Decimal, weights: list[Decimal]) -> None:
    assume(any(weights))
    shares = allocate(total, weights, 2)
    assert sum_of(shares) == total
    whole = sum_of(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert decimals_of(share) <= 2
        assert abs(share - multiply(total, weight) / whole) < D("0.010001")
        assert weight or not share


@pytest.mark.parametrize(("total", "weights"), [("1", []), ("1", ["0", "0"]), ("1", ["2", "-1"]), ("1.001", ["1"])])
def test_allocation_refuses_what_has_no_answer(total: str, weights: list[str]) -> None:
    with pytest.raises(ValueError, match=r"weights|decimals"):
        allocate(D(total), [D(w) for w in weights], 2)


@pytest.mark.parametrize(
    ("same", "text"),
    [
        (("1", "1.0", "1.000", "001"), "1e0"),
        (("10", "1E+1", "10.0"), "1e1"),
        (("0.5", ".50", "5e-1"), "5e-1"),
        (("-1.20", "-1.2"), "-12e-1"),
        (("0", "0.00", "-0", "0e999999"), "0"),
        (("1e999999",), "1e999999"),
    ],
)
def test_a_value_is_written_once(same: tuple[str, ...], text: str) -> None:
    assert {written_once(Decimal(number)) for number in same} == {text}


@pytest.mark.parametrize(
    ("amount", "shown"), [("99.999", "99.99"), ("-99.999", "-99.99"), ("100", "100"), ("0.001", "0")]
)
def test_what_is_cut_off_never_reaches_the_next(amount: str, shown: str) -> None:
    assert plain(cut_off(D(amount), 2)) == shown
