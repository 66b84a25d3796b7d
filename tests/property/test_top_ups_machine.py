"""Any sequence of what can happen to top-ups: each ends once, and the customer has what was paid for, exactly."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.database.gating import Clock, open_books, put_catalog
from tests.database.paying import SOLD, assert_paid_for, found, shop

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import Conflict, TollError
from tollkeeper.payments import MOST_PENDING, TopUp, TopUpState, Wanted

D = Decimal
CATALOGS = [SOLD, SOLD.replace('"1.20"', '"2.50"').replace("bonus = 5", "bonus = 7"), SOLD.partition("[packs")[0]]
WANTED = [Wanted(pack="team"), Wanted("credit", D(5)), Wanted("credit", D(10)), Wanted("USD", D("99.99"))]
PENDING, PAID, EXPIRED = TopUpState.PENDING, TopUpState.PAID, TopUpState.EXPIRED


class Shop(RuleBasedStateMachine):
    """One customer, a catalog that changes, a clock, and two server processes."""

    begun = Bundle("begun")
    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    numbers: ClassVar[itertools.count[int]] = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.clock = Clock().__enter__()
        self.customer = f"c{next(self.numbers)}"
        self.runner.run(open_books(self.database, CATALOGS[0], self.customer))
        self.catalog = 0
        self.shops: list[Books] = [shop(self.database), shop(self.database)]
        self.model: dict[UUID, TopUp] = {}
        self.states: dict[UUID, TopUpState] = {}

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.__exit__()

    def state(self, id: UUID) -> TopUpState:
        """Where the model's top-up stands now."""
        over = self.clock.at >= self.model[id].created_at + timedelta(hours=24)
        return EXPIRED if self.states[id] is PENDING and over else self.states[id]

    @rule(target=begun, wanted=st.sampled_from(WANTED), process=st.integers(0, 1))
    def start(self, wanted: Wanted, process: int) -> UUID | None:
        pending = sum(self.state(id) is PENDING for id in self.model)
        refused = "unknown_pack" if self.catalog == 2 and wanted.pack is not None else None
        if refused is None and pending == MOST_PENDING:
            refused = "too_many_top_ups"
        asked = self.shops[process].start_top_up(self.customer, wanted)
        if refused is not None:
            with pytest.raises(TollError) as caught:
                self.runner.run(asked)
            assert caught.value.code == refused
            return None
        top_up, new = self.runner.run(asked)
        assert new
        prices = [{"team": D(45), D(5): D(6), D(10): D(12)}, {"team": D(45), D(5): D("12.5"), D(10): D(25)}]
        expected = (prices[self.catalog % 2] | {D("99.99"): D("99.99")})[wanted.pack or wanted.amount]
        assert (top_up.price, top_up.bonus) == (expected, (D(5), D(7))[self.catalog] if wanted.pack else D(0))
        self.model[top_up.top_up_id], self.states[top_up.top_up_id] = top_up, PENDING
        return top_up.top_up_id

    @rule(id=begun, times=st.integers(1, 4))
    def pay(self, id: UUID | None, times: int) -> None:
        """Told by both processes, perhaps at once."""
        if id is None:
            return

        async def tell() -> list[TopUp]:
            each = (self.shops[i % 2].pay_top_up(self.customer, id, reference="money") for i in range(times))
            return list(await asyncio.gather(*each))

        before = self.state(id)
        answers = self.runner.run(tell())
        assert len({(one.grant_id, one.late) for one in answers}) == 1
        if before is not PAID:
            assert answers[0].late == (None if before is PENDING else before.value)
        assert {one.price for one in answers} == {self.model[id].price}
        self.states[id] = PAID

    @rule(id=begun, state=st.sampled_from([TopUpState.FAILED, TopUpState.CANCELLED]), process=st.integers(0, 1))
    def end(self, id: UUID | None, state: Any, process: int) -> None:
        if id is None:
            return
        asked = self.shops[process].end_top_up(self.customer, id, state)
        if self.state(id) not in (PENDING, state):
            with pytest.raises(Conflict, match="has ended before"):
                self.runner.run(asked)
            return
        answer = self.runner.run(asked)
        assert answer.stored_state == state
        self.states[id] = state

    @rule(hours=st.sampled_from([1, 11, 25]))
    def wait(self, hours: int) -> None:
        self.clock.go(timedelta(hours=hours))

    @rule(catalog=st.integers(0, 2))
    def sell_otherwise(self, catalog: int) -> None:
        self.clock.go(timedelta(seconds=1))
        self.runner.run(put_catalog(self.database, CATALOGS[catalog]))
        self.catalog = catalog

    @invariant()
    def all_stand_where_they_should_and_are_paid_for(self) -> None:
        now = self.clock.at
        stored = self.runner.run(found(self.database, self.customer, now=now))
        assert {one.top_up_id: one.state(now) for one in stored} == {id: self.state(id) for id in self.model}
        self.runner.run(assert_paid_for(self.database, now=now, customer=self.customer))


def test_the_customer_has_what_was_paid_for(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=4)
        runner.run(database.open())
        try:
            Shop.runner, Shop.database = runner, database
            run_state_machine_as_test(
                Shop,
                settings=settings(
                    max_examples=12,
                    stateful_step_count=15,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.close())
