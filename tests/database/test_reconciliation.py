"""What providers report is kept once for each time that it differs, compared with our calls, and booked once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.database.gating import CREDITS, account, assert_sound, ingest, one, open_books, rows, used, utc
from tests.database.reconciling import (
    DAY,
    MINUTE,
    MODEL,
    RULES,
    D,
    cost,
    put_call,
    reads,
    run,
    store_call,
    usage,
    written,
)

from tollkeeper.db import Database
from tollkeeper.errors import InvalidInput
from tollkeeper.events import CallIn, CostSource
from tollkeeper.gate import CallChange, TrueUp, true_up
from tollkeeper.reconciliation import Rates, Read, ReportKind, Rules, Stretch, find_days
from tollkeeper.reconciliation.readers.model import Report

pytestmark = pytest.mark.anyio

MONDAY = utc("2026-03-09 00:00")
NOON = MONDAY + timedelta(hours=12)
TUESDAY = MONDAY + DAY
LATER = TUESDAY + timedelta(hours=6)
USED = usage(MONDAY, input_tokens=1500, output_tokens=500)
BILL = cost(MONDAY, "0.00875")


async def test_what_is_equal_is_a_match_and_books_nothing(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    [row] = await written(books, reads(MONDAY, [USED], [BILL]), LATER)
    assert (row.finding, row.our_cost, row.their_money, row.change) == ("match", D("0.00875"), D("0.00875"), 0)
    assert (row.model, row.project, row.api_key) == ("gpt-4o-2024-08-06", "p1", "k1")
    assert await account(books, "variance") == 0
    assert await account(books, "provider_payable") == D("-0.00875")
    await assert_sound(books)


async def test_a_difference_is_booked_once_and_growth_only_by_its_change(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    [first] = await written(books, reads(MONDAY, [USED], [cost(MONDAY, "0.01")]), LATER)
    assert (first.finding, first.booked, first.change) == ("price_gap", D("0.00125"), D("0.00125"))
    assert await written(books, reads(MONDAY, [USED], [cost(MONDAY, "0.0100")]), LATER) == []
    more = usage(MONDAY, 2, input_tokens=3000, output_tokens=1000)
    [second] = await written(books, reads(MONDAY, [more], [cost(MONDAY, "0.0175")]), LATER)
    assert (second.revision, second.booked, second.change) == (2, D("0.00875"), D("0.0075"))
    [third] = await written(books, reads(MONDAY, [USED], [cost(MONDAY, "0.008")]), LATER)
    assert (third.revision, third.booked, third.change) == (3, D("-0.00075"), D("-0.0095"))
    kinds = await rows(books, "select kind, amount from postings where kind like '%variance%' order by transaction_id")
    assert [(row["kind"], row["amount"]) for row in kinds] == [
        ("provider_variance", D("0.00125")),
        ("provider_variance", D("0.0075")),
        ("provider_variance_credit", D("0.0095")),
    ]
    assert await account(books, "variance") == D("-0.00075")
    assert await account(books, "provider_payable") == D("-0.008")
    await assert_sound(books)


async def test_a_reread_that_differs_is_a_revision_and_an_equal_one_is_none(database: Database) -> None:
    books = await open_books(database, CREDITS)
    stored = "select revision, requests, quantities, amount from provider_reports order by kind desc, revision"
    await run(books, reads(MONDAY, [USED], [BILL]), NOON)
    before = await rows(books, stored)
    await run(books, reads(MONDAY, [USED], [replace(BILL, amount=D("0.0087500"))]), NOON)
    assert await rows(books, stored) == before
    assert [row["revision"] for row in before] == [1, 1]
    await run(books, reads(MONDAY, [usage(MONDAY, 2, input_tokens=3000, output_tokens=500)], []), NOON)
    after = await rows(books, stored)
    assert [(row["revision"], row["amount"]) for row in after] == [
        (1, None), (2, None), (1, D("0.00875")), (2, 0),
    ]  # fmt: skip
    assert after[1]["quantities"] == {"input_tokens": "3000", "output_tokens": "500"}


async def test_rows_about_the_same_are_added_up(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    bills = [cost(MONDAY, "0.00375", unit="input_tokens"), cost(MONDAY, "0.005", unit="output_tokens")]
    parts = [usage(MONDAY, 1, input_tokens=1000, output_tokens=500), usage(MONDAY, 0, input_tokens=500)]
    [row] = await written(books, reads(MONDAY, parts, bills), LATER)
    assert (row.finding, row.their_requests) == ("match", 1)


async def test_buckets_that_are_cut_to_the_present_stay_one_bucket(database: Database) -> None:
    books = await open_books(database, CREDITS)
    for hour in (9, 12):
        cut = replace(USED, end=MONDAY + timedelta(hours=hour), requests=hour)
        await run(books, reads(MONDAY, [cut], []), MONDAY + timedelta(hours=hour))
    assert await one(books, "select count(distinct report_id) from provider_reports") == 1


async def test_a_day_that_is_not_over_is_not_booked(database: Database) -> None:
    books = await open_books(database, CREDITS)
    [day] = await run(books, reads(MONDAY, [USED], [BILL]), NOON)
    assert day.written == []
    assert [one.finding for one in day.comparisons.values()] == ["missing_here"]
    assert len(await written(books, reads(MONDAY, [USED], [BILL]), LATER)) == 1


async def test_money_that_is_not_told_yet_is_not_booked(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    [row] = await written(books, reads(MONDAY, [USED], []), LATER)
    assert (row.finding, row.their_money, row.difference, row.booked) == ("match", None, None, 0)


async def test_a_day_that_costs_nothing_is_told(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    [row] = await written(books, reads(MONDAY, [USED], [cost(MONDAY, "0")]), LATER)
    assert (row.their_money, row.finding, row.booked) == (0, "price_gap", D("-0.00875"))
    [day] = await run(books, reads(MONDAY, [USED], [cost(MONDAY, "0.00")]), LATER, replace(RULES, stable_reads=1))
    assert day.day.closed_at == LATER
    await assert_sound(books)


async def test_calls_that_come_late_change_what_is_booked(database: Database) -> None:
    books = await open_books(database, CREDITS)
    [missing] = await written(books, reads(MONDAY, [USED], [BILL]), LATER)
    assert (missing.finding, missing.booked) == ("missing_here", D("0.00875"))
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    [match] = await written(books, reads(MONDAY, [USED], [BILL]), LATER)
    assert (match.finding, match.booked, match.change) == ("match", 0, D("-0.00875"))
    await assert_sound(books)


async def test_a_day_whose_calls_changed_is_compared_again_though_it_is_not_read(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await run(books, reads(MONDAY, [USED], [BILL]), LATER, replace(RULES, close=True))
    elsewhere = reads(MONDAY + 29 * DAY, [], [])
    assert len(await run(books, elsewhere, LATER + 30 * DAY)) == 1
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    recorded = await one(books, "select max(recorded_at) from provider_calls")
    async with await psycopg.AsyncConnection.connect(books.database.url, autocommit=True) as connection:
        await connection.execute("update reported_days set last_read_at = %s", (recorded,))
    compared, read = await run(books, elsewhere, recorded)
    assert (compared.day.start, read.day.start) == (MONDAY, MONDAY + 29 * DAY)
    [match] = compared.written
    assert (match.finding, match.booked, match.change) == ("match", 0, D("-0.00875"))
    assert await account(books, "provider_payable") == D("-0.00875")
    assert not await one(books, "select bool_or(outdated) from reported_days")
    assert len(await run(books, elsewhere, recorded + DAY)) == 2  # It may have been recorded while the last one ran.
    assert len(await run(books, elsewhere, recorded + 2 * DAY)) == 1
    await assert_sound(books)


async def test_grains_that_become_coarser_are_booked_back(database: Database) -> None:
    """A call that doesn't tell its key makes the keys one grain: the sum stays."""
    books = await open_books(database, CREDITS)
    used = [USED, usage(MONDAY, api_key="k2", input_tokens=1000)]
    bills = [BILL, cost(MONDAY, "0.0025", api_key="k2")]
    assert len(await written(books, reads(MONDAY, used, bills), LATER)) == 2
    await put_call(books, NOON, api_key=None, input_tokens=1000)
    changed = await written(books, reads(MONDAY, used, bills), LATER)
    assert sorted((row.api_key or "", row.booked, row.revision) for row in changed) == [
        ("", D("0.00875"), 1), ("k1", 0, 2), ("k2", 0, 2),
    ]  # fmt: skip
    assert await account(books, "variance") == D("0.00875")
    await assert_sound(books)


