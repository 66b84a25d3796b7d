"""What a catalog says beside prices: groups, limits, plans, recurring grants, and where money comes from."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from tollkeeper.catalog import (
    Declarations,
    Funding,
    Limit,
    LimitBy,
    LimitMode,
    LimitPeriod,
    Meter,
    MeterGroup,
    OnExpiry,
    Overage,
    Plan,
    RecurringGrant,
    UnitFunding,
    WhenExhausted,
    check,
    declared,
)
from tollkeeper.catalog.grants import _Kind  # pyright: ignore[reportPrivateUsage]
from tollkeeper.clock import BEGINNING, Period
from tollkeeper.ids import content_id
from tollkeeper.rating import MODELS
from tollkeeper.wallets.model import GrantKind

HEAD = """\
currency = "USD"
[units.credit]
decimals = 1
[meters.calls]
unit = "call"
aggregation = "count"
[meters.tokens]
unit = "token"
[meters.seats]
unit = "seat"
aggregation = "max"
[groups.work]
meters = ["tokens", "calls"]
[groups.all]
meters = ["tokens", "seats"]
"""


def declarations(text: str) -> Declarations:
    return check(HEAD + text, models=MODELS).declared


def limit(text: str) -> Limit:
    return declarations(f"[limits.daily]\n{text}").limits["daily"]


def grant(text: str) -> RecurringGrant:
    return declarations(f"[plans.basic.grants.monthly]\n{text}").plans["basic"].grants["monthly"]


def test_everything_beside_prices() -> None:
    text = """
