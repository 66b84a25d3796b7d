"""What both sides have in each grain, from rows in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.errors import InvalidInput
from tollkeeper.reconciliation.model import Bucket, Grain, KnownMinute, Origin, Ours, OurSum, Theirs
from tollkeeper.reconciliation.reports import ReportRow
from tollkeeper.reconciliation.sides import Rates, sides_of, unexplained_minutes

D = Decimal
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
BUCKET = Bucket("openai", MONDAY, MONDAY + timedelta(days=1))
RATES = Rates("USD")
GPT = Origin("gpt-4o", "p", "k")


def row(kind: str, **fields: Any) -> ReportRow:
    about = {"project": "p", "api_key": "k", "model": "gpt-4o"} | fields
    return ReportRow(kind, "openai", BUCKET.start, BUCKET.end, **about)


def used(requests: int | None = 1, **fields: Any) -> ReportRow:
    quantities = {name: D(fields.pop(name)) for name in list(fields) if name.endswith(("tokens", "searches", "images"))}
    return row("usage", requests=requests, quantities=quantities, endpoint="completions", **fields)


def asked(amount: str, **fields: Any) -> ReportRow:
    return row("cost", amount=D(amount), **({"currency": "USD"} | fields))


def our(
    what: str, unit: str | None, calls: int, quantity: str, cost: str, kind: str = "exact", **origin: Any
) -> OurSum:
    about = {"model": "gpt-4o", "project": "p", "api_key": "k"} | origin
    return OurSum(what, kind=kind, unit=unit, calls=calls, quantity=D(quantity), cost=D(cost), **about)


OURS = [
    our("calls", None, 2, "0.03", "0.03"),
    our("quantities", "input_tokens", 0, "4000", "0"),
    our("quantities", "web_searches", 0, "2", "0"),
    our("lines", "input_tokens", 0, "4000", "0.01"),
    our("lines", "web_searches", 0, "2", "0.02"),
    our("calls", None, 1, "0", "0.5", kind="guessed"),
]
REPORTS = [
    used(2, input_tokens=3000),
    used(1, input_tokens=1000, service_tier="flex"),
    used(2, web_searches=2, model=None),
    asked("0.01", unit="input_tokens"),
    asked("0.02", unit="web_searches", model=None),
]


def test_tools_stand_beside_the_model_on_both_sides() -> None:
    sides = sides_of(BUCKET, OURS, REPORTS, RATES)
    searches = Grain(BUCKET, Origin("web_searches", "p", "k"))
    assert sides.grains.keys() == {Grain(BUCKET, GPT), searches}
    ours, theirs = sides.grains[Grain(BUCKET, GPT)]
    assert ours == Ours(
        2, {"input_tokens": D(4000)}, D("0.01"), {"input_tokens": (D(4000), D("0.01"))}, D("0.01"), 1, D("0.5")
    )
    assert theirs == Theirs(3, {"input_tokens": D(4000)}, D("0.01"), {"input_tokens": D("0.01")})
    ours, theirs = sides.grains[searches]
    assert (ours.cost, ours.quantities, theirs.quantities) == (
        D("0.02"),
        {"web_searches": D(2)},
        {"web_searches": D(2)},
    )


@given(st.permutations(OURS), st.permutations(REPORTS))
def test_the_order_of_rows_does_not_matter(ours: list[OurSum], reports: list[ReportRow]) -> None:
    assert sides_of(BUCKET, ours, reports, RATES).grains == sides_of(BUCKET, OURS, REPORTS, RATES).grains


def test_money_is_told_once_any_cost_is() -> None:
    [(_, untold)] = sides_of(BUCKET, [], [used(input_tokens=1)], RATES).grains.values()
    assert untold.money is None
    sides = sides_of(BUCKET, [], [used(input_tokens=1), asked("1", project="other")], RATES).grains
    assert [theirs.money for _, theirs in sides.values()] == [D(1), 0]


def test_the_bill_counts_where_the_usage_report_does_not() -> None:
    bill = asked("1", unit="output_image_tokens", quantity=D(100))
    [(_, alone)] = sides_of(BUCKET, [], [bill], RATES).grains.values()
    assert (alone.quantities, alone.requests) == ({"output_image_tokens": D(100)}, None)
    mine = our("quantities", "output_image_tokens", 0, "100", "0")
    [(_, beside)] = sides_of(BUCKET, [mine], [used(images=1), bill], RATES).grains.values()
    assert beside.quantities == {"output_image_tokens": D(100)}
    [(_, vague)] = sides_of(BUCKET, [], [asked("1")], RATES).grains.values()
    assert (vague.quantities, vague.asked) == (None, {})


def test_amounts_come_in_the_catalogs_currency() -> None:
    rates = Rates("EUR", D("0.9"))
    [(_, theirs)] = sides_of(
        BUCKET, [], [asked("1.5"), asked("1", currency="EUR", line_item="x")], rates
    ).grains.values()
    assert theirs.money == D("2.35")
    for currency, rate in (("GBP", D(1)), ("USD", None)):
        with pytest.raises(InvalidInput, match=f"bills in {currency}") as caught:
            Rates("EUR", rate).convert(D(1), currency)
        assert caught.value.code == "rate_missing"


def test_minutes_lack_what_our_calls_explain() -> None:
    minute = MONDAY + timedelta(hours=9)
    reports = [
        replace(used(2, input_tokens=3000), bucket_start=minute),
        replace(used(1, input_tokens=700), bucket_start=minute + timedelta(minutes=1)),
    ]
    known = [
        KnownMinute(minute, "gpt-4o", "p", "k", 1, D(1000)),
        KnownMinute(minute + timedelta(minutes=1), "gpt-4o", "p", "k", 1, D(700)),
        KnownMinute(minute, "o3", "p", "k", 1, D(5)),
    ]
    [(origin, [left])] = unexplained_minutes(reports, known, {GPT: GPT}).items()
    assert (origin, left.tokens, left.requests) == (GPT, 2000, 1)
