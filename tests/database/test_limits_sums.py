"""Whatever is recorded, counters that counted along equal those that are summed up anew, and both a plain sum."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.database.counting import HOUR, LIMITS, MINUTE, NOON, Use, keeper, utc

from tollkeeper.db import Database

D = Decimal

moments = st.integers(-40 * 60, 40 * 60).map(lambda minutes: minutes * MINUTE)
near = st.integers(-70, 5).map(lambda minutes: minutes * MINUTE)
amounts = st.integers(-30, 90).map(lambda n: D(n) / 8)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[timedelta, list[tuple[timedelta, Use]], bool]]:
    """Batches at growing times, each with usage before and after it; some that nobody counts, marked stale after."""
    found = []
    passed = timedelta()
    for _ in range(draw(st.integers(1, 5))):
        passed += draw(st.sampled_from([timedelta(0), MINUTE, 30 * MINUTE, timedelta(hours=7), timedelta(days=1)]))
        uses = [
            (
                draw(st.one_of(near, moments)),
                Use(
                    NOON,
                    draw(amounts),
                    draw(st.sampled_from(["tokens", "pages", "else"])),
                    draw(st.sampled_from([None, "ann", 'b"\\,{ob'])),
                    *draw(st.sampled_from([(None, None), (D("0.25"), "USD"), (D("-0.125"), "USD"), (D(1), "credit")])),
                ),
            )
            for _ in range(draw(st.integers(1, 6)))
        ]
        found.append((passed, uses, draw(st.booleans())))
    return found


@pytest.fixture
def runner(database_url: str) -> Iterator[tuple[asyncio.Runner, Database]]:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        runner.run(database.open())
        yield runner, database
        runner.run(database.close())


KEYS = itertools.count()


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    history=histories(),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    start=st.sampled_from(["2026-03-31T12:30", "2026-04-04T13:00", "2026-10-03T13:29:30"]),
)
def test_counting_along_equals_counting_anew(
    runner: tuple[asyncio.Runner, Database],
    history: list[tuple[timedelta, list[tuple[timedelta, Use]], bool]],
    zone: str,
    start: str,
) -> None:
    async def work() -> None:
        one = await keeper(runner[1], f"c{next(KEYS)}", zone)
        now = utc(start)
        everything: list[Use] = []
        for passed, uses, counted in history:
            now = utc(start) + passed
            batch = [replace(use, at=now + offset) for offset, use in uses]
            everything += batch
            await one.record(now, *batch, limits=LIMITS if counted else [])
            if not counted:
                await one.mark_stale()
        assert await one.miscounted(now) == []
        along = [await one.states(now, who) for who in ("ann", 'b"\\,{ob')]
        await one.mark_stale()
        anew = [await one.states(now, who) for who in ("ann", 'b"\\,{ob')]
        assert along == anew
        # And both equal a plain sum.
        for state in along[0]:
            limit, member = state.limit, state.member
            expected = sum(
                (use.quantity if limit.unit is None else use.charge or D(0))
                for use in everything
                if (not limit.meters or use.meter in limit.meters)
                and (limit.unit is None or limit.unit == use.unit)
                and (member is None or member == use.member)
                and state.window.start <= use.at
                and (use.at < state.window.end or limit.per is HOUR)
            )
            assert state.used == expected, limit.key

    runner[0].run(work())
