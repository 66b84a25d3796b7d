"""Any sequence of what can happen to a wallet: nothing is lost, and what a hold has reserved stays payable by it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.unit.purses import (
    CUSTOMER,
    START,
    advanced,
    changes_at,
    check,
    check_changes,
    day,
    given,
    history,
    hold,
    new_purse,
    recurring,
)

from tollkeeper.clock import Period
from tollkeeper.money import ZERO
from tollkeeper.wallets import (
    Burned,
    Changes,
    Cover,
    GiveBack,
    Grant,
    Purse,
    advance,
    burn,
    give_back,
    lapse,
    payable,
    void,
)

RULES = [
    recurring("6", Period.DAY, "2", name="daily", anchor=day(0.5)),
    recurring("9", Period.WEEK, None, name="weekly", anchor=day(1), until=day(30)),
]
amounts = st.integers(1, 30).map(lambda n: Decimal(n) / 4)


@dataclass
class Held:
    amount: Decimal
    since: datetime


class OneWallet(RuleBasedStateMachine):
    """The gate's part is played here: it advances first, holds what is available, and pays what is payable."""

    def __init__(self) -> None:
        super().__init__()
        self.purse = new_purse()
        self.now = START
        self.made: list[Changes] = []
        self.grants: dict[Any, Grant] = {}
        self.holds: list[Held] = []
        self.paid: dict[str, Decimal] = {}

    def begin(self, hours: int = 0) -> Changes:
        self.now += timedelta(hours=hours, seconds=1)
        changes = changes_at(self.now)
        self.made.append(changes)
        if self.purse.due(self.now) or not self.grants:
            advance(self.purse, RULES, changes)
        self.note()
        return changes

    def note(self) -> None:
        self.grants |= {grant.grant_id: grant for grant in self.purse.grants}

    @rule(hours=st.integers(0, 200))
    def pass_time(self, hours: int) -> None:
        self.begin(hours)

    @rule(
        amount=amounts,
        priority=st.integers(0, 2),
        begins=st.one_of(st.none(), st.integers(1, 100)),
        lasts=st.one_of(st.none(), st.integers(1, 200)),
        kind=st.sampled_from(["paid", "promotional"]),
    )
    def give(self, amount: Decimal, priority: int, begins: int | None, lasts: int | None, kind: str) -> None:
        changes = self.begin()
        start = None if begins is None else self.now + timedelta(hours=begins)
        ends = None if lasts is None else (start or self.now) + timedelta(hours=lasts)
        times: dict[str, Any] = {"effective_at": start, "expires_at": ends}
        # Ids of our own, so that the same steps always do the same.
        key = str(len(self.made))
        given(self.purse, str(amount), changes, **times, priority=priority, kind=kind, key=key)
        self.note()

    @rule(amount=amounts)
    def reserve(self, amount: Decimal) -> None:
        self.begin()
        amount = min(amount, self.purse.wallet.available)
        if amount:
            hold(self.purse, str(amount))
            self.holds.append(Held(amount, self.now))

    @precondition(lambda self: self.holds)
    @rule(number=st.integers(0), share=st.sampled_from(["0", "0.25", "1"]))
    def settle(self, number: int, share: str) -> None:
        changes = self.begin()
        ended = self.holds.pop(number % len(self.holds))
        hold(self.purse, f"-{ended.amount}")
        self.pay(ended.amount * Decimal(share), ended.since, changes)
        lapse(self.purse, changes)

    @rule(amount=amounts)
    def use(self, amount: Decimal) -> None:
        changes = self.begin()
        self.pay(min(amount, self.purse.wallet.available, payable(self.purse, self.now)), self.now, changes)

    def pay(self, amount: Decimal, since: datetime, changes: Changes) -> None:
        if amount:
            event = f"e{len(self.paid)}"
            burn(self.purse, [Cover(self.purse.wallet, event, amount, since)], changes)
            self.paid[event] = amount

    @precondition(lambda self: self.paid)
    @rule(number=st.integers(0), amount=amounts)
    def correct(self, number: int, amount: Decimal) -> None:
        changes = self.begin()
        event = sorted(self.paid)[number % len(self.paid)]
        burned = Burned({(CUSTOMER, event): self.net(event)}, dict(self.grants))
        rest = give_back(
            self.purse, [GiveBack(self.purse.wallet, f"c{len(self.made)}", amount, event)], burned, changes
        )
        assert rest == max(ZERO, amount - burned_before(burned, event))

    def net(self, event: str) -> dict[Any, Decimal]:
        found: dict[Any, Decimal] = {}
        for changes in self.made:
            for grant_id, amount in changes.net(CUSTOMER, event).items():
                found[grant_id] = found.get(grant_id, ZERO) + amount
        return found

    @precondition(lambda self: self.grants)
    @rule(number=st.integers(0), refund=st.booleans())
    def void(self, number: int, refund: bool) -> None:
        changes = self.begin()
        grant = self.grants[sorted(self.grants)[number % len(self.grants)]]
        void(self.purse, grant, changes, refund=refund and grant.kind == "paid")

    @invariant()
    def nothing_is_lost(self) -> None:
        check(self.purse, list(self.grants.values()))
        check_changes(self.purse, list(self.grants.values()), self.made)
        waiting = [one for one in self.grants.values() if one.begun and one.remaining and one.over(self.now)]
        assert not waiting or (self.purse.wallet.available == 0 and self.purse.due(self.now))

    @invariant()
    def every_hold_can_be_settled_in_full(self) -> None:
        """Each by itself, and one after the other, the newest first and the oldest first."""
        for holds in (self.holds, self.holds[::-1]):
            purse = copy.deepcopy(self.purse)
            changes = changes_at(self.now)
            for number, each in enumerate(holds):
                assert payable(self.purse, each.since) >= each.amount
                hold(purse, f"-{each.amount}")
                burn(purse, [Cover(purse.wallet, f"h{number}", each.amount, each.since)], changes)
                lapse(purse, changes)


