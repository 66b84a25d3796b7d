"""What an event's quantity counts as."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.unit.vectors.prices import a_meter

from tollkeeper.rating import billed_quantity

NEAREST, UP, DOWN = {"rounding": "nearest"}, {"rounding": "up"}, {"rounding": "down"}


@pytest.mark.parametrize(
    ("rules", "quantity", "billed"),
    [
        ({}, "12.345678", "12.345678"),
        ({}, "0", "0"),
        ({"minimum": "1"}, "0.2", "1"),
        ({"minimum": "1"}, "1", "1"),
        ({"minimum": "1"}, "1.000001", "1.000001"),
        ({"minimum": "1"}, "0", "0"),
        (UP, "2.000001", "3"),
        (UP, "2", "2"),
        (DOWN, "2.999999", "2"),
        (DOWN, "0.9", "0"),
        (NEAREST, "2.5", "3"),
        (NEAREST, "3.5", "4"),
        (NEAREST, "2.499999", "2"),
        (NEAREST | {"minimum": "1"}, "0.2", "1"),
        (NEAREST | {"minimum": "1"}, "1.5", "2"),
        (UP | {"step": "0.25"}, "1.01", "1.25"),
        (UP | {"step": "0.1"}, "0.3", "0.3"),
        (NEAREST | {"step": "15"}, "22.5", "30"),
        (NEAREST | {"step": "15"}, "22.4", "15"),
        (DOWN | {"step": "1000"}, "2999.9", "2000"),
    ],
)
def test_quantity_rules(rules: dict[str, str], quantity: str, billed: str) -> None:
    meter = a_meter(**rules)
    assert billed_quantity(meter, Decimal(quantity)) == Decimal(billed)
    assert billed_quantity(meter, -Decimal(quantity)) == -Decimal(billed)


def test_minimum_comes_before_rounding() -> None:
    meter = a_meter(minimum="2.5", rounding="up")
    assert billed_quantity(meter, Decimal("0.1")) == 3


@pytest.mark.parametrize("aggregation", ["count", "unique_count"])
@pytest.mark.parametrize(("quantity", "billed"), [("1", 1), ("250", 1), ("0", 0), ("-0", 0), ("-3", -1)])
def test_counting_meters_count_events_whatever_their_quantity(aggregation: str, quantity: str, billed: int) -> None:
    meter = a_meter(aggregation, minimum="10", rounding="up", step="5")
    assert billed_quantity(meter, Decimal(quantity)) == billed


@pytest.mark.parametrize("aggregation", ["max", "latest"])
def test_gauges_follow_the_same_rules_as_sums(aggregation: str) -> None:
    assert billed_quantity(a_meter(aggregation, minimum="3", rounding="up"), Decimal("3.1")) == 4
    assert billed_quantity(a_meter(aggregation, minimum="3"), Decimal("0.5")) == 3


def test_rounding_keeps_every_digit_of_a_large_quantity() -> None:
    meter = a_meter(rounding="up", step="0.000001")
    assert billed_quantity(meter, Decimal("999999999999999.123456")) == Decimal("999999999999999.123456")
