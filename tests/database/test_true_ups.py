"""Costs that become known later: true-ups, and corrections that bring costs."""

from __future__ import annotations

import pytest
from tests.database.costing import CATALOG, call, cost_of, counts, report, reported, totals, up, used_json
from tests.database.gating import D, account, assert_sound, give, one, open_books, rows, wallet

from tollkeeper.db import Database

pytestmark = pytest.mark.anyio

UNKNOWN = call("r1", model="gpt-99")


async def test_a_cost_that_becomes_known_replaces_the_fallback(database: Database) -> None:
    books = await open_books(database, CATALOG)
    assert (await report(books, "e", "answer", UNKNOWN)).charge == "0.5"
    assert await counts(books) == (0, 1, 1)
    done = await up(books, "e", ("r1", "0.02"))
    assert (done.status, done.charge) == ("accepted", "-0.475")
    assert await counts(books) == (0, 0, 0)
    assert await totals(books) == (D("0.02"), D("0.025"))
    assert await account(books, "provider_cost") == D("0.02")
    again = await up(books, "e", ("r1", "0.02"))
    assert (again.status, again.charge) == ("duplicate", "-0.475")
    other = await up(books, "e", ("r1", "0.03"), id="up:e:(('r1', '0.02'),)")
    assert (other.status, other.error and other.error.code) == ("conflict", "event_conflict")
    assert await one(books, "select count(*) from quarantine") == 0
    [row] = await rows(books, "select * from provider_calls where adjusts is not null")
    assert (row["adjusts"], row["cost"], row["cost_source"], row["model"]) == (
        "r1",
        D("0.02"),
        "provider_report",
        "gpt-99",
    )
    await assert_sound(books)


