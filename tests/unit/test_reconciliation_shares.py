"""Who gets which part of a cost: by hand, and for any figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.catalog import Attribution, AttributionRule, TokenClass
from tollkeeper.money import sum_of
from tollkeeper.reconciliation.compare import compare
from tollkeeper.reconciliation.days import after_read, asked_stretches, days_between, due_stretches
from tollkeeper.reconciliation.model import Comparison, Day, Member, Origin, Ours, Reason, Theirs, Unexplained
from tollkeeper.reconciliation.readers.model import UsageRow
from tollkeeper.reconciliation.reports import DAY, ReportKind, Stretch, rows_of
from tollkeeper.reconciliation.shares import by_class, meter_of, share_calls, share_gap, share_silent, split

D = Decimal


def member(id: str, reason: Reason, cost: str = "0", tokens: int = 0, billed: str = "1") -> Member:
    return Member("c", "acme", id, id, D(cost), D(tokens), D(billed), reason)


def beyond(money: str, requests: int | None, tokens: int = 1000) -> Comparison:
    """A grain of which we know nothing exactly."""
    return compare(Ours(), Theirs(requests, {"input_tokens": D(tokens)}, D(money)), currency="USD")


def targets(comparison: Comparison, *members: Member, **how: object) -> dict[str, str]:
    shared = share_calls(comparison, members, **how)  # type: ignore[arg-type]
    return {share.member.event_id: f"{share.target.normalize():f}" for share in shared.shares} | {
        "left": f"{shared.left.normalize():f}"
    }


def test_guesses_share_by_what_was_guessed() -> None:
    a, b = member("a", Reason.ESTIMATE, "0.01"), member("b", Reason.ESTIMATE, "0.03")
    assert targets(beyond("0.08", 2), a, b) == {"a": "0.02", "b": "0.06", "left": "0"}
    assert targets(beyond("0.08", None), a, b) == {"a": "0.02", "b": "0.06", "left": "0"}


def test_requests_that_nobody_guessed_are_left() -> None:
    a = member("a", Reason.ESTIMATE, "0.01")
    assert targets(beyond("0.09", 3), a) == {"a": "0.03", "left": "0.06"}


def test_guesses_keep_to_themselves_where_others_wait_and_requests_are_not_told() -> None:
    a = member("a", Reason.ESTIMATE, "0.01")
    assert targets(beyond("0.09", None), a, silent=True) == {"a": "0.01", "left": "0.08"}


def test_what_others_were_told_to_cost_is_not_shared_out() -> None:
    a = member("a", Reason.UNPRICED, tokens=1000)
    assert targets(beyond("0.09", 2), a, told=D("0.05")) == {"a": "0.04", "left": "0"}
    assert targets(beyond("0.09", 2), a, told=D("1")) == {"a": "0", "left": "0"}


def test_calls_without_a_price_share_by_tokens_or_requests() -> None:
    a, b = member("a", Reason.UNPRICED, tokens=100), member("b", Reason.UNPRICED, tokens=300)
    assert targets(beyond("0.08", 3, tokens=800), a, b) == {"a": "0.01", "b": "0.03", "left": "0.04"}
    c, d = member("c", Reason.UNPRICED, billed="1"), member("d", Reason.UNPRICED, billed="3")
    assert targets(beyond("0.08", 4), c, d) == {"c": "0.01", "d": "0.03", "left": "0.04"}
    assert targets(beyond("0.08", None), c, d) == {"c": "0.02", "d": "0.06", "left": "0"}


def test_a_grain_of_which_nothing_is_told_changes_nothing() -> None:
    nothing = compare(Ours(vague_cost=D(1), vague_requests=1), Theirs(quantities={}, money=D(0)), currency="USD")
    assert targets(nothing, member("a", Reason.ESTIMATE, "1")) == {"left": "0"}
    untold = compare(Ours(), Theirs(1, {"input_tokens": D(1)}, None), currency="USD")
    assert targets(untold, member("a", Reason.ESTIMATE, "1")) == {"left": "0"}


WEIGHTS = st.lists(st.decimals("0.000000000001", "1000", places=12), min_size=1, max_size=30)
MONEY = st.decimals("0", "1000", places=12)


@given(MONEY, WEIGHTS)
def test_events_share_a_cost_exactly(money: Decimal, weights: list[Decimal]) -> None:
    members = [replace(member(str(i), Reason.ATTRIBUTION), billed=each) for i, each in enumerate(weights)]
    assert sum_of(share.target for share in share_silent(money, members)) == money


@given(st.decimals("-1000", "1000", places=12), WEIGHTS)
def test_a_gap_is_given_exactly_and_nobody_falls_below_zero(gap: Decimal, costs: list[Decimal]) -> None:
    members = [replace(member(str(i), Reason.PRICE_GAP), cost=each) for i, each in enumerate(costs)]
    shares = share_gap(gap, members, [D(0)] * len(members))
    given_ = sum_of(share.change for share in shares)
    assert given_ == max(gap, -sum_of(costs)) if gap else given_ == 0
    assert all(share.target >= 0 for share in shares)
    again = [replace(share.member, cost=share.target) for share in shares]
    assert not any(share.change for share in share_gap(gap, again, [share.change for share in shares]))
    back = share_gap(D(0), again, [share.change for share in shares])
    assert [share.target for share in back] == costs


@given(MONEY, st.integers(0, 50), st.lists(st.integers(1, 10**6), max_size=9), WEIGHTS, st.booleans())
def test_no_more_is_shared_out_than_there_is(
    money: Decimal, requests: int, tokens: list[int], guesses: list[Decimal], silent: bool
) -> None:
    members = [member(f"u{i}", Reason.UNPRICED, tokens=each) for i, each in enumerate(tokens)]
    members += [member(f"g{i}", Reason.ESTIMATE, str(each)) for i, each in enumerate(guesses)]
    shared = share_calls(beyond(str(money), requests), members, silent=silent)
    given_ = sum_of(share.target for share in shared.shares)
    assert given_ + shared.left <= money
    assert min(given_, shared.left) >= 0
    if len(guesses) + len(tokens) == requests:
        assert money == given_ + shared.left


def test_the_most_specific_rule_counts() -> None:
    rules = [
        AttributionRule("all", "question", "openai"),
        AttributionRule("project", "cv", "openai", project="p1"),
        AttributionRule("model", "interview", "openai", project="p1", model="gpt-4o"),
        AttributionRule("other", "x", "anthropic", api_key="k"),
    ]
    attribution = Attribution({rule.name: rule for rule in rules})
    assert meter_of("openai", Origin("o3", "p2"), attribution) == "question"
    assert meter_of("openai", Origin("o3", "p1"), attribution) == "cv"
    assert meter_of("openai", Origin("gpt-4o-2024-08-06", "p1", "k"), attribution) == "interview"
    assert meter_of("anthropic", Origin("claude", None, "k"), attribution) == "x"
    assert meter_of("anthropic", Origin("claude"), attribution) is None


@pytest.mark.parametrize(
    ("tokens", "requests", "expected"),
    [
        (5001, 1, TokenClass.ABOVE_5000), (5000, 1, TokenClass.ABOVE_1000), (1001, 1, TokenClass.ABOVE_1000),
        (1000, 1, TokenClass.OTHERS), (12000, 3, TokenClass.ABOVE_1000), (6000, 0, TokenClass.ABOVE_5000),
    ],
)  # fmt: skip
def test_classes_go_by_tokens_for_a_request(tokens: int, requests: int, expected: TokenClass) -> None:
    assert Unexplained(D(tokens), requests).token_class is expected


def test_a_cost_is_split_by_the_tokens_of_each_class() -> None:
    found = [Unexplained(D(9000), 1), Unexplained(D(6000), 1), Unexplained(D(5000), 10)]
    weights = by_class(found)
    assert weights == {TokenClass.ABOVE_5000: D(15000), TokenClass.OTHERS: D(5000)}
    assert split(D("1"), [*weights.values()]) == [D("0.75"), D("0.25")]


# Days and what is read


NOW = datetime(2026, 3, 10, 0, 30, 15, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)


def test_hours_by_minute_days_by_day_costs_for_a_week() -> None:
    by_minute, by_day, costs = due_stretches(NOW)
    assert (by_minute.start, by_minute.end) == (
        MONDAY + timedelta(hours=22.5),
        MONDAY + timedelta(hours=24, minutes=31),
    )
    assert (by_day.start, by_day.end) == (MONDAY - timedelta(days=2), MONDAY + timedelta(days=2))
    assert (costs.kind, costs.start) == (ReportKind.COST, MONDAY - timedelta(days=6))


def test_a_range_takes_all_days_that_it_touches() -> None:
    assert days_between(MONDAY, MONDAY + DAY) == [MONDAY]
    assert days_between(MONDAY + timedelta(hours=23), NOW) == [MONDAY, MONDAY + DAY]
    tokyo = datetime.fromisoformat("2026-03-10T05:00:00+09:00")
    assert days_between(tokyo, tokyo + timedelta(hours=1)) == [MONDAY]
    assert [(one.start, one.end) for one in asked_stretches(MONDAY, NOW)] == [(MONDAY, MONDAY + 2 * DAY)] * 2


def test_a_day_is_closed_by_equal_reads_and_opened_by_growth() -> None:
    day = Day("openai", MONDAY, 0, 0, NOW, None, 0)
    early = after_read(day, changed=False, told=True, now=MONDAY + timedelta(hours=3), stable=1)
    assert (early.stable_reads, early.closed_at) == (0, None)
    for expected in (1, 2):
        day = after_read(day, changed=False, told=True, now=NOW, stable=3)
        assert (day.stable_reads, day.closed_at) == (expected, None)
    assert after_read(day, changed=False, told=False, now=NOW, stable=3).closed_at is None
    day = after_read(day, changed=False, told=True, now=NOW, stable=3)
    assert (day.closed_at, day.reads) == (NOW, 3)
    day = after_read(day, changed=True, told=True, now=NOW, stable=3)
    assert (day.closed_at, day.reopened, day.stable_reads) == (None, 1, 0)
    assert after_read(day, changed=True, told=True, now=NOW, stable=3, close=True).closed_at == NOW
    assert after_read(day, changed=True, told=False, now=MONDAY + 8 * DAY, stable=3).closed_at is not None


def test_what_lies_outside_of_what_was_asked_for_is_left_out() -> None:
    row = UsageRow("openai", MONDAY, MONDAY + DAY, "completions", "p", "k", "m", None, None, 1, {})
    stretch = Stretch(ReportKind.USAGE, MONDAY + DAY, MONDAY + 2 * DAY, DAY)
    assert rows_of([row], stretch) == {}
    assert len(rows_of([row], replace(stretch, start=MONDAY))) == 1
