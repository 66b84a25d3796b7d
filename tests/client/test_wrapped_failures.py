"""Calls that fail, are cancelled, or are left alone: not billed, in doubt, or estimated; never invented, never lost."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import openai as package
import pytest
from openai import AsyncOpenAI, OpenAI

from tollkeeper import Tollkeeper
from tollkeeper.client import Operation
from tollkeeper.simulator import Simulator

pytestmark = pytest.mark.anyio


def ended(operation: Operation) -> str:
    """What is sent for an operation that has ended."""
    (found,) = [one.kind for one in operation._toll.spool.entries() if one.id in (operation.id, operation._hold_id)]
    return found


def fails(toll: Tollkeeper, act: Any) -> Operation:
    operation = toll.operation("cv_parse", customer="acme")
    with pytest.raises(package.APIError), operation:
        act()
    return operation


def test_a_refused_call_is_not_billed(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(status=400)
    operation = fails(lonely, lambda: lonely.wrap(openai).chat.completions.create(**hello))
    assert (operation.calls, ended(operation)) == ([], "release")


@pytest.mark.parametrize("step", [{"status": 503}, {"timeout": True}, {"abort_after_chunks": 0}])
def test_a_call_whose_answer_is_lost_is_in_doubt(
    step: dict[str, Any], lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(**step)
    client = lonely.wrap(openai).with_options(max_retries=0, timeout=0.3)
    operation = fails(lonely, lambda: client.chat.completions.create(**hello))
    assert (operation.calls, ended(operation)) == ([], "doubt")


def test_a_call_that_was_never_sent_is_not_in_doubt(lonely: Tollkeeper, hello: dict[str, Any]) -> None:
    client = lonely.wrap(OpenAI(base_url="http://127.0.0.1:9", api_key="sk-1", max_retries=0))
    operation = fails(lonely, lambda: client.chat.completions.create(**hello))
    assert ended(operation) == "release"


def test_a_retried_call_counts_once(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(status=500, times=2, headers={"retry-after-ms": "1"})
    with lonely.operation("cv_parse", customer="acme") as operation:
        lonely.wrap(openai).chat.completions.create(**hello)
    assert [call["response_id"] for call in operation.calls] == [bill.response_id for bill in simulator.bills()]
    assert len(operation.calls) == 1


def test_usage_before_a_failure_is_booked(lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any]) -> None:
    operation = lonely.operation("cv_parse", customer="acme")

    def act() -> None:
        lonely.wrap(openai).chat.completions.create(**hello)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), operation:
        act()
    assert (len(operation.calls), ended(operation)) == (1, "settle")


@pytest.mark.parametrize("how", ["close", "leave", "raise", "forget"])
def test_a_stream_that_is_not_read_to_its_end_is_estimated(
    how: str, lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    client = lonely.wrap(openai)
    with lonely.operation("cv_parse", customer="acme") as operation:
        stream = client.chat.completions.create(**hello, stream=True)
        for _, _chunk in zip(range(4), stream, strict=False):
            pass
        if how == "close":
            stream.close()
        elif how == "leave":
            with stream:
                pass
        elif how == "raise":
            with pytest.raises(ZeroDivisionError), stream:
                raise ZeroDivisionError
        else:
            del stream
            gc.collect()
    (call,), (bill,) = operation.calls, simulator.bills()
    assert (call["response_id"], call["estimated"]) == (bill.response_id, True)
    assert 0 < call["usage"]["completion_tokens"] < bill.usage["completion_tokens"]
    assert call["usage"]["prompt_tokens"] == pytest.approx(bill.usage["prompt_tokens"], abs=4)


def test_a_stream_that_nobody_reads_is_estimated_from_the_request(
    lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any]
) -> None:
    client = lonely.wrap(openai)
    with lonely.operation("cv_parse", customer="acme") as operation:
        client.chat.completions.create(**hello, stream=True)
        gc.collect()
    (call,) = operation.calls
    assert (call["estimated"], call["usage"]["completion_tokens"]) == (True, 0)
    assert call["usage"]["prompt_tokens"] > 0


def test_a_stream_that_breaks_is_estimated_by_what_came(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(abort_after_chunks=3)
    operation = fails(lonely, lambda: list(lonely.wrap(openai).chat.completions.create(**hello, stream=True)))
    (call,) = operation.calls
    assert (call["response_id"], call["estimated"]) == (simulator.bills()[0].response_id, True)
    assert ended(operation) == "settle"


def test_an_operation_waits_for_its_stream(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    """As where a web framework reads the stream after the handler has returned it."""
    with lonely.operation("cv_parse", customer="acme") as operation:
        stream = lonely.wrap(openai).chat.completions.create(**hello, stream=True)
        next(stream)
    assert lonely.spool.entries() == []
    list(stream)
    (entry,) = lonely.spool.entries()
    (call,) = entry.body["settlement"]["events"][0]["calls"]
    assert call["usage"]["completion_tokens"] == simulator.bills()[0].usage["completion_tokens"]
    assert operation.result is None


def test_a_stream_that_is_still_open_at_the_end_of_the_process_is_estimated(
    lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any]
) -> None:
    with lonely.operation("cv_parse", customer="acme"):
        stream = lonely.wrap(openai).chat.completions.create(**hello, stream=True)
        next(stream)
    lonely.close()
    (entry,) = lonely.spool.entries()
    assert entry.body["settlement"]["events"][0]["calls"][0]["estimated"] is True
    stream.close()


async def test_a_cancelled_call_is_in_doubt(
    lonely: Tollkeeper, async_openai: AsyncOpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(until_released=True)
    operation = lonely.operation("cv_parse", customer="acme")

    async def work() -> None:
        async with operation:
            await lonely.wrap(async_openai).chat.completions.create(**hello)

    task = asyncio.create_task(work())
    async with asyncio.timeout(30):
        while not simulator.bills():  # noqa: ASYNC110 - the simulator is in another thread
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended(operation) == "doubt"


async def test_a_cancelled_stream_is_estimated(
    lonely: Tollkeeper, async_openai: AsyncOpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(chunk_delay_ms=200)
    operation = lonely.operation("cv_parse", customer="acme")
    streaming = asyncio.Event()

    async def work() -> None:
        async with operation:
            async for _ in await lonely.wrap(async_openai).chat.completions.create(**hello, stream=True):
                streaming.set()

    task = asyncio.create_task(work())
    await asyncio.wait_for(streaming.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (call,) = operation.calls
    assert (call["estimated"], ended(operation)) == (True, "settle")


def test_a_defect_of_ours_never_reaches_the_caller(
    lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = lonely.wrap(openai)
    monkeypatch.setattr(lonely.spool, "write", None)
    with lonely.context(customer="acme", meter="answer"):
        assert client.chat.completions.create(**hello).choices
        assert list(client.chat.completions.create(**hello, stream=True))
    monkeypatch.undo()
