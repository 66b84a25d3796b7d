"""Time, through the gate: local midnights, month ends, leap days, both changes of daylight-saving time, odd zones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.database.gating import (
    CREDITS,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Clock,
    D,
    assert_idle,
    assert_sound,
    give,
    hold,
    ingest,
    one,
    open_books,
    put_catalog,
    refused,
    release,
    rows,
    settle,
    sweep_all,
    used,
    utc,
    wallet,
)

from tollkeeper.db import Database

pytestmark = pytest.mark.anyio

TICK = timedelta(microseconds=1)
CATALOG = (
    CREDITS
    + """
[meters.page]
unit = "page"
[prices.page]
model = "unit"
amount = "1"
[limits.day]
meter = "page"
per = "{per}"
cap = "10"
"""
)


@pytest.mark.parametrize(
    ("per", "zone", "inside", "boundary"),
    [
        ("day", "UTC", "2026-06-01 12:00", "2026-06-02 00:00"),
        ("day", "Asia/Kathmandu", "2026-06-01 12:00", "2026-06-01 18:15"),
        ("day", "Australia/Lord_Howe", "2026-06-01 12:00", "2026-06-01 13:30"),
        ("day", "Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00"),  # 23 hours
        ("day", "Europe/Berlin", "2026-10-24 23:30", "2026-10-25 23:00"),  # 25 hours
        ("day", "Australia/Lord_Howe", "2026-10-03 13:30", "2026-10-04 13:00"),  # 23.5 hours
        ("day", "Australia/Lord_Howe", "2026-04-04 14:00", "2026-04-05 13:30"),  # 24.5 hours
        ("day", "America/Sao_Paulo", "2018-11-03 12:00", "2018-11-04 03:00"),  # midnight doesn't exist
        ("week", "America/New_York", "2026-11-01 06:00", "2026-11-02 05:00"),
        ("month", "America/St_Johns", "2026-10-31 12:00", "2026-11-01 02:30"),
        ("month", "Asia/Kathmandu", "2028-02-29 12:00", "2028-02-29 18:15"),  # a leap day
        ("month", "Pacific/Apia", "2026-12-31 05:00", "2026-12-31 11:00"),
    ],
)
async def test_a_limit_begins_anew(database: Database, per: str, zone: str, inside: str, boundary: str) -> None:
    """At the boundary's very instant, not a microsecond before, and what it tells is that instant."""
    with Clock(utc(inside)) as clock:
        books = await open_books(database, CATALOG.format(per=per), timezone=zone)
        await ingest(books, used("e", "page", quantity="6"))
        await hold(books, "h", "page", quantity="4", expires_in=86_400)
        clock.at = utc(boundary) - TICK
        error = await refused(books, "no", "page", quantity="0.1")
        told = error.extra["reasons"][0]
        assert (told["used"], told["held"]) == ("6", "4")
        assert told["resets_at"].replace("Z", "+00:00") == utc(boundary).isoformat()
        assert told["window"]["end"] == told["resets_at"]
        assert error.extra["retry_after"] == 1
        clock.at = utc(boundary)
        await hold(books, "new", "page", quantity="10")
        assert (await refused(books, "no", "page", quantity="0.1")).code == "limit_exceeded"
        await release(books, "new")
        await assert_sound(books)


async def test_a_hold_across_midnight(database: Database) -> None:
    """It was allowed yesterday, and frees yesterday; what it comes to counts when it's used. Nothing stays held."""
    with Clock(utc("2026-06-01 23:50")) as clock:
        books = await open_books(database, CATALOG.format(per="day"))
        for id in ("settled", "released", "expired"):
            await hold(books, id, "page", quantity="3", expires_in=1200)
        clock.at = utc("2026-06-02 00:05")
        await settle(books, "settled", quantity="2")
        await release(books, "released")
        assert (await refused(books, "no", "page", quantity="8.1")).extra["used"] == "2"
        await hold(books, "fits", "page", quantity="8")
        clock.at = utc("2026-06-02 00:30")
        await sweep_all(books, clock.at)
        await assert_idle(books)
        held = await rows(books, "select window_start, used from limit_counters order by window_start")
        assert [(row["window_start"], row["used"]) for row in held] == [
            (utc("2026-06-01 00:00"), 0),
            (utc("2026-06-02 00:00"), 2),
        ]


