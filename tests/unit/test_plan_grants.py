"""What plans give again and again, while customers change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.purses import CUSTOMER, changes_at, day, new_purse

from tollkeeper.catalog import Catalog, Plan, RecurringGrant
from tollkeeper.clock import Period
from tollkeeper.customers import Agreement, Customer, PlanChange
from tollkeeper.gate.plan_grants import plan_grants
from tollkeeper.money import ZERO, sum_of
from tollkeeper.wallets import Grant, advance

Plans = dict[str, list[tuple[str, Period, str | None]]]
"""Amount, period and rollover of each plan's grants."""
Moves = Sequence[tuple[float, str | None]]
"""The day, and the plan from then on."""

MONTH, DAY = Period.MONTH, Period.DAY
THREE: Plans = {"small": [("10", MONTH, "0")], "middle": [("20", MONTH, "0")], "large": [("30", MONTH, "0")]}


def catalog_of(plans: Plans) -> Catalog:
    def rule(name: int, amount: str, every: Period, rolled: str | None) -> RecurringGrant:
        most = None if rolled is None else Decimal(rolled)
        return RecurringGrant(f"g{name}", "USD", Decimal(amount), every, most_rolled=most)

    made = {
        key: Plan(key, key, grants={f"g{n}": rule(n, *terms) for n, terms in enumerate(grants)})
        for key, grants in plans.items()
    }
    return Catalog(1, "USD", plans=made)


def customer(timezone: str = "UTC") -> Customer:
    return Customer(UUID(CUSTOMER), "acme", "Acme", "USD", timezone, {}, day(0), day(0), None)


def granted(plans: Plans, moves: Moves, until: float, timezone: str = "UTC") -> list[Grant]:
    """All that was granted until then, as if somebody had asked at each change, and each day."""
    catalog, who, purse = catalog_of(plans), customer(timezone), new_purse()
    grants: dict[UUID, Grant] = {}
    for at in sorted({*(float(n) for n in range(int(until) + 1)), *(at for at, _ in moves), until}):
        made = [PlanChange(day(start), plan) for start, plan in moves if start <= at]
        since = day(at) if any(start == at for start, _ in moves) else None
        recurrences = [replace(one, since=since) for one in plan_grants(catalog, who, Agreement(tuple(made)))]
        changes = changes_at(day(at))
        advance(purse, recurrences, changes)
        grants |= {grant.grant_id: grant for grant in purse.grants}
    return sorted(grants.values(), key=lambda grant: grant.effective_at)


def told(grants: Sequence[Grant]) -> list[tuple[str, str, datetime, datetime | None]]:
    return [(grant.created_by, str(grant.amount), grant.effective_at, grant.expires_at) for grant in grants]


def test_upwards_gives_the_difference_until_the_period_is_over() -> None:
    moves = [(0, "small"), (10, "middle"), (10.5, "large"), (20, "middle"), (21, "large")]
    february, march = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    assert told(granted(THREE, moves, 40)) == [
        ("plan small", "10", day(0), february),
        ("plan middle", "10", day(10), february),
        ("plan large", "10", day(10.5), february),
        ("plan large", "30", february, march),
    ]


def test_downwards_gives_less_from_the_next_period_on() -> None:
    found = told(granted(THREE, [(14, "large"), (31, "small")], 60))
    assert [(plan, amount, start) for plan, amount, start, _ in found] == [
        ("plan large", "30", day(14)),
        ("plan small", "10", day(45)),
    ]


def test_a_period_that_is_over_is_followed_by_one_of_its_own() -> None:
    found = told(granted(THREE, [(0, "small"), (3, None), (50, "middle")], 60))
    assert [(plan, amount, start) for plan, amount, start, _ in found] == [
        ("plan small", "10", day(0)),
        ("plan middle", "20", day(50)),
    ]


def test_days_and_months_are_apart_and_grants_of_one_length_together() -> None:
    plans: Plans = {
        "a": [("5", MONTH, "0"), ("1", DAY, "0")],
        "b": [("4", MONTH, "0"), ("3", MONTH, None), ("1", DAY, "0")],
    }
    found = [(plan, amount, start) for plan, amount, start, _ in told(granted(plans, [(0, "a"), (0.5, "b")], 1.5))]
    assert sorted(found, key=lambda each: each[2]) == [
        ("plan a", "1", day(0)),
        ("plan a", "5", day(0)),
        ("plan b", "2", day(0.5)),
        ("plan b", "1", day(1)),
    ]


amounts = st.integers(1, 9).map(str)
a_plan = st.tuples(amounts, st.just(MONTH), st.sampled_from(["0", None]))
several = st.dictionaries(st.sampled_from("abcd"), a_plan.map(lambda one: [one]), min_size=1)


@given(
    several,
    st.lists(st.tuples(st.integers(0, 24 * 100), st.sampled_from("abcd")), min_size=1, max_size=12),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
)
@settings(max_examples=60)
def test_to_and_fro_never_gives_more_than_the_best_plan_would_have(
    plans: Plans, hours: list[tuple[int, str]], timezone: str
) -> None:
    """At every instant: no sequence of plans has given more by then than the one that gives most, held all the time."""
    moves = [(hour / 24, plan) for hour, plan in sorted(dict(hours).items()) if plan in plans]
    if not moves:
        return
    first = moves[0][0]
    best = max({plan for _, plan in moves}, key=lambda plan: Decimal(plans[plan][0][0]))
    mixed = granted(plans, moves, 110, timezone)
    alone = granted(plans, [(first, best)], 110, timezone)
    for grant in mixed:
        at = grant.effective_at
        assert so_far(mixed, at) <= so_far(alone, at)
    rest = timedelta(days=31)
    assert all(grant.expires_at is None or grant.expires_at - grant.effective_at <= rest for grant in mixed)


def so_far(grants: Sequence[Grant], at: datetime) -> Decimal:
    """What was given by then, without what only went over from one period to the next."""
    return sum_of(grant.amount - grant.rolled_in for grant in grants if grant.effective_at <= at) or ZERO
