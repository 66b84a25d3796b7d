"""The real anthropic package works against the simulator unmodified."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import anthropic as package
import pytest
from anthropic import Anthropic, AsyncAnthropic

from tollkeeper.simulator import Simulator

pytestmark = pytest.mark.anyio

HELLO: Any = {
    "model": "claude-haiku-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello."}],
}


def cached(length: int, ttl: str | None = None) -> list[Any]:
    """A system prompt of so many tokens that is to be cached."""
    control = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    return [{"type": "text", "text": "rule" * length, "cache_control": control}]


def test_a_message_is_answered_and_billed(anthropic: Anthropic, simulator: Simulator) -> None:
    answer = anthropic.messages.create(**HELLO)
    (bill,) = simulator.bills()
    assert (answer.usage.input_tokens, answer.usage.service_tier, answer.stop_reason) == (6, "standard", "end_turn")
    assert (bill.response_id, bill.project, bill.endpoint) == (answer.id, "wrkspc_acme", "messages")
    assert bill.api_key.startswith("apikey_")
    assert bill.usage == answer.usage.model_dump(exclude_none=True)
    assert bill.cost
    assert answer._request_id == bill.request_id


def test_a_stream_begins_with_the_input_and_ends_with_all_output(anthropic: Anthropic, simulator: Simulator) -> None:
    events = list(anthropic.messages.create(**HELLO, stream=True))
    assert [events[0].type, events[-2].type, events[-1].type] == ["message_start", "message_delta", "message_stop"]
    assert events[0].type == "message_start"
    assert (events[0].message.usage.input_tokens, events[0].message.usage.output_tokens) == (6, 1)
    assert events[-2].type == "message_delta"
    assert events[-2].usage.output_tokens == simulator.bills()[0].usage["output_tokens"]
    with anthropic.messages.stream(**HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.usage.output_tokens * 4 == len(text)


async def test_the_async_client_streams_too(async_anthropic: AsyncAnthropic) -> None:
    plain = await async_anthropic.messages.create(**HELLO)
    async with async_anthropic.messages.stream(**HELLO) as stream:
        assert await stream.get_final_text() == plain.content[0].to_dict()["text"]


def test_the_cache_has_to_be_asked_for_and_ends(anthropic: Anthropic, simulator: Simulator) -> None:
    def ask(system: Any) -> tuple[int, int, int]:
        usage = anthropic.messages.create(**HELLO, system=system).usage
        assert usage.cache_creation is not None
        assert (usage.cache_creation_input_tokens or 0) == (
            usage.cache_creation.ephemeral_5m_input_tokens + usage.cache_creation.ephemeral_1h_input_tokens
        )
        return usage.input_tokens, usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0

    assert ask("rule" * 2000) == (2006, 0, 0)
    assert ask(cached(900)) == (906, 0, 0)  # too short
    assert ask(cached(2000)) == (6, 2000, 0)
    assert ask(cached(2000)) == (6, 0, 2000)
    assert ask([*cached(2000), *cached(1500)]) == (6, 1500, 2000)
    simulator.set_clock(offset=timedelta(minutes=6))
    assert ask(cached(2000, "1h")) == (6, 2000, 0)
    simulator.set_clock(offset=timedelta(minutes=60))
    assert ask(cached(2000, "1h")) == (6, 0, 2000)
    assert simulator.bills()[5].quantities["cache_write_1h_tokens"] == 2000
    assert all(bill.cost for bill in simulator.bills())


def test_reading_is_cheaper_and_writing_dearer(anthropic: Anthropic, simulator: Simulator) -> None:
    for _ in range(2):
        anthropic.messages.create(**HELLO | {"model": "claude-opus-4-8"}, system=cached(10_000))
    written, read = (bill.asked for bill in simulator.bills())
    assert written["cache_write_5m_tokens"] == Decimal("0.0625")  # $6.25 a million
    assert read["cached_input_tokens"] == Decimal("0.005")


def test_thinking_tools_and_limits(anthropic: Anthropic) -> None:
    thought = anthropic.messages.create(**HELLO, thinking={"type": "adaptive"})
    assert [block.type for block in thought.content] == ["thinking", "text"]
    assert thought.usage.output_tokens_details is not None
    assert thought.usage.output_tokens_details.thinking_tokens == 64
    tool: Any = {"name": "look_up", "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    called = anthropic.messages.create(**HELLO, tools=[tool], tool_choice={"type": "tool", "name": "look_up"})
    assert called.stop_reason == "tool_use"
    assert called.content[0].to_dict()["input"] == {"id": 0}
    with anthropic.messages.stream(**HELLO, tools=[tool], tool_choice={"type": "any"}) as stream:
        assert stream.get_final_message().content[0].to_dict()["input"] == {"id": 0}
    cut = anthropic.messages.create(**HELLO | {"max_tokens": 3})
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 3)


def test_a_search_is_in_the_usage(anthropic: Anthropic, simulator: Simulator) -> None:
    tools: Any = [{"type": "web_search_20250305", "name": "web_search"}]
    answer = anthropic.messages.create(**HELLO, tools=tools)
    assert answer.usage.server_tool_use is not None
    assert answer.usage.server_tool_use.web_search_requests == 1
    assert [block.type for block in answer.content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert simulator.bills()[0].asked["web_searches"] == Decimal("0.01")
    with anthropic.messages.stream(**HELLO, tools=tools) as stream:
        assert stream.get_final_message().content[0].to_dict()["input"] == {"query": "toll"}


def test_counting_tokens_costs_nothing(anthropic: Anthropic, simulator: Simulator) -> None:
    found = anthropic.messages.count_tokens(model="claude-haiku-5-5", messages=HELLO["messages"])
    assert found.input_tokens == 6
    assert simulator.bills() == []


def test_errors_are_anthropics_own(anthropic: Anthropic, simulator: Simulator) -> None:
    with pytest.raises(package.NotFoundError, match="model: gpt-4o"):
        anthropic.messages.create(**HELLO | {"model": "gpt-4o"})
    with pytest.raises(package.AuthenticationError):
        anthropic.with_options(api_key="sk-ant-invalid").messages.create(**HELLO)
    with pytest.raises(package.AuthenticationError):
        anthropic.with_options(api_key="sk-ant-admin01-1").messages.create(**HELLO)
    once = anthropic.with_options(max_retries=0)
    simulator.script(status=529)
    with pytest.raises(package.InternalServerError) as caught:
        once.messages.create(**HELLO)
    assert caught.value.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": caught.value.request_id,
    }
    simulator.script(abort_after_chunks=4, error={"type": "overloaded_error", "message": "Overloaded"})
    with pytest.raises(package.APIStatusError, match="Overloaded"):
        list(once.messages.create(**HELLO, stream=True))
    assert len(simulator.bills()) == 1
    assert next(model.id for model in anthropic.models.list()).startswith("claude-")
