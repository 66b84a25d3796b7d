"""What customers may buy: read, refused where nobody could pay it, and the words for those who pay."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tollkeeper.catalog import (
    Catalog,
    Declarations,
    Lifetime,
    Pack,
    TopUpOffer,
    check,
    declared,
    grant_for_customers,
    limit_for_customers,
    offer_in_words,
    pack_in_words,
    price_for_customers,
)
from tollkeeper.clock import Period
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

D = Decimal
HEAD = """\
currency = "USD"
[units.credit]
name = "Interview credit"
decimals = 1
[meters.call]
unit = "call"
[meters.seat]
unit = "seat"
aggregation = "max"
[groups.all]
name = "All of it"
meters = ["call", "seat"]
[groups.calls]
meters = ["call"]
"""
AT = HEAD.count("\n") + 1
EXAMPLES = Path(__file__).parents[2] / "examples" / "catalogs"


def read(text: str) -> Declarations:
    return check(HEAD + text, models=MODELS).declared


def refused(text: str) -> tuple[int, str, str]:
    with pytest.raises(CatalogInvalid) as caught:
        check(HEAD + text, models=MODELS)
    (problem,) = caught.value.extra["problems"]
    return problem["line"], problem["key"], problem["message"]


def test_what_can_be_bought() -> None:
    text = """
