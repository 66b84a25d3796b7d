"""Every way to call the anthropic package is metered once."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic

from tollkeeper import Tollkeeper
from tollkeeper.simulator import Simulator

from .conftest import Seen
from .test_wrapped_openai import billed, nonzero, told

pytestmark = pytest.mark.anyio


def helper(client: Anthropic, asked: dict[str, Any]) -> None:
    with client.messages.stream(**asked) as stream:
        assert stream.get_final_message().usage.output_tokens


def lines(client: Anthropic, asked: dict[str, Any]) -> None:
    with client.messages.with_streaming_response.create(**asked) as response:
        assert list(response.iter_lines())


WAYS = {
    "create": lambda client, asked: client.messages.create(**asked),
    "stream": lambda client, asked: list(client.messages.create(**asked, stream=True)),
    "helper": helper,
    "raw": lambda client, asked: client.messages.with_raw_response.create(**asked),
    "raw, parsed": lambda client, asked: client.messages.with_raw_response.create(**asked).parse(),
    "read as lines": lines,
    "beta": lambda client, asked: client.beta.messages.create(**asked),
    "with_options": lambda client, asked: client.with_options(timeout=9).messages.create(**asked),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_message_is_metered_as_it_is_billed(
    way: str, lonely: Tollkeeper, anthropic: Anthropic, simulator: Simulator, letter: dict[str, Any], seen: Seen
) -> None:
    client = lonely.wrap(anthropic)
    calls = seen(lambda: WAYS[way](client, letter))
    assert [told(call) for call in calls] == [billed(bill) for bill in simulator.bills()]
    assert (len(calls), calls[0]["provider"]) == (1, "anthropic")


def test_counting_tokens_is_free(lonely: Tollkeeper, anthropic: Anthropic, letter: dict[str, Any], seen: Seen) -> None:
    client = lonely.wrap(anthropic)
    asked = {name: letter[name] for name in ("model", "messages")}
    assert seen(lambda: client.messages.count_tokens(**asked)) == []


async def test_the_async_client_is_metered(
    lonely: Tollkeeper, async_anthropic: AsyncAnthropic, simulator: Simulator, letter: dict[str, Any]
) -> None:
    client = lonely.wrap(async_anthropic)
    async with lonely.operation("cv_parse", customer="acme") as operation:
        await client.messages.create(**letter)
        [event async for event in await client.messages.create(**letter, stream=True)]
        async with client.messages.stream(**letter) as stream:
            await stream.get_final_message()
        await (await client.messages.with_raw_response.create(**letter)).parse()
    assert [told(dict(call)) for call in operation.calls] == [billed(bill) for bill in simulator.bills()]


def test_a_message_broken_off_keeps_the_input_and_estimates_the_output(
    lonely: Tollkeeper, anthropic: Anthropic, simulator: Simulator, letter: dict[str, Any], seen: Seen
) -> None:
    def act() -> None:
        with lonely.wrap(anthropic).messages.create(**letter, stream=True) as stream:
            for event in stream:
                if event.type == "content_block_delta":
                    break

    (call,) = seen(act)
    (bill,) = simulator.bills()
    assert call["estimated"] is True
    assert call["response_id"] == bill.response_id
    assert nonzero(call["usage"])["input_tokens"] == bill.usage["input_tokens"]
    assert 1 <= call["usage"]["output_tokens"] < bill.usage["output_tokens"]
