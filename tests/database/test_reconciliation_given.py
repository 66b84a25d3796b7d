"""What a provider asks beyond our known calls goes to the calls and events that it belongs to, once, and exactly."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.database.gating import account, assert_sound, ingest, one, open_books, rows, used, utc
from tests.database.reconciling import DAY, MINUTE, MODEL, RULES, D, cost, reads, run, usage

from tollkeeper.books import Books
from tollkeeper.catalog import Attribution, AttributionRule, TokenClass
from tollkeeper.db import Database
from tollkeeper.events import CallIn
from tollkeeper.money import sum_of
from tollkeeper.reconciliation import Allocate, Read, ReportKind, Rules, Stretch
from tollkeeper.reconciliation.readers.model import Report

pytestmark = pytest.mark.anyio

MONDAY = utc("2026-03-09 00:00")
NOON = MONDAY + timedelta(hours=12)
LATER = MONDAY + DAY + timedelta(hours=6)
BILL = cost(MONDAY, "0.00875")
CLOSED = replace(RULES, close=True)
GAPS = replace(CLOSED, allocate=Allocate.PRICE_GAP)
CATALOG = """
currency = "USD"
[meters.cv_parse]
unit = "CV"
[prices.cv_parse]
model = "cost_plus"
margin_percent = "25"
fallback = "0.50"
[meters.question]
unit = "question"
[prices.question]
model = "cost_plus"
margin_percent = "25"
fallback = "0.01"
true_up = "cost_only"
[meters.interview]
unit = "minute"
[prices.interview]
model = "cost_plus"
margin_percent = "25"
fallback = "0.30"
"""
ATTRIBUTION = Attribution({"cv": AttributionRule("cv", "cv_parse", "openai", project="p1")})
CLASSES = Attribution(
    classes={TokenClass.ABOVE_5000: "cv_parse", TokenClass.ABOVE_1000: "interview", TokenClass.OTHERS: "question"}
)


def call(response: str, tokens_in: int = 1500, tokens_out: int = 500, **fields: Any) -> CallIn:
    told = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
    about: dict[str, Any] = {"usage": told, "project": "p1", "api_key": "k1", "at": NOON} | fields
    return CallIn(provider="openai", model=MODEL, response_id=response, **about)


async def parsed(books: Books, id: str, *calls: CallIn, meter: str = "cv_parse", at: datetime = NOON, **fields: Any):
    [result] = await ingest(
        books, used(id, meter, quantity=fields.pop("quantity", "1"), time=at, calls=list(calls) or None, **fields)
    )
    assert result.status == "accepted", result
    return result


async def events(books: Books) -> dict[str, tuple[Decimal, Decimal | None]]:
    """Charge and cost of each event, corrections included."""
    found = await rows(
        books,
        "select coalesce(corrects, event_id) as id, sum(charge) as charge, sum(cost) as cost from events group by 1",
    )
    return {row["id"]: (row["charge"], row["cost"]) for row in found}


async def test_a_price_gap_stays_with_the_operator_unless_it_is_to_be_allocated(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a", call("r1"))
    found = reads(MONDAY, [usage(MONDAY, input_tokens=1500, output_tokens=500)], [cost(MONDAY, "0.007")])
    [day] = await run(books, found, LATER, CLOSED)
    assert day.given.shares == []
    assert await events(books) == {"a": (D("0.0109375"), D("0.00875"))}
    assert await account(books, "variance") == D("-0.00175")
    [day] = await run(books, found, LATER, GAPS)
    assert [(one.amount, one.reason) for one in day.given.shares] == [(D("-0.00175"), "price_gap")]
    assert await events(books) == {"a": (D("0.00875"), D("0.007"))}
    assert await account(books, "variance") == 0
    assert await account(books, "provider_payable") == D("-0.007")
    [day] = await run(books, found, LATER, GAPS)
    assert (day.given.shares, day.written) == ([], [])
    await assert_sound(books)


async def test_a_gap_beside_other_usage_is_given_once(database: Database) -> None:
    """They count more input and less output: what the extra output is worth depends on what was given for it."""
    books = await open_books(database, CATALOG)
    await parsed(books, "a", call("r1"), call("r2", 20, 10, estimated=True))
    found = reads(MONDAY, [usage(MONDAY, 2, input_tokens=3000, output_tokens=100)], [cost(MONDAY, "0.02")])
    [first] = await run(books, found, LATER, GAPS)
    assert {share.reason for share in first.given.shares} == {"estimate", "price_gap"}
    before = await events(books)
    [second] = await run(books, found, LATER, GAPS)
    assert (second.given.shares, second.written) == ([], [])
    assert await events(books) == before
    # What they take back later is given back wholly.
    less = reads(MONDAY, [usage(MONDAY, 1, input_tokens=1500, output_tokens=500)], [BILL])
    await run(books, less, LATER, GAPS)
    await run(books, less, LATER, GAPS)
    assert sum_of(cost or D(0) for _, cost in (await events(books)).values()) == D("0.00875")
    assert await account(books, "provider_payable") == D("-0.00875")
    await assert_sound(books)


async def test_two_operations_in_one_minute_share_what_it_costs(database: Database) -> None:
    """Seed 001 charged each of them the whole window."""
    books = await open_books(database, CATALOG, "acme", "globex")
    await parsed(books, "a", call("r1"), customer="acme")
    await parsed(books, "b", call("r2", 3000, 1000), customer="globex")
    await parsed(books, "c", call("r3", 1, 0), customer="globex")
    used_up = usage(MONDAY, 3, input_tokens=4501, output_tokens=1500)
    [day] = await run(books, reads(MONDAY, [used_up], [cost(MONDAY, "0.1")]), LATER, GAPS)
    found = await events(books)
    assert sum_of(cost or D(0) for _, cost in found.values()) == D("0.1")
    assert len(day.given.shares) == 3
    # In proportion to what the calls cost, to the last decimal or the one beside it.
    assert abs((found["b"][1] or D(0)) - 2 * (found["a"][1] or D(0))) <= D("0.000000000002")
    assert await account(books, "variance") == 0
    assert await account(books, "provider_payable") == D("-0.1")
    await assert_sound(books)


async def test_events_that_told_of_no_call_get_their_part_by_attribution(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a", quantity="1")
    await parsed(books, "b", quantity="2", at=NOON + timedelta(seconds=5))
    assert await events(books) == {"a": (D("0.50"), None), "b": (D("1.00"), None)}
    found = reads(MONDAY, [usage(MONDAY, 4, input_tokens=24000, output_tokens=6000)], [cost(MONDAY, "0.12")])
    rules = replace(CLOSED, attribution=ATTRIBUTION)
    [day] = await run(books, found, LATER, rules)
    assert day.given.refused == []
    assert await events(books) == {"a": (D("0.05"), D("0.04")), "b": (D("0.1"), D("0.08"))}
    assert [row.finding for row in day.written] == ["match"]
    assert await account(books, "variance") == 0
    [day] = await run(books, found, LATER, rules)
    assert (day.given.shares, day.written) == ([], [])
    await assert_sound(books)
    # The day grows: only the change is given.
    grown = reads(MONDAY, [usage(MONDAY, 5, input_tokens=30000, output_tokens=7500)], [cost(MONDAY, "0.15")])
    [day] = await run(books, grown, LATER, rules)
    assert sorted(one.amount for one in day.given.shares) == [D("0.01"), D("0.02")]
    assert await events(books) == {"a": (D("0.0625"), D("0.05")), "b": (D("0.125"), D("0.1"))}
    # One of them is told after all: it gives its part back to the other.
    late = call("late", 24000, 6000, at=NOON)
    [result] = await ingest(books, used("b-usage", "cv_parse", quantity="0", corrects="b", calls=[late]))
    assert result.status == "accepted", result
    [day] = await run(books, grown, LATER, rules)
    assert (await events(books))["b"][1] == D("0.12")
    assert (await events(books))["a"][1] == D("0.03")
    assert await account(books, "provider_payable") == D("-0.15")
    await assert_sound(books)


async def test_a_price_may_leave_the_charge_as_it_is(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a", meter="question")
    rule = AttributionRule("q", "question", "openai")
    found = reads(MONDAY, [usage(MONDAY, 1, input_tokens=400)], [cost(MONDAY, "0.001")])
    await run(books, found, LATER, replace(CLOSED, attribution=Attribution({"q": rule})))
    assert await events(books) == {"a": (D("0.01"), D("0.001"))}
    await assert_sound(books)


async def test_without_a_rule_the_tokens_for_a_request_tell_the_meter(database: Database) -> None:
    """By the minute, where minutes were read: the day's average would say nothing."""
    books = await open_books(database, CATALOG)
    await parsed(books, "cv", meter="cv_parse", at=NOON)
    await parsed(books, "q", meter="question", at=NOON + timedelta(minutes=3))
    minutes = [
        usage(NOON, 1, width=MINUTE, input_tokens=9000),
        usage(NOON + 3 * MINUTE, 2, width=MINUTE, input_tokens=1000),
    ]
    by_minute = Read(Stretch(ReportKind.USAGE, NOON, NOON + 60 * MINUTE, MINUTE), Report(tuple(minutes), ()))
    by_day = reads(MONDAY, [usage(MONDAY, 3, input_tokens=10000)], [cost(MONDAY, "0.025")])
    await run(books, [by_minute, *by_day], LATER, replace(CLOSED, attribution=CLASSES))
    found = await events(books)
    assert found["cv"] == (D("0.028125"), D("0.0225"))
    assert found["q"] == (D("0.01"), D("0.0025"))
    await assert_sound(books)


