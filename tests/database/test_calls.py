"""Provider calls of events: priced by the book, counted once, never lost, never 0 for unknown."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.database.costing import CATALOG, call, cost_of, counts, report, reported, response, totals, used_json
from tests.database.gating import DAY, Clock, D, account, assert_sound, books_on, one, open_books, put_catalog, rows

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio


async def test_a_call_costs_what_the_book_says_and_is_charged_with_the_margin(database: Database) -> None:
    books = await open_books(database, CATALOG)
    result = await report(books, "e", "answer", call("r1"))
    assert (result.charge, result.unit) == ("0.0109375", "USD")
    assert await cost_of(books, "e") == (D("0.00875"), "response")
    [row] = await rows(books, "select * from provider_calls")
    assert (row["provider"], row["call_id"], row["event_id"], row["model"]) == ("openai", "r1", "e", "gpt-4o")
    assert row["quantities"] == {"input_tokens": "1500", "output_tokens": "500"}
    assert [line["amount"] for line in row["lines"]] == ["2.5", "10"]
    assert (row["missing"], row["cost_source"], row["adjusts"]) == ([], "response", None)
    assert await account(books, "provider_cost") == D("0.00875")
    await assert_sound(books)


async def test_an_event_costs_what_its_calls_cost_together(database: Database) -> None:
    books = await open_books(database, CATALOG)
    calls = [call("r1"), call("r2", model="gpt-4o-mini"), {"provider": "own", "model": "m", "cost": "0.01"}]
    await report(books, "e", "cv", *calls)
    # gpt-4o-mini: 1,500 × 0.15 and 500 × 0.60 per million are 0.000525.
    assert await cost_of(books, "e") == (D("0.019275"), "response")
    assert await one(books, "select count(*) from provider_calls") == 3
    await assert_sound(books)


async def test_a_response_is_reduced_and_its_content_kept_nowhere(database: Database) -> None:
    books = await open_books(database, CATALOG)
    sent = {"provider": "openai", "response": response("chatcmpl-1")}
    assert (await report(books, "e", "answer", sent)).charge == "0.0109375"
    [row] = await rows(books, "select * from provider_calls")
    assert (row["call_id"], row["model"], row["service_tier"]) == ("chatcmpl-1", "gpt-4o-2024-08-06", "default")
    assert row["at"].isoformat() == "2026-01-01T12:00:00+00:00"
    assert (await report(books, "e", "answer", sent)).status == "duplicate"
    other = {"provider": "openai", "response": response("chatcmpl-1", content="said otherwise")}
    assert (await report(books, "e", "answer", other)).status == "duplicate"
    refused = used_json("bad", "answer", sent) | {"colour": "red"}
    [result] = await reported(books, refused)
    assert result.status == "rejected"
    [kept] = await rows(books, "select item from quarantine")
    assert "a secret" not in kept["item"]
    assert json.loads(kept["item"])["calls"][0]["usage"] == response("x")["usage"]
    stored = await one(books, "select string_agg(calls::text, '') from events")
    assert "a secret" not in stored
    assert "prompt_tokens" in stored


@pytest.mark.parametrize("name", ["id", "model", "service_tier"])
async def test_a_text_of_a_response_that_is_too_long_harms_no_other_event(database: Database, name: str) -> None:
    books = await open_books(database, CATALOG)
    # Numbers in a row: compressing them doesn't make them fit into an index.
    long = "".join(str(n) for n in range(20_000))
    sent = {"provider": "openai", "response": response("r1") | {name: long}}
    for expected in ("accepted", "duplicate"):
        odd, fine = await reported(books, used_json("e", "answer", sent), used_json("f", "answer", call("r2")))
        assert fine.status == expected
        assert odd.status == ("rejected" if name == "model" else expected)
    if name == "id":
        again = await report(books, "g", "answer", sent)
        assert (again.status, again.charge) == ("accepted", "0")
    await assert_sound(books)


@pytest.mark.parametrize(
    ("calls", "missing"),
    [
        ([call(model="gpt-99")], ["model"]),
        ([{"provider": "openai", "model": "gpt-4o"}], ["usage"]),
        ([call(usage={"colour": "red"})], ["usage"]),
        ([call(usage={"prompt_tokens": -5, "completion_tokens": 1})], ["usage"]),
        ([call(usage={"prompt_tokens": 10**40, "completion_tokens": 1})], ["usage"]),
        ([call(usage={"pages": 1, "seconds": 7})], ["pages", "seconds"]),
    ],
)
async def test_what_cannot_be_priced_is_unpriced(database: Database, calls: list, missing: list[str]) -> None:
    books = await open_books(database, CATALOG)
    result = await report(books, "e", "answer", *calls)
    assert (result.status, result.charge) == ("accepted", "0.5")
    assert await cost_of(books, "e") == (None, "none")
    [row] = await rows(books, "select * from provider_calls")
    assert (sorted(row["missing"]), row["cost"], row["cost_source"]) == (missing, None, "none")
    assert await counts(books) == (0, 1, 1)
    assert await one(books, "select calls from events") == calls
    assert (await report(books, "f", "bare", *calls)).charge is None
    assert await counts(books, "bare") == (1, 1, 0)
    await assert_sound(books)


async def test_explicit_zero_usage_costs_nothing(database: Database) -> None:
    books = await open_books(database, CATALOG)
    assert (await report(books, "e", "answer", call("r", tokens=(0, 0)), quantity="0")).charge == "0"
    assert await cost_of(books, "e") == (D(0), "response")


async def test_an_unpriced_call_is_told_once_a_day_for_each_model(database: Database) -> None:
    books = await open_books(database, CATALOG)
    with Clock() as clock:
        for i in range(3):
            await report(books, f"e{i}", "answer", call(f"r{i}", model="gpt-99"), call(f"s{i}", model="gpt-98"))
        clock.go(DAY)
        await report(books, "next day", "answer", call("r9", model="gpt-99"))
    facts = await rows(books, "select * from outbox order by key")
    assert [(fact["topic"], fact["body"]["model"]) for fact in facts] == [
        ("call_unpriced", "gpt-98"),
        ("call_unpriced", "gpt-99"),
        ("call_unpriced", "gpt-99"),
    ]
    assert facts[0]["body"] == {
        "provider": "openai", "model": "gpt-98", "missing": ["model"], "event": "e0", "day": "2026-01-15",
    }  # fmt: skip


async def test_a_call_counts_once_for_its_customer(database: Database) -> None:
    books = await open_books(database, CATALOG, "acme", "other")
    await report(books, "e1", "answer", call("r1"))
    assert (await report(books, "e2", "answer", call("r1"), call("r2"))).charge == "0.0109375"
    assert (await report(books, "e3", "answer", call("r1"))).charge == "0"
    assert await cost_of(books, "e3") == (D(0), "response")
    elsewhere = used_json("e1", "answer", call("r1")) | {"customer": "other"}
    [result] = await reported(books, elsewhere)
    assert result.charge == "0.0109375"
    assert await totals(books) == (D("0.02625"), D("0.0328125"))
    # The provider's name in another spelling is the same provider.
    assert (await report(books, "e4", "answer", call("r1") | {"provider": "OpenAI"})).charge == "0"
    await assert_sound(books)


async def test_a_call_twice_in_one_batch_or_event_counts_once(database: Database) -> None:
    books = await open_books(database, CATALOG)
    results = await reported(
        books,
        used_json("b", "answer", call("r1"), call("r1")),
        used_json("a", "answer", call("r1"), call("r2")),
        used_json("c", "answer", call(), call()),
    )
    assert [result.charge for result in results] == ["0.0109375", "0.0109375", "0.021875"]
    assert await one(books, "select count(*) from provider_calls") == 4
    await assert_sound(books)


async def test_many_at_once_count_a_call_once(database: Database) -> None:
    books = await open_books(database, CATALOG)
    others = [books_on(database) for _ in range(3)]

    async def send(books: Books, i: int) -> None:
        await report(books, f"e{i}", "answer", *(call(f"r{(i + n) % 5}") for n in range(3)))

    await asyncio.gather(*(send(one, i) for i, one in enumerate([books, *others] * 3)))
    assert await one(books, "select count(*) from provider_calls") == 5
    assert (await totals(books))[0] == D("0.04375")
    await assert_sound(books)


async def test_other_currencies_need_a_rate(database: Database) -> None:
    books = await open_books(database, CATALOG.replace('"USD"', '"EUR"'), currency="EUR")
    await report(books, "e1", "answer", call("r1"))
    [row] = await rows(books, "select * from provider_calls")
    assert (row["missing"], row["cost"]) == (["usd_rate"], None)
    books = Books(Settings(database_url=database.url, usd_rate=D("0.9")), database)
    assert (await report(books, "e2", "answer", call("r2"))).charge == "0.00984375"
    [row] = await rows(books, "select * from provider_calls where call_id = 'r2'")
    assert (row["cost"], row["rate"]) == (D("0.007875"), D("0.9"))
    await report(books, "e3", "answer", call("r3", cost="0.5"))
    assert await cost_of(books, "e3") == (D("0.5"), "response")
    await assert_sound(books)


async def test_the_estimated_usage_of_an_aborted_stream_is_an_estimate(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r1"), call("r2", estimated=True))
    assert await cost_of(books, "e") == (D("0.0175"), "estimate")
    sources = await rows(books, "select cost_source from provider_calls order by call_id")
    assert [row["cost_source"] for row in sources] == ["response", "estimate"]


async def test_the_default_margin_stays_in_the_price(database: Database) -> None:
    books = await open_books(database, CATALOG)
    content = await one(books, "select content from prices where meter = 'answer'")
    assert content["terms"] == {"margin_percent": "25", "fallback": "0.5"}
    await put_catalog(database, CATALOG)
    assert await one(books, "select count(*) from prices where meter = 'answer'") == 1
