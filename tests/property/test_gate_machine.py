"""Any sequence of what can happen to prepaid value, holds and limits: what must hold, holds after every step."""

from __future__ import annotations

import asyncio
import itertools
import sys
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from tests.database.gating import DAY, HOUR, MINUTE, SECOND, Clock, D, put_catalog, put_customer, sweep_all, used
from tests.property.gate_model import CATALOGS, INSTANTS, KINDS, LIMITS, METERS, ZONES, Model

from faults.expected import assert_verified
from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import TollError
from tollkeeper.events import CallIn, CostSource, EventIn
from tollkeeper.gate import (
    CallChange,
    ChangeIn,
    HoldIn,
    PeriodEnd,
    Result,
    Settled,
    SettleIn,
    Settlement,
    TrueUp,
    Verb,
    true_up,
)
from tollkeeper.settings import Settings
from tollkeeper.wallets import NewGrant

EXAMPLES, STEPS = 20, 30

operations = st.fixed_dictionaries(
    {
        "meter": st.sampled_from(METERS),
        "quantity": st.sampled_from(["1", "3", "10", "40", "0.5", "250"]),
        "cost": st.sampled_from(["0.1", "2", "7"]),
        "call": st.sampled_from(["cost", "usage", "unknown", "again"]),
        "member": st.sampled_from(["ann", "bob", None]),
    }
)
steps = st.sampled_from(
    [SECOND, MINUTE, 14 * MINUTE, MINUTE * 30, HOUR, 5 * HOUR, 23 * HOUR, DAY, 7 * DAY, 29 * DAY, 31 * DAY]
)
durations = st.sampled_from([1, 60, 900, 86_400])
endings = st.sampled_from(["exactly", "less", "more", "events", "bad", "release", "extend", "lost", "wait", "sweep"])
operating = rule(one=operations, seconds=durations, then=st.lists(st.tuples(endings, steps), min_size=1, max_size=4))