async def test_guesses_are_corrected_before_anything_is_called_missing(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "known", call("r1"))
    await parsed(books, "broken off", call("r2", 1500, 4000, estimated=True))
    assert (await events(books))["broken off"][1] == D("0.04375")
    used_up = usage(MONDAY, 2, input_tokens=3000, output_tokens=700)
    [day] = await run(books, reads(MONDAY, [used_up], [cost(MONDAY, "0.0145")]), LATER, CLOSED)
    assert await events(books) == {
        "known": (D("0.0109375"), D("0.00875")), "broken off": (D("0.0071875"), D("0.00575")),
    }  # fmt: skip
    assert [row.finding for row in day.written] == ["match"]
    # A third request is another client's.
    more = usage(MONDAY, 3, input_tokens=4500, output_tokens=900)
    [day] = await run(books, reads(MONDAY, [more], [cost(MONDAY, "0.02025")]), LATER, CLOSED)
    assert (await events(books))["broken off"][1] == D("0.00575")
    assert [(row.finding, row.booked) for row in day.written] == [("missing_here", D("0.00575"))]
    await assert_sound(books)


async def test_calls_without_a_price_get_what_the_provider_asks(database: Database) -> None:
    books = await open_books(database, CATALOG)
    model = "gpt-99-unheard-of"
    for id, tokens in (("a", 1000), ("b", 3000)):
        told = CallIn(
            provider="openai", model=model, response_id=id, at=NOON, project="p1", api_key="k1",
            usage={"prompt_tokens": tokens, "completion_tokens": 0},
        )  # fmt: skip
        await parsed(books, id, told)
    assert (await events(books))["a"] == (D("0.50"), None)
    found = reads(MONDAY, [usage(MONDAY, 2, input_tokens=4000, model=model)], [cost(MONDAY, "0.04", model=model)])
    [day] = await run(books, found, LATER, CLOSED)
    assert await events(books) == {"a": (D("0.0125"), D("0.01")), "b": (D("0.0375"), D("0.03"))}
    assert [row.finding for row in day.written] == ["match"]
    [day] = await run(books, found, LATER, CLOSED)
    assert day.given.shares == []
    await assert_sound(books)