async def test_a_correction_that_is_refused_keeps_no_call_from_the_next(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r1"))
    too_much = used_json("c1", "answer", call("r2"), corrects="e") | {"quantity": "-5"}
    fitting = used_json("c2", "answer", call("r2"), corrects="e") | {"quantity": "0"}
    first, second = await reported(books, too_much, fitting)
    assert (first.status, second.status, second.charge) == ("rejected", "accepted", "0.0109375")
    assert await totals(books) == (D("0.0175"), D("0.021875"))
    await assert_sound(books)


async def test_what_was_unpriced_is_priced(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "bare", UNKNOWN)
    assert await counts(books, "bare") == (1, 1, 0)
    assert (await up(books, "e", ("r1", "0.02"))).charge == "0.04"
    assert await counts(books, "bare") == (0, 0, 0)
    await assert_sound(books)


async def test_an_event_costs_nothing_for_certain_before_all_of_its_calls_are_known(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r0"), UNKNOWN, call("r2", model="gpt-98"))
    assert await totals(books) == (0, D("0.5"))
    first = await up(books, "e", ("r1", "0.02"))
    assert first.charge == "0"
    assert await cost_of(books, "up:e:(('r1', '0.02'),)") == (None, "none")
    assert await counts(books) == (0, 1, 1)
    # 0.00875 + 0.02 + 0.03, and a margin of 25 %.
    assert (await up(books, "e", ("r2", "0.03"))).charge == "-0.4265625"
    assert await totals(books) == (D("0.05875"), D("0.0734375"))
    assert await counts(books) == (0, 0, 0)
    await assert_sound(books)


async def test_the_price_may_leave_the_charge_as_it_is(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "kept", UNKNOWN)
    assert (await up(books, "e", ("r1", "0.02"))).charge == "0"
    assert await totals(books) == (D("0.02"), D("0.5"))
    assert await counts(books, "kept") == (0, 0, 0)
    # A later correction goes on from what was charged, by the fallback.
    assert (await report(books, "c", "kept", corrects="e", quantity="-0.5")).charge == "-0.25"
    assert (await report(books, "d", "kept", corrects="e", quantity="-0.5")).charge == "-0.25"
    assert await totals(books) == (D("0.02"), 0)
    await assert_sound(books)


async def test_whoever_trues_up_may_leave_the_charge_for_good(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r1"))
    assert (await up(books, "e", ("r1", "0.001"), charge=False)).charge == "0"
    assert (await up(books, "e", ("r1", "0.002"))).charge == "0"
    assert await totals(books) == (D("0.01175"), D("0.0109375"))
    assert (await report(books, "c", "answer", corrects="e", quantity="-1")).charge == "-0.0109375"
    await assert_sound(books)


@pytest.mark.parametrize("meter", ["cv", "peak", "gauge", "people", "capped", "unpriced", "bare"])
async def test_every_meter_can_be_trued_up(database: Database, meter: str) -> None:
    books = await open_books(database, CATALOG)
    before = await report(books, "e", meter, UNKNOWN, member="ann")
    await report(books, "f", meter, call("r2"), member="ann")
    await up(books, "e", ("r1", "0.02"))
    await up(books, "e", ("r1", "-0.015"))
    assert (await totals(books))[0] == D("0.01375")
    assert (await counts(books, meter))[1:] == (0, 0)
    if meter in ("cv", "peak", "gauge", "people"):
        assert await one(books, "select sum(charge) from events where event_id = 'e' or corrects = 'e'") == D(
            before.charge or 0
        )
    await assert_sound(books)


async def test_an_event_that_told_no_calls_gets_its_share(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer")
    assert await counts(books) == (0, 0, 1)
    done = await up(books, "e", (None, "0.04"), provider="openai", model="gpt-4o", project="p1")
    assert done.charge == "-0.45"
    assert await counts(books) == (0, 0, 0)
    [row] = await rows(books, "select * from provider_calls")
    assert (row["provider"], row["model"], row["project"], row["adjusts"]) == ("openai", "gpt-4o", "p1", None)
    assert (await up(books, "e", (row["call_id"], "-0.01"))).charge == "-0.0125"
    assert await totals(books) == (D("0.03"), D("0.0375"))
    await assert_sound(books)


async def test_what_cannot_be_trued_up_is_told(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r1"))
    await report(books, "c", "answer", corrects="e", quantity="-0.5")
    for event, change, code in (
        ("nothing", ("r1", "1"), "unknown_event"),
        ("c", ("r1", "1"), "unknown_call"),
        ("e", ("r9", "1"), "unknown_call"),
        ("e", (None, "1"), "missing_field"),
        ("e", ("r1", "-1"), "correction_exceeds_original"),
    ):
        result = await up(books, event, change)
        assert (result.status, result.error and result.error.code) == ("rejected", code), (event, change)
    assert await one(books, "select count(*) from quarantine") == 0
    assert await one(books, "select count(*) from events") == 2
    await assert_sound(books)


async def test_true_ups_are_paid_from_the_wallet_and_given_back(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "1")
    await report(books, "e", "answer", UNKNOWN)
    assert (await wallet(books))[0] == D("0.5")
    await up(books, "e", ("r1", "0.02"))
    assert (await wallet(books))[0] == D("0.975")
    await up(books, "e", ("r1", "0.2"))
    assert (await wallet(books))[0] == D("0.725")
    await assert_sound(books)


async def test_a_correction_brings_the_cost_of_a_call_by_its_id_or_its_model(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", UNKNOWN, call(model="gpt-99"))
    known = {"provider": "openai", "model": "gpt-99", "cost": "0.02"}
    assert (
        await report(books, "c1", "answer", known | {"response_id": "r1"}, corrects="e", quantity="0")
    ).charge == "0"
    assert await counts(books) == (0, 2, 2)  # The correction can't be costed either.
    assert (await report(books, "c2", "answer", known, corrects="e", quantity="0")).charge == "-0.45"
    assert await counts(books) == (0, 0, 0)
    assert await totals(books) == (D("0.04"), D("0.05"))
    adjusted = await rows(books, "select adjusts from provider_calls where adjusts is not null order by adjusts")
    assert [row["adjusts"] for row in adjusted] == ["e#1", "r1"]
    await assert_sound(books)


async def test_a_correction_may_bring_the_usage_that_was_missing_and_no_call_twice(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", {"provider": "openai", "model": "gpt-4o", "response_id": "r1"})
    assert (await report(books, "c1", "answer", call("r1"), corrects="e", quantity="0")).charge == "-0.4890625"
    # What is known already doesn't count again; a call that nobody has told is new.
    assert (await report(books, "c2", "answer", call("r1"), corrects="e", quantity="0")).charge == "0"
    assert (await report(books, "c3", "answer", call("r2"), corrects="e", quantity="0")).charge == "0.0109375"
    assert (await report(books, "f", "answer", call("r2"))).charge == "0"
    assert await totals(books) == (D("0.0175"), D("0.021875"))
    await assert_sound(books)


async def test_a_call_that_is_taken_back_takes_its_usage_along(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", call("r1"))
    back = {"provider": "openai", "model": "gpt-4o", "response_id": "r1", "cost": "-0.00875"}
    assert (await report(books, "c", "answer", back, corrects="e", quantity="-1")).charge == "-0.0109375"
    [row] = await rows(books, "select * from provider_calls where adjusts = 'r1'")
    assert row["quantities"] == {"input_tokens": "-1500", "output_tokens": "-500"}
    assert await totals(books) == (0, 0)
    await assert_sound(books)
