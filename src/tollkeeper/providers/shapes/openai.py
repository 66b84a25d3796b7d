"""OpenAI's usage objects, and those of the many that speak its formats.

Chat has `prompt_tokens` and `completion_tokens`, later ones `input_tokens` and `output_tokens`. Details are subsets:
cached, written to the cache, audio, image, reasoning. Accepted and rejected predictions are within the answer's tokens.
"""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.money import add, subtract, sum_of
from tollkeeper.providers.model import Unit
from tollkeeper.providers.reading import Reader, refuse
from tollkeeper.providers.shapes.parts import AUDIO, IMAGE, Prompt, Quantities, answer, disjoint

_IMAGE_MODELS = ("gpt-image", "chatgpt-image")
_OUTSIDE = frozenset({"google", "xai", "x_ai"})
"""Providers whose chat format leaves thoughts out of `completion_tokens`; `total_tokens` has them."""


def is_chat(usage: Reader) -> bool:
    """Chat completions, embeddings, and who speaks like them: Groq, Mistral, DeepSeek."""
    return usage.has("prompt_tokens", "completion_tokens")


def chat(usage: Reader, provider: str, model: str) -> Quantities:
    """`prompt_tokens` and `completion_tokens`; DeepSeek's hits and misses; Mistral's seconds of audio."""
    details = usage.inner("prompt_tokens_details", "input_tokens_details")
    prompt = _prompt(usage.tokens("prompt_tokens"), details)
    if not details.has("cached_tokens"):
        prompt.cached = usage.tokens("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")
    if not usage.has("prompt_tokens") and usage.has("prompt_cache_miss_tokens"):
        prompt.whole = add(prompt.cached, usage.tokens("prompt_cache_miss_tokens"))
    found = disjoint(prompt, usage, "prompt_tokens")
    if usage.has("completion_tokens"):
        found |= _completion(usage, provider, prompt.whole)
    if seconds := usage.amount("prompt_audio_seconds"):
        found[Unit.SECONDS] = seconds
    return found


def _completion(usage: Reader, provider: str, prompt: Decimal) -> Quantities:
    details = usage.inner("completion_tokens_details", "output_tokens_details")
    whole, reasoning = usage.tokens("completion_tokens"), details.tokens("reasoning_tokens")
    beyond = subtract(usage.tokens("total_tokens"), add(prompt, whole))
    if beyond > 0 and (beyond == reasoning or provider in _OUTSIDE):
        whole, reasoning = add(whole, beyond), max(reasoning, beyond)
    kinds = {kind: details.tokens(f"{kind}_tokens") for kind in (AUDIO, IMAGE)}
    return answer(whole, reasoning, kinds, usage, "completion_tokens")


def is_response(usage: Reader) -> bool:
    """Responses, realtime, transcriptions, images, batches: all with `input_tokens`."""
    return usage.has("input_tokens", "output_tokens")


def response(usage: Reader, _provider: str, model: str) -> Quantities:
    """`input_tokens` and `output_tokens`, whose details are spelled in two ways."""
    details = usage.inner("input_tokens_details", "input_token_details")
    found = disjoint(_prompt(usage.tokens("input_tokens"), details), usage, "input_tokens")
    if usage.has("output_tokens"):
        output = usage.inner("output_tokens_details", "output_token_details")
        whole = usage.tokens("output_tokens")
        kinds = {kind: output.tokens(f"{kind}_tokens") for kind in (AUDIO, IMAGE)}
        if model.startswith(_IMAGE_MODELS) and not output.has("image_tokens", "text_tokens"):
            kinds[IMAGE] = whole  # Image models that don't tell answer in images only.
        found |= answer(whole, output.tokens("reasoning_tokens", "thinking_tokens"), kinds, usage, "output_tokens")
    return found


def _prompt(whole: Decimal, details: Reader) -> Prompt:
    kinds = {kind: details.tokens(f"{kind}_tokens") for kind in (AUDIO, IMAGE)}
    apart = details.inner("cached_tokens_details")
    told = apart.has("text_tokens", "audio_tokens", "image_tokens")
    return Prompt(
        whole,
        cached=details.tokens("cached_tokens"),
        written=_written(details),
        kinds=kinds,
        cached_kinds={kind: apart.tokens(f"{kind}_tokens") for kind in (AUDIO, IMAGE)} if told else None,
    )


def _written(details: Reader) -> Quantities:
    """Tokens written to the cache: by lifetime where it's told, the rest without one."""
    whole = details.tokens("cache_write_tokens")
    apart = details.inner("cache_write_tokens_details")
    lifetimes = {
        Unit.CACHE_WRITE_30M_TOKENS: apart.tokens("ttl_30m_tokens"),
        Unit.CACHE_WRITE_12H_TOKENS: apart.tokens("ttl_12h_tokens"),
    }
    found = {unit: tokens for unit, tokens in lifetimes.items() if tokens}
    rest = subtract(max(whole, sum_of(found.values())), sum_of(found.values()))
    return found | ({Unit.CACHE_WRITE_TOKENS: rest} if rest else {})


def is_duration(usage: Reader) -> bool:
    """Whisper's `{"type": "duration", "seconds": 12.5}`, and a live session's seconds, active and paused."""
    return usage.word("type") == "duration" or usage.has("seconds")


def duration(usage: Reader, _provider: str, _model: str) -> Quantities:
    """Seconds of audio as the provider measured them. A live session's are cumulative: only its last object counts."""
    if not usage.has("seconds"):
        refuse("seconds", "A duration has no seconds.")
    return {Unit.SECONDS: usage.amount("seconds")}


def is_ocr(usage: Reader) -> bool:
    """Mistral's `usage_info` of documents."""
    return usage.has("pages_processed")


def ocr(usage: Reader, _provider: str, _model: str) -> Quantities:
    """Pages of documents."""
    return {Unit.PAGES: usage.tokens("pages_processed")}