async def test_usage_of_yesterday_counts_yesterday(database: Database) -> None:
    with Clock(utc("2026-06-02 00:05")) as clock:
        books = await open_books(database, CATALOG.format(per="day"))
        await ingest(books, used("late", "page", quantity="9", time=clock.at - 10 * MINUTE))
        await hold(books, "h", "page", quantity="10")
        await settle(books, "h", {"id": "e", "meter": "page", "quantity": D(9), "time": clock.at - HOUR})
        await hold(books, "h2", "page", quantity="10")
        await release(books, "h2")
        await assert_idle(books)


async def test_an_hour_rolls(database: Database) -> None:
    """Across a change of the clock: sixty minutes are sixty minutes, and the minute under way."""
    text = CATALOG.format(per="rolling_hour")
    with Clock(utc("2026-10-25 00:30")) as clock:
        books = await open_books(database, text, timezone="Europe/Berlin")
        await ingest(books, used("e", "page", quantity="10"))
        clock.at = utc("2026-10-25 01:30:59")
        assert (await refused(books, "no", "page", quantity="1")).extra["retry_after"] == 1
        clock.go(SECOND)
        await hold(books, "yes", "page", quantity="10")
        clock.go(14 * MINUTE)
        await settle(books, "yes")
        assert (await refused(books, "no", "page", quantity="1")).code == "limit_exceeded"
        clock.go(HOUR + MINUTE)
        await hold(books, "again", "page", quantity="10")
        await release(books, "again")
        await assert_idle(books)


