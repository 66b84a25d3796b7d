"""OpenAI's organisation usage and costs.

Facts: developers.openai.com, and the types of the package openai 3.57. Admin keys (`sk-admin-…`) are for these alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from tollkeeper.clock import EPOCH
from tollkeeper.money import ZERO, multiply, subtract, sum_of
from tollkeeper.providers import Unit
from tollkeeper.reconciliation.readers.asking import Parameters, Provider, readable, results, whole
from tollkeeper.reconciliation.readers.model import Access, CostRow, Report, UsageRow, Width

PROVIDER = "openai"

_MOST = {Width.MINUTE: 1440, Width.HOUR: 168, Width.DAY: 31}
_MOST_COSTS = 180
_DAY = timedelta(days=1)

_WHO = ("project_id", "api_key_id")
_COMPLETIONS = (*_WHO, "model", "batch", "service_tier")

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "completions": _COMPLETIONS,
    "embeddings": (*_WHO, "model"),
    "images": (*_WHO, "model"),
    "audio_speeches": (*_WHO, "model"),
    "audio_transcriptions": (*_WHO, "model"),
    "web_search_calls": (*_WHO, "model"),
    "file_search_calls": _WHO,
    "code_interpreter_sessions": ("project_id",),
}
"""The reports of what is priced by use. Moderations are free; storage has no calls: it is in the costs alone."""

_COUNTS = {
    "embeddings": ("input_tokens", Unit.INPUT_TOKENS),
    "images": ("images", Unit.IMAGES),
    "audio_speeches": ("characters", Unit.CHARACTERS),
    "audio_transcriptions": ("seconds", Unit.SECONDS),
    "web_search_calls": ("num_requests", Unit.WEB_SEARCHES),
    "file_search_calls": ("num_requests", Unit.FILE_SEARCHES),
    "code_interpreter_sessions": ("num_sessions", Unit.CODE_SESSIONS),
}
"""What a report counts, whatever the model is priced by: images of gpt-image-1, seconds of gpt-4o-transcribe."""


async def read(
    access: Access,
    start: datetime,
    end: datetime,
    *,
    width: Width = Width.DAY,
    usage: bool = True,
    costs: bool = True,
    client: httpx.AsyncClient | None = None,
) -> Report:
    """What OpenAI reports of [start, end): usage in buckets of `width`, costs of all UTC days that it touches.

    Raises ProviderRefused and ProviderUnavailable (`asking.results`).
    """
    if client is None:
        async with httpx.AsyncClient() as own:
            return await read(access, start, end, width=width, usage=usage, costs=costs, client=own)
    with readable("OpenAI"):
        return Report(
            tuple([row async for row in _usage(client, access, start, end, width)]) if usage else (),
            tuple([row async for row in _costs(client, access, start, end)]) if costs else (),
        )


def _provider(access: Access) -> Provider:
    return Provider(
        "OpenAI",
        {"authorization": f"Bearer {access.admin_key.get_secret_value()}"},
        "https://platform.openai.com/settings/organization/admin-keys",
        "TOLLKEEPER_OPENAI_ADMIN_KEY",
    )


async def _usage(
    client: httpx.AsyncClient, access: Access, start: datetime, end: datetime, width: Width
) -> AsyncIterator[UsageRow]:
    for endpoint, groups in _GROUPS.items():
        asked = [*_range(start, end), ("bucket_width", width), ("limit", str(_MOST[width])), *_grouped(groups)]
        url = f"{access.url.rstrip('/')}/organization/usage/{endpoint}"
        quantities = _reader(endpoint)
        async for bucket, result in results(client, _provider(access), url, asked):
            yield UsageRow(
                PROVIDER,
                _instant(bucket["start_time"]),
                _instant(bucket["end_time"]),
                endpoint,
                result.get("project_id"),
                result.get("api_key_id"),
                result.get("model"),
                result.get("batch"),
                result.get("service_tier"),
                result.get("num_model_requests", result.get("num_requests")),
                {str(unit): quantity for unit, quantity in quantities(result).items() if quantity},
            )


async def _costs(client: httpx.AsyncClient, access: Access, start: datetime, end: datetime) -> AsyncIterator[CostRow]:
    first = EPOCH + (start - EPOCH) // _DAY * _DAY
    last = EPOCH - (EPOCH - end) // _DAY * _DAY
    asked = [*_range(first, last), ("bucket_width", "1d"), ("limit", str(_MOST_COSTS)), *_grouped((*_WHO, "line_item"))]
    url = f"{access.url.rstrip('/')}/organization/costs"
    async for bucket, result in results(client, _provider(access), url, asked):
        amount = result.get("amount") or {}
        model, unit = line_item_of(result.get("line_item"))
        sold, factor = _SOLD_IN.get(result.get("quantity_unit") or "", (unit, None))
        quantity = result.get("quantity")
        yield CostRow(
            PROVIDER,
            _instant(bucket["start_time"]),
            _instant(bucket["end_time"]),
            result.get("project_id"),
            result.get("api_key_id"),
            result.get("line_item"),
            model,
            unit or sold,
            None if quantity is None or factor is None else multiply(whole(quantity), factor),
            whole(amount.get("value")),
            str(amount.get("currency") or "usd").upper(),
        )


def _range(start: datetime, end: datetime) -> Parameters:
    """Unix seconds; a part of a second at the end takes all of it."""
    last = end if end.microsecond == 0 else end.replace(microsecond=0) + timedelta(seconds=1)
    return [("start_time", str(int(start.timestamp()))), ("end_time", str(int(last.timestamp())))]


def _grouped(fields: tuple[str, ...]) -> Parameters:
    return [("group_by[]", field) for field in fields]


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _reader(endpoint: str) -> Callable[[Mapping[str, Any]], Mapping[Unit, Decimal]]:
    if endpoint == "completions":
        return completion_quantities
    field, unit = _COUNTS[endpoint]
    return lambda result: {unit: whole(result.get(field))}


def completion_quantities(result: Mapping[str, Any]) -> dict[Unit, Decimal]:
    """A result of the completions report in disjoint units. Reasoning isn't told apart from the answer."""

    def told(name: str) -> Decimal:
        return whole(result.get(name))

    cached_audio, cached_image = told("input_cached_audio_tokens"), told("input_cached_image_tokens")
    audio, image = told("input_audio_tokens"), told("input_image_tokens")
    half_hour, half_day = told("input_cache_write_30m_tokens"), told("input_cache_write_12h_tokens")
    cached = _or_rest(result, "input_cached_text_tokens", told("input_cached_tokens"), cached_audio, cached_image)
    written = _or_rest(result, "", told("input_cache_write_tokens"), half_hour, half_day)
    fresh = result.get("input_uncached_tokens")
    if fresh is None:  # An older answer, which tells only the whole and what of it was cached.
        fresh = subtract(told("input_tokens"), sum_of((told("input_cached_tokens"), told("input_cache_write_tokens"))))
    said_audio, said_image = told("output_audio_tokens"), told("output_image_tokens")
    return {
        Unit.INPUT_TOKENS: _or_rest(result, "input_text_tokens", whole(fresh), audio, image),
        Unit.INPUT_AUDIO_TOKENS: audio,
        Unit.INPUT_IMAGE_TOKENS: image,
        Unit.CACHED_INPUT_TOKENS: cached,
        Unit.CACHED_INPUT_AUDIO_TOKENS: cached_audio,
        Unit.CACHED_INPUT_IMAGE_TOKENS: cached_image,
        Unit.CACHE_WRITE_30M_TOKENS: half_hour,
        Unit.CACHE_WRITE_12H_TOKENS: half_day,
        Unit.CACHE_WRITE_TOKENS: written,
        Unit.OUTPUT_TOKENS: _or_rest(result, "output_text_tokens", told("output_tokens"), said_audio, said_image),
        Unit.OUTPUT_AUDIO_TOKENS: said_audio,
        Unit.OUTPUT_IMAGE_TOKENS: said_image,
    }