[top_ups.credit]
amounts = ["10", 5, "2.5"]
price = "1.20"
expires_after = "12 months"
[top_ups.JPY]
amounts = [1000]
[packs.big_one]
unit = "credit"
amount = 200
price = 170
bonus = "10.5"
expires_after = "1 year"
[packs.money]
name = "Money"
amount = "99.99"
"""
    found = read(text)
    credits = TopUpOffer("credit", (D("2.5"), D(5), D(10)), D("1.20"), "USD", Lifetime(12, Period.MONTH))
    assert found.top_ups == {"credit": credits, "JPY": TopUpOffer("JPY", (D(1000),), D(1), "JPY")}
    assert [credits.price_of(amount) for amount in credits.amounts] == [D(3), D(6), D(12)]
    assert found.packs == {
        "big_one": Pack("big_one", "Big one", "credit", D(200), D(170), "USD", D("10.5"), Lifetime(1, Period.YEAR)),
        "money": Pack("money", "Money", "USD", D("99.99"), D("99.99"), "USD"),
    }
    assert declared(HEAD + text) == found
    assert offer_in_words(credits) == "2.5, 5 or 10 at 1.20 USD each; expires after 12 months"
    assert offer_in_words(found.top_ups["JPY"]) == "1,000"
    words = "Big one, 200 credit + 10.5 for 170.00 USD; expires after 1 year"
    assert pack_in_words(found.packs["big_one"]) == words
    assert pack_in_words(found.packs["money"]) == "Money, 99.99 USD for 99.99 USD"


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[top_ups.credits]\namounts = [5]", AT, "top_ups.credits", "did you mean `credit`?"),
        ("[top_ups.credit]\nprice = 1", AT, "top_ups.credit.amounts", "is missing"),
        ("[top_ups.credit]\nprice = 1\namounts = []", AT + 2, "top_ups.credit.amounts", "is empty"),
        ("[top_ups.credit]\nprice = 1\namounts = 5", AT + 2, "top_ups.credit.amounts", "list of at most 20"),
        ("[top_ups.credit]\nprice = 1\namounts = [5, '5.0']", AT + 2, "top_ups.credit.amounts[1]", "second time"),
        ("[top_ups.credit]\nprice = 1\namounts = ['0.25']", AT + 2, "top_ups.credit.amounts", "more than 1 decimals"),
        ("[top_ups.credit]\namounts = [5]", AT, "top_ups.credit.price", "what one of it costs, in USD"),
        ("[top_ups.credit]\namounts = [5]\nprice = 0", AT + 2, "top_ups.credit.price", "more than 0"),
        (
            '[top_ups.credit]\nprice = "0.333"\namounts = [1000, 5]',
            AT + 2,
            "top_ups.credit.amounts",
            "5 of it would cost 1.665 USD, and USD has 2 decimals: nobody can pay that.",
        ),
        ("[top_ups.USD]\namounts = ['0.125']", AT + 1, "top_ups.USD.amounts", "nobody can pay"),
        ("[top_ups.JPY]\namounts = ['0.5']", AT + 1, "top_ups.JPY.amounts", "JPY has 0 decimals"),
        ("[top_ups.USD]\namounts = [5]\nprice = 4", AT + 2, "top_ups.USD.price", "leave `price` out"),
        ("[top_ups.USD]\namounts = [5]\namount = 5", AT + 2, "top_ups.USD.amount", "did you mean `amounts`?"),
        ("[top_ups.USD]\namounts = [5]\nexpires_after = 'soon'", AT + 2, "top_ups.USD.expires_after", '"12 months"'),
        ("[top_ups.USD]\namounts = [5]\nexpires_after = '101 years'", AT + 2, "top_ups.USD.expires_after", "hundred"),
        ("[packs.X]\namount = 5", AT, "packs.X", "small letter first"),
        ("[packs.x]\nunit = 'credit'\nprice = 5", AT, "packs.x.amount", "is missing"),
        ("[packs.x]\nunit = 'credit'\namount = 5", AT, "packs.x.price", "what the pack costs, in USD"),
        ("[packs.x]\nunit = 'credit'\namount = 5\nprice = '0.999'", AT + 3, "packs.x.price", "nobody can pay"),
        ("[packs.x]\nunit = 'credit'\namount = 5\nprice = 5\nbonus = '0.05'", AT + 4, "packs.x.bonus", "1 decimals"),
        ("[packs.x]\namount = 5\nprice = 4", AT + 2, "packs.x.price", "a pack's `bonus`"),
        ("[packs.x]\namount = 5\nbonus = 0", AT + 2, "packs.x.bonus", "more than 0"),
        ("[plans.x]\nlisted = 'no'", AT + 1, "plans.x.listed", "true or false"),
    ],
)
def test_what_nobody_can_sell_is_refused(text: str, line: int, key: str, says: str) -> None:
    found_line, found_key, message = refused(f"{text}\n")
    assert (found_line, found_key) == (line, key)
    assert says in message


OTHER_OFFER: dict[str, Any] = {"amounts": (D(6),), "price": D(2), "expires_after": Lifetime(2, Period.DAY)}
OTHER_PACK: dict[str, Any] = {
    "name": "Other",
    "unit": "other",
    "amount": D(6),
    "price": D(6),
    "bonus": D(1),
    "expires_after": Lifetime(1, Period.DAY),
}


@pytest.mark.parametrize(
    ("value", "others", "told_elsewhere"),
    [
        (TopUpOffer("credit", (D(5),), D(1), "USD"), OTHER_OFFER, {"unit", "currency"}),
        (Pack("x", "X", "credit", D(5), D(5), "USD"), OTHER_PACK, {"key", "currency"}),
    ],
)
def test_no_difference_is_lost_when_offers_are_compared(
    value: Any, others: dict[str, Any], told_elsewhere: set[str]
) -> None:
    assert {field.name for field in fields(value)} == {*others} | told_elsewhere
    for name, other in others.items():
        assert replace(value, **{name: other}).as_terms() != value.as_terms(), name


@pytest.mark.parametrize(
    ("lifetime", "start", "zone", "end"),
    [
        ("30 days", "2026-01-15T12:00:00+00:00", "UTC", "2026-02-15T00:00:00+00:00"),
        ("12 months", "2026-02-28T23:30:00+00:00", "Europe/Berlin", "2027-03-01T23:00:00+00:00"),
        ("1 month", "2026-01-31T12:00:00+00:00", "UTC", "2026-03-01T00:00:00+00:00"),
        ("1 year", "2028-02-29T12:00:00+00:00", "UTC", "2029-03-01T00:00:00+00:00"),
        ("2 weeks", "2026-03-20T12:00:00+00:00", "America/New_York", "2026-04-04T04:00:00+00:00"),
    ],
)
def test_what_was_bought_lasts_to_the_end_of_a_day(lifetime: str, start: str, zone: str, end: str) -> None:
    found = read(f"[top_ups.USD]\namounts = [5]\nexpires_after = '{lifetime}'\n").top_ups["USD"].expires_after
    assert found is not None
    assert str(found) == lifetime
    at = found.ends(datetime.fromisoformat(start), ZoneInfo(zone))
    assert at == datetime.fromisoformat(end)
    assert at.tzinfo == UTC


@pytest.mark.parametrize("name", ["every-model.toml", "interview-credits.toml"])
def test_the_examples_sell_something(name: str) -> None:
    found = check((EXAMPLES / name).read_text(), models=MODELS).declared
    assert found.top_ups
    assert found.packs


def price(terms: str, meter: str = "call") -> str:
    draft = check(f"{HEAD}[prices.{meter}]\n{terms}\n", models=MODELS)
    (entry,) = draft.prices
    unit = draft.declared.units.get(entry.price.unit)
    by_cost = MODELS[entry.price.model].by_cost
    return price_for_customers(entry.price, draft.declared.meters[meter], unit, by_cost=by_cost)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ('model = "unit"\namount = "0.5"', "0.50 USD per call"),
        ('model = "unit"\namount = "0.01"\nincluded = 1000', "1,000 calls per month included, then 0.01 USD per call"),
        ('model = "unit"\nunit = "credit"\namount = 1', "1 interview credit per call"),
        (
            'model = "unit"\nunit = "credit"\namount = 2\nmaximum = 50\ndiscount_percent = 10',
            "2 interview credits per call, 10 % off, at most 50 interview credits per month",
        ),
        ('model = "cost_plus"\nmargin_percent = 25\nfallback = "0.50"', "by the AI models used"),
        (
            'model = "cost_plus"\nmargin_percent = 25\nmaximum = 9',
            "by the AI models used, at most 9.00 USD per month",
        ),
    ],
)
def test_prices_for_those_who_pay(terms: str, words: str) -> None:
    assert price(terms) == words


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ('meter = "call"\nper = "day"\ncap = 10000', "10,000 calls per day"),
        ('group = "all"\nspend = "USD"\nper = "week"\ncap = 5', "5.00 USD per week (All of it)"),
        ('spend = "USD"\nper = "month"\ncap = 50\nmode = "soft"', "50.00 USD per month, a warning only"),
        ('spend = "credit"\nmeter = "seat"\nper = "rolling_hour"\ncap = 1', "1 interview credit in any hour (Seat)"),
        ('meter = "call"\nper = "day"\ncap = 9\nby = "member"', "9 calls per day for each member"),
        ('group = "calls"\nper = "day"\ncap = 10000\nby = "member"', "10,000 per day for each member (Calls)"),
    ],
)
def test_limits_for_those_who_pay(terms: str, words: str) -> None:
    found = read(f"[limits.x]\n{terms}\n")
    catalog = Catalog(1, "USD", units=found.units, meters=found.meters, groups=found.groups)
    assert limit_for_customers(found.limits["x"], catalog) == words


def test_grants_for_those_who_pay() -> None:
    found = read('[plans.p.grants.x]\nunit = "credit"\namount = 3\nevery = "month"\nrollover = "1.5"\n')
    words = "3 interview credits every month; at most 1.5 interview credits of what is left goes over"
    assert grant_for_customers(found.plans["p"].grants["x"], found.units["credit"]) == words
    money = read('[plans.p.grants.x]\namount = 3\nevery = "month"\n').plans["p"].grants["x"]
    assert grant_for_customers(money, None) == "3.00 USD every month; what is left lapses"