async def test_nothing_is_shared_out_before_the_day_is_closed(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a")
    found = reads(MONDAY, [usage(MONDAY, 1, input_tokens=400)], [cost(MONDAY, "0.001")])
    rules = replace(RULES, attribution=ATTRIBUTION, stable_reads=1)
    [day] = await run(books, found, LATER, rules)
    assert (day.day.closed_at, day.given.shares) == (None, [])
    assert [row.finding for row in day.written] == ["missing_here"]
    [day] = await run(books, found, LATER, rules)
    assert [one.amount for one in day.given.shares] == [D("0.001")]
    assert [row.change for row in day.written] == [D("-0.001")]
    await assert_sound(books)


async def test_runs_at_once_share_out_once(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a")
    await parsed(books, "b", call("r1"))
    found = reads(MONDAY, [usage(MONDAY, 2, input_tokens=3000, output_tokens=1000)], [cost(MONDAY, "0.02")])
    rules = replace(GAPS, attribution=ATTRIBUTION)
    await asyncio.gather(*(run(books, found, LATER, rules) for _ in range(5)))
    assert sum_of(each or D(0) for _, each in (await events(books)).values()) == D("0.02")
    assert await one(books, "select count(*) from cost_shares") == 2
    assert await account(books, "variance") == 0
    await assert_sound(books)


async def test_what_no_event_explains_is_missing_here(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await parsed(books, "a", at=NOON - DAY)  # of another day
    found = reads(MONDAY, [usage(MONDAY, 1, input_tokens=400)], [cost(MONDAY, "0.001")])
    rules: Rules = replace(CLOSED, attribution=ATTRIBUTION)
    [day] = await run(books, found, LATER, rules)
    assert [(row.finding, row.booked) for row in day.written] == [("missing_here", D("0.001"))]
    assert day.given.shares == []
    await assert_sound(books)
