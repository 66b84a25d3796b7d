"""Operations against the real engine: refused before the call, settled with all calls, released, in doubt, repeated."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from openai import APITimeoutError, AsyncOpenAI, OpenAI

from tollkeeper import Tollkeeper
from tollkeeper.errors import Forbidden, InsufficientCredits, InvalidInput, NotFound
from tollkeeper.simulator import Simulator

pytestmark = pytest.mark.anyio

ESTIMATE = {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 100}}


def test_an_operation_holds_and_settles_with_its_calls(
    toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    client = toll.wrap(openai)
    with toll.operation("answer", customer=customer, member="u1", estimate=ESTIMATE) as operation:
        assert operation.hold is not None
        assert operation.hold.amount == Decimal("0.0015625")  # (100 × $2.50 + 100 × $10) ÷ 10⁶, and 25 %
        client.chat.completions.create(**hello)
        list(client.chat.completions.create(**hello, stream=True))
        assert toll.get_hold(operation.id, customer=customer).state == "open"
    cost = sum((bill.cost or Decimal() for bill in simulator.bills()), Decimal())
    event = toll.get_event(operation.id, customer=customer)
    assert (event.cost, event.charge, event.cost_source) == (cost, cost * Decimal("1.25"), "response")
    assert (event.member, operation.charge) == ("u1", event.charge)
    assert [call["response_id"] for call in event.calls] == [bill.response_id for bill in simulator.bills()]
    assert toll.get_hold(operation.id, customer=customer).state == "settled"
    assert toll.balance(customer).wallets[0].held == 0
    assert toll.spool.entries() == []


def test_who_cannot_pay_is_refused_before_the_provider_is_called(
    toll: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    poor = f"poor-{uuid4().hex[:8]}"
    toll.put_customer(poor)
    toll.grant(poor, "0.20")
    toll.put_customer(poor, suspended=True)
    with pytest.raises(Forbidden), toll.operation("cv_parse", customer=poor):
        toll.wrap(openai).chat.completions.create(**hello)
    toll.put_customer(poor, suspended=False)
    with pytest.raises(InsufficientCredits) as refused, toll.operation("cv_parse", customer=poor):
        toll.wrap(openai).chat.completions.create(**hello)
    error = refused.value
    assert (error.needed, error.available, error.unit, error.top_up_url) == (
        Decimal("0.5"),
        Decimal("0.2"),
        "USD",
        f"https://app.example/credits?customer={poor}",
    )
    assert simulator.bills() == []
    assert toll.spool.rows("all_operations") == []


def test_what_an_operation_may_cost_has_to_be_said(toll: Tollkeeper, customer: str) -> None:
    with pytest.raises(InvalidInput) as refused, toll.operation("answer", customer=customer):
        pass
    assert refused.value.code == "estimate_needed"
    assert "operation(…, estimate=" in refused.value.detail
    unknown = ESTIMATE | {"model": "gpt-99"}
    with pytest.raises(InvalidInput, match="openai's 'gpt-99' can't be priced"):
        toll.operation("answer", customer=customer, estimate=unknown).__enter__()
    with toll.operation("question", customer=customer) as operation:  # its price has a fallback
        pass
    assert operation.charge is not None


def test_a_failure_before_any_call_releases(toll: Tollkeeper, customer: str) -> None:
    with pytest.raises(ZeroDivisionError), toll.operation("cv_parse", customer=customer, id="a") as operation:
        raise ZeroDivisionError
    assert toll.get_hold("a", customer=customer).state == "released"
    assert operation.charge is None
    with toll.operation("cv_parse", customer=customer, id="a") as again:  # a retry has a hold of its own
        assert again.hold is not None
        assert again.hold.state == "open"
    assert again.charge == Decimal("0.5")
    assert toll.get_event("a", customer=customer).charge == Decimal("0.5")


def test_an_operation_that_runs_twice_is_charged_once_and_its_costs_are_all_booked(
    toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    for _ in range(2):
        with toll.operation("cv_parse", customer=customer, id="cv:1") as operation:
            toll.wrap(openai).chat.completions.create(**hello)
    event = toll.get_event("cv:1", customer=customer)
    assert (event.charge, len(event.corrected_by)) == (Decimal("0.5"), 1)
    correction = toll.get_event(event.corrected_by[0], customer=customer)
    assert (correction.quantity, correction.charge) == (0, 0)
    assert [event.cost, correction.cost] == [bill.cost for bill in simulator.bills()]
    assert operation.charge == 0


def test_an_ambiguous_call_leaves_the_hold_in_doubt(
    toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(timeout=True)
    client = toll.wrap(openai).with_options(max_retries=0, timeout=0.3)
    with pytest.raises(Exception, match="timed out"), toll.operation("cv_parse", customer=customer, id="a"):
        client.chat.completions.create(**hello)
    assert toll.get_hold("a", customer=customer).state == "in_doubt"


def test_an_ambiguous_call_of_which_nothing_was_delivered_holds_nothing_back(
    toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(timeout=True)
    client = toll.wrap(openai).with_options(max_retries=0, timeout=0.3)
    with suppress(APITimeoutError), toll.operation("cv_parse", customer=customer, id="a") as operation:
        operation.quantity = 0
        client.chat.completions.create(**hello)
        operation.quantity = 1
    assert toll.get_hold("a", customer=customer).state == "released"


def test_quantity_dimensions_and_metadata_may_be_set_within(toll: Tollkeeper, customer: str) -> None:
    with toll.operation("question", customer=customer, dimensions=None, quantity=1) as operation:
        operation.quantity = Decimal("2.5")
        operation.metadata = {"pages": 3}
    event = toll.get_event(operation.id, customer=customer)
    assert (event.quantity, event.metadata) == (Decimal("2.5"), {"pages": 3})
    with toll.operation("cv_parse", customer=customer, dimensions={"job": "cook"}) as other:
        other.dimensions = {**other.dimensions, "job": "baker"}
    assert toll.get_event(other.id, customer=customer).dimensions == {"job": "baker"}
    with pytest.raises(InvalidInput) as refused:
        operation.quantity = 1
    assert refused.value.code == "operation_ended"
    with pytest.raises(InvalidInput), operation:
        pass


@pytest.mark.parametrize(("meter", "charged"), [("cv_parse", 0), ("answer", Decimal("1.25"))])
def test_an_operation_of_quantity_0_costs_what_its_calls_do(
    meter: str, charged: Decimal, toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator,
    hello: dict[str, Any],
) -> None:  # fmt: skip
    """Fails where a counting meter refuses the 0: the cost is lost, and the hold stays open."""
    with suppress(ZeroDivisionError), toll.operation(meter, customer=customer, estimate=ESTIMATE) as operation:
        toll.wrap(openai).chat.completions.create(**hello)
        operation.quantity = 0
        raise ZeroDivisionError
    event = toll.get_event(operation.id, customer=customer)
    cost = simulator.bills()[0].cost or Decimal()
    assert (event.quantity, event.cost, event.charge) == (0, cost, charged * cost)
    assert toll.usage(customer, meter=meter).rows[0].quantity == 0
    assert toll.get_hold(operation.id, customer=customer).state == "settled"


def test_an_operation_of_quantity_0_without_calls_ends_its_hold(toll: Tollkeeper, customer: str) -> None:
    with toll.operation("cv_parse", customer=customer) as operation:
        operation.quantity = 0
    assert operation.charge == 0
    assert toll.get_hold(operation.id, customer=customer).state == "settled"
    assert toll.spool.entries() == []


def test_an_operation_that_called_nobody_cost_nothing_and_says_so_once(
    toll: Tollkeeper, customer: str, openai: OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    """As one whose answer came from a cache. Fails where the fallback is charged, or the charge stays open."""
    toll.wrap(openai)
    for meter in ("question", "answer", "answer"):
        with toll.operation(meter, customer=customer, estimate=ESTIMATE) as operation:
            pass
        event = toll.get_event(operation.id, customer=customer)
        assert (event.charge, event.cost, event.estimated, operation.charge) == (0, 0, False, 0)
    told = [record.getMessage() for record in caplog.records if "no provider call was seen" in record.getMessage()]
    assert sum("(answer)" in one for one in told) == 1
    caplog.clear()
    with toll.operation("cv_parse", customer=customer, estimate=[]) as operation:
        pass
    assert (operation.charge, toll.get_event(operation.id, customer=customer).cost) == (Decimal("0.5"), 0)
    assert caplog.records == []


def test_nested_operations_each_take_their_own_calls(
    toll: Tollkeeper, customer: str, openai: OpenAI, hello: dict[str, Any]
) -> None:
    client = toll.wrap(openai)
    with toll.operation("cv_parse", customer=customer) as outer:
        first = client.chat.completions.create(**hello).id
        with toll.operation("cv_parse", customer=customer) as inner:
            second = client.chat.completions.create(**hello).id
        third = client.chat.completions.create(**hello).id
    assert [call["response_id"] for call in outer.calls] == [first, third]
    assert [call["response_id"] for call in inner.calls] == [second]


def test_threads_keep_apart_and_can_be_bound(
    toll: Tollkeeper, customer: str, openai: OpenAI, hello: dict[str, Any]
) -> None:
    client = toll.wrap(openai)

    def work(_: int) -> tuple[str, list[str]]:
        with toll.operation("cv_parse", customer=customer) as operation:
            made = client.chat.completions.create(**hello).id
        return made, [call["response_id"] for call in operation.calls]

    with ThreadPoolExecutor(8) as pool:
        assert all(calls == [made] for made, calls in pool.map(work, range(16)))
        with toll.operation("cv_parse", customer=customer) as operation:
            ask = toll.bind(lambda _: client.chat.completions.create(**hello).id)
            made = set(pool.map(ask, range(8)))
    assert {call["response_id"] for call in operation.calls} == made
    assert len(toll.get_event(operation.id, customer=customer).calls) == 8


async def test_tasks_keep_apart_and_inherit(
    toll: Tollkeeper, customer: str, async_openai: AsyncOpenAI, hello: dict[str, Any]
) -> None:
    client = toll.wrap(async_openai)

    async def work() -> tuple[str, list[str]]:
        async with toll.operation("cv_parse", customer=customer) as operation:
            made = (await client.chat.completions.create(**hello)).id
        return made, [call["response_id"] for call in operation.calls]

    assert all(calls == [made] for made, calls in await asyncio.gather(*[work() for _ in range(8)]))
    async with toll.operation("cv_parse", customer=customer) as operation:
        await asyncio.gather(*[client.chat.completions.create(**hello) for _ in range(5)])
    assert len(operation.calls) == 5
    assert operation.charge == Decimal("0.5")


def test_a_call_without_an_operation_is_an_event_of_its_own(
    toll: Tollkeeper, customer: str, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    made = toll.wrap(openai, customer=customer, meter="answer").chat.completions.create(**hello)
    with toll.context(customer=customer, meter="cv_parse", dimensions={"job": "j7"}):
        with toll.context(member="u2"):
            other = toll.wrap(openai).chat.completions.create(**hello)
        list(toll.wrap(openai).chat.completions.create(**hello, stream=True))
        with toll.operation("cv_parse") as operation:
            pass
    toll.replay()
    event = toll.get_event(f"openai:{made.id}", customer=customer)
    assert (event.meter, event.cost) == ("answer", simulator.bills()[0].cost)
    event = toll.get_event(f"openai:{other.id}", customer=customer)
    assert (event.meter, event.charge, event.member, event.dimensions) == (
        "cv_parse",
        Decimal("0.5"),
        "u2",
        {"job": "j7"},
    )
    assert operation.customer == customer
    assert toll.usage(customer, meter="cv_parse").rows[0].events == 3


def test_a_call_that_nobody_is_named_for_is_counted_and_said_once(
    toll: Tollkeeper, openai: OpenAI, hello: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    before = toll.unassigned
    for _ in range(3):
        toll.wrap(openai).chat.completions.create(**hello)
    assert toll.unassigned == before + 3
    (found,) = toll.spool.rows("unassigned")
    assert (found["provider"], found["model"], found["calls"]) == ("openai", "gpt-4o-2024-08-06", toll.unassigned)
    assert [record for record in caplog.records if "charged to nobody" in record.getMessage()] != []
    assert sum("charged to nobody" in record.getMessage() for record in caplog.records) == 1


def test_an_operation_needs_a_customer_that_exists(toll: Tollkeeper) -> None:
    with pytest.raises(InvalidInput) as refused:
        toll.operation("cv_parse")
    assert refused.value.code == "missing_field"
    with pytest.raises(NotFound), toll.operation("cv_parse", customer="nobody"):
        pass
