"""What is kept of a provider's response: ids, model, tier, time, usage; and what a usage object says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.providers import Observed, Unit, book, facts_of, observe

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
USAGE = {"prompt_tokens": 5, "completion_tokens": 2}


def test_a_chat_completion() -> None:
    response = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1793793600,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"message": {"content": "words"}}],
        "service_tier": "default",
        "usage": USAGE,
    }
    assert observe("openai", response) == Observed("chatcmpl-1", "gpt-4o-2024-08-06", USAGE, "default", NOON)


def test_a_message() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "service_tier": "standard", "inference_geo": "us", "speed": "fast"}
    seen = observe("anthropic", {"id": "msg_1", "type": "message", "model": "claude-opus-5-5", "usage": usage})
    assert (seen.response_id, seen.service_tier, seen.region, seen.batch, seen.at) == (
        "msg_1",
        "fast",
        "us",
        False,
        None,
    )


def test_a_stream_without_usage_is_kept_without() -> None:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1793793600, "model": "m", "usage": None}
    assert observe("openai", chunk) == Observed("chatcmpl-1", "m", None, None, NOON)


@pytest.mark.parametrize(
    ("response", "response_id", "model"),
    [
        ({"responseId": "r", "modelVersion": "gemini-2.5-pro", "usageMetadata": {}}, "r", "gemini-2.5-pro"),
        ({"response_id": "r", "model_version": "gemini-2.5-pro", "usage_metadata": {}}, "r", "gemini-2.5-pro"),
        ({"ResponseMetadata": {"RequestId": "b"}, "usage": {"inputTokens": 1}}, "b", None),
        ({"$metadata": {"requestId": "b"}, "usage": {"inputTokens": 1}}, "b", None),
        ({"type": "response.done", "response": {"id": "resp", "usage": USAGE}}, "resp", None),
        ({"type": "message_start", "message": {"id": "msg", "model": "c", "usage": USAGE}}, "msg", "c"),
        ({"custom_id": "x", "response": {"body": {"id": "chat", "model": "m", "usage": USAGE}}}, "chat", "m"),
        ({"custom_id": "x", "result": {"message": {"id": "msg", "model": "c", "usage": USAGE}}}, "msg", "c"),
        ({"text": "words", "x_groq": {"id": "req"}}, "req", None),
        ({}, None, None),
        ({"id": 7, "model": ["m"], "usage": "much", "created": {}, "response": "x", "output": 3}, None, None),
    ],
)
def test_ids_and_models(response: dict[str, Any], response_id: str | None, model: str | None) -> None:
    seen = observe("any", response)
    assert (seen.response_id, seen.model) == (response_id, model)
    assert seen.batch == ("custom_id" in response)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (1793793600, NOON),
        (1793793600.9, NOON),
        (Decimal("1793793600.5"), NOON),
        ("2026-11-04T12:00:00Z", NOON),
        ("2026-11-04T13:00:00+01:00", NOON),
        ("2026-11-04T12:00:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("yesterday", None),
        (True, None),
        (0, None),
        (-5, None),
        (10**20, None),
        (float("inf"), None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_times(value: object, at: datetime | None) -> None:
    assert observe("openai", {"created": value}).at == at


@pytest.mark.parametrize("response", [None, 5, "x", [{"id": "x"}]])
def test_a_response_must_be_an_object(response: Any) -> None:
    with pytest.raises(UsageNotUnderstood) as caught:
        observe("openai", response)
    assert (caught.value.code, caught.value.field) == ("response_not_understood", "response")


def test_what_the_usage_says_of_itself_counts_unless_the_caller_says_otherwise() -> None:
    usage = {"input_tokens": 1_000_000, "output_tokens": 0, "service_tier": "batch", "inference_geo": "us"}
    told = facts_of("anthropic", "claude-opus-4-6", usage, NOON)
    assert (told.batch, told.region, told.service_tier) == (True, "us", None)
    assert book().price(told).cost == Decimal("2.75")
    said = facts_of("anthropic", "claude-opus-4-6", usage, NOON, service_tier="priority", region="global")
    assert (said.batch, said.region, said.service_tier) == (True, "global", "priority")


@pytest.mark.parametrize(
    ("traffic", "tier"),
    [("ON_DEMAND", None), ("ON_DEMAND_FLEX", "flex"), ("PROVISIONED_THROUGHPUT", "provisioned_throughput")],
)
def test_gemini_tells_its_tier_as_traffic(traffic: str, tier: str | None) -> None:
    facts = facts_of("google", "gemini-2.5-pro", {"promptTokenCount": 5, "trafficType": traffic}, NOON)
    assert facts.service_tier == tier
    assert (book().price(facts).cost is None) == (tier is not None)


def test_searches_of_an_answer_are_counted_once() -> None:
    output = [{"type": "web_search_call"}, {"type": "web_search_call", "action": {"type": "find_in_page"}}, "odd"]
    seen = observe("openai", {"output": output, "usage": {"input_tokens": 5}})
    assert seen.usage == {"input_tokens": 5, "web_searches": 1}
    told = observe("openai", {"output": output, "usage": {"input_tokens": 5, "web_searches": 3}})
    assert told.usage == {"input_tokens": 5, "web_searches": 3}
    billed = observe("openai", {"output": output, "usage": USAGE, "tool_usage": {"web_search": {"num_requests": 0}}})
    assert billed.usage == {**USAGE, "web_searches": 0}
    facts = facts_of("openai", "gpt-5", told.usage or {}, NOON)
    assert {Unit(unit): number for unit, number in facts.quantities.items()}[Unit.WEB_SEARCHES] == 3


def test_pictures_of_an_answer_leave_it_unpriced_rather_than_too_cheap() -> None:
    response = {"output": [{"type": "image_generation_call"}], "usage": {"input_tokens": 5, "output_tokens": 5}}
    seen = observe("openai", response)
    assert book().price(facts_of("openai", "gpt-5", seen.usage or {}, NOON)).missing == ("images",)
    told = observe("openai", response | {"tool_usage": {"image_gen": {"total_tokens": 4220}}})
    assert told.usage == {"input_tokens": 5, "output_tokens": 5, "other_model_tokens": 4220}
    assert book().price(facts_of("openai", "gpt-5", told.usage, NOON)).missing == ("other_model_tokens",)
    drawn = {"usage": {"input_tokens": 5}, "svg_usage": {"model": "gpt-5", "total_tokens": 30}}
    assert observe("openai", drawn).usage == {"input_tokens": 5, "other_model_tokens": 30}
    none = observe("openai", {"usage": USAGE, "tool_usage": {"image_gen": {"total_tokens": 0}, "web_search": None}})
    assert none.usage == USAGE