def burned_before(burned: Burned, event: str) -> Decimal:
    return sum(burned.nets[CUSTOMER, event].values(), ZERO)


def test_any_order() -> None:
    run_state_machine_as_test(OneWallet, settings=settings(max_examples=80, stateful_step_count=30))


planned = st.lists(
    st.tuples(amounts, st.integers(0, 60), st.one_of(st.none(), st.integers(1, 60)), st.integers(0, 2)), max_size=5
)


@for_all(planned, st.integers(0, 20), st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_one_long_step_is_many_short_ones(
    grants: list[tuple[Decimal, int, int | None, int]], held: int, hours: list[int]
) -> None:
    def begin() -> Purse:
        purse, changes = new_purse(), changes_at(START)
        advance(purse, RULES, changes)
        given(purse, "20", changes, expires_at=day(12), key="first")
        for number, (amount, begins, lasts, priority) in enumerate(grants):
            start = START + timedelta(hours=7 * begins)
            ends = None if lasts is None else start + timedelta(hours=11 * lasts)
            times: dict[str, Any] = {"effective_at": start, "expires_at": ends}
            given(purse, str(amount), changes, **times, priority=priority, key=str(number))
        hold(purse, str(held))
        return purse

    slow, quick = begin(), begin()
    now, steps = START, []
    for each in hours:
        now += timedelta(minutes=20 * each)
        steps.append(advanced(slow, now, *RULES))
    once = advanced(quick, now, *RULES)
    assert history(*steps) == history(once)
    assert shape(slow) == shape(quick)


def shape(purse: Purse) -> Any:
    grants = sorted(
        (g.effective_at, str(g.recurring), g.amount, g.remaining, g.expired, g.rolled_out) for g in purse.grants
    )
    return purse.wallet, grants