async def test_all_customers_calls_are_compared_together(database: Database) -> None:
    books = await open_books(database, CREDITS, "acme", "globex")
    await put_call(books, NOON, input_tokens=500, output_tokens=250)
    await put_call(books, NOON, customer="globex", input_tokens=1000, output_tokens=250)
    await put_call(books, TUESDAY, input_tokens=1)  # the next day's
    await put_call(books, MONDAY, provider="azure", input_tokens=1)
    [row] = await written(books, reads(MONDAY, [USED], [BILL]), LATER)
    assert (row.finding, row.our_requests) == ("match", 2)


async def test_what_waits_for_an_unpriced_call_is_owed_already(database: Database) -> None:
    books = await open_books(database, CREDITS)
    known = CallIn("openai", MODEL, "r1", NOON, usage={"prompt_tokens": 1500, "completion_tokens": 500}, project="p1")
    [result] = await ingest(books, used("e", time=NOON, calls=[known, CallIn("openai", "gpt-99", "r2", NOON)]))
    assert result.status == "accepted"
    assert await account(books, "provider_payable") == 0
    there = reads(MONDAY, [USED], [BILL])
    [row, _] = await written(books, there, LATER)
    assert (row.finding, row.our_cost, row.difference) == ("missing_here", 0, D("0.00875"))
    [part] = row.parts
    assert (
        part["because"] == "0.00875 USD of our calls' cost isn't booked yet: other calls of their events are unpriced."
    )
    assert await account(books, "provider_payable") == D("-0.00875")
    # A cost of its event that was booked before waits for nothing.
    later = CallIn("openai", "gpt-99", "r4", NOON)
    same = CallIn("openai", MODEL, "r3", NOON, usage=known.usage, project="p1")
    await ingest(books, used("f", time=NOON, calls=[same]))
    await ingest(books, used("g", corrects="f", quantity="-1", calls=[later]))
    twice = reads(MONDAY, [usage(MONDAY, 2, input_tokens=3000, output_tokens=1000)], [cost(MONDAY, "0.0175")])
    await run(books, twice, LATER)
    assert await account(books, "provider_payable") == D("-0.0175")
    item = TrueUp("acme", "e", "up", [CallChange("r2", D("0.02"))], CostSource.PROVIDER_REPORT)
    await books.database.run(lambda tx: true_up(tx, books.desk, [item], now=LATER, by="test"))
    await run(books, twice, LATER)
    assert await account(books, "variance") == D("-0.02")
    assert await account(books, "provider_payable") == D("-0.0175")
    await assert_sound(books)


