"""Parts of a prompt or an answer, as subsets of a whole, made disjoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tollkeeper.money import ZERO, add, subtract, sum_of
from tollkeeper.providers.model import Unit
from tollkeeper.providers.reading import Reader, refuse

Quantities = dict[Unit, Decimal]

TEXT, AUDIO, IMAGE, VIDEO = "text", "audio", "image", "video"
_FRESH = {
    TEXT: Unit.INPUT_TOKENS,
    AUDIO: Unit.INPUT_AUDIO_TOKENS,
    IMAGE: Unit.INPUT_IMAGE_TOKENS,
    VIDEO: Unit.INPUT_VIDEO_TOKENS,
}
_CACHED = {
    TEXT: Unit.CACHED_INPUT_TOKENS,
    AUDIO: Unit.CACHED_INPUT_AUDIO_TOKENS,
    IMAGE: Unit.CACHED_INPUT_IMAGE_TOKENS,
    VIDEO: Unit.CACHED_INPUT_VIDEO_TOKENS,
}
_ANSWERED = {
    TEXT: Unit.OUTPUT_TOKENS,
    AUDIO: Unit.OUTPUT_AUDIO_TOKENS,
    IMAGE: Unit.OUTPUT_IMAGE_TOKENS,
    VIDEO: Unit.OUTPUT_VIDEO_TOKENS,
}


@dataclass(slots=True)
class Prompt:
    """A prompt as a provider tells it, whose parts are subsets of the whole."""

    whole: Decimal
    """All tokens of the prompt; in the dialect that excludes the cache, those outside it."""
    cached: Decimal = ZERO
    written: Quantities = field(default_factory=dict)
    """Tokens written to the cache, by lifetime."""
    kinds: dict[str, Decimal] = field(default_factory=dict)
    """Tokens that aren't text, cached ones included."""
    cached_kinds: dict[str, Decimal] | None = None
    """Cached tokens that aren't text; None where the provider doesn't tell them apart."""


def disjoint(prompt: Prompt, reader: Reader, cached_name: str) -> Quantities:
    """The prompt in disjoint units.

    More cached and written tokens than there are in the whole means the dialect that excludes them: the whole is what
    came from no cache (OpenTelemetry's rule). Cached tokens that aren't told apart, and written ones, are text as far
    as there is text, then audio, then images: instructions and tools stand first in a prompt.
    """
    written = sum_of(prompt.written.values())
    other = sum_of(prompt.kinds.values())
    outside = add(prompt.cached, written) > prompt.whole
    whole = add(prompt.whole, add(prompt.cached, written)) if outside else prompt.whole
    if other > whole:
        refuse(reader.path(cached_name), f"Its parts have {other} tokens, the whole has {whole}.")
    parts = {TEXT: subtract(whole, other), **prompt.kinds}
    cached = _cached(prompt, parts)
    fresh = {kind: subtract(tokens, cached.get(kind, ZERO)) for kind, tokens in parts.items()}
    if short := [kind for kind, tokens in fresh.items() if tokens < 0]:
        refuse(reader.path(cached_name), f"More {short[0]} tokens came from the cache than the prompt has.")
    placed = _in_order(written, fresh)
    found: Quantities = dict(prompt.written)
    for kind, tokens in fresh.items():
        found[_FRESH[kind]] = subtract(tokens, placed[kind])
        found[_CACHED[kind]] = cached.get(kind, ZERO)
    return told(found)


def _cached(prompt: Prompt, parts: dict[str, Decimal]) -> dict[str, Decimal]:
    if prompt.cached_kinds is None:
        return _in_order(prompt.cached, parts)
    return {TEXT: subtract(prompt.cached, sum_of(prompt.cached_kinds.values())), **prompt.cached_kinds}


def _in_order(tokens: Decimal, parts: dict[str, Decimal]) -> dict[str, Decimal]:
    """How many of `tokens` each part takes, text first."""
    found, left = {}, tokens
    for kind, most in parts.items():
        found[kind] = min(left, most)
        left = subtract(left, found[kind])
    return found


def answer(whole: Decimal, reasoning: Decimal, kinds: dict[str, Decimal], reader: Reader, name: str) -> Quantities:
    """The answer in disjoint units; `reasoning` and `kinds` are subsets of the whole."""
    text = subtract(whole, add(reasoning, sum_of(kinds.values())))
    if text < 0:
        refuse(reader.path(name), f"Its parts have more tokens than the {whole} of the whole.")
    found = {_ANSWERED[kind]: tokens for kind, tokens in kinds.items()}
    return {Unit.OUTPUT_TOKENS: text, **told({Unit.REASONING_TOKENS: reasoning, **found})}


def told(quantities: Quantities) -> Quantities:
    """Without the zeros, but for plain input tokens: a prompt of nothing is told as 0."""
    return {unit: number for unit, number in quantities.items() if number or unit is Unit.INPUT_TOKENS}


def summed(left: Quantities, right: Quantities) -> Quantities:
    """Both together."""
    return left | {unit: add(left.get(unit, ZERO), number) for unit, number in right.items()}
