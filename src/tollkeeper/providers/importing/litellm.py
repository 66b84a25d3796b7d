"""LiteLLM's model_prices_and_context_window.json (https://github.com/BerriAI/litellm): one present price a field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tollkeeper.money import ONE, multiply
from tollkeeper.providers.importing.offers import MILLION, Offer, OtherBook, not_that, number
from tollkeeper.providers.model import TOKEN_UNITS, Unit
from tollkeeper.providers.registry import model_key

_PROVIDERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "vertex_ai": "google",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "groq": "groq",
    "azure": "azure",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
}
_FIELDS = {
    "input_cost_per_token": Unit.INPUT_TOKENS,
    "cache_read_input_token_cost": Unit.CACHED_INPUT_TOKENS,
    "cache_creation_input_token_cost": Unit.CACHE_WRITE_TOKENS,
    "cache_creation_input_token_cost_above_1hr": Unit.CACHE_WRITE_1H_TOKENS,
    "cache_creation_input_token_cost_above_12hr": Unit.CACHE_WRITE_12H_TOKENS,
    "input_cost_per_audio_token": Unit.INPUT_AUDIO_TOKENS,
    "cache_read_input_audio_token_cost": Unit.CACHED_INPUT_AUDIO_TOKENS,
    "input_cost_per_image_token": Unit.INPUT_IMAGE_TOKENS,
    "cache_read_input_image_token_cost": Unit.CACHED_INPUT_IMAGE_TOKENS,
    "output_cost_per_token": Unit.OUTPUT_TOKENS,
    "output_cost_per_reasoning_token": Unit.REASONING_TOKENS,
    "output_cost_per_audio_token": Unit.OUTPUT_AUDIO_TOKENS,
    "output_cost_per_image_token": Unit.OUTPUT_IMAGE_TOKENS,
    "input_cost_per_second": Unit.SECONDS,
    "input_cost_per_character": Unit.CHARACTERS,
}
_SUFFIXES = re.compile(r"(?:_above_(\d+)k_tokens)?(?:_(batches|priority|flex))?")
_THOUSAND = 1000


def litellm_book(document: Any, *, source: str) -> OtherBook:
    """The book in its JSON. It gives no dates: its prices hold now. Raises InvalidInput `invalid_price_file`."""
    if not isinstance(document, Mapping) or not any(_provider(each) for each in document.values()):
        raise not_that(source, "it isn't LiteLLM's model_prices_and_context_window.json")
    offers = [offer for name, entry in document.items() for offer in _of_entry(str(name), entry)]
    names: dict[str, set[str]] = {}
    for offer in offers:
        names.setdefault(offer.provider, set()).update(offer.models)
    return OtherBook(source, offers, {provider: frozenset(found) for provider, found in names.items()})


def _provider(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return None
    name = str(entry.get("litellm_provider", ""))
    # Vertex AI is told by kind of model: vertex_ai-language-models, vertex_ai-anthropic_models.
    return _PROVIDERS.get(name) or _PROVIDERS.get(name.partition("-")[0])


def _of_entry(name: str, entry: Any) -> Iterator[Offer]:
    provider = _provider(entry)
    if provider is None:
        return
    named = name.partition("/")[2] if name.partition("/")[0] in _PROVIDERS else name
    model, region = model_key(provider, named, None)
    bands = sorted({int(found[1]) for key in entry if (found := re.search(r"_above_(\d+)k_tokens", key))})
    for key, value in entry.items():
        if (told := _field(key)) is None or (amount := number(value)) is None:
            continue
        unit, above, way = told
        large = unit in TOKEN_UNITS or unit is Unit.CHARACTERS
        yield Offer(
            provider,
            (model,),
            unit,
            _clean(multiply(amount, MILLION)) if large else amount,
            MILLION if large else ONE,
            service_tier=way if way in ("priority", "flex") else None,
            batch=way == "batches",
            region="global" if region == "global" else None,
            input_above=above,
            input_up_to=bands[0] * _THOUSAND if bands and above is None and _has_band(entry, key) else None,
        )


def _field(key: str) -> tuple[Unit, int | None, str | None] | None:
    """Unit, size band and way of calling of a field's name."""
    for field in sorted(_FIELDS, key=len, reverse=True):
        if key.startswith(field) and (found := _SUFFIXES.fullmatch(key, len(field))):
            return _FIELDS[field], int(found[1]) * _THOUSAND if found[1] else None, found[2]
    return None


def _has_band(entry: Mapping[str, Any], key: str) -> bool:
    return any(other.startswith(f"{key}_above_") and other.endswith("k_tokens") for other in entry)


def _clean(amount: Decimal) -> Decimal:
    """Without the zeros that the exponent left: 2.50000 is 2.5."""
    return amount.normalize()
