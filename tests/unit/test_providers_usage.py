"""Usage objects: which shape is which, what a number may be, and what is refused with its field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tollkeeper.errors import InvalidInput, UsageNotUnderstood
from tollkeeper.providers import Unit, extract


def units(usage: dict[str, Any], provider: str = "openai", model: str | None = None) -> dict[str, int]:
    """The quantities without the zeros."""
    found = extract(provider, usage, model=model)
    assert all(isinstance(unit, Unit) and isinstance(number, Decimal) for unit, number in found.items())
    return {unit.value: int(number) for unit, number in found.items() if number}


def refused(usage: Any) -> UsageNotUnderstood:
    with pytest.raises(UsageNotUnderstood) as caught:
        extract("openai", usage)
    assert isinstance(caught.value, InvalidInput)
    assert (caught.value.code, caught.value.status) == ("usage_not_understood", 422)
    return caught.value


@pytest.mark.parametrize("number", [7, "7", "7.0", Decimal(7), Decimal("7.00"), 7.0, "7e0"])
def test_tokens_may_be_written_in_many_ways(number: object) -> None:
    assert units({"prompt_tokens": number}) == {"input_tokens": 7}


IMPOSSIBLE: dict[str, object] = {
    "negative": -1,
    "negative text": "-1",
    "true": True,
    "false": False,
    "no whole float": 1.5,
    "no whole text": "1.5",
    "no whole decimal": Decimal("0.1"),
    "float nan": float("nan"),
    "float infinity": float("inf"),
    "nan": "NaN",
    "infinity": "Infinity",
    "word": "seven",
    "empty": "",
    "list": [],
    "object": {},
    "large": 10**15,
    "large text": "1e30",
    "enormous": 10**5000,
    "complex": 1j,
    "hexadecimal": "0x10",
    "anything": object(),
}


@pytest.mark.parametrize("number", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_tokens_that_can_not_be_are_refused(number: object) -> None:
    assert refused({"prompt_tokens": number}).field == "usage.prompt_tokens"
    assert refused({"input_tokens": number, "total_tokens": 3}).field == "usage.input_tokens"
    details = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": number}}
    assert refused(details).field == "usage.prompt_tokens_details.cached_tokens"


def test_minus_zero_is_zero() -> None:
    assert str(extract("openai", {"prompt_tokens": -0.0})[Unit.INPUT_TOKENS]) in ("0", "0.0")


@pytest.mark.parametrize(
    ("number", "seconds"), [(12.5, "12.5"), ("0.1", "0.1"), (0.1, "0.1"), (3, "3"), ("7.50", "7.5")]
)
def test_seconds_have_decimals(number: object, seconds: str) -> None:
    assert extract("openai", {"seconds": number}) == {Unit.SECONDS: Decimal(seconds)}
    assert extract("openai", {"type": "duration", "seconds": number}) == {Unit.SECONDS: Decimal(seconds)}


@pytest.mark.parametrize("number", [-0.5, "x", float("nan"), True, "1.0000000000001"])
def test_seconds_that_can_not_be_are_refused(number: object) -> None:
    assert refused({"seconds": number}).field == "usage.seconds"


@pytest.mark.parametrize(
    "usage", [{}, {"tokens": 5}, {"total_tokens": 5}, {"prompt_tokens": None}, {"queue_time": 0.1}]
)
def test_a_usage_without_known_keys_is_refused(usage: dict[str, Any]) -> None:
    assert refused(usage).field == "usage"


@pytest.mark.parametrize("usage", [None, 5, "x", [], [{"prompt_tokens": 5}]])
def test_a_usage_must_be_an_object(usage: object) -> None:
    assert refused(usage).field == "usage"


def test_details_must_be_objects() -> None:
    assert refused({"prompt_tokens": 5, "prompt_tokens_details": 3}).field == "usage.prompt_tokens_details"
    gemini = {"promptTokenCount": 5, "promptTokensDetails": [3]}
    assert refused(gemini).field == "usage.promptTokensDetails"
    assert units({"prompt_tokens": 5, "prompt_tokens_details": None}) == {"input_tokens": 5}


def test_our_own_words() -> None:
    assert units({"characters": 11}) == {"characters": 11}
    assert units({"images": "2"}, "anybody") == {"images": 2}
    assert units({"web_searches": 1}) == {"web_searches": 1}
    assert units({"requests": 1, "pages": 3}) == {"requests": 1, "pages": 3}
    disjoint = {"input_tokens": 5, "cached_input_tokens": 500, "output_tokens": 3}
    assert units(disjoint) == disjoint
    assert refused({"images": 1.5}).field == "usage.images"


def test_searches_may_stand_beside_any_shape() -> None:
    assert units({"prompt_tokens": 5, "web_searches": 2}) == {"input_tokens": 5, "web_searches": 2}
    anthropic = {"input_tokens": 5, "cache_read_input_tokens": 0, "server_tool_use": {"web_search_requests": 1}}
    assert units(anthropic | {"web_searches": 2, "code_sessions": 1}) == {
        "input_tokens": 5,
        "web_searches": 3,
        "code_sessions": 1,
    }


def test_parts_larger_than_the_whole_are_refused() -> None:
    audio = {"prompt_tokens": 5, "prompt_tokens_details": {"audio_tokens": 6}}
    assert refused(audio).field == "usage.prompt_tokens"
    reasoning = {"input_tokens": 5, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 6}}
    assert refused(reasoning).field == "usage.output_tokens"
    anthropic = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 5},
    }
    assert refused(anthropic).field == "usage.cache_creation"
    converse = {"inputTokens": 5, "cacheWriteInputTokens": 9, "cacheDetails": [{"ttl": "1h", "inputTokens": 10}]}
    assert refused(converse).field == "usage.cacheDetails"
    split = {"cached_tokens": 4, "audio_tokens": 3, "cached_tokens_details": {"audio_tokens": 4, "text_tokens": 0}}
    assert refused({"input_tokens": 9, "input_token_details": split}).field == "usage.input_tokens"


def test_more_cached_than_there_is_means_that_the_cache_is_outside() -> None:
    chat = {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 5}}
    assert units(chat) == {"input_tokens": 10, "cached_input_tokens": 90, "cache_write_tokens": 5}
    exactly = {"prompt_tokens": 95, "prompt_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 5}}
    assert units(exactly) == {"cached_input_tokens": 90, "cache_write_tokens": 5}


def test_reasoning_outside_of_the_answer_is_known_by_the_total() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 70}}
    assert units(usage | {"total_tokens": 100}, "xai") == {
        "input_tokens": 10,
        "output_tokens": 20,
        "reasoning_tokens": 70,
    }
    assert units(usage | {"total_tokens": 100}) == {"input_tokens": 10, "output_tokens": 20, "reasoning_tokens": 70}
    assert refused(usage | {"total_tokens": 30}).field == "usage.completion_tokens"


def test_a_total_that_does_not_fit_changes_nothing() -> None:
    assert units({"prompt_tokens": 4, "completion_tokens": 635, "total_tokens": 3264}) == {
        "input_tokens": 4,
        "output_tokens": 635,
    }


def test_written_to_the_cache_among_pictures() -> None:
    details = {"image_tokens": 800, "cache_write_tokens": 900, "cached_tokens": 0}
    usage = {"prompt_tokens": 1000, "prompt_tokens_details": details}
    assert units(usage) == {"cache_write_tokens": 900, "input_image_tokens": 100}


def test_lifetimes_that_say_more_than_the_whole_count() -> None:
    details = {"cache_write_tokens_details": {"ttl_30m_tokens": 30, "ttl_12h_tokens": 12}}
    assert units({"input_tokens": 100, "output_tokens": 0, "input_tokens_details": details}) == {
        "input_tokens": 58,
        "cache_write_30m_tokens": 30,
        "cache_write_12h_tokens": 12,
    }


def test_keys_that_nobody_knows_are_left_alone() -> None:
    usage = {"prompt_tokens": 5, "queue_time": 0.03, "future_tokens": 9, "prompt_tokens_details": {"odd_tokens": 4}}
    assert units(usage) == {"input_tokens": 5}


def test_a_duration_needs_seconds() -> None:
    assert refused({"type": "duration"}).field == "usage.seconds"
    assert extract("openai", {"type": "duration", "seconds": 0}) == {Unit.SECONDS: Decimal(0)}