async def test_tools_are_grains_of_their_own(database: Database) -> None:
    books = await open_books(database, CREDITS)
    lines = [
        {"unit": "input_tokens", "quantity": "1000", "amount": "2.50", "per": "1000000", "price_id": "a"},
        {"unit": "web_searches", "quantity": "2", "amount": "10", "per": "1000", "price_id": "b"},
    ]
    quantities = Jsonb({"input_tokens": "1000", "web_searches": "2"})
    await store_call(books, NOON, quantities=quantities, lines=Jsonb(lines), cost=D("0.0225"))
    used = [usage(MONDAY, input_tokens=1000)]
    searched = replace(USED, endpoint="web_search_calls", model=None, requests=2, quantities={"web_searches": D(2)})
    bills = [cost(MONDAY, "0.0025"), cost(MONDAY, "0.02", model=None, unit="web_searches", quantity=D(2))]
    found = await written(books, reads(MONDAY, [*used, searched], bills), LATER)
    assert {(row.model, row.finding, row.our_cost) for row in found} == {
        ("gpt-4o-2024-08-06", "match", D("0.0025")), ("web_searches", "match", D("0.02")),
    }  # fmt: skip


async def test_a_day_closes_after_stable_reads_and_late_growth_opens_it(database: Database) -> None:
    books = await open_books(database, CREDITS)

    async def read(*found: Read) -> tuple[int, bool, int]:
        [compared] = await run(books, found, LATER, replace(RULES, stable_reads=2))
        return compared.day.stable_reads, compared.day.closed_at is not None, compared.day.reopened

    same = reads(MONDAY, [USED], [BILL])
    assert await read(*same) == (0, False, 0)
    assert await read(*same) == (1, False, 0)
    assert await read(*same) == (2, True, 0)
    grown = reads(MONDAY, [USED, usage(MONDAY, api_key="k2", input_tokens=10)], [BILL])
    assert await read(*grown) == (0, False, 1)
    assert await read(*grown) == (1, False, 1)
    assert await read(*grown) == (2, True, 1)


