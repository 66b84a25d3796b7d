"""Suggestions from calls: a cheaper model, the provider's cache, batches; each figure reckoned by hand."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from tests.database.costing import reported, used_json
from tests.database.gating import D, open_books, rows
from tests.database.suggesting import (
    CATALOG,
    chat,
    claude,
    figures,
    savings,
    suggested,
    use,
    worth,
)

from tollkeeper.calls import Pricing
from tollkeeper.db import Database
from tollkeeper.providers import CallFacts, PriceBook, Unit, book
from tollkeeper.providers.model import INPUT_UNITS
from tollkeeper.suggestions import Kind
from tollkeeper.suggestions.calls import _queries
from tollkeeper.suggestions.suggest import ADVISERS

pytestmark = pytest.mark.anyio


async def test_a_smaller_model_for_the_same_tokens(database: Database) -> None:
    books = await open_books(database, CATALOG)
    # 2,000,000 fresh tokens in, 1,000,000 cached, 500,000 out: 5.00 + 1.25 + 5.00 = 11.25 USD by gpt-4o;
    # 0.30 + 0.075 + 0.30 = 0.675 by gpt-4o-mini.
    for n in range(5):
        await use(books, chat(f"c{n}", 600_000, 100_000, cached=200_000, model="gpt-4o-2024-08-06"), day=n + 1)
    [found] = await suggested(books, Kind.CHEAPER_MODEL)
    assert found.subject == {"provider": "openai", "model": "gpt-4o-2024-08-06", "instead": "gpt-4o-mini"}
    assert savings(found) == {"operator": D("10.575"), "customer": D("13.21875")}
    assert [step.text for step in found.steps] == [
        "gpt-4o-2024-08-06 of openai: 5 calls cost 11.25 USD",
        "gpt-4o-mini: 1,000,000 cached input tokens × 0.075 USD per 1,000,000 = 0.075 USD",
        "gpt-4o-mini: 2,000,000 input tokens × 0.15 USD per 1,000,000 = 0.30 USD",
        "gpt-4o-mini: 500,000 output tokens × 0.60 USD per 1,000,000 = 0.30 USD",
        "The same tokens with gpt-4o-mini: 0.675 USD",
        "11.25 USD − 0.675 USD = 10.575 USD less",
        "Answer is charged by the cost with 25 % on top, so the customer is charged 13.21875 USD less",
    ]
    assert "quality" in (found.caution or "")


async def test_each_call_follows_the_price_that_was_in_force(database: Database) -> None:
    later = 'margin_percent = "25"\n[[prices.answer]]\nmodel = "cost_plus"\nmargin_percent = "50"\nfrom = {}'
    flat = '\n[[prices.answer]]\nmodel = "unit"\namount = "3"\nfrom = {}\n[meters.flat]'
    catalog = CATALOG.replace("[prices.answer]", "[[prices.answer]]").replace('fallback = "0.50"\n', "")
    catalog = catalog.replace('margin_percent = "25"', later.format("2026-10-10T00:00:00Z"))
    books = await open_books(database, catalog.replace("[meters.flat]", flat.format("2026-10-20T00:00:00Z")))
    for day in (5, 15, 25):
        await use(books, *(chat(f"{day}:{n}", 100_000, cached=20_000 if n < 10 else 0) for n in range(20)), day=day)
    smaller, batches = await suggested(books, Kind.CHEAPER_MODEL, Kind.BATCH)
    # Each day 1,800,000 fresh and 200,000 cached tokens: 4.50 + 0.25 by gpt-4o, 0.27 + 0.015 by gpt-4o-mini. Until the
    # 10th the customer pays a quarter more, until the 20th a half more, and then 3 a call, whatever it costs.
    assert savings(smaller) == {"operator": 3 * D("4.465"), "customer": D("4.465") * (D("1.25") + D("1.5"))}
    assert [step["margin_percent"] for step in figures(smaller, "charge")] in (["25", "50"], ["50", "25"])
    assert savings(batches)["customer"] / savings(batches)["operator"] == (D("1.25") + D("1.5")) / 3


async def test_another_meter_s_price_doesn_t_follow_the_cost(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, chat("c", 1_000_000), meter="flat")
    [found] = await suggested(books, Kind.CHEAPER_MODEL)
    assert savings(found) == {"operator": D("2.35")}


async def test_prompt_caching_by_the_best_day(database: Database) -> None:
    books = await open_books(database, CATALOG)
    # Ten calls on each of two days, 10,000 tokens each: 20 % cached on the first, 60 % on the second.
    await use(books, *(chat(f"a{n}", 10_000, 100, cached=2_000) for n in range(10)), day=3)
    await use(books, *(chat(f"b{n}", 10_000, 100, cached=6_000) for n in range(10)), day=4)
    # One call that came from the cache wholly is no measure.
    await use(books, chat("lucky", 10_000, 100, cached=10_000), day=5)
    [found] = await suggested(books, Kind.PROMPT_CACHING)
    assert found.subject == {"provider": "openai", "model": "gpt-4o", "meter": "answer"}
    assert "on 2026-10-04, a day with 10 calls" in found.text
    # The first day's 100,000 tokens: 80,000 × 2.50 + 20,000 × 1.25 = 0.225; 40,000 × 2.50 + 60,000 × 1.25 = 0.175.
    assert savings(found) == {"operator": D("0.05"), "customer": D("0.0625")}
    assert worth(figures(found, "now_price")) - worth(figures(found, "instead_price")) == D("0.05")
    assert found.steps[0].text == "Answer, gpt-4o: 42.86 % of 210,000 prompt tokens came from the cache"


async def test_what_is_written_to_the_cache_is_paid_for(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, *(claude(f"a{n}", 9_000, 10, put=900, cached=100) for n in range(10)), day=3)
    # The best day: of 10,000 tokens 1,000 fresh, 4,000 written, 5,000 read.
    await use(books, *(claude(f"b{n}", 1_000, 10, put=4_000, cached=5_000) for n in range(10)), day=4)
    [found] = await suggested(books, Kind.PROMPT_CACHING)
    # The first day: 90,000 × 3.00 + 9,000 × 3.75 + 1,000 × 0.30 = 0.30405 USD;
    # in the mix 10,000 × 3.00 + 40,000 × 3.75 + 50,000 × 0.30 = 0.195 USD.
    assert savings(found)["operator"] == D("0.10905")


async def test_a_cache_that_costs_more_than_it_saves_is_no_suggestion(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, *(claude(f"a{n}", 9_900, 10, cached=100) for n in range(10)), day=3)
    # 200 read, but 9,000 written at a quarter more than fresh ones: dearer.
    await use(books, *(claude(f"b{n}", 800, 10, put=9_000, cached=200) for n in range(10)), day=4)
    assert await suggested(books, Kind.PROMPT_CACHING) == []


async def test_without_any_caching_the_best_other_meter_is_the_measure(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, *(chat(f"a{n}", 10_000) for n in range(10)))
    assert await suggested(books, Kind.PROMPT_CACHING) == []
    await use(books, *(chat(f"b{n}", 10_000, cached=5_000) for n in range(10)), meter="flat")
    [found] = await suggested(books, Kind.PROMPT_CACHING)
    assert found.subject["meter"] == "answer"
    assert "for Flat, with 10 calls" in found.text
    assert savings(found)["operator"] == D("0.0625")


async def test_batches_by_meter(database: Database) -> None:
    books = await open_books(database, CATALOG)
    # 1,000,000 in and 100,000 out: 2.50 + 1.00 by gpt-4o, half of it in a batch.
    await use(books, chat("c1", 1_000_000, 100_000))
    await use(books, chat("c2", 1_000_000, 100_000, model="gpt-4o-mini"), meter="flat")
    # In a batch already, in another tier, and without a batch price.
    await use(books, chat("c3", 1_000_000, 100_000, batch=True))
    await use(books, chat("c4", 1_000_000, 100_000, service_tier="priority"))
    await use(books, chat("c5", 1_000_000, 100_000, model="gpt-realtime"))
    answer, flat = await suggested(books, Kind.BATCH)
    assert answer.subject == {"meter": "answer"}
    assert savings(answer) == {"operator": D("1.75"), "customer": D("2.1875")}
    assert savings(flat) == {"operator": D("0.105")}


async def test_what_has_no_price_is_never_suggested(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, chat("a", 1_000_000, model="gpt-99"))
    # A model of its own price list, an unknown one, and one whose sibling has no price for audio.
    await use(books, {"provider": "own", "model": "m", "cost": "3", "response_id": "b"})
    audio = {"prompt_tokens": 1_000, "completion_tokens": 0, "prompt_tokens_details": {"audio_tokens": 1_000}}
    await use(books, chat("c") | {"model": "gpt-4o", "usage": audio})
    # The smallest of its family.
    await use(books, chat("d", 1_000_000, model="gpt-4o-mini", batch=True))
    assert await suggested(books) == []


MODELS = ["gpt-4o", "gpt-5", "gpt-5.6-sol", "gpt-5.4", "gpt-4.1-mini"]
TIERS = [{}, {}, {"service_tier": "default"}, {"service_tier": "flex"}, {"service_tier": "priority"}, {"batch": True}]


def at_random(rng: random.Random, n: int) -> dict[str, Any]:
    """A call of one of two providers, of any size, tier and time of October."""
    at = f"2026-10-{rng.randint(1, 30):02}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:00Z"
    if rng.random() < 0.3:
        sizes = {name: rng.randint(0, 90_000) for name in ("read", "written", "cached", "put")}
        return claude(f"c{n}", **sizes, model=rng.choice(["claude-sonnet-4-5", "claude-opus-4-6"])) | {"at": at}
    read = rng.choice([rng.randint(1, 5_000), rng.randint(190_000, 400_000)])
    own = {"cached": rng.randint(0, read), "model": rng.choice(MODELS), "at": at}
    return chat(f"c{n}", read, rng.randint(0, 2_000), **own, **rng.choice(TIERS))


@pytest.mark.parametrize("seed", range(3))
async def test_figures_are_those_of_each_call_priced_by_itself(database: Database, seed: int) -> None:
    rng, prices = random.Random(seed), book()
    books = await open_books(database, CATALOG, timezone="America/New_York")
    events = [
        used_json(f"e{n}", rng.choice(["answer", "flat"]), at_random(rng, n), time="2026-10-15T12:00:00Z")
        for n in range(150)
    ]
    await reported(books, *events)
    stored = await rows(books, "select c.*, s.meter from provider_calls c join events using (customer_id, event_id) "
                               "join series s using (customer_id, series_id)")  # fmt: skip
    found = await suggested(books, Kind.CHEAPER_MODEL, Kind.BATCH)
    assert found
    for one in found:
        saved = D(0)
        for row in stored:
            then = instead(prices, one.subject, row)
            if then is not None:
                saved += row["cost"] - then
        assert savings(one)["operator"] == saved > 0, one.subject
        assert saved == sum(D(step["cost"]) for step in figures(one, "now")) - worth(figures(one, "instead_price"))


@pytest.mark.parametrize("seed", range(2))
async def test_a_better_mix_moves_tokens_and_makes_none(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    books = await open_books(database, CATALOG)
    for day in range(1, 9):
        calls = [at_random(rng, day * 100 + n) for n in range(60)]
        await use(books, *({name: one[name] for name in one if name != "at"} for one in calls), day=day)
    found = await suggested(books, Kind.PROMPT_CACHING)
    assert found
    for one in found:
        now, then = figures(one, "now_price"), figures(one, "instead_price")
        assert savings(one)["operator"] == worth(now) - worth(then) > 0, one.subject
        assert sum(D(line["quantity"]) for line in now) == sum(D(line["quantity"]) for line in then)


def instead(prices: PriceBook, subject: Any, row: dict[str, Any]) -> Any:
    """What the call would have cost, by the book alone; None where it isn't one of the suggestion's."""
    facts = {"at": row["at"], "region": row["region"], "service_tier": row["service_tier"]}
    quantities = {unit: D(quantity) for unit, quantity in row["quantities"].items()}
    if "meter" in subject:
        if row["meter"] != subject["meter"] or row["batch"] or row["service_tier"] not in (None, "default"):
            return None
        model, batch = row["model"], True
    else:
        if row["model"] != subject["model"]:
            return None
        model, batch = subject["instead"], row["batch"]
    return prices.price(CallFacts(row["provider"], model, quantities, batch=batch, **facts)).cost


async def test_calls_that_were_taken_back_or_guessed_do_not_count(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, chat("kept", 1_000_000), chat("back", 1_000_000), chat("guess", 1_000_000, estimated=True))
    back = {"provider": "openai", "model": "gpt-4o", "response_id": "back", "cost": "-2.5"}
    correction = used_json("back", "answer", back, quantity="-1", corrects="e:back")
    assert [result.status for result in await reported(books, correction)] == ["accepted"]
    [found] = await suggested(books, Kind.CHEAPER_MODEL)
    assert figures(found, "now") == [{"calls": "1", "cost": "2.5"}]


async def test_what_was_taken_back_without_its_calls_is_not_charged_less(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, chat("kept", 1_000_000), chat("back", 1_000_000))
    await use(books, chat("part", 1_000_000), quantity="3")
    for event, quantity in (("back", "-1"), ("part", "-1")):
        correction = used_json(f"less:{event}", "answer", quantity=quantity, corrects=f"e:{event}")
        assert [result.status for result in await reported(books, correction)] == ["accepted"]
    charged = await rows(books, "select sum(charge) as net from events")
    # Nothing is charged for what was taken back wholly; of what was in part, the cost is still charged.
    assert charged[0]["net"] == D("6.25")
    smaller, batches = await suggested(books, Kind.CHEAPER_MODEL, Kind.BATCH)
    # The provider took 3 × 2.50, and would have taken 3 × 0.15; half of it in batches.
    assert savings(smaller) == {"operator": D("7.05"), "customer": D("5.875")}
    assert savings(batches) == {"operator": D("3.75"), "customer": D("3.125")}
    assert figures(smaller, "charge")[0]["cost"] == "4.7"


async def test_the_cache_of_what_was_taken_back_saves_the_customer_nothing(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await use(books, *(chat(f"a{n}", 10_000, cached=2_000) for n in range(10)), day=3)
    await use(books, *(chat(f"b{n}", 10_000, cached=6_000) for n in range(10)), day=4)
    for n in range(5):
        await reported(books, used_json(f"less:{n}", "answer", quantity="-1", corrects=f"e:a{n}"))
    [found] = await suggested(books, Kind.PROMPT_CACHING)
    assert savings(found) == {"operator": D("0.05"), "customer": D("0.03125")}


async def test_a_catalog_in_another_currency_is_told_in_it(database: Database) -> None:
    books = await open_books(database, CATALOG.replace('"USD"', '"EUR"'), currency="EUR")
    books.desk.pricing = Pricing(usd_rate=D("0.9"))
    await use(books, chat("c", 1_000_000))
    [found] = await suggested(books, Kind.CHEAPER_MODEL)
    assert (savings(found)["operator"], found.figure.unit) == (D("2.115"), "EUR")
    assert found.steps[1].text == (
        "gpt-4o-mini: 1,000,000 input tokens × 0.15 USD per 1,000,000 = 0.15 USD, × 0.9 EUR = 0.135 EUR"
    )


def test_every_kind_has_an_adviser() -> None:
    assert [*ADVISERS] == [*Kind]


def test_the_query_knows_every_unit() -> None:
    query = _queries.call_groups.decode()
    assert {*re.findall(r"(\w+) numeric\b", query)} == {unit.value for unit in Unit}
    assert {*re.findall(r"'(\w+)', sum\(", query)} == {unit.value for unit in Unit}
    assert {*re.findall(r"coalesce\((\w+), 0\)", query)} == {unit.value for unit in INPUT_UNITS}
