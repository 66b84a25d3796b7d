"""Which models there are: families by their beginning, and the dated names that the providers answer with."""

from __future__ import annotations

import re

from tollkeeper.simulator.model import Provider, Refused

_OPENAI = re.compile(
    r"(ft:)?(gpt-|chatgpt-|o\d|text-embedding-|text-moderation|omni-moderation|whisper-|tts-|dall-e-|computer-use)"
)
_REASONING = re.compile(r"(ft:)?(o\d|gpt-(?:[5-9]|\d\d)(?!.*chat))")
_WRITES_COST = re.compile(r"gpt-(5\.[6-9]|[6-9]|\d\d)")

DATED = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "o3": "o3-2025-04-16",
    "o4-mini": "o4-mini-2025-04-16",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
}
"""What an alias stands for, in answers and in reports. Other names are answered as they are."""

LISTED = [*DATED, "text-embedding-3-small", "text-embedding-3-large", "whisper-1", "gpt-4o-transcribe", "tts-1",
          "gpt-4o-mini-tts", "gpt-image-1"]  # fmt: skip
"""What GET /v1/models lists. Others of the same families are answered, too."""


def answering(model: str, provider: Provider) -> str:
    """The name of the model that answers. Raises Refused 404 where the provider has none of that family."""
    known = model.startswith("claude-") if provider is Provider.ANTHROPIC else _OPENAI.match(model)
    if provider is Provider.AZURE:
        known = True
    if not model:
        raise Refused(400, "invalid_request_error", "you must provide a model parameter", param="model")
    if not known and provider is Provider.ANTHROPIC:
        raise Refused(404, "not_found_error", f"model: {model}")
    if not known:
        told = f"The model `{model}` does not exist or you do not have access to it."
        raise Refused(404, "invalid_request_error", told, code="model_not_found")
    return DATED.get(model, model)


def reasons(model: str) -> bool:
    """Whether an OpenAI model thinks before it answers."""
    return _REASONING.match(model) is not None


def charges_cache_writes(model: str) -> bool:
    """Whether an OpenAI model's usage tells the tokens that it wrote to the cache: from gpt-5.6 on."""
    return _WRITES_COST.match(model) is not None