currency = "USD"
default_plan = "free"
[units.credit]
[meters.input_tokens]
unit = "token"
on_expiry = "charge_estimate"
[meters.output_tokens]
unit = "token"
[groups.tokens]
name = "All tokens"
meters = ["output_tokens", "input_tokens"]
[funding]
when_exhausted = "receivable"
credit_ceiling = "100.00"
settle_overage = "receivable"
low_balance = "5.00"
top_up_url = "https://app.example/billing?customer={customer}&unit={unit}"
[funding.units.credit]
when_exhausted = "refuse"
[limits.daily_tokens]
group = "tokens"
per = "day"
cap = "10000"
mode = "soft"
by = "member"
warn_at = ["100", 80, "120.5"]
enabled = false
[limits.daily_tokens.member_caps]
ann = "50000"
"bob & co" = 1
[plans.free]
[plans.basic]
name = "The basic one"
description = "For small teams."
[plans.basic.funding]
when_exhausted = "refuse"
[plans.basic.funding.units.EUR]
low_balance = 1
[plans.basic.prices.input_tokens]
model = "unit"
amount = "0.01"
included = "1000"
[[plans.basic.prices.output_tokens]]
model = "unit"
amount = "0.01"
[[plans.basic.prices.output_tokens]]
model = "unit"
amount = "0.02"
from = 2100-01-01T00:00:00Z
[plans.basic.limits.spend]
spend = "USD"
meter = "input_tokens"
per = "rolling_hour"
cap = "50.00"
[plans.basic.grants.trial]
unit = "credit"
amount = "10"
every = "month"
rollover = "25"
kind = "compensation"
priority = 7
[plans.basic.grants.plain]
amount = "2.5"
every = "week"
[customers.acme.funding]
credit_ceiling = 7
[customers."acme & sons".prices.input_tokens]
model = "unit"
amount = 1
"""
    draft = check(text, models=MODELS)
    found = draft.declared
    assert found.default_plan == "free"
    assert found.meters["input_tokens"] == Meter(
        "input_tokens", "Input tokens", "token", on_expiry=OnExpiry.CHARGE_ESTIMATE
    )
    assert found.meters["output_tokens"].on_expiry is OnExpiry.RELEASE
    tokens = ("input_tokens", "output_tokens")
    assert found.groups == {"tokens": MeterGroup("tokens", "All tokens", tokens)}
    url = "https://app.example/billing?customer={customer}&unit={unit}"
    assert found.funding == Funding(
        UnitFunding(WhenExhausted.RECEIVABLE, Decimal(100), Overage.RECEIVABLE, Decimal(5), url),
        {"credit": UnitFunding(WhenExhausted.REFUSE)},
    )
    assert found.customer_funding == {"acme": Funding(UnitFunding(credit_ceiling=Decimal(7)))}
    daily = Limit(
        key="daily_tokens",
        per=LimitPeriod.DAY,
        cap=Decimal(10000),
        meters=tokens,
        group="tokens",
        mode=LimitMode.SOFT,
        by=LimitBy.MEMBER,
        warn_at=(Decimal(80), Decimal(100), Decimal("120.5")),
        enabled=False,
        member_caps={"ann": Decimal(50000), "bob & co": Decimal(1)},
    )
    assert found.limits == {"daily_tokens": daily}
    assert [daily.cap_of(member) for member in (None, "ann", "eve")] == [10000, 50000, 10000]
    assert found.plans["free"] == Plan("free", "Free")
    spend = Limit(
        "spend", LimitPeriod.ROLLING_HOUR, Decimal(50), meters=("input_tokens",), unit="USD", mode=LimitMode.HARD
    )
    trial = RecurringGrant("trial", "credit", Decimal(10), Period.MONTH, "compensation", 7, Decimal(25))
    assert found.plans["basic"] == Plan(
        key="basic",
        name="The basic one",
        description="For small teams.",
        funding=Funding(UnitFunding(WhenExhausted.REFUSE), {"EUR": UnitFunding(low_balance=Decimal(1))}),
        limits={"spend": spend},
        grants={"trial": trial, "plain": RecurringGrant("plain", "USD", Decimal("2.5"), Period.WEEK)},
    )
    assert [(entry.price.meter, entry.price.customer, entry.price.plan) for entry in draft.prices] == [
        ("input_tokens", None, "basic"),
        ("output_tokens", None, "basic"),
        ("output_tokens", None, "basic"),
        ("input_tokens", "acme & sons", None),
    ]
    assert declared(text) == found


def test_what_is_left_out_has_defaults() -> None:
    assert limit('name = "Each week"\nmeter = "calls"\nper = "week"\ncap = 0').name == "Each week"
    assert limit('meter = "calls"\nper = "week"\ncap = 0') == Limit("daily", LimitPeriod.WEEK, Decimal(0), ("calls",))
    assert limit('spend = "credit"\nper = "month"\ncap = "0.123456789012"') == Limit(
        "daily", LimitPeriod.MONTH, Decimal("0.123456789012"), unit="credit"
    )
    assert limit('meter = "calls"\nper = "week"\ncap = 5\nwarn_at = []').warn_at == ()
    assert limit('spend = "USD"\ngroup = "all"\nper = "day"\ncap = 5').meters == ("seats", "tokens")
    assert declarations("").funding == Funding()
    assert declarations("[plans.basic_one]").plans == {"basic_one": Plan("basic_one", "Basic one")}


@pytest.mark.parametrize(
    ("rollover", "most"), [("", 0), ('"none"', 0), ('"all"', None), ('"2.5"', Decimal("2.5")), ("3", 3), ("0", 0)]
)
def test_what_goes_over(rollover: str, most: Decimal | None) -> None:
    line = rollover and f"rollover = {rollover}"
    assert grant(f'unit = "credit"\namount = 5\nevery = "day"\n{line}').most_rolled == most


@pytest.mark.parametrize(
    "terms",
    [
        'meter = "calls"\nper = "week"\ncap = "5.50"',
        'group = "work"\nper = "day"\ncap = 5\nby = "member"\nenabled = false\nmember_caps = { ann = 1 }',
        'spend = "credit"\nmeter = "seats"\nper = "rolling_hour"\ncap = 5\nmode = "soft"\nwarn_at = ["99.5"]',
        'spend = "USD"\ngroup = "all"\nper = "month"\ncap = 5\nwarn_at = []',
    ],
)
def test_a_limit_written_out_is_the_same_limit(terms: str) -> None:
    found = limit(terms)
    assert limit(_toml(found.as_terms())) == found


@pytest.mark.parametrize("rollover", ['"all"', '"none"', "2"])
def test_a_grant_written_out_is_the_same_grant(rollover: str) -> None:
    found = grant(f'unit = "credit"\namount = "5.0"\nevery = "year"\nkind = "paid"\nrollover = {rollover}')
    assert grant(_toml(found.as_terms())) == found


def _toml(terms: dict[str, Any]) -> str:
    def value(item: object) -> str:
        if isinstance(item, dict):
            return "{ " + ", ".join(f"{key} = {value(each)}" for key, each in item.items()) + " }"
        return str(item).lower() if isinstance(item, bool) else repr(item)

    return "\n".join(f"{key} = {value(item)}" for key, item in terms.items())


def test_the_kinds_of_grants_are_those_of_wallets() -> None:
    assert {kind.value for kind in _Kind} == {kind.value for kind in GrantKind}


def test_money_may_be_granted_in_parts_of_a_cent() -> None:
    assert grant('amount = "0.001"\nevery = "day"').amount == Decimal("0.001")


def test_ids_of_prices_tell_plans_apart_and_stay_what_they_were() -> None:
    def price_id(table: str) -> object:
        return check(f'{HEAD}[{table}]\nmodel = "unit"\namount = 1\n', models=MODELS).prices[0].price.price_id

    content = (
        '{"discount_percent":"0","included":"0","maximum":null,"model":"unit",'
        '"period":"month","terms":{"amount":"1"},"unit":"USD"}'
    )
    since = BEGINNING.isoformat()
    assert price_id("prices.calls") == content_id("price", "calls", "", since, content)
    assert price_id("customers.acme.prices.calls") == content_id("price", "calls", "acme", since, content)
    tables = ["prices.calls", "plans.acme.prices.calls", "plans.basic.prices.calls", "customers.acme.prices.calls"]
    assert len({price_id(table) for table in tables}) == 4


def test_values_of_plans_say_what_they_hold() -> None:
    funding = Funding(UnitFunding(WhenExhausted.REFUSE, low_balance=Decimal("5.00")), {"credit": UnitFunding()})
    assert funding.as_terms() == {"when_exhausted": "refuse", "low_balance": "5", "units": {"credit": {}}}
    rolled = replace(grant('amount = 1\nevery = "day"'), most_rolled=Decimal("2.50"))
    assert rolled.as_terms() == {
        "unit": "USD",
        "amount": "1",
        "every": "day",
        "rollover": "2.5",
        "kind": "promotional",
        "priority": 50,
    }


OTHER_LIMIT: dict[str, Any] = {
    "per": LimitPeriod.WEEK,
    "cap": Decimal(6),
    "unit": "EUR",
    "mode": LimitMode.SOFT,
    "by": LimitBy.MEMBER,
    "warn_at": (Decimal(5),),
    "enabled": False,
    "member_caps": {"ann": Decimal(1)},
    "group": "work",
    "meters": ("tokens",),
}
OTHER_GRANT: dict[str, Any] = {
    "unit": "EUR",
    "amount": Decimal(6),
    "every": Period.WEEK,
    "kind": "paid",
    "priority": 1,
    "most_rolled": Decimal(2),
}
OTHER_FUNDING: dict[str, Any] = {
    "when_exhausted": WhenExhausted.REFUSE,
    "credit_ceiling": Decimal(0),
    "settle_overage": Overage.WALLET,
    "low_balance": Decimal(0),
    "top_up_url": "https://app.example",
}


@pytest.mark.parametrize(
    ("value", "others"),
    [
        (Limit("daily", LimitPeriod.DAY, Decimal(5), ("calls",)), OTHER_LIMIT | {"called": "Each day"}),
        (RecurringGrant("monthly", "credit", Decimal(5), Period.MONTH), OTHER_GRANT),
        (UnitFunding(), OTHER_FUNDING),
    ],
)
def test_no_difference_is_lost_when_terms_are_compared(value: Any, others: dict[str, Any]) -> None:
    assert {field.name for field in fields(value)} == {*others} | (
        {"key", "name"} & {field.name for field in fields(value)}
    )
    for name, other in others.items():
        assert replace(value, **{name: other}).as_terms() != value.as_terms(), name