async def test_a_day_without_costs_closes_only_a_week_later(database: Database) -> None:
    books = await open_books(database, CREDITS)
    for _ in range(5):
        [compared] = await run(books, reads(MONDAY, [USED], []), LATER)
    assert compared.day.closed_at is None
    [compared] = await run(books, reads(MONDAY, [USED], []), MONDAY + 8 * DAY)
    assert compared.day.closed_at is not None


async def test_minutes_are_kept_beside_days(database: Database) -> None:
    books = await open_books(database, CREDITS)
    row = usage(NOON, width=MINUTE, input_tokens=10)
    stretch = Stretch(ReportKind.USAGE, NOON, NOON + 60 * MINUTE, MINUTE)
    assert await run(books, [Read(stretch, Report((row,), ()))], LATER) == []
    [compared] = await run(books, reads(MONDAY, [USED], [BILL]), LATER)
    [comparison] = compared.comparisons.values()
    assert comparison.theirs.requests == 1
    async with database.transaction() as tx:
        assert [day.reads for day in await find_days(tx, "openai", MONDAY, TUESDAY)] == [1]


async def test_runs_at_once_book_once(database: Database) -> None:
    books = await open_books(database, CREDITS)
    found = reads(MONDAY, [USED], [BILL])
    await asyncio.gather(*(run(books, found, LATER) for _ in range(6)))
    assert await account(books, "variance") == D("0.00875")
    assert await one(books, "select count(*) from reconciliations") == 1
    assert await one(books, "select count(*) from provider_reports") == 2
    await assert_sound(books)


async def test_dollars_become_the_catalogs_currency_by_the_rate_that_is_set(database: Database) -> None:
    books = await open_books(database, CREDITS.replace("USD", "EUR"))
    with pytest.raises(InvalidInput) as caught:
        await run(books, reads(MONDAY, [USED], [BILL]), LATER, Rules(Rates("EUR")))
    assert caught.value.code == "rate_missing"
    [row] = await written(books, reads(MONDAY, [USED], [BILL]), LATER, Rules(Rates("EUR", D("0.8"))))
    assert (row.their_money, row.unit) == (D("0.007"), "EUR")


async def test_verify_finds_what_was_tampered_with(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await written(books, reads(MONDAY, [USED], [BILL]), LATER)
    await assert_sound(books)
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection:
        await connection.execute(b"update postings set amount = 1")
    with pytest.raises(AssertionError, match="variance"):
        await assert_sound(books)


async def test_what_is_booked_in_the_end_depends_on_the_last_report_alone(database: Database) -> None:
    books = await open_books(database, CREDITS)
    await put_call(books, NOON, input_tokens=1500, output_tokens=500)
    more = usage(MONDAY, 2, input_tokens=3000, output_tokens=1000)
    told = [
        reads(MONDAY, [USED], [cost(MONDAY, "0.01")]),
        reads(MONDAY, [more], [cost(MONDAY, "0.02")]),
        reads(MONDAY, [], []),
    ]
    last = reads(MONDAY, [USED], [BILL])
    for order in permutations(told):
        for found in (*order, last):
            await run(books, found, LATER)
        assert await account(books, "variance") == 0
        assert await account(books, "provider_payable") == D("-0.00875")
    await assert_sound(books)
