"""Prices, limits and grants in words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.vectors.prices import ALL_KEYS, REQUIRED_KEYS

from tollkeeper.catalog import Meter, check, grant_in_words, limit_in_words, plural, price_in_words
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

HEAD = 'currency = "USD"\n[units.credit]\n[meters.tok]\nunit = "token"\n[prices.tok]\n'
EXAMPLE = Path(__file__).parents[2] / "examples" / "catalogs" / "every-model.toml"


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ('model = "unit"\namount = "0.5"', "0.50 USD per token"),
        ('model = "unit"\namount = "0.5"\nunit = "JPY"', "0.5 JPY per token"),
        ('model = "unit"\namount = 3\nunit = "credit"', "3 credit per token"),
        (
            'model = "unit"\namount = "0.002"\nper = 1000\nincluded = 1500\ndiscount_percent = 10\nmaximum = 50',
            "0.002 USD per 1,000 tokens, first 1,500 per month included, 10 % off, at most 50.00 USD per month",
        ),
        ('model = "unit"\namount = "1234567.5"', "1,234,567.50 USD per token"),
        (
            'model = "package"\namount = 1\nsize = 1000\nperiod = "day"',
            "1.00 USD for each started 1,000 tokens, counted per day",
        ),
        (
            'model = "graduated"\ntiers = [{ up_to = 5000, amount = 1 }, { amount = "0.5", per = 10, flat = 2 }]',
            "in tiers per month: up to 5,000 at 1.00 USD per token; above 5,000 at 0.50 USD per 10 tokens + 2.00 USD",
        ),
        (
            'model = "volume"\ntiers = [{ amount = 1 }]\nperiod = "year"',
            "all of it by volume per year: any quantity at 1.00 USD per token",
        ),
        (
            'model = "percentage"\npercent = "1.5"\nfixed = "0.3"\nevent_minimum = 1',
            "1.5 % of the amount + 0.30 USD, at least 1.00 USD per event",
        ),
        ('model = "cost_plus"', "cost + 25 %"),
        ('model = "cost_plus"\nfixed = "0.01"', "cost + 25 % + 0.01 USD per event"),
        ('model = "dynamic"\nmultiplier = "1.2"', "the amount that each event carries × 1.2"),
        (
            'model = "cost_plus"\nmargin_percent = 25\nfallback = "0.01"',
            "cost + 25 %, 0.01 USD per token while the cost isn't known",
        ),
        (
            'model = "cost_plus"\nfallback = "0.01"\nfallback_per = "event"',
            "cost + 25 %, 0.01 USD per event while the cost isn't known",
        ),
        ('model = "cost_plus"\nundelivered = "free"', "cost + 25 %, nothing for what isn't delivered"),
        ('model = "cost_plus"\ntrue_up = "cost_only"', "cost + 25 %, which stays when the cost turns out later"),
    ],
)
def test_price(price: str, words: str) -> None:
    draft = check(HEAD + price, models=MODELS)
    assert price_in_words(draft.prices[0].price, draft.declared.meters["tok"]) == words


@pytest.mark.parametrize("terms", [*REQUIRED_KEYS.values(), *ALL_KEYS.values()])
def test_every_model_with_few_and_with_all_keys(terms: str) -> None:
    (entry,) = check(HEAD + terms, models=MODELS).prices
    assert price_in_words(entry.price, Meter("tok", "Tok", "token"))


def test_required_keys_are_all_that_a_model_needs_and_all_keys_are_all_that_it_has() -> None:
    assert REQUIRED_KEYS.keys() == ALL_KEYS.keys() == MODELS.keys()
    for name, terms in REQUIRED_KEYS.items():
        for line in terms.splitlines():
            with pytest.raises(CatalogInvalid):
                check(HEAD + terms.replace(line, ""), models=MODELS)
        with pytest.raises(CatalogInvalid) as caught:
            check(f"{HEAD}{ALL_KEYS[name]}\nzzz = 1", models=MODELS)
        known = set(re.findall(r"`(\w+)`", caught.value.extra["problems"][0]["message"])) - {"zzz"}
        assert known <= {line.partition(" = ")[0] for line in ALL_KEYS[name].splitlines()}


def test_what_is_charged_for_a_periods_peak_names_the_period() -> None:
    head = HEAD.replace('unit = "token"', 'unit = "seat"\naggregation = "max"')
    draft = check(f'{head}model = "unit"\namount = 2', models=MODELS)
    assert price_in_words(draft.prices[0].price, draft.declared.meters["tok"]) == "2.00 USD per seat per month"


def test_every_model_has_a_phrase_of_its_own() -> None:
    for entry in check(EXAMPLE.read_text(), models=MODELS).prices:
        assert not price_in_words(entry.price).startswith(f"{entry.price.model} (")


def test_a_model_without_a_phrase_is_told_by_its_table() -> None:
    price = check(HEAD + 'model = "unit"\namount = 1', models=MODELS).prices[0].price
    table = {"rate": "2", "steps": [{"at": "1"}, {"at": "2"}]}
    other = replace(price, model="auction", terms=SimpleNamespace(as_table=lambda: table))
    assert price_in_words(other) == "auction (rate 2, steps at 1; at 2)"


@pytest.mark.parametrize(
    ("one", "more"), [("token", "tokens"), ("CV", "CVs"), ("GB", "GB"), ("ms", "ms"), ("query", "queries"),
                      ("day", "days"), ("box", "boxes"), ("search", "searches"), ("pages", "pages"),
                      ("CV page", "CV pages"), ("y", "y"), ("h", "h"), ("%", "%"), ("字", "字"), ("km", "km"), ("", "")]
)  # fmt: skip
def test_plural(one: str, more: str) -> None:
    assert plural(one) == more


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ('meter = "tok"\nper = "day"\ncap = 10000', "10,000 of tok per day, hard"),
        ('group = "all"\nper = "week"\ncap = "0.5"\nby = "member"', "0.5 of all per week for each member, hard"),
        ('spend = "USD"\nper = "month"\ncap = 50\nmode = "soft"', "50.00 USD per month, soft"),
        (
            'spend = "credit"\nmeter = "tok"\nper = "rolling_hour"\ncap = 5\nenabled = false',
            "5 credit of tok in any hour, hard, switched off",
        ),
        ('spend = "USD"\ngroup = "all"\nper = "day"\ncap = "0.001"', "0.001 USD of all per day, hard"),
    ],
)
def test_limit(terms: str, words: str) -> None:
    text = f'{HEAD}model = "dynamic"\n[groups.all]\nmeters = ["tok"]\n[limits.x]\n{terms}\n'
    assert limit_in_words(check(text, models=MODELS).declared.limits["x"]) == words


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ('amount = "0.5"\nevery = "day"', "0.50 USD every day, promotional; what is left lapses"),
        ('amount = 1000\nunit = "credit"\nevery = "year"\nkind = "paid"\nrollover = "all"',
         "1,000 credit every year, paid; what is left goes over"),
        ('amount = 9\nevery = "month"\nrollover = 25',
         "9.00 USD every month, promotional; at most 25.00 USD of what is left goes over"),
    ],
)  # fmt: skip
def test_grant(terms: str, words: str) -> None:
    text = f'{HEAD}model = "dynamic"\n[plans.p.grants.x]\n{terms}\n'
    assert grant_in_words(check(text, models=MODELS).declared.plans["p"].grants["x"]) == words