@pytest.mark.parametrize(
    ("zone", "every", "anchor", "starts"),
    [
        ("UTC", "month", "2027-12-29 09:00", ["2028-01-29 00:00", "2028-02-29 00:00", "2028-03-29 00:00"]),
        ("UTC", "month", "2026-12-30 09:00", ["2027-01-30 00:00", "2027-02-28 00:00", "2027-03-30 00:00"]),
        ("UTC", "month", "2027-12-31 09:00", ["2028-01-31 00:00", "2028-02-29 00:00", "2028-03-31 00:00"]),
        ("UTC", "month", "2028-03-31 09:00", ["2028-04-30 00:00", "2028-05-31 00:00", "2028-06-30 00:00"]),
        ("UTC", "year", "2028-02-29 12:00", ["2029-02-28 00:00", "2030-02-28 00:00", "2031-02-28 00:00"]),
        ("UTC", "year", "2031-02-28 12:00", ["2032-02-28 00:00", "2033-02-28 00:00"]),
        ("Europe/Berlin", "day", "2026-03-27 12:00", ["2026-03-27 23:00", "2026-03-28 23:00", "2026-03-29 22:00"]),
        ("Europe/Berlin", "day", "2026-10-23 12:00", ["2026-10-23 22:00", "2026-10-24 22:00", "2026-10-25 23:00"]),
        ("Asia/Kathmandu", "week", "2026-06-01 12:00", ["2026-06-07 18:15", "2026-06-14 18:15"]),
        ("Australia/Lord_Howe", "day", "2026-10-02 15:00", ["2026-10-03 13:30", "2026-10-04 13:00"]),
        ("America/Sao_Paulo", "day", "2018-11-03 04:00", ["2018-11-04 03:00", "2018-11-05 02:00"]),
        ("Pacific/Apia", "day", "2011-12-28 12:00", ["2011-12-29 10:00", "2011-12-30 10:00", "2011-12-31 10:00"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("late", [False, True], ids=["on time", "all at once"])
async def test_a_grant_comes_again(
    database: Database, zone: str, every: str, anchor: str, starts: list[str], late: bool
) -> None:
    """At its boundaries, once each, whoever notices and when. What is left lapses at the same instant."""
    with Clock(utc(anchor)) as clock:
        books = await open_books(database, CREDITS, timezone=zone)
        await books.set_recurring_grant("acme", "free", {"unit": "credit", "amount": "5", "every": every})
        await hold(books, "first")
        await settle(books, "first")
        for number, start in enumerate([] if late else starts):
            clock.at = utc(start) - TICK
            await books.refresh("acme")
            assert await one(books, "select count(*) from grants") == number + 1, start
            clock.at = utc(start)
            await hold(books, f"h{number}")
            await settle(books, f"h{number}")
            assert await wallet(books, "credit") == (4, 0)
        clock.at = utc(starts[-1])
        await sweep_all(books, clock.at + TICK)
        found = await rows(books, "select effective_at, expires_at from grants order by effective_at")
        begun = [utc(anchor), *map(utc, starts)]
        assert [row["effective_at"] for row in found] == begun
        assert [row["expires_at"] for row in found[:-1]] == begun[1:]
        assert await wallet(books, "credit") == ((5, 0) if late else (4, 0))
        expired = await rows(
            books, "select at, amount from wallet_entries where kind = 'expired' order by at, entry_id"
        )
        assert [row["at"] - begun[1 + n] < MINUTE for n, row in enumerate(expired)] == [True] * len(starts)
        await assert_idle(books)


async def test_what_comes_again_pays_at_its_very_first_instant(database: Database) -> None:
    """A hold at the boundary finds the new grant, and not the rest of the old one."""
    with Clock(utc("2026-01-31 12:00")) as clock:
        books = await open_books(database, CREDITS)
        await books.set_recurring_grant("acme", "m", {"unit": "credit", "amount": "2", "every": "month"})
        await hold(books, "across", expires_in=86_400)
        await hold(books, "other", expires_in=60)
        assert (await refused(books, "third")).code == "insufficient_credits"
        for boundary in ("2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00"):
            clock.at = utc(boundary) - TICK
            await sweep_all(books, clock.at)
            clock.at = utc(boundary)
            await hold(books, f"{boundary} a")
            await hold(books, f"{boundary} b")
            assert (await refused(books, f"{boundary} c")).code == "insufficient_credits"
            await settle(books, f"{boundary} a")
            clock.go(HOUR)
            assert await wallet(books, "credit") == (1, 1)
            await sweep_all(books, clock.at)
        await assert_idle(books)


@pytest.mark.parametrize("between", ["nothing", "a limit", "a plan"])
async def test_nothing_is_lost_when_nobody_came_for_months(database: Database, between: str) -> None:
    """What goes over goes over, whatever else has changed meanwhile. Fails where only the present period is made."""
    with Clock(utc("2026-01-15 12:00")) as clock:
        books = await open_books(database, CREDITS + "[plans.other]\n")
        terms = {"unit": "credit", "amount": "2", "every": "month", "rollover": "all"}
        await books.set_recurring_grant("acme", "m", terms)
        clock.at = utc("2026-05-15 12:00")
        match between:
            case "a limit":
                limit = '[limits.own]\nmeter = "interview"\nper = "day"\ncap = "100"\n'
                await put_catalog(database, CREDITS + limit + "[plans.other]\n")
            case "a plan":
                await books.assign_plan("acme", "other")
        await books.refresh("acme")
        assert await wallet(books, "credit") == (10, 0)
        await assert_idle(books)


async def test_what_begins_later_and_ends(database: Database) -> None:
    """Scheduled grants count from their instant on, and are gone at their end's, to the microsecond."""
    with Clock(utc("2026-02-27 12:00")) as clock:
        books = await open_books(database, CREDITS, timezone="Asia/Kathmandu")
        begins, ends = utc("2026-02-28 18:15"), utc("2026-03-31 18:15")
        await give(books, "1", "credit", effective_at=begins, expires_at=ends)
        clock.at = begins - TICK
        assert (await refused(books, "h")).code == "insufficient_credits"
        clock.at = begins
        await hold(books, "h", expires_in=1)
        await release(books, "h")
        clock.at = ends - TICK
        await hold(books, "h2")
        clock.at = ends
        assert (await refused(books, "h3")).code == "insufficient_credits"
        clock.go(DAY)
        assert await sweep_all(books, clock.at) == 1
        assert await wallet(books, "credit") == (0, 0)
        await assert_idle(books)
