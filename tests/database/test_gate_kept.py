"""What a hold has reserved is there when it is settled, whatever expires, is voided or ends meanwhile."""

from __future__ import annotations

import pytest
from tests.database.gating import (
    CREDITS,
    DAY,
    HOUR,
    MINUTE,
    START,
    Clock,
    D,
    account,
    assert_idle,
    assert_sound,
    give,
    hold,
    ingest,
    open_books,
    paid_for,
    refused,
    release,
    settle,
    used,
    wallet,
)

from tollkeeper.db import Database

pytestmark = pytest.mark.anyio


async def test_what_is_kept_pays_whoever_began_in_time(database: Database) -> None:
    """B burns before A, which has ended: the second hold is paid by what was kept of A. Fails if that pays nobody."""
    with Clock() as clock:
        books = await open_books(database, CREDITS)
        await give(books, "1", "credit", expires_at=START + HOUR)  # A
        await give(books, "1", "credit", priority=10)  # B
        await hold(books, "one", expires_in=80_000)
        await hold(books, "two", expires_in=80_000)
        clock.go(2 * HOUR)
        assert (await refused(books, "late")).code == "insufficient_credits"
        await settle(books, "one")
        await settle(books, "two")
        assert (await paid_for(books, "one"), await paid_for(books, "two")) == (1, 1)
        assert await account(books, unit="credit") == 0
        await assert_idle(books)


async def test_a_hold_that_runs_out_leaves_nothing_of_an_expired_grant(database: Database) -> None:
    """Fails where value kept for a hold counts as available between the hold's end and its lapse."""
    with Clock() as clock:
        books = await open_books(database, CREDITS)
        await give(books, "1", "credit", expires_at=START + HOUR)
        await hold(books, "h", expires_in=2 * 3600)
        clock.go(3 * HOUR)
        error = await refused(books, "next")
        assert error.code == "insufficient_credits"
        assert await wallet(books, "credit") == (0, 0)
        await assert_idle(books)


async def test_usage_without_a_hold_takes_nothing_that_another_hold_needs(database: Database) -> None:
    """The first hold runs out in the very request that records other usage."""
    with Clock() as clock:
        books = await open_books(database, CREDITS)
        await give(books, "1", "credit", expires_at=START + HOUR)
        await give(books, "1", "credit")
        await hold(books, "first", expires_in=2 * 3600)
        await hold(books, "second", expires_in=20_000)
        clock.go(3 * HOUR)
        await ingest(books, used("e"))
        await settle(books, "second")
        assert await paid_for(books, "second") == 1
        await assert_idle(books)


async def test_several_grants_end_while_several_holds_are_open(database: Database) -> None:
    """What is free goes, the rest is kept: neither a later hold nor later usage gets any of it."""
    with Clock() as clock:
        books = await open_books(database, CREDITS)
        for n in range(1, 5):
            await give(books, "1", "credit", expires_at=START + n * HOUR, priority=90 - n)
        for n in range(4):
            await hold(books, f"h{n}", expires_in=80_000)
        await give(books, "2", "credit", priority=0)
        clock.go(5 * HOUR)
        assert (await refused(books, "late")).code == "insufficient_credits"
        assert await wallet(books, "credit") == (4, 4)
        await ingest(books, used("e"))
        assert await paid_for(books, "e") == 0
        for id in ("h2", "h0", "h3", "h1"):
            await settle(books, id)
            assert await paid_for(books, id) == 1, id
        await assert_idle(books)


async def test_the_voided_grant_stays_for_its_hold_and_goes_with_it(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CREDITS)
        grant = await give(books, "3", "credit")
        await hold(books, "kept")
        await hold(books, "freed")
        clock.go(MINUTE)
        voided = await books.void_grant("acme", grant.grant_id, refund=True)
        assert (voided.remaining, voided.voided) == (2, 1)
        assert (await refused(books, "next")).code == "insufficient_credits"
        await release(books, "freed")
        assert await wallet(books, "credit") == (1, 1)
        await settle(books, "kept")
        assert await paid_for(books, "kept") == 1
        assert await account(books, "cash", "credit") == 1
        await assert_idle(books)


async def test_estimates_stand_behind_open_holds_only(database: Database) -> None:
    """Fails where a hold that runs out with the request still claims the allowance."""
    tiered = (
        CREDITS
        + """
[meters.tokens]
unit = "token"
[prices.tokens]
model = "unit"
amount = "0.01"
included = "100"
[funding]
when_exhausted = "refuse"
"""
    )
    with Clock() as clock:
        books = await open_books(database, tiered)
        assert (await hold(books, "h1", "tokens", quantity="100")).hold.amount == 0
        assert (await refused(books, "h2", "tokens", quantity="100")).code == "insufficient_credits"
        clock.go(DAY)
        assert (await hold(books, "h3", "tokens", quantity="100")).hold.amount == 0
        await assert_sound(books)
        await settle(books, "h3", quantity="40")
        assert (await hold(books, "h4", "tokens", quantity="60")).hold.amount == D(0)
        await release(books, "h4")
        await assert_idle(books)
