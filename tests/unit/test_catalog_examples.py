"""The catalogs in examples/ sell what they say: quotas to the tenth of a cent, limits by plan, prepaid credits."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tollkeeper.catalog import Declarations, Limit, OnExpiry, WhenExhausted, check, limit_in_words
from tollkeeper.clock import Period
from tollkeeper.rating import MODELS, Measure, rate

EXAMPLES = Path(__file__).parents[2] / "examples" / "catalogs"


def declared(name: str) -> Declarations:
    return check((EXAMPLES / name).read_text(), file=name, models=MODELS).declared


@pytest.mark.parametrize(
    ("meter", "included", "amount"),
    [
        ("api_call", 1000, "0.01"),
        ("voice_minute", 60, "0.02"),
        ("ai_query", 100, "0.05"),
        ("storage_mb", 1000, "0.001"),
    ],
)
def test_the_basic_plan_includes_a_quota_and_charges_exactly_what_is_beyond(
    meter: str, included: int, amount: str
) -> None:
    entries = check((EXAMPLES / "quotas.toml").read_text(), models=MODELS).prices
    (price,) = [entry.price for entry in entries if entry.price.meter == meter]
    assert (price.plan, price.customer, price.period) == ("basic", None, Period.MONTH)
    one = Measure(Decimal(1))
    assert rate(price, Measure(Decimal(included))).charge == 0
    assert rate(price, one, before=Decimal(included - 1)).charge == 0
    assert rate(price, one, before=Decimal(included)).charge == Decimal(amount)
    assert rate(price, Measure(Decimal(included + 7))).charge == 7 * Decimal(amount)


def test_customers_are_on_the_basic_plan_unless_they_are_put_on_another() -> None:
    assert declared("quotas.toml").default_plan == "basic"


def limits(name: str, plan: str) -> dict[str, Limit]:
    found = declared(name)
    return {**found.limits, **found.plans[plan].limits}


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (
            "free",
            {
                "daily_tokens": "10,000 of tokens per day, hard",
                "monthly_tokens": "100,000 of tokens per month, hard",
                "daily_spend": "5.00 USD per day, hard",
                "monthly_spend": "50.00 USD per month, hard",
            },
        ),
        (
            "basic",
            {
                "daily_tokens": "100,000 of tokens per day, hard",
                "monthly_tokens": "1,000,000 of tokens per month, hard",
                "daily_spend": "5.00 USD per day, hard",
                "monthly_spend": "50.00 USD per month, hard",
            },
        ),
        (
            "premium",
            {
                "daily_tokens": "1,000,000 of tokens per day, hard",
                "monthly_tokens": "10,000,000 of tokens per month, hard",
                "daily_spend": "50.00 USD per day, hard",
                "monthly_spend": "500.00 USD per month, hard",
            },
        ),
    ],
)
def test_plans_raise_the_limits(plan: str, words: dict[str, str]) -> None:
    found = limits("token-limits.toml", plan)
    assert {name: limit_in_words(limit) for name, limit in found.items()} == words
    assert {limit.warn_at for limit in found.values()} == {(Decimal(80), Decimal(100))}
    tokens = ("input_tokens", "output_tokens")
    assert [found[name].meters for name in ("daily_tokens", "monthly_tokens")] == [tokens, tokens]


def test_everyone_begins_with_the_limits_of_the_free_plan() -> None:
    found = declared("token-limits.toml")
    assert found.default_plan == "free"
    assert found.plans["free"].limits == {}


def test_an_interview_takes_a_credit_and_none_begins_without() -> None:
    text = (EXAMPLES / "interview-credits.toml").read_text()
    draft = check(text, models=MODELS)
    (entry,) = draft.prices
    assert rate(entry.price, Measure(Decimal(1))).charge == 1
    assert entry.price.unit == "interview_credit"
    assert draft.declared.funding.units["interview_credit"].when_exhausted is WhenExhausted.REFUSE
    assert draft.declared.meters["interview"].on_expiry is OnExpiry.CHARGE_ESTIMATE


def test_trial_credits_lapse_and_are_spent_before_those_that_were_bought() -> None:
    grant = declared("interview-credits.toml").plans["trial"].grants["trial"]
    assert (grant.unit, grant.amount, grant.every, grant.kind) == ("interview_credit", 3, Period.MONTH, "promotional")
    assert grant.most_rolled == 0
    assert grant.priority < 50
