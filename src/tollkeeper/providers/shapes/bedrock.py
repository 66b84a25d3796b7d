"""Bedrock's Converse: as Anthropic's, `inputTokens` leaves out what was read from the cache and written to it."""

from __future__ import annotations

from tollkeeper.money import subtract, sum_of
from tollkeeper.providers.model import Unit
from tollkeeper.providers.reading import Reader, refuse
from tollkeeper.providers.shapes.parts import Quantities, told

_LIFETIMES = {
    "5m": Unit.CACHE_WRITE_5M_TOKENS,
    "30m": Unit.CACHE_WRITE_30M_TOKENS,
    "1h": Unit.CACHE_WRITE_1H_TOKENS,
    "12h": Unit.CACHE_WRITE_12H_TOKENS,
}


def is_converse(usage: Reader) -> bool:
    """A Converse response."""
    return usage.has("inputTokens", "outputTokens")


def converse(usage: Reader, _provider: str, _model: str) -> Quantities:
    """Tokens outside the cache, read from it, written to it by lifetime, and the answer's."""
    written: Quantities = {}
    for each in usage.items("cacheDetails"):
        unit = _LIFETIMES.get(each.word("ttl"), Unit.CACHE_WRITE_TOKENS)
        written[unit] = sum_of((written.get(unit, each.tokens()), each.tokens("inputTokens")))
    rest = subtract(usage.tokens("cacheWriteInputTokens", "cacheWriteInputTokenCount"), sum_of(written.values()))
    if rest < 0:
        refuse("cacheDetails", "More was written to the cache by lifetime than in all.")
    written[Unit.CACHE_WRITE_TOKENS] = sum_of((written.get(Unit.CACHE_WRITE_TOKENS, usage.tokens()), rest))
    found = {
        Unit.INPUT_TOKENS: usage.tokens("inputTokens"),
        Unit.CACHED_INPUT_TOKENS: usage.tokens("cacheReadInputTokens", "cacheReadInputTokenCount"),
        **written,
    }
    return told(found) | {Unit.OUTPUT_TOKENS: usage.tokens("outputTokens")}
