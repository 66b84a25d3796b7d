"""Counting against limits, decided on values in memory."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tollkeeper.catalog import Limit, LimitBy, LimitMode, LimitPeriod
from tollkeeper.clock import EPOCH, zone
from tollkeeper.limits import Claim, Counters, Draw, claims_of, counter_id_of, draws_of, fact_of
from tollkeeper.limits.counters import Tally, head_key
from tollkeeper.limits.model import Counter
from tollkeeper.limits.windows import oldest_minute

D = Decimal
ACME = "00000000-0000-0000-0000-000000000001"
NOW = datetime(2026, 3, 10, 12, 30, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOKENS = Limit("tokens", LimitPeriod.DAY, D(100), meters=("tokens",))
HOURLY = replace(TOKENS, key="hourly", per=LimitPeriod.ROLLING_HOUR)
SPEND = Limit("spend", LimitPeriod.MONTH, D(50), unit="USD")


def draws(*limits: Limit, member: str | None = None, at: datetime = NOW, **used: Any) -> list[Draw]:
    asked: dict[str, Any] = {"meter": "tokens", "unit": "USD", "quantity": D(1), "charge": D(0)} | used
    return draws_of(ACME, zone("UTC"), limits, member=member, at=at, **asked)


def draw(limit: Limit, amount: int | str, **more: Any) -> Draw:
    [found] = draws(limit, **({"quantity": D(amount)} if limit.unit is None else {"charge": D(amount)}), **more)
    return found


def counters(*limits: Limit, used: int | str = 0, held: int = 0, now: datetime = NOW, **more: Any) -> Counters:
    tallies = {}
    for limit in limits:
        key = head_key(draw(limit, 0, at=now, **more))
        head = Counter(*key, used=D(0), held=D(held), stale=False)
        row = head
        if limit.per is LimitPeriod.ROLLING_HOUR:
            row = Counter(*key[:3], now.replace(second=0), D(0), D(0), stale=False)
        row.used = D(used)
        tallies[key] = Tally(head, {row.window_start: row}, D(used))
    rows = [row for tally in tallies.values() for row in (tally.head, *tally.rows.values())]
    return Counters(now, rows, tallies.values())


# What an operation draws


def test_limits_that_count_the_same_share_a_counter() -> None:
    same = replace(TOKENS, key="other", cap=D(5), mode=LimitMode.SOFT, enabled=False, warn_at=(), group="g")
    assert counter_id_of(same) == counter_id_of(TOKENS)
    others = [
        replace(TOKENS, per=LimitPeriod.WEEK),
        replace(TOKENS, by=LimitBy.MEMBER),
        replace(TOKENS, meters=("pages", "tokens")),
        replace(TOKENS, unit="USD"),
        replace(TOKENS, unit="EUR"),
    ]
    assert len({counter_id_of(limit) for limit in [TOKENS, *others]}) == 6


def test_quantity_limits_count_their_meters_and_spend_limits_their_unit() -> None:
    of_pages = replace(SPEND, key="pages", meters=("pages",))
    limits = (TOKENS, SPEND, of_pages, replace(SPEND, key="eur", unit="EUR"))

    def named(**used: Any) -> dict[str, Decimal]:
        return {one.limit.key: one.amount for one in draws(*limits, **used)}

    assert named(meter="tokens", quantity=D(7), charge=D("0.5")) == {"tokens": 7, "spend": D("0.5")}
    assert named(meter="pages", quantity=D(7), charge=D("0.5")) == {"spend": D("0.5"), "pages": D("0.5")}
    assert named(meter="tokens", unit=None, charge=None) == {"tokens": 1}
    assert named(meter="pages", charge=None) == {"spend": 0, "pages": 0}


def test_limits_by_member_need_one() -> None:
    by_member = replace(TOKENS, by=LimitBy.MEMBER)
    assert draws(by_member) == []
    assert [one.member for one in draws(by_member, TOKENS, member="ann")] == ["ann", ""]


# Refusing and warning


@pytest.mark.parametrize(("amount", "refused"), [("40", False), ("40.000000000001", True), ("0", False), ("-5", False)])
def test_what_is_used_held_and_asked_for_must_fit(amount: str, refused: bool) -> None:
    found = counters(TOKENS, used=50, held=10).exceeded(draw(TOKENS, amount))
    assert (found is not None) is refused


def test_a_refusal_says_everything_that_a_product_needs() -> None:
    found = counters(TOKENS, used=90, held=5).exceeded(draw(TOKENS, 6))
    assert found is not None
    assert (found.limit, found.member, found.per, found.mode) == ("tokens", None, LimitPeriod.DAY, LimitMode.HARD)
    assert (found.used, found.held, found.cap, found.needed) == (90, 5, 100, 6)
    assert found.window.start == datetime(2026, 3, 10, tzinfo=UTC)
    assert found.resets_at == found.window.end == datetime(2026, 3, 11, tzinfo=UTC)


def test_what_is_more_than_the_cap_never_fits() -> None:
    for limit in (TOKENS, HOURLY):
        found = counters(limit).exceeded(draw(limit, 101))
        assert found is not None
        assert found.resets_at is None


def test_nothing_taken_is_never_refused_even_above_the_cap() -> None:
    assert counters(TOKENS, used=500).exceeded(draw(TOKENS, 0)) is None


def test_soft_limits_warn_and_those_switched_off_do_nothing() -> None:
    soft, off = replace(TOKENS, mode=LimitMode.SOFT), replace(TOKENS, enabled=False)
    full = counters(TOKENS, used=100)
    assert full.exceeded(draw(soft, 1)) is None
    over = full.over(draw(soft, 1))
    assert over is not None
    assert over.mode is LimitMode.SOFT
    assert full.over(draw(TOKENS, 1)) is None
    assert full.exceeded(draw(off, 1)) is None
    assert full.over(draw(replace(off, mode=LimitMode.SOFT), 1)) is None


def test_members_have_caps_of_their_own() -> None:
    limit = replace(TOKENS, by=LimitBy.MEMBER, member_caps={"ann": D(10)})
    ann, bob = counters(limit, used=9, member="ann"), counters(limit, used=9, member="bob")
    refused = ann.exceeded(draw(limit, 2, member="ann"))
    assert refused is not None
    assert (refused.member, refused.cap) == ("ann", 10)
    assert bob.exceeded(draw(limit, 2, member="bob")) is None
    assert ann.state(draw(limit, 0, member="ann")).remaining == 1
    assert bob.state(draw(limit, 0, member="bob")).remaining == 91


# Using


def test_usage_counts_up_and_corrections_down() -> None:
    found = counters(TOKENS, SPEND)
    for amount in ("0.1", "0.2", "-0.1", "1000000000000.000000000001"):
        found.use(draw(TOKENS, amount))
    assert found.state(draw(TOKENS, 0)).used == D("1000000000000.200000000001")
    assert found.state(draw(TOKENS, 0)).remaining == 0
    assert found.state(draw(SPEND, 0)).used == 0
    assert len(found.changed) == 1


def test_usage_in_a_window_that_is_over_counts_nowhere() -> None:
    found = counters(TOKENS, HOURLY)
    found.use(draw(TOKENS, 5, at=NOW - timedelta(days=1)))
    found.use(draw(HOURLY, 5, at=NOW.replace(second=0) - 60 * MINUTE - timedelta(microseconds=1)))
    assert found.changed == []
    found.use(draw(HOURLY, 5, at=NOW.replace(second=0) - 60 * MINUTE))
    assert found.state(draw(HOURLY, 0)).used == 5


def test_two_limits_on_one_counter_count_an_operation_once() -> None:
    soft = replace(TOKENS, key="soft", cap=D(20), mode=LimitMode.SOFT)
    found = counters(TOKENS)
    for one in draws(soft, TOKENS, quantity=D(30)):
        found.hold(one)
    assert found.state(draw(TOKENS, 0)).held == 30
    for one in draws(soft, TOKENS, quantity=D(30)):
        found.use(one)
    assert found.state(draw(TOKENS, 0)).used == 30
    assert [(one.limit.key, one.percent) for one in found.crossings()] == [("soft", 80), ("soft", 100)]


# Holding


def test_a_hold_counts_until_it_is_released() -> None:
    found = counters(TOKENS, used=50)
    claim = found.hold(draw(TOKENS, 50))
    assert claim is not None
    assert found.exceeded(draw(TOKENS, 1)) is not None
    assert found.state(draw(TOKENS, 0)).remaining == 0
    found.release(claim)
    assert found.exceeded(draw(TOKENS, 50)) is None
    assert found.hold(draw(TOKENS, 0)) is None
    assert found.hold(draw(TOKENS, -1)) is None


def test_claims_come_back_from_json() -> None:
    found = counters(TOKENS)
    claim = found.hold(draw(TOKENS, "0.000000000001"))
    assert claim is not None
    stored = json.loads(msgspec.json.encode([claim.stored()]))
    assert "customer_id" not in stored[0]
    assert claims_of(ACME, stored) == [claim]


def test_a_claim_from_before_midnight_is_released_there() -> None:
    before = counters(TOKENS, now=datetime(2026, 3, 10, 23, 59, tzinfo=UTC))
    claim = before.hold(draw(TOKENS, 100, at=before.now))
    assert claim is not None
    [yesterday] = before.changed
    now = datetime(2026, 3, 11, 0, 1, tzinfo=UTC)
    today = Counter(*head_key(draw(TOKENS, 0, at=now)), used=D(0), held=D(0), stale=False)
    after = Counters(now, [yesterday, today], [Tally(today, {today.window_start: today})])
    assert after.exceeded(draw(TOKENS, 100, at=now)) is None  # yesterday's holds take nothing from today
    after.release(claim)
    after.use(draw(TOKENS, 60, at=now))
    assert (yesterday.used, yesterday.held) == (0, 0)
    assert (today.used, today.held) == (60, 0)


# The rolling hour


def hour(*used: tuple[int, int], held: int = 0) -> Counters:
    """A rolling hour with (minutes ago, amount) used."""
    key = head_key(draw(HOURLY, 0))
    assert key[3] == EPOCH
    head = Counter(*key, used=D(0), held=D(held), stale=False)
    minutes = [NOW.replace(second=0) - ago * MINUTE for ago, _ in used]
    rows = {
        at: Counter(*key[:3], at, D(amount), D(0), stale=False) for at, (_, amount) in zip(minutes, used, strict=True)
    }
    return Counters(NOW, [head, *rows.values()], [Tally(head, rows)])


def test_a_rolling_hour_fits_again_when_enough_minutes_have_fallen_out() -> None:
    def resets_in(found: Counters, amount: int) -> timedelta | None:
        refused = found.exceeded(draw(HOURLY, amount))
        assert refused is not None
        assert refused.window.end - refused.window.start == 61 * MINUTE
        return None if refused.resets_at is None else refused.resets_at - NOW.replace(second=0)

    found = hour((60, 30), (10, 30), (0, 30))
    assert found.exceeded(draw(HOURLY, 10)) is None
    assert resets_in(found, 11) == MINUTE
    assert resets_in(found, 40) == MINUTE
    assert resets_in(found, 41) == 51 * MINUTE
    assert resets_in(found, 100) == 61 * MINUTE
    assert resets_in(found, 101) is None
    # Half of it is held, and doesn't fall out.
    assert resets_in(hour((10, 30), held=50), 40) == 51 * MINUTE
    assert resets_in(hour((10, 30), held=50), 60) == 61 * MINUTE


def test_a_rolling_hour_holds_in_one_place_whatever_the_minute() -> None:
    found = hour((5, 10))
    first, second = found.hold(draw(HOURLY, 10, at=NOW - 3 * MINUTE)), found.hold(draw(HOURLY, 20))
    assert first is not None
    assert second is not None
    assert first.window_start == second.window_start == EPOCH
    assert found.state(draw(HOURLY, 0)).held == 30
    found.release(first)
    assert found.state(draw(HOURLY, 0)).held == 20
    found.use(draw(HOURLY, 7))
    assert found.state(draw(HOURLY, 0)).used == 17
    assert {row.window_start for row in found.changed} == {EPOCH, NOW.replace(second=0)}


@pytest.mark.parametrize("seed", range(10))
def test_no_sixty_minutes_ever_hold_more_than_the_cap(seed: int) -> None:
    """Whenever somebody asks, at any instant or just when a refusal said; held first, or used at once."""
    chance = random.Random(seed)
    head = Counter(*head_key(draw(HOURLY, 0)), used=D(0), held=D(0), stale=False)
    now, rows, admitted = NOW, dict[datetime, Counter](), list[tuple[datetime, Decimal]]()
    held: list[tuple[Claim, Decimal]] = []
    for _ in range(500):
        now += timedelta(microseconds=chance.randrange(360_000_000))
        counted = {start: row for start, row in rows.items() if start >= oldest_minute(now)}
        found = Counters(now, [head, *counted.values()], [Tally(head, counted)])
        if held and chance.random() < 0.5:
            claim, amount = held.pop()
            found.release(claim)
            found.use(draw(HOURLY, str(amount), at=now))
            admitted.append((now, amount))
        one = draw(HOURLY, chance.randrange(1, 40), at=now)
        refused = found.exceeded(one)
        if refused is not None:
            if refused.resets_at is not None and chance.random() < 0.5:
                now = refused.resets_at
        elif chance.random() < 0.3 and (claim := found.hold(one)):
            held.append((claim, one.amount))
        else:
            found.use(one)
            admitted.append((now, one.amount))
        rows |= counted
    spans = [sum(amount for at, amount in admitted if first <= at <= first + 60 * MINUTE) for first, _ in admitted]
    assert 90 < max(spans) <= HOURLY.cap


# Thresholds


def reached(found: Counters) -> list[Decimal]:
    return [crossing.percent for crossing in found.crossings()]


def test_thresholds_are_reached_upwards_and_once() -> None:
    found = counters(TOKENS, used="79.9")
    assert reached(found) == []
    found.use(draw(TOKENS, "0.1"))
    assert reached(found) == [80]
    found.use(draw(TOKENS, 20))
    assert reached(found) == [80, 100]
    found.use(draw(TOKENS, -1))
    assert reached(found) == [80]
    assert reached(counters(TOKENS, used=85)) == []
    again = counters(TOKENS, used=85)
    again.use(draw(TOKENS, 1))
    assert reached(again) == []


def test_what_is_held_reaches_no_threshold_and_neither_does_a_limit_that_is_off() -> None:
    off = replace(TOKENS, enabled=False)
    found = counters(TOKENS)
    found.hold(draw(TOKENS, 100))
    found.use(draw(off, 100))
    assert found.state(draw(off, 0)).used == 100  # it goes on counting
    assert reached(found) == []


def test_where_nothing_is_allowed_the_first_use_reaches_every_threshold() -> None:
    none = replace(TOKENS, cap=D(0))
    found = counters(none)
    found.use(draw(none, 1))
    assert reached(found) == [80, 100]


@pytest.mark.parametrize(
    ("used", "cap", "percent"), [(0, 7, "0"), (2, 3, "66.66"), (99_999, 100_000, "99.99"), (9, 6, "150")]
)
def test_what_is_used_in_percent_is_never_rounded_up(used: int, cap: int, percent: str) -> None:
    limit = replace(TOKENS, cap=D(cap))
    assert counters(limit, used=used).state(draw(limit, 0)).percent == D(percent)


def test_of_nothing_there_is_no_percentage() -> None:
    limit = replace(TOKENS, cap=D(0))
    assert counters(limit, used=3).state(draw(limit, 0)).percent is None


def test_a_fact_has_one_key_for_each_limit_member_period_and_threshold() -> None:
    limit = replace(TOKENS, by=LimitBy.MEMBER)
    found = counters(limit, member="ann")
    found.use(draw(limit, 80, member="ann"))
    fact = fact_of(*found.crossings())
    assert (fact.customer_id, fact.topic) == (ACME, "limit_threshold")
    assert fact.key == "limit:tokens:ann:2026-03-10T00:00:00Z:80"
    assert fact.body == {
        "limit": "tokens",
        "name": "Tokens",
        "member": "ann",
        "per": "day",
        "mode": "hard",
        "unit": None,
        "percent": "80",
        "used": "80",
        "cap": "100",
        "window": {"start": "2026-03-10T00:00:00Z", "end": "2026-03-11T00:00:00Z"},
    }
    rolling = hour((3, 79))
    rolling.use(draw(HOURLY, 10))
    assert fact_of(rolling.crossings()[0]).key == "limit:hourly::2026-03-10T12:00:00Z:80"