def _or_rest(result: Mapping[str, Any], name: str, total: Decimal, *parts: Decimal) -> Decimal:
    """The field, or where it isn't told what the parts leave of the whole."""
    found = result.get(name)
    return whole(found) if found is not None else max(subtract(total, sum_of(parts)), ZERO)


_SOLD_IN: Mapping[str, tuple[Unit | None, Decimal]] = {
    "tokens": (None, Decimal(1)),
    "1000_tokens": (None, Decimal(1000)),
    "characters": (Unit.CHARACTERS, Decimal(1)),
    "images": (Unit.IMAGES, Decimal(1)),
    "duration_seconds": (Unit.SECONDS, Decimal(1)),
    "duration_minutes": (Unit.SECONDS, Decimal(60)),
    "duration_hours": (Unit.SECONDS, Decimal(3600)),
}
"""Units of cost lines: ours, where the unit alone tells it, and how many of ours one is."""

_WORDS: Mapping[str, Unit] = {
    "input": Unit.INPUT_TOKENS,
    "input text": Unit.INPUT_TOKENS,
    "text input": Unit.INPUT_TOKENS,
    "cached input": Unit.CACHED_INPUT_TOKENS,
    "input cached": Unit.CACHED_INPUT_TOKENS,
    "cache write": Unit.CACHE_WRITE_TOKENS,
    "cache write 30m": Unit.CACHE_WRITE_30M_TOKENS,
    "cache write 12h": Unit.CACHE_WRITE_12H_TOKENS,
    "output": Unit.OUTPUT_TOKENS,
    "output text": Unit.OUTPUT_TOKENS,
    "text output": Unit.OUTPUT_TOKENS,
    "input audio": Unit.INPUT_AUDIO_TOKENS,
    "audio input": Unit.INPUT_AUDIO_TOKENS,
    "cached input audio": Unit.CACHED_INPUT_AUDIO_TOKENS,
    "cached audio input": Unit.CACHED_INPUT_AUDIO_TOKENS,
    "output audio": Unit.OUTPUT_AUDIO_TOKENS,
    "audio output": Unit.OUTPUT_AUDIO_TOKENS,
    "input image": Unit.INPUT_IMAGE_TOKENS,
    "image input": Unit.INPUT_IMAGE_TOKENS,
    "cached input image": Unit.CACHED_INPUT_IMAGE_TOKENS,
    "cached image input": Unit.CACHED_INPUT_IMAGE_TOKENS,
    "output image": Unit.OUTPUT_IMAGE_TOKENS,
    "image output": Unit.OUTPUT_IMAGE_TOKENS,
    "seconds": Unit.SECONDS,
    "duration": Unit.SECONDS,
    "characters": Unit.CHARACTERS,
    "images": Unit.IMAGES,
    "web searches": Unit.WEB_SEARCHES,
    "web search tool calls": Unit.WEB_SEARCHES,
    "file search tool calls": Unit.FILE_SEARCHES,
    "code interpreter sessions": Unit.CODE_SESSIONS,
}


def line_item_of(text: str | None) -> tuple[str | None, Unit | None]:
    """Model and unit of a cost line such as "gpt-6-astra, input_tokens"; None for what its words don't tell."""
    model, comma, words = (text or "").rpartition(", ")
    plain = words.lower().replace("_", " ").strip()
    unit = _WORDS.get(plain) or _WORDS.get(plain.removesuffix(" tokens"))
    if not comma:
        return None, unit
    return model, unit
