"""Any sequence of what can happen to the books: after every step they agree with themselves, and with a model."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

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

from faults.arithmetic import CATALOG, DOCUMENT, F
from faults.expected import all_events, assert_verified, compare
from tollkeeper.books import Books
from tollkeeper.catalog import apply
from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import has_usage, read_json, used_meters
from tollkeeper.gate import Result
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

METERS = ["plain", "tiered", "volume", "thirds", "packs", "taken", "costly", "calls", "gauge", "people"]
CORRECTABLE = ["plain", "tiered", "volume", "thirds", "calls"]
PAST = datetime(2026, 11, 1, 3, tzinfo=UTC)
ZONE = "America/St_Johns"

contents = st.fixed_dictionaries(
    {
        "meter": st.sampled_from(METERS),
        "amount": st.integers(0, 900).map(str),
        "quantity": st.integers(0, 60).map(str),
        "member": st.sampled_from(["ann", "bob"]),
        "hours": st.one_of(st.none(), st.integers(-60, 60)),
    }
)


class Operator(RuleBasedStateMachine):
    """One customer, and another who isn't there at first; the catalog's plain and tiered prices change."""

    runner: ClassVar[asyncio.Runner]
    books: ClassVar[Books]
    numbers: ClassVar[itertools.count[int]] = itertools.count()
    prices: ClassVar[dict[str, Any]] = DOCUMENT["prices"]
    """Those in force now; the prices of the first version hold for all the past."""

    @initialize()
    def begin(self) -> None:
        number = next(self.numbers)
        self.customer, self.later = f"c{number}", f"later{number}"
        self.ids = itertools.count()
        self.events: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Result] = {}
        self.sent: dict[str, dict[str, Any]] = {}
        self.left: dict[str, F] = {}
        self.waiting: dict[Any, tuple[dict[str, Any], Any]] = {}
        self.archived = False
        self.apply(CATALOG)
        self.put(self.customer, timezone=ZONE)

    def run(self, work: Any) -> Any:
        return self.runner.run(self.books.database.run(work))

    def apply(self, text: str) -> None:
        self.run(lambda tx: apply(tx, text, models=MODELS, used_meters=used_meters, by="test"))
        found = tomllib.loads(text)["prices"]
        # One that stays as it is goes on; one that comes back begins anew, with a running total of its own.
        same = {meter: price for meter, price in Operator.prices.items() if price == found[meter]}
        Operator.prices = found | same

    def put(self, key: str, **changes: Any) -> None:
        async def work(tx: Tx) -> None:
            await upsert_customer(tx, key, CustomerChanges(**changes), default_currency="USD", in_use=has_usage)

        self.run(work)

    def send(self, *batch: dict[str, Any]) -> list[Result]:
        items, _ = read_json(json.dumps(batch).encode(), max_events=1000)
        return self.runner.run(self.books.ingest(items)).results

    def made(self, content: dict[str, Any], customer: str) -> dict[str, Any]:
        """An event as it's sent: with a time in the past, or without one."""
        one = {"id": f"e{next(self.ids)}", "customer": customer} | copy.deepcopy(content)
        hours = one.pop("hours")
        if hours is not None:
            one["time"] = (PAST + timedelta(hours=hours)).isoformat()
        if one["meter"] in ("calls", "people"):
            del one["quantity"]
        if one["meter"] != "taken":
            del one["amount"]
        return one

    def price_of(self, one: dict[str, Any]) -> Any:
        return (DOCUMENT["prices"] if "time" in one else self.prices)[one["meter"]]

    def note(self, one: dict[str, Any], price: Any, result: Result) -> None:
        assert result.error is None, result
        self.sent[one["id"]] = one
        self.answers[one["id"]] = result
        self.events[one["id"]] = one | {"price": price}
        if one["meter"] in CORRECTABLE and one["customer"] == self.customer:
            self.left[one["id"]] = F(one.get("quantity", 1))

    @rule(batch=st.lists(contents, min_size=1, max_size=4), twin=st.booleans())
    def ingest(self, batch: list[dict[str, Any]], twin: bool) -> None:
        sent = [self.made(content, self.customer) for content in batch]
        results = self.send(*sent, *(sent[:1] if twin else []))
        for one, result in zip(sent, results, strict=False):
            if self.archived:
                assert result.error is not None
                assert result.error.code == "customer_archived"
                continue
            self.note(one, self.price_of(one), result)
        if twin:
            assert results[-1].status == ("rejected" if self.archived else "duplicate")
            assert results[-1].charge == results[0].charge

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from(sorted(self.sent)), min_size=1, max_size=5, unique=True))
        for id, result in zip(ids, self.send(*[self.sent[id] for id in ids]), strict=True):
            first = self.answers[id]
            assert (result.status, result.charge, result.unit) == ("duplicate", first.charge, first.unit), result

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def conflict(self, data: st.DataObject) -> None:
        one = self.sent[data.draw(st.sampled_from(sorted(self.sent)))]
        [result] = self.send(one | {"metadata": {"another": True}})
        expected = "customer_archived" if self.archived and one["customer"] == self.customer else "event_conflict"
        assert result.error is not None
        assert result.error.code == expected

    @precondition(lambda self: self.left and not self.archived)
    @rule(data=st.data(), share=st.sampled_from([F(1), F(1, 2), F(1, 3), F(2)]))
    def correct(self, data: st.DataObject, share: F) -> None:
        of = data.draw(st.sampled_from(sorted(self.left)))
        original = self.events[of]
        part = F(1) if original["meter"] == "calls" else F(int(self.left[of] * share))
        one = {"id": f"e{next(self.ids)}", "customer": self.customer, "meter": original["meter"], "corrects": of}
        one["quantity"] = str(-part)
        [result] = self.send(one)
        if part > self.left[of]:
            assert result.error is not None
            assert result.error.code == "correction_exceeds_original"
            return
        assert result.error is None, result
        self.left[of] -= part
        self.sent[one["id"]], self.answers[one["id"]], self.events[one["id"]] = one, result, one

    @rule(content=contents)
    def report_for_nobody(self, content: dict[str, Any]) -> None:
        one = self.made(content, self.later)
        [result] = self.send(one)
        assert result.error is not None
        assert result.error.code == "unknown_customer"
        self.waiting[result.quarantine_id] = one, self.price_of(one)

    @precondition(lambda self: self.waiting)
    @rule(mended=st.booleans())
    def replay(self, mended: bool) -> None:
        if mended:
            self.put(self.later, timezone=ZONE)
        replayed = self.runner.run(self.books.replay([*self.waiting], by="test"))
        assert {one.quarantine_id for one in replayed} == self.waiting.keys()
        if not mended:
            assert all(one.result.error and one.result.error.code == "unknown_customer" for one in replayed)
            return
        for one in replayed:
            self.note(*self.waiting[one.quarantine_id], one.result)
        self.waiting.clear()
        self.later = f"later{next(self.numbers)}"

    @rule(amount=st.integers(1, 9))
    def change_prices(self, amount: int) -> None:
        text = CATALOG.replace('amount = "0.25"', f'amount = "0.{amount}"')
        self.apply(text.replace('amount = "0.70"', f'amount = "1.{amount}"'))

    @rule(archived=st.booleans())
    def change_customer(self, archived: bool) -> None:
        self.archived = archived
        self.put(self.customer, archived=archived, name=f"archived: {archived}")

    @invariant()
    def sound(self) -> None:
        self.runner.run(assert_verified(self.books))

    def teardown(self) -> None:
        if not hasattr(self, "events"):
            return
        keys = {self.customer} | {one["customer"] for one in self.events.values()}
        times = {}
        for key in keys:
            for one in self.runner.run(all_events(self.books.database, key)):
                times[one.event_id] = one.time.isoformat()
        complete = [{"time": times.get(id, "")} | one for id, one in self.events.items()]
        self.runner.run(compare(self.books, complete, dict.fromkeys(keys, ZONE)))


def test_any_sequence_leaves_the_books_sound(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, pool_size=2)
        runner.run(database.open())
        Operator.runner, Operator.books = runner, Books(Settings(database_url=database_url), database)
        try:
            run_state_machine_as_test(
                Operator,
                settings=settings(
                    max_examples=25,
                    stateful_step_count=20,
                    phases=[Phase.generate],  # the books remember, so a smaller example isn't the same one
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.close())
