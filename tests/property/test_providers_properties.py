"""What holds for any usage: each token in one unit, more never costs less, the lines are the cost, unknown isn't 0."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.money import round_charge, sum_of
from tollkeeper.providers import CallFacts, Observed, Unit, book, extract, observe
from tollkeeper.providers.model import INPUT_UNITS, TOKEN_UNITS

TOKENS = st.integers(0, 2_000_000)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ROWS = [row for row in book().rows if "*" not in row.model]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "prompt_tokens_details",
        "input_tokens_details",
        "cached_tokens",
        "cache_creation",
        "iterations",
        "server_tool_use",
        "promptTokenCount",
        "promptTokensDetails",
        "inputTokens",
        "cacheDetails",
        "seconds",
        "type",
        "pages_processed",
        "usage",
        "response",
        "output",
        "usageMetadata",
        "custom_id",
        "result",
        "message",
        "created",
        "id",
        "model",
        "service_tier",
        "speed",
        "x_groq",
    ]
)


def whole(found: Mapping[Unit, Decimal], *, of_input: bool) -> int:
    """All tokens on one side of the call."""
    return int(sum_of(n for unit, n in found.items() if unit in TOKEN_UNITS and (unit in INPUT_UNITS) is of_input))


@given(
    text=TOKENS, audio=TOKENS, image=TOKENS, share=st.tuples(*[st.fractions(0, 1)] * 2), out=st.tuples(*[TOKENS] * 3)
)
def test_openai_counts_each_token_once(
    text: int, audio: int, image: int, share: tuple[Fraction, Fraction], out: tuple[int, int, int]
) -> None:
    prompt = text + audio + image
    cached = int(prompt * share[0])
    written = int((prompt - cached) * share[1])
    details = {
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "audio_tokens": audio,
        "image_tokens": image,
        "text_tokens": text,
    }
    answered = {"reasoning_tokens": out[0], "audio_tokens": out[1], "text_tokens": out[2]}
    chat = {
        "prompt_tokens": prompt,
        "completion_tokens": sum(out),
        "prompt_tokens_details": details,
        "completion_tokens_details": answered,
    }
    responses = {
        "input_tokens": prompt,
        "output_tokens": sum(out),
        "input_tokens_details": details,
        "output_tokens_details": answered,
    }
    for usage in (chat, responses):
        found = extract("openai", usage)
        assert whole(found, of_input=True) == prompt
        assert whole(found, of_input=False) == sum(out)
        assert all(number >= 0 for number in found.values())
    assert extract("openai", chat) == extract("openai", responses)


@given(parts=st.lists(st.tuples(TOKENS, st.fractions(0, 1)), min_size=3, max_size=3))
def test_realtime_counts_each_token_once(parts: list[tuple[int, Fraction]]) -> None:
    cached = [int(tokens * share) for tokens, share in parts]
    names = ("text_tokens", "audio_tokens", "image_tokens")
    usage = {
        "input_tokens": sum(tokens for tokens, _ in parts),
        "output_tokens": 0,
        "input_token_details": {
            **{name: tokens for name, (tokens, _) in zip(names, parts, strict=True)},
            "cached_tokens": sum(cached),
            "cached_tokens_details": dict(zip(names, cached, strict=True)),
        },
    }
    found = extract("openai", usage)
    assert whole(found, of_input=True) == usage["input_tokens"]
    assert found.get(Unit.CACHED_INPUT_AUDIO_TOKENS, 0) == cached[1]


@given(tokens=st.tuples(*[TOKENS] * 6), more=st.tuples(*[TOKENS] * 3))
def test_anthropic_counts_each_token_once(tokens: tuple[int, ...], more: tuple[int, ...]) -> None:
    fresh, read, short, long, other, output = tokens
    usage: dict[str, Any] = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": short + long + other,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": output,
        "iterations": [
            {"type": "message", "input_tokens": fresh, "output_tokens": output},
            {
                "type": "compaction",
                "input_tokens": more[0],
                "output_tokens": more[1],
                "cache_read_input_tokens": more[2],
            },
        ],
    }
    found = extract("anthropic", usage)
    assert whole(found, of_input=True) == fresh + read + short + long + other + more[0] + more[2]
    assert whole(found, of_input=False) == output + more[1]


@given(kinds=st.tuples(*[TOKENS] * 4), tools=TOKENS, share=st.fractions(0, 1), out=st.tuples(TOKENS, TOKENS))
def test_gemini_counts_each_token_once(
    kinds: tuple[int, ...], tools: int, share: Fraction, out: tuple[int, int]
) -> None:
    names = ("TEXT", "IMAGE", "VIDEO", "AUDIO")
    usage = {
        "promptTokenCount": sum(kinds),
        "toolUsePromptTokenCount": tools,
        "cachedContentTokenCount": int(sum(kinds) * share),
        "candidatesTokenCount": out[0],
        "thoughtsTokenCount": out[1],
        "totalTokenCount": sum(kinds) + tools + sum(out),
        "promptTokensDetails": [{"modality": m, "tokenCount": n} for m, n in zip(names, kinds, strict=True)],
    }
    found = extract("google", usage)
    assert whole(found, of_input=True) + whole(found, of_input=False) == usage["totalTokenCount"]
    assert found.get(Unit.REASONING_TOKENS, 0) == out[1]


@given(row=st.sampled_from(ROWS), at=TIMES, batch=st.booleans(), data=st.data())
def test_more_never_costs_less_and_the_lines_are_the_cost(row: Any, at: datetime, batch: bool, data: Any) -> None:
    units = sorted({each.unit for each in book().rows_for(row.provider, row.model)})
    quantities = {unit: Decimal(data.draw(TOKENS)) for unit in data.draw(st.sets(st.sampled_from(units), min_size=1))}
    call = CallFacts(row.provider, row.model, quantities, at, row.conditions.service_tier, batch, row.conditions.region)
    priced = book().price(call)
    if priced.cost is None:
        assert priced.missing
        return
    assert priced.cost == round_charge(sum_of(line.cost for line in priced.lines))
    assert priced.cost > 0 or all(line.amount == 0 or not line.quantity for line in priced.lines)
    more = {unit: number + data.draw(TOKENS) for unit, number in quantities.items()}
    dearer = book().price(CallFacts(row.provider, row.model, more, at, call.service_tier, batch, call.region))
    assert (
        dearer.cost is None or dearer.cost >= priced.cost
    )  # None: what was 0 has no price, or none for so long a prompt


@given(model=st.text(min_size=1, max_size=30), at=TIMES, quantity=st.integers(1, 10**6), unit=st.sampled_from(Unit))
def test_unknown_is_never_zero(model: str, at: datetime, quantity: int, unit: Unit) -> None:
    for provider in ("openai", "nobody"):
        call = CallFacts(provider, f"unheard-of {model}", {unit: Decimal(quantity)}, at)
        assert (book().price(call).cost, book().price(call).missing) == (None, ("model",))
    known = book().price(CallFacts("openai", "gpt-4o", {unit: Decimal(quantity)}, at))
    assert known.cost is None if known.missing else known.cost > 0
    assert bool(known.missing) == (known.cost is None)


@given(usage=st.dictionaries(KEYS | st.text(max_size=8), JSON, max_size=6))
def test_any_json_is_understood_or_refused(usage: dict[str, Any]) -> None:
    with suppress(UsageNotUnderstood):
        found = extract("openai", usage)
        assert found
        assert all(number >= 0 and number.is_finite() for number in found.values())
    assert isinstance(observe("openai", usage), Observed)
