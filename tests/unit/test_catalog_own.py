"""What customers have of their own: a limit that differs from the plan's, a limit or a recurring grant beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tollkeeper.catalog import Catalog, LimitBy, LimitMode, LimitPeriod, check, limit_of, recurring_of
from tollkeeper.clock import Period
from tollkeeper.errors import InvalidInput
from tollkeeper.rating import MODELS

DECLARED = check(
    """
currency = "EUR"
[units.credit]
[meters.calls]
unit = "call"
[meters.tokens]
unit = "token"
[meters.seats]
unit = "seat"
aggregation = "max"
[groups.work]
meters = ["tokens", "calls"]
[limits.daily]
group = "work"
per = "day"
cap = "100"
by = "member"
warn_at = [50]
[limits.daily.member_caps]
ann = 200
[limits.spend]
spend = "EUR"
per = "month"
cap = "50.00"
mode = "soft"
""",
    models=MODELS,
).declared
CATALOG = Catalog(
    version=1,
    currency=DECLARED.currency,
    units=DECLARED.units,
    meters=DECLARED.meters,
    groups=DECLARED.groups,
    limits=DECLARED.limits,
)
DAILY, SPEND = DECLARED.limits["daily"], DECLARED.limits["spend"]


def terms_of(terms: dict[str, Any], base: str | None = "daily") -> dict[str, Any]:
    """The limit as JSON has it."""
    return limit_of("daily", terms, DECLARED.limits[base] if base else None, CATALOG).as_terms()


def test_nothing_of_its_own_is_the_limit_of_the_plan() -> None:
    assert limit_of("daily", {}, DAILY, CATALOG) == DAILY
    assert limit_of("spend", {"cap": None, "mode": None}, SPEND, CATALOG) == SPEND


@pytest.mark.parametrize(
    ("terms", "differs"),
    [
        ({"cap": "7.50"}, {"cap": "7.5"}),
        ({"cap": 7}, {"cap": "7"}),
        ({"cap": 0}, {"cap": "0"}),
        ({"mode": "soft"}, {"mode": "soft"}),
        ({"enabled": False}, {"enabled": False}),
        ({"warn_at": ["100", 80]}, {"warn_at": ["80", "100"]}),
        ({"warn_at": []}, {"warn_at": []}),
        ({"member_caps": {"bob & co": 5}}, {"member_caps": {"bob & co": "5"}}),
        ({"per": "month", "cap": 1}, {"per": "month", "cap": "1"}),
    ],
)
def test_what_is_set_replaces_the_same_of_the_plan(terms: dict[str, Any], differs: dict[str, Any]) -> None:
    assert terms_of(terms) == DAILY.as_terms() | differs


def test_no_caps_of_members_are_none() -> None:
    without = DAILY.as_terms()
    without.pop("member_caps")
    assert terms_of({"member_caps": {}}) == without
    assert terms_of({"by": "customer"}) == without | {"by": "customer"}


@pytest.mark.parametrize("base", ["daily", "spend", None])
def test_a_whole_limit_has_nothing_from_the_plan(base: str | None) -> None:
    assert terms_of({"meter": "calls", "per": "rolling_hour", "cap": "5"}, base) == {
        "meter": "calls",
        "per": "rolling_hour",
        "cap": "5",
        "mode": "hard",
        "by": "customer",
        "warn_at": ["80", "100"],
        "enabled": True,
    }
    found = limit_of("x", {"spend": "credit", "group": "work", "per": "week", "cap": 1, "by": "member"}, None, CATALOG)
    assert (found.key, found.unit, found.group, found.meters) == ("x", "credit", "work", ("calls", "tokens"))
    assert (found.per, found.by, found.mode) == (LimitPeriod.WEEK, LimitBy.MEMBER, LimitMode.HARD)


def test_terms_that_were_written_out_can_be_set_again() -> None:
    for name, limit in DECLARED.limits.items():
        assert limit_of(name, limit.as_terms(), None, CATALOG) == limit


@pytest.mark.parametrize(
    ("terms", "field", "says"),
    [
        ({"cap": "-1"}, "cap", "negative"),
        ({"cap": 1.5}, "cap", "must be a number, such as"),
        ({"cap": True}, "cap", "must be a number"),
        ({"cap": 10**15}, "cap", "less than"),
        ({"cap": 10**5000}, "cap", "less than"),
        ({"cap": -(10**5000)}, "cap", "negative"),
        ({"cap": "1e5"}, "cap", "plain digits"),
        ({"mode": "firm"}, "mode", "hard, soft"),
        ({"mode": []}, "mode", "hard, soft"),
        ({"enabled": "no"}, "enabled", "true or false"),
        ({"warn_at": [0]}, "warn_at[0]", "more than 0"),
        ({"warn_at": {}}, "warn_at", "list"),
        ({"member_caps": {"ann": "x"}}, "member_caps.ann", "plain digits"),
        ({"member_caps": {"": 5}}, 'member_caps.""', "visible"),
        ({"member_caps": {f" {i}": 5 for i in range(500)}}, 'member_caps." 0"', "visible"),
        ({"by": "customer", "member_caps": {"ann": 5}}, "member_caps", "by member"),
        ({"meter": "calls", "cap": 5}, "per", "missing"),
        ({"meter": "call", "per": "day", "cap": 5}, "meter", "did you mean `calls`?"),
        ({"meter": "seats", "per": "day", "cap": 5}, "meter", "is a `max`"),
        ({"group": "works", "per": "day", "cap": 5}, "group", "did you mean `work`?"),
        ({"spend": "credits", "per": "day", "cap": 5}, "spend", "did you mean `credit`?"),
        ({"caps": 5}, "caps", "did you mean `cap`?"),
    ],
)
def test_what_can_not_be_a_limit(terms: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        terms_of(terms)
    assert (caught.value.code, caught.value.field, caught.value.status) == ("invalid_limit", field, 422)
    assert says in caught.value.detail


@pytest.mark.parametrize("terms", [{}, {"cap": 5}, {"per": "day", "cap": 5, "meter": None}])
def test_without_a_limit_to_differ_from_it_must_be_whole(terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="no limit `daily` to differ from") as caught:
        terms_of(terms, None)
    assert (caught.value.code, caught.value.field) == ("invalid_limit", "meter")


@pytest.mark.parametrize("name", ["", "Daily", "a b", "x" * 64, "1st", "día"])
def test_names_are_keys(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        limit_of(name, {}, DAILY, CATALOG)
    assert (caught.value.code, caught.value.field) == ("invalid_limit", "name")
    with pytest.raises(InvalidInput) as caught:
        recurring_of(name, {"amount": 1, "every": "day"}, CATALOG)
    assert (caught.value.code, caught.value.field) == ("invalid_recurring_grant", "name")


def test_a_recurring_grant() -> None:
    least = recurring_of("bonus", {"amount": "2.50", "every": "month"}, CATALOG)
    assert least.as_terms() == {
        "unit": "EUR",
        "amount": "2.5",
        "every": "month",
        "rollover": "none",
        "kind": "promotional",
        "priority": 50,
    }
    terms = {"unit": "credit", "amount": 9, "every": "year", "rollover": "25", "kind": "paid", "priority": 0}
    found = recurring_of("bonus", terms | {"unknown": None}, CATALOG)
    assert (found.name, found.unit, found.amount, found.every) == ("bonus", "credit", Decimal(9), Period.YEAR)
    assert (found.most_rolled, found.kind, found.priority) == (Decimal(25), "paid", 0)
    assert recurring_of("bonus", found.as_terms(), CATALOG) == found


@pytest.mark.parametrize(
    ("terms", "field", "says"),
    [
        ({"amount": None}, "amount", "missing"),
        ({"amount": "0"}, "amount", "more than 0"),
        ({"amount": "0.5", "unit": "credit"}, "amount", "more than 0 decimals, as `credit` has"),
        ({"unit": "credits"}, "unit", "did you mean `credit`?"),
        ({"unit": 5}, "unit", "text in quotes"),
        ({"every": "hour"}, "every", "day, week, month, year"),
        ({"rollover": "some"}, "rollover", '"none", "all", or a number'),
        ({"rollover": {}}, "rollover", '"none", "all", or a number'),
        ({"kind": "gift"}, "kind", "paid, promotional, compensation"),
        ({"priority": "5"}, "priority", "from 0 to 100"),
        ({"anchor": "2026-01-01"}, "anchor", "isn't a key here"),
    ],
)
def test_what_can_not_be_a_recurring_grant(terms: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recurring_of("bonus", {"amount": "1", "every": "day"} | terms, CATALOG)
    assert (caught.value.code, caught.value.field) == ("invalid_recurring_grant", field)
    assert says in caught.value.detail
