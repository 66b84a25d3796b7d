"""The words and figures of an explanation."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.unit.vectors.prices import ALL_OF_IT, TOKENS, a_meter, a_price

from tollkeeper.catalog.model import Meter, Price
from tollkeeper.rating import Measure, Step, billed_quantity, explain, rate
from tollkeeper.rating.words import Words

D = Decimal


def explained(
    meter: Meter,
    price: Price,
    quantity: str = "1",
    before: str = "0",
    measure: Measure | None = None,
    previous: Measure | None = None,
) -> list[Step]:
    """What a person is shown for an event that was rated at the same time."""
    measure = measure or Measure(billed_quantity(meter, D(quantity)))
    charge = rate(price, measure, D(before), previous).charge
    steps = explain(
        meter, price, quantity=D(quantity), measure=measure, before=D(before), charge=charge, previous=previous
    )
    assert steps[-1].name == "charge"
    return steps


def texts(steps: list[Step]) -> list[str]:
    return [step.text for step in steps]


def test_a_plain_rate_is_one_line() -> None:
    assert texts(explained(a_meter(), a_price("unit", {"amount": "0.1"}), "15", before="400")) == [
        "15 minutes × 0.10 USD = 1.50 USD",
        "Charge of this event: 1.50 USD",
    ]


def test_quantity_rules_and_discount() -> None:
    meter = a_meter(minimum="1.2", rounding="nearest")
    assert texts(explained(meter, a_price("unit", {"amount": "0.1"}, discount_percent="10"), "0.4")) == [
        "0.4 minutes count as the minimum of 1.2 minutes",
        "1.2 minutes, rounded to the nearest 1, are 1 minute",
        "1 minute × 0.10 USD = 0.10 USD",
        "10 % discount: 0.10 USD − 0.01 USD = 0.09 USD",
        "Charge of this event: 0.09 USD",
    ]


def test_included_quantity_that_ends_within_the_event() -> None:
    steps = explained(TOKENS, a_price("unit", {"amount": "0.01"}, included="1000"), "50", before="980")
    assert texts(steps) == [
        "The first 1,000 tokens of the month are included: 980 already used, 20 of these 50 free, 30 charged",
        "30 tokens × 0.01 USD = 0.30 USD",
        "Charge of this event: 0.30 USD",
    ]
    assert steps[0].figures == {"included": "1000", "before": "980", "free": "20", "charged": "30"}


def test_included_quantity_that_covers_all_of_it() -> None:
    assert texts(explained(TOKENS, a_price("package", {"amount": "1", "size": 5}, included="9"), "1")) == [
        "The first 9 tokens of the month are included: 0 already used, 1 of this 1 free, 0 charged",
        "Charge of this event: 0.00 USD",
    ]


def test_included_quantity_and_a_correction() -> None:
    steps = explained(TOKENS, a_price("unit", {"amount": "0.01"}, included="1000"), "-50", before="1010")
    assert texts(steps) == [
        "The first 1,000 tokens of the month are included: usage goes down from 1,010 to 960, so 10 fewer are charged",
        "-10 tokens × 0.01 USD = -0.10 USD",
        "Charge of this event: -0.10 USD",
    ]


def test_tiers_line_by_line_with_everything_on_top() -> None:
    price = a_price("graduated", ALL_OF_IT, included="100", discount_percent="10", maximum="14")
    assert texts(explained(TOKENS, price, "500", before="1000")) == [
        "The first 100 tokens of the month are included: 1,000 already used, 0 of these 500 free, 500 charged",
        "Tier 1 (up to 1,000): 1,000 tokens × 0.01 USD + 5.00 USD flat = 15.00 USD",
        "Tier 2 (above 1,000): 400 tokens × 0.005 USD = 2.00 USD",
        "All tiers together: 1,400 tokens cost 17.00 USD",
        "10 % discount: 17.00 USD − 1.70 USD = 15.30 USD",
        "At most 14.00 USD per month, so not 15.30 USD",
        "This event is what it changes: price of 1,500 tokens so far (14.00 USD) − price of 1,000 tokens before, "
        "reckoned in the same way (12.60 USD) = 1.40 USD",
        "Charge of this event: 1.40 USD",
    ]


def test_the_first_event_of_a_period_needs_no_difference() -> None:
    assert texts(explained(TOKENS, a_price("volume", ALL_OF_IT), "1500")) == [
        "All of it falls in tier 2 (above 1,000): 1,500 tokens × 0.005 USD = 7.50 USD",
        "Charge of this event: 7.50 USD",
    ]


def test_tiers_are_shown_even_where_they_make_no_difference() -> None:
    level = {"tiers": [{"up_to": "10", "amount": "1"}, {"amount": "1"}]}
    steps = explained(TOKENS, a_price("graduated", level), "5", before="10")
    assert [step.name for step in steps] == ["tier", "tier", "graduated", "difference", "charge"]


def test_what_cost_nothing_before_is_still_taken_off() -> None:
    free = {"tiers": [{"up_to": "10", "amount": 0}, {"amount": "1"}]}
    steps = explained(TOKENS, a_price("graduated", free), "5", before="8")
    assert texts(steps)[-2] == (
        "This event is what it changes: price of 13 tokens so far (3.00 USD) − price of 8 tokens before, "
        "reckoned in the same way (0.00 USD) = 3.00 USD"
    )


def test_a_maximum_is_mentioned_only_when_it_is_reached() -> None:
    price = a_price("unit", {"amount": "0.01"}, maximum="5")
    assert texts(explained(TOKENS, price, "20", before="480"))[0] == "20 tokens × 0.01 USD = 0.20 USD"
    assert texts(explained(TOKENS, price, "50", before="480"))[:2] == [
        "530 tokens × 0.01 USD = 5.30 USD",
        "At most 5.00 USD per month, so not 5.30 USD",
    ]


def test_packages() -> None:
    steps = explained(TOKENS, a_price("package", {"amount": "2", "size": 1000}), "1001", before="500")
    assert texts(steps)[0] == "1,501 tokens take 2 packages of 1,000: 2 × 2.00 USD = 4.00 USD"
    assert steps[-1].figures == {"charge": "2"}


def test_thousands_are_apart_in_words_and_never_in_figures() -> None:
    steps = explained(TOKENS, a_price("unit", {"amount": "15", "per": 1000000}, maximum="900000"), "50000000")
    assert texts(steps)[0] == "50,000,000 tokens × 15.00 USD per 1,000,000 = 750.00 USD"
    assert steps[0].figures == {"quantity": "50000000", "amount": "15", "per": "1000000", "price": "750"}
    assert Words("token", "USD").quantity(D("-12345.678")) == "-12,345.678 tokens"


def test_a_rate_without_end_shows_where_its_last_decimal_comes_from() -> None:
    steps = explained(TOKENS, a_price("unit", {"amount": "1", "per": 3}), before="1")
    assert [step.name for step in steps] == ["unit", "difference", "charge"]
    assert steps[-1].figures == {"charge": "0.333333333334"}


@pytest.mark.parametrize(
    ("aggregation", "before", "moved", "text"),
    [
        ("max", "10", "5", "The largest quantity of the month goes from 10 to 15 seats"),
        ("max", "20", "0", "The largest quantity of the month stays 20 seats"),
        ("latest", "20", "-5", "The latest quantity of the month goes from 20 to 15 seats"),
        ("unique_count", "0", "1", "The number of distinct ones of the month goes from 0 to 1 seat"),
    ],
)
def test_gauges_say_what_the_event_moved(aggregation: str, before: str, moved: str, text: str) -> None:
    meter = a_meter(aggregation, unit="seat")
    price = a_price("unit", {"amount": "2"})
    steps = explained(meter, price, "15", before, measure=Measure(D(moved)))
    assert steps[0].text == text
    assert D(steps[-1].figures["charge"]) == 2 * D(moved)


def test_percentage_with_its_bounds_and_the_months_maximum() -> None:
    price = a_price("percentage", {"percent": "2.9", "fixed": "0.3", "event_minimum": "1"}, maximum="5")
    assert texts(explained(TOKENS, price, before="4.5", measure=Measure(D(1), amount=D(10)))) == [
        "2.9 % of 10.00 USD = 0.29 USD, + 0.30 USD fixed = 0.59 USD",
        "At least 1.00 USD per event",
        "At most 5.00 USD per month: 4.50 USD charged before, so 0.50 USD of 1.00 USD is charged",
        "Charge of this event: 0.50 USD",
    ]


def test_percentage_ceiling_and_refund() -> None:
    price = a_price("percentage", {"percent": "10", "event_maximum": "5"})
    assert texts(explained(TOKENS, price, measure=Measure(D(1), amount=D(-100)))) == [
        "10 % of 100.00 USD = 10.00 USD",
        "At most 5.00 USD per event",
        "The event's amount is negative, so this is given back: -5.00 USD",
        "Charge of this event: -5.00 USD",
    ]


def test_dynamic_amount() -> None:
    price = a_price("dynamic", {"multiplier": "1.5"}, unit="credit")
    assert texts(explained(TOKENS, price, measure=Measure(D(1), amount=D(4)))) == [
        "The event carries the amount 4 credit, × 1.5 = 6 credit",
        "Charge of this event: 6 credit",
    ]


def test_estimate_and_its_correction() -> None:
    price = a_price("cost_plus", {"fallback": "0.5", "fixed": "0.01"})
    unknown, known = Measure(D(2)), Measure(D(2), cost=D("0.00875"))
    assert texts(explained(TOKENS, price, measure=unknown))[0] == (
        "Estimated while the provider's cost isn't known: 2 tokens × 0.50 USD = 1.00 USD, + 0.01 USD fixed = 1.01 USD"
    )
    assert texts(explained(TOKENS, price, "0", measure=known, previous=unknown)) == [
        "The provider's cost 0.00875 USD + 25 % margin = 0.0109375 USD, + 0.01 USD fixed = 0.0209375 USD",
        "The correction is what it changes: price of the corrected event (0.0209375 USD) − price before (1.01 USD) "
        "= -0.9890625 USD",
        "Charge of this event: -0.9890625 USD",
    ]


def test_an_estimate_by_the_event() -> None:
    price = a_price("cost_plus", {"fallback": "0.01", "fallback_per": "event"})
    assert texts(explained(TOKENS, price, measure=Measure(D(5000))))[0] == (
        "Estimated while the provider's cost isn't known: 1 event × 0.01 USD = 0.01 USD"
    )


def test_unpriced_says_so_and_why() -> None:
    steps = explained(TOKENS, a_price("cost_plus", {}))
    assert texts(steps) == [
        "The provider's cost isn't known, and the price has no fallback",
        "This event is unpriced: usage and cost are kept, and nothing is charged; a correction can bring the cost",
    ]
    assert steps[-1].figures == {"charge": "unpriced"}


def test_a_correction_tells_what_it_makes_of_the_event() -> None:
    # 7.5 pages count as 8. One page less are 6.5, which count as 7; "-1 page" would round to something else.
    meter = a_meter(unit="page", minimum="2", rounding="up")
    price = a_price("unit", {"amount": "0.1"})
    steps = explained(meter, price, "-0.6", before="8", measure=Measure(D(7)), previous=Measure(D(8)))
    assert texts(steps) == [
        "The correction brings the event from 8 pages to 7 pages",
        "-1 page × 0.10 USD = -0.10 USD",
        "Charge of this event: -0.10 USD",
    ]
    assert steps[0].figures == {"before": "8", "after": "7"}
    steps = explained(meter, price, "-0.1", before="8", measure=Measure(D(8)), previous=Measure(D(8)))
    assert texts(steps)[0] == "The correction leaves the event at 8 pages"
    assert steps[-1].figures == {"charge": "0"}


def test_a_correction_of_a_single_event_tells_the_same() -> None:
    price = a_price("cost_plus", {"fallback": "0.5"})
    steps = explained(TOKENS, price, "-3", measure=Measure(D(0)), previous=Measure(D(3), cost=D(2)))
    assert texts(steps) == [
        "The correction brings the event from 3 tokens to 0 tokens",
        "Nothing was used, so nothing is charged",
        "The correction is what it changes: price of the corrected event (0.00 USD) − price before (2.50 USD) "
        "= -2.50 USD",
        "Charge of this event: -2.50 USD",
    ]


def test_a_cost_without_quantity_is_explained() -> None:
    assert texts(explained(TOKENS, a_price("cost_plus", {}), "0", measure=Measure(D(0), cost=D(1)))) == [
        "The provider's cost 1.00 USD + 25 % margin = 1.25 USD",
        "Charge of this event: 1.25 USD",
    ]


def test_a_cost_that_delivered_nothing_is_explained() -> None:
    free = a_price("cost_plus", {"undelivered": "free", "fixed": "1"})
    assert texts(explained(TOKENS, free, "0", measure=Measure(D(0), cost=D(1)))) == [
        "Nothing was delivered, so its cost isn't charged",
        "Charge of this event: 0.00 USD",
    ]


def test_nothing_used() -> None:
    price = a_price("percentage", {"percent": "1", "fixed": "5"})
    assert texts(explained(TOKENS, price, "0", measure=Measure(D(0))))[0] == "Nothing was used, so nothing is charged"


def test_books_that_say_otherwise_are_not_papered_over() -> None:
    price = a_price("unit", {"amount": "0.1"})
    steps = explain(TOKENS, price, quantity=D(15), measure=Measure(D(15)), before=D(0), charge=D("1.4"))
    assert [step.name for step in steps] == ["unit", "mismatch", "charge"]
    assert steps[1].text == "The arithmetic above gives 1.50 USD; the books say otherwise"
    assert steps[-1].figures == {"charge": "1.4"}


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        ("USD", "1.5", "1.50 USD"),
        ("USD", "0", "0.00 USD"),
        ("USD", "-2", "-2.00 USD"),
        ("USD", "0.0109375", "0.0109375 USD"),
        ("JPY", "150", "150 JPY"),
        ("KWD", "1.5", "1.500 KWD"),
        ("USD", "0.3333333333333333", "0.333333333333 USD"),
        ("interview_credit", "3.50", "3.5 interview_credit"),
        ("USD", "-1234567.5", "-1,234,567.50 USD"),
    ],
)
def test_values_show_the_decimals_of_their_currency(unit: str, amount: str, text: str) -> None:
    assert Words("token", unit).value(D(amount)) == text


@pytest.mark.parametrize(
    ("unit", "many"),
    [
        ("minute", "minutes"),
        ("query", "queries"),
        ("day", "days"),
        ("search", "searches"),
        ("tokens", "tokens"),
        ("CV", "CVs"),
        ("GB", "GB"),
        ("ms", "ms"),
        ("CV page", "CV pages"),
    ],
)
def test_quantities_have_their_unit_in_the_singular_or_plural(unit: str, many: str) -> None:
    assert Words(unit, "USD").quantity(D(1)) == f"1 {unit}"
    assert Words(unit, "USD").quantity(D("1.5")) == f"1.5 {many}"
