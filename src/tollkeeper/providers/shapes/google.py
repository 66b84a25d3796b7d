"""Gemini's usageMetadata: cached tokens are within the prompt, thoughts and what tools were given are outside."""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.money import ZERO, add, sum_of
from tollkeeper.providers.reading import Reader
from tollkeeper.providers.shapes.parts import AUDIO, IMAGE, TEXT, VIDEO, Prompt, Quantities, answer, disjoint

_KINDS = {"audio": AUDIO, "image": IMAGE, "video": VIDEO}


def is_metadata(usage: Reader) -> bool:
    """usageMetadata, in JSON's spelling or the Python package's."""
    return usage.has("promptTokenCount", "prompt_token_count", "candidatesTokenCount", "candidates_token_count") or (
        usage.has("totalTokenCount", "total_token_count")
    )


def metadata(usage: Reader, _provider: str, _model: str) -> Quantities:
    """Prompt with the tools' part, answer with thoughts; by modality where it's told."""
    tools = usage.tokens("toolUsePromptTokenCount", "tool_use_prompt_token_count")
    whole = add(usage.tokens("promptTokenCount", "prompt_token_count"), tools)
    kinds = _by_kind(usage, "promptTokensDetails", "prompt_tokens_details")
    for kind, tokens in _by_kind(usage, "toolUsePromptTokensDetails", "tool_use_prompt_tokens_details").items():
        kinds[kind] = add(kinds.get(kind, ZERO), tokens)
    names = ("cacheTokensDetails", "cache_tokens_details")
    prompt = Prompt(
        whole,
        cached=usage.tokens("cachedContentTokenCount", "cached_content_token_count"),
        kinds=kinds,
        cached_kinds=_by_kind(usage, *names) if usage.has(*names) else None,
    )
    found = disjoint(prompt, usage, "promptTokenCount")
    thoughts = usage.tokens("thoughtsTokenCount", "thoughts_token_count")
    answered = usage.tokens(
        "candidatesTokenCount", "candidates_token_count", "responseTokenCount", "response_token_count"
    )
    details = (
        "candidatesTokensDetails",
        "candidates_tokens_details",
        "responseTokensDetails",
        "response_tokens_details",
    )
    return found | answer(add(answered, thoughts), thoughts, _by_kind(usage, *details), usage, "candidatesTokenCount")


def _by_kind(usage: Reader, *names: str) -> dict[str, Decimal]:
    """Tokens that aren't text, by modality. Documents are priced, and told, as text."""
    found: dict[str, list[Decimal]] = {}
    for each in usage.items(*names):
        kind = _KINDS.get(each.word("modality"), TEXT)
        found.setdefault(kind, []).append(each.tokens("tokenCount", "token_count"))
    return {kind: sum_of(tokens) for kind, tokens in found.items() if kind != TEXT}
