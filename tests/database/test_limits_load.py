"""Counters on a real database: begun from the rollups, gone on with, held, swept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.database.counting import LIMITS, MINUTE, NOON, TOKENS, Use, keeper, utc

from tollkeeper.catalog import LimitBy
from tollkeeper.clock import EPOCH
from tollkeeper.db import Database, list_facts
from tollkeeper.limits import Claim, forget_old, load_counters, looks_of, write_counters

pytestmark = pytest.mark.anyio

D = Decimal

# Beginning and going on


async def test_a_new_limit_begins_with_what_was_used_before(database: Database) -> None:
    acme = await keeper(database)
    await acme.record(NOON, Use(NOON, D(30)), Use(NOON - timedelta(days=1), D(9)), limits=[])
    assert await acme.rows() == []
    found = await acme.record(NOON, Use(NOON, D(5)), limits=[TOKENS])
    assert found.state(acme.draws(Use(NOON, D(0)), [TOKENS])[0]).used == 35
    assert await acme.rows() == [(utc("2026-03-10T00:00"), D(35), D(0), False)]
    assert await acme.used(NOON, TOKENS) == 35
    assert await acme.miscounted(NOON) == []


async def test_what_is_stale_is_counted_anew_and_keeps_what_is_held(database: Database) -> None:
    acme = await keeper(database)
    hourly = LIMITS[1]
    [day, hour] = acme.draws(Use(NOON, D(3)), [TOKENS, hourly])
    await acme.record(NOON, Use(NOON, D(10)), limits=[TOKENS, hourly])
    async with database.transaction() as tx:
        counters = await load_counters(tx, [day, hour], [], NOON)
        claims = [counters.hold(day), counters.hold(hour)]
        await write_counters(tx, counters)
    await acme.record(NOON, Use(NOON, D(7)), Use(NOON - MINUTE, D(1)), limits=[])  # nobody counts
    assert await acme.miscounted(NOON) == ["hourly", "tokens"]
    await acme.mark_stale()
    assert await acme.miscounted(NOON) == []
    for state in await acme.states(NOON, limits=[TOKENS, hourly]):
        assert (state.used, state.held, state.remaining) == (18, 3, 79)
    await acme.record(NOON, Use(NOON, D(2)), limits=[TOKENS, hourly])
    async with database.transaction() as tx:
        counters = await load_counters(tx, [], [claim for claim in claims if claim], NOON)
        for claim in claims:
            assert claim is not None
            counters.release(claim)
        await write_counters(tx, counters)
    for state in await acme.states(NOON, limits=[TOKENS, hourly]):
        assert (state.used, state.held) == (20, 0)
    assert not any(stale for *_, stale in await acme.rows())  # or it would be summed up every time
    assert await acme.miscounted(NOON) == []


async def test_looking_writes_nothing(database: Database) -> None:
    acme = await keeper(database)
    await acme.record(NOON, Use(NOON, D(30)), limits=[])
    assert await acme.used(NOON, TOKENS) == 30
    assert await acme.rows() == []


async def test_counters_are_counted_up_once_and_then_only_read(database: Database) -> None:
    """Otherwise every transaction would sum up a month."""
    acme = await keeper(database)
    await acme.record(NOON, Use(NOON, D(30), member="ann", charge=D(1), unit="USD"))
    async with database.transaction() as tx:
        await tx.execute(b"set local role none")
        await tx.execute(b"delete from usage_days")
        await tx.execute(b"delete from events")
        counters = await load_counters(tx, acme.draws(Use(NOON, D(1), member="ann", unit="USD"), LIMITS), [], NOON)
        looks = looks_of(acme.customer_id, acme.customer.zone, LIMITS, member="ann", at=NOON)
        used = {
            look.limit.key: counters.state(look).used
            for look in looks
            if look.limit.unit != "credit" and look.limit.enabled
        }
    assert used == {"tokens": 30, "hourly": 30, "group": 30, "mine": 30, "my_hour": 1, "spend": 1}


async def test_members_and_customers_are_counted_apart(database: Database) -> None:
    acme, other = await keeper(database), await keeper(database, "other")
    await acme.record(NOON, Use(NOON, D(3), member="ann"), Use(NOON, D(4), member="bob"), Use(NOON, D(5)))
    await other.record(NOON, Use(NOON, D(100), member="ann"))
    mine = LIMITS[3]
    for _ in range(2):
        assert [await acme.used(NOON, mine, who) for who in ("ann", "bob", "cid")] == [3, 4, 0]
        assert await acme.used(NOON, TOKENS) == 12
        await acme.mark_stale()
    assert [state.limit.key for state in await acme.states(NOON)] == [
        one.key for one in LIMITS if one.by is LimitBy.CUSTOMER
    ]


@pytest.mark.parametrize("timezone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"])
async def test_a_day_ends_at_the_customers_midnight(database: Database, timezone: str) -> None:
    acme = await keeper(database, timezone=timezone)
    [look] = looks_of(acme.customer_id, acme.customer.zone, [TOKENS], member=None, at=NOON)
    async with database.transaction() as tx:
        end = (await load_counters(tx, [look], [], NOON)).state(look).window.end
    await acme.record(end - MINUTE, Use(end - MINUTE, D(90)))
    await acme.record(end, Use(end - MINUTE, D(5)), Use(end, D(7)))
    for _ in range(2):
        assert await acme.used(end, TOKENS) == 7
        assert await acme.miscounted(end) == []
        await acme.mark_stale()


async def test_a_rolling_hour_forgets_minute_by_minute(database: Database) -> None:
    acme = await keeper(database)
    hourly = LIMITS[1]
    await acme.record(NOON, Use(NOON - 60 * MINUTE, D(1)), Use(NOON - 61 * MINUTE, D(1000)), limits=[])
    await acme.record(NOON, Use(NOON, D(2)), Use(NOON + 4 * MINUTE, D(4)))
    expected = {0: 7, 1: 6, 60: 6, 61: 4, 64: 4, 65: 0}
    assert {later: await acme.used(NOON + later * MINUTE, hourly) for later in expected} == expected
    await acme.mark_stale()
    assert {later: await acme.used(NOON + later * MINUTE, hourly) for later in expected} == expected


async def test_a_claim_survives_midnight_and_the_sweep(database: Database) -> None:
    acme = await keeper(database)
    before = utc("2026-03-10T23:59")
    [draw] = acme.draws(Use(before, D(100)), [TOKENS])
    async with database.transaction() as tx:
        counters = await load_counters(tx, [draw], [], before)
        claim = counters.hold(draw)
        await write_counters(tx, counters)
    assert isinstance(claim, Claim)
    later = before + timedelta(days=50)
    async with database.transaction() as tx:
        assert await forget_old(tx, later, limit=10) == 0
    [now] = acme.draws(Use(later, D(100)), [TOKENS])
    async with database.transaction() as tx:
        counters = await load_counters(tx, [now], [claim], later)
        assert counters.exceeded(now) is None
        counters.release(claim)
        await write_counters(tx, counters)
    assert [row[:3] for row in await acme.rows()] == [
        (utc("2026-03-10T00:00"), 0, 0),
        (utc("2026-04-29T00:00"), 0, 0),
    ]
    async with database.transaction() as tx:
        assert await forget_old(tx, later, limit=10) == 1
    assert [row[0] for row in await acme.rows()] == [utc("2026-04-29T00:00")]


async def test_minutes_are_swept_sooner_than_months_and_their_hour_goes_on(database: Database) -> None:
    acme = await keeper(database)
    limits = [LIMITS[1], LIMITS[5]]
    use = Use(NOON, D(1), charge=D(1), unit="USD")
    await acme.record(NOON, use, replace(use, at=NOON - MINUTE), limits=limits)
    async with database.transaction() as tx:
        assert await forget_old(tx, NOON + timedelta(hours=1), limit=10) == 0
        assert await forget_old(tx, NOON + timedelta(hours=3), limit=1) == 1
        assert await forget_old(tx, NOON + timedelta(hours=3), limit=9) == 1
    assert [row[0] for row in await acme.rows()] == [EPOCH, utc("2026-03-01T00:00")]
    assert await acme.used(NOON + timedelta(hours=3), limits[0]) == 0


async def test_a_threshold_is_told_once_in_its_period(database: Database) -> None:
    acme = await keeper(database)
    for amount in (80, -10, 10, 20, -50, 50):
        await acme.record(NOON, Use(NOON, D(amount)), limits=[TOKENS])
    tomorrow = NOON + timedelta(days=1)
    await acme.record(tomorrow, Use(tomorrow, D(85)), limits=[TOKENS])
    async with database.transaction() as tx:
        facts = await list_facts(tx, acme.customer.customer_id, limit=10)
    assert [(fact.body["percent"], fact.body["window"]["start"][:10]) for fact in facts] == [
        ("80", "2026-03-11"),
        ("100", "2026-03-10"),
        ("80", "2026-03-10"),
    ]
