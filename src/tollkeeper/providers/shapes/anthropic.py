"""Anthropic's usage object: `input_tokens` leaves out what was read from the cache and written to it."""

from __future__ import annotations

from tollkeeper.money import ZERO, add, subtract, sum_of
from tollkeeper.providers.model import Unit
from tollkeeper.providers.reading import Reader, refuse
from tollkeeper.providers.shapes.parts import Quantities, answer, summed, told


def is_message(usage: Reader) -> bool:
    """A Messages response, from Anthropic or by way of a cloud."""
    return usage.has(
        "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "server_tool_use", "iterations"
    )


def message(usage: Reader, _provider: str, _model: str) -> Quantities:
    """The message's own tokens, its searches, and what a compaction took besides: that isn't in the totals."""
    found = _turn(usage)
    for turn in usage.items("iterations"):
        if turn.word("type") == "compaction":
            found = summed(found, _turn(turn))
        elif turn.word("type") == "advisor_message":
            found = summed(found, {Unit.OTHER_MODEL_TOKENS: sum_of(_turn(turn).values())})
    if searches := usage.inner("server_tool_use").tokens("web_search_requests"):
        found[Unit.WEB_SEARCHES] = searches
    return found


def _turn(usage: Reader) -> Quantities:
    output = usage.inner("output_tokens_details")
    found = told({Unit.INPUT_TOKENS: usage.tokens("input_tokens"), **_cache(usage)})
    thought = output.tokens("thinking_tokens", "reasoning_tokens")
    return found | answer(usage.tokens("output_tokens"), thought, {}, usage, "output_tokens")


def _cache(usage: Reader) -> Quantities:
    """Read, and written by lifetime; what was written without one is told as such."""
    lifetimes = usage.inner("cache_creation")
    short, long = lifetimes.tokens("ephemeral_5m_input_tokens"), lifetimes.tokens("ephemeral_1h_input_tokens")
    rest = ZERO
    if usage.has("cache_creation_input_tokens"):
        rest = subtract(usage.tokens("cache_creation_input_tokens"), add(short, long))
        if rest < 0:
            refuse(usage.path("cache_creation"), "More was written to the cache by lifetime than in all.")
    return {
        Unit.CACHED_INPUT_TOKENS: usage.tokens("cache_read_input_tokens"),
        Unit.CACHE_WRITE_TOKENS: rest,
        Unit.CACHE_WRITE_5M_TOKENS: short,
        Unit.CACHE_WRITE_1H_TOKENS: long,
    }