class Customer(RuleBasedStateMachine):
    """One customer. Nothing here knows how the engine works, only what it promises: see `Model`."""

    runner: ClassVar[asyncio.Runner]
    clock: ClassVar[Clock]
    server: ClassVar[str]
    template: ClassVar[str]
    key = "acme"

    @initialize(zone=st.sampled_from(ZONES), start=st.sampled_from(INSTANTS), catalog=st.sampled_from(CATALOGS))
    def begin(self, zone: str, start: datetime, catalog: str) -> None:
        self.name = f"toll_test_{uuid4().hex[:12]}"
        self.alter(f"create database {self.name} template {self.template}")
        url = make_conninfo(self.server, dbname=self.name)
        self.database = Database(url, pool_size=2)
        self.do(self.database.open())
        self.books = Books(Settings(database_url=url), self.database)
        self.connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.clock.at = start
        self.ceiling = "credit_ceiling" in catalog
        self.ids = itertools.count()
        self.do(put_catalog(self.database, catalog))
        self.do(put_customer(self.database, self.key, timezone=zone))
        self.model = Model(self.connection, self.key)
        self.requests: list[Any] = []
        self.called: list[tuple[str, CallIn]] = []

    def alter(self, statement: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def tolerate(self, codes: set[str], work: Any) -> None:
        """Do something that may be refused with one of these codes."""
        try:
            self.do(work)
        except TollError as error:
            if error.code not in codes:
                raise

    def fresh(self, letter: str) -> str:
        return f"{letter}{next(self.ids)}"

    def ask(self, request: Any) -> Any:
        """Do something that may be asked for again, whatever it is answered."""
        self.requests.append(request)
        return self.answer(request)

    def answer(self, request: Any) -> Any:
        books = self.books
        try:
            match request:
                case HoldIn():
                    return self.do(books.authorize(request))
                case Settlement():
                    return self.do(books.settle(request))
                case ChangeIn():
                    return self.do(books.change_hold(request))
                case NewGrant():
                    return self.do(books.give_grant(self.key, request))[0]
                case EventIn():
                    return self.do(books.ingest([request])).results[0]
                case TrueUp():
                    return self.do(self.true_up(request))
        except TollError as error:
            return error
        raise AssertionError(request)

    # Grants

    @rule(
        amount=st.sampled_from(["1", "5", "20", "100"]), unit=st.sampled_from(["USD", "credit"]),
        priority=st.sampled_from([0, 50, 100]), lasts=st.one_of(st.none(), steps), kind=st.sampled_from(KINDS),
        later=st.one_of(st.none(), st.none(), steps),
    )  # fmt: skip
    def give(self, amount: str, unit: str, priority: int, lasts: Any, kind: str, later: Any) -> None:
        begins = None if later is None else self.clock.at + later
        ends = None if lasts is None else (begins or self.clock.at) + lasts
        grant = self.ask(NewGrant(unit, D(amount), kind, priority, begins, ends, key=self.fresh("g")))
        assert not isinstance(grant, TollError), grant
        self.model.given(grant)

    @rule(priority=st.sampled_from([0, 50]), amount=st.integers(1, 2), seconds=st.sampled_from([60, 7200, 80_000]))
    def hold_what_ends_soon(self, priority: int, amount: int, seconds: int) -> None:
        """The grant expires while the hold is open, or at the same time, or after it."""
        ends = self.clock.at + HOUR
        grant = self.ask(NewGrant("credit", D(amount), priority=priority, expires_at=ends, key=self.fresh("g")))
        self.model.given(grant)
        request = HoldIn(self.key, "interview", self.fresh("h"), expires_in=seconds)
        self.model.asked(self.ask(request), "interview")

    @precondition(lambda self: self.model.grants)
    @rule(data=st.data(), refund=st.booleans())
    def void(self, data: st.DataObject, refund: bool) -> None:
        grant = data.draw(st.sampled_from(sorted(self.model.grants.values(), key=lambda one: str(one.grant_id))))
        refund = refund and grant.kind == "paid"
        voided = self.do(self.books.void_grant(self.key, grant.grant_id, refund=refund))
        assert voided.remaining <= self.model.wallets()[grant.unit]["held"]
        before = self.model.snapshot()
        self.do(self.books.void_grant(self.key, grant.grant_id, refund=refund))
        assert self.model.snapshot() == before

    @rule(every=st.sampled_from(["day", "week", "month"]), rollover=st.sampled_from(["none", "all", "2"]))
    def recur(self, every: str, rollover: str) -> None:
        terms = {"unit": "credit", "amount": "3", "every": every, "rollover": rollover}
        self.do(self.books.set_recurring_grant(self.key, every, terms))

    # Holds

    # Several rules for the same: the machine leaves rules out at random, and this one is what it's about.

    @operating
    def operate(self, one: dict[str, Any], seconds: int, then: list[tuple[str, timedelta]]) -> None:
        self.begin_and_go_on(one, seconds, then)

    @operating
    def operate_again(self, one: dict[str, Any], seconds: int, then: list[tuple[str, timedelta]]) -> None:
        self.begin_and_go_on(one, seconds, then)

    @operating
    def operate_once_more(self, one: dict[str, Any], seconds: int, then: list[tuple[str, timedelta]]) -> None:
        self.begin_and_go_on(one, seconds, then)

    def begin_and_go_on(self, one: dict[str, Any], seconds: int, then: list[tuple[str, timedelta]]) -> None:
        """Begin an operation, and let some things happen to it, one after the other."""
        id = self.fresh("h")
        calls = [CallIn(provider="p", model="m", cost=D(one["cost"]))] if one["meter"] == "model" else None
        quantity = None if one["meter"] == "interview" else D(one["quantity"])
        request = HoldIn(self.key, one["meter"], id, quantity, None, calls, one["member"], expires_in=seconds)
        self.model.asked(self.ask(request), one["meter"])
        for what, by in then if id in self.model.holds else ():
            self.model.check()
            self.follow(id, what, by, one)

    @precondition(lambda self: self.model.holds)
    @rule(data=st.data(), what=endings, by=steps, one=operations)
    def go_on(self, data: st.DataObject, what: str, by: timedelta, one: dict[str, Any]) -> None:
        """Something happens to a hold from before, which may have ended."""
        self.follow(data.draw(st.sampled_from(sorted(self.model.holds))), what, by, one)

    def follow(self, id: str, what: str, by: timedelta, one: dict[str, Any]) -> None:
        asked = SettleIn(self.key)
        match what:
            case "wait":
                self.clock.go(by)
            case "sweep":
                self.sweep()
            case "lost":
                self.follow(id, "doubt", by, one)
                self.clock.go(by)
                self.sweep()
            case "release" | "extend" | "doubt":
                seconds = 3600 if what == "extend" else None
                answer = self.ask(ChangeIn(Verb(what), self.key, id, seconds))
                assert not isinstance(answer, TollError) or answer.code == "hold_ended", answer
            case "events":
                self.settle(id, asked, self.event(one, hold=id), self.event(one, hold=id))
            case "bad":
                asked.quantity = D(-1)
                self.settle(id, asked)
            case "exactly":
                self.settle(id, asked)
            case _:
                if self.model.meters[id] != "interview":
                    asked.quantity = D("0.5") if self.model.meters[id] == "plain" else D(1)
                    asked.quantity += 60 if what == "more" else 0
                self.settle(id, asked)

    def settle(self, id: str, asked: SettleIn, *events: EventIn) -> None:
        answer = self.ask(Settlement(self.key, id, asked, [*events]))
        assert isinstance(answer, Settled), answer
        self.model.settled(answer, asked_for=id)

    # Usage

    def event(self, one: dict[str, Any], **more: Any) -> EventIn:
        fields: dict[str, Any] = {"member": one["member"]}
        if one["meter"] == "model":
            fields["calls"] = [self.call(one)]
        if one["meter"] != "interview":
            fields["quantity"] = one["quantity"]
        event = used(self.fresh("e"), one["meter"], customer=self.key, **(fields | more))
        self.called += [(event.id, call) for call in event.calls or ()]
        return event

    def call(self, one: dict[str, Any]) -> CallIn:
        """A call with a known cost, with usage that has a price or none, or one that another event has brought."""
        if one["call"] == "again" and self.called:
            return self.called[-1][1]
        if one["call"] == "cost":
            return CallIn("p", "m", self.fresh("r"), cost=D(one["cost"]))
        model = "gpt-99" if one["call"] == "unknown" else "gpt-4o"
        usage = {"prompt_tokens": 150_000, "completion_tokens": 50_000}
        return CallIn("openai", model, self.fresh("r"), usage=usage)

    @rule(one=operations, ago=st.sampled_from([None, None, MINUTE, HOUR, DAY]))
    def record(self, one: dict[str, Any], ago: timedelta | None) -> None:
        event = self.event(one, **({} if ago is None else {"time": self.clock.at - ago}))
        self.model.recorded([self.ask(event)], event)

    @precondition(lambda self: self.model.correctable)
    @rule(data=st.data(), all_of_it=st.booleans())
    def correct(self, data: st.DataObject, all_of_it: bool) -> None:
        id, (meter, quantity) = data.draw(st.sampled_from(sorted(self.model.correctable.items())))
        part = quantity if all_of_it else max(D(1), quantity // 2)
        result = self.ask(used(self.fresh("e"), meter, customer=self.key, corrects=id, quantity=str(-part)))
        assert result.error is None, result
        self.model.recorded([result])
        self.model.correctable[id] = meter, quantity - part
        if part == quantity:
            del self.model.correctable[id]

    @precondition(lambda self: any(id in self.model.charges for id, _ in self.called))
    @rule(data=st.data(), change=st.sampled_from(["0.3", "5", "0"]), charge=st.sampled_from([True, True, False]))
    def learn_a_cost(self, data: st.DataObject, change: str, charge: bool) -> None:
        """What a call costs, or costs more, becomes known later."""
        known = [(id, call) for id, call in self.called if id in self.model.charges]
        id, call = data.draw(st.sampled_from(known))
        changes = [CallChange(call.response_id, D(change))]
        result = self.ask(TrueUp(self.key, id, self.fresh("u"), changes, CostSource.PROVIDER_REPORT, charge))
        if result.error is not None:
            assert result.error.code == "unknown_call", result  # It's counted in another event.
            return
        self.model.recorded([result])

    async def true_up(self, request: TrueUp) -> Result:
        now, desk = self.clock.at, self.books.desk
        [result] = await self.database.run(lambda tx: true_up(tx, desk, [request], now=now, by="test"))
        return result

    # What else can change

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """Whatever was asked for before, it changes nothing now, but that what is due happens first."""
        request = data.draw(st.sampled_from(self.requests[-12:]))
        self.do(sweep_all(self.books, self.clock.at, self.key))
        if not self.model.would_repeat(request):
            return
        before = self.model.snapshot()
        self.answer(request)
        after = self.model.snapshot()
        assert after == before, (request, set(after) ^ set(before))

    @rule(by=steps)
    def wait(self, by: timedelta) -> None:
        self.clock.go(by)

    @rule()
    def sweep(self) -> None:
        self.do(sweep_all(self.books, self.clock.at, self.key))
        self.model.nothing_is_due(self.clock.at, self.ceiling)

    @rule(plan=st.sampled_from(["pro", "basic", None]), later=st.sampled_from(["now", "period_end", "soon"]))
    def change_plan(self, plan: str | None, later: str) -> None:
        at = {"now": None, "period_end": PeriodEnd(), "soon": self.clock.at + HOUR}[later]
        self.tolerate({"plan_in_past"}, self.books.assign_plan(self.key, plan, at=at))

    @rule(name=st.sampled_from(sorted(LIMITS)), change=st.sampled_from(["cap", "off", "on", "none", "drop"]))
    def change_limit(self, name: str, change: str) -> None:
        terms = {"cap": {"cap": "30"}, "off": {"enabled": False}, "on": {"enabled": True}, "none": {"cap": "0"}}
        self.tolerate({"unknown_limit"}, self.books.set_limit(self.key, name, terms.get(change)))

    @rule(catalog=st.sampled_from(CATALOGS))
    def change_catalog(self, catalog: str) -> None:
        self.do(put_catalog(self.database, catalog))
        self.ceiling = "credit_ceiling" in catalog

    @rule(suspended=st.sampled_from([False, False, True]))
    def suspend(self, suspended: bool) -> None:
        self.do(put_customer(self.database, self.key, suspended=suspended))

    @invariant()
    def sound(self) -> None:
        if hasattr(self, "model"):
            self.do(assert_verified(self.books))
            self.model.check()

    def teardown(self) -> None:
        if not hasattr(self, "name"):
            return
        try:
            if hasattr(self, "model") and sys.exc_info()[0] is None:
                self.end()
        finally:
            if hasattr(self, "connection"):
                self.connection.close()
            if hasattr(self, "database"):
                self.do(self.database.close())
            self.alter(f"drop database {self.name} with (force)")

    def end(self) -> None:
        for id in self.model.open_holds():
            self.answer(ChangeIn(Verb.RELEASE, self.key, id))
        self.do(sweep_all(self.books, self.clock.at, self.key))
        self.sound()
        self.model.nothing_is_held()


def test_any_sequence_keeps_its_promises(server_url: str, template: str) -> None:
    with asyncio.Runner() as runner, Clock() as clock:
        Customer.runner, Customer.clock, Customer.server, Customer.template = runner, clock, server_url, template
        run_state_machine_as_test(
            Customer,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                phases=[Phase.generate],  # a failure tells all that was done; smaller ones cost minutes
                suppress_health_check=list(HealthCheck),
            ),
        )
