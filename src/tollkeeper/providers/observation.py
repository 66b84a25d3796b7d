"""From a provider's response, as JSON, to what is kept of it: ids, model, tier, time, usage. Its content is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from numbers import Number
from typing import Any

from tollkeeper.clock import EPOCH
from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.providers.model import Observed, Unit

_USAGE = ("usage", "usageMetadata", "usage_metadata", "usage_info")
_IDS = ("id", "responseId", "response_id", "item_id", "request_id")
_TIMES = ("created", "created_at", "createTime", "create_time", "completed_at")
_TOOLS = {
    "web_search_call": Unit.WEB_SEARCHES,
    "file_search_call": Unit.FILE_SEARCHES,
    "image_generation_call": Unit.IMAGES,
}
_NO_PLACE = frozenset({"", "global", "not_available"})
_LATEST = 253_402_300_800  # The year 10000, in Unix seconds.

_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a usage object says of the way it was called, besides how much."""

    service_tier: str | None = None
    batch: bool = False
    region: str | None = None


def observe(provider: str, response: _Json) -> Observed:
    """What a response says of itself. `provider` is the caller's word for it; the shape is known by its keys.

    Takes the response objects of the APIs in docs/reference/provider-prices.md, the stream and realtime events that
    carry one, and the lines of batch results. Raises UsageNotUnderstood `response_not_understood` for anything else
    than an object. A response without usage is observed without: its cost isn't known.
    """
    if not isinstance(response, Mapping):
        raise UsageNotUnderstood("response_not_understood", "The response must be a JSON object.", field="response")
    body, batch = _unwrapped(response)
    usage = _usage(body, response)
    told = told_by(usage or {})
    tier = _text(body.get("service_tier")) or _text(_object(body.get("serviceTier")).get("type"))
    return Observed(
        response_id=_first_text(body, _IDS) or _request_id(body),
        model=_first_text(body, ("model", "modelVersion", "model_version")),
        usage=usage,
        service_tier=told.service_tier or tier or None,
        at=next((at for name in _TIMES if (at := _instant(body.get(name))) is not None), None),
        batch=batch or told.batch or body.get("object") == "batch",
        region=told.region,
    )


def told_by(usage: _Json) -> Told:
    """Tier, batch and region as a usage object itself has them: Anthropic's and Gemini's do."""
    tier = _text(usage.get("service_tier")) or _text(usage.get("serviceTier")) or ""
    if _text(usage.get("speed")) == "fast":
        tier = "fast"
    traffic = (_text(usage.get("trafficType")) or _text(usage.get("traffic_type")) or "").lower()
    tier = tier or traffic.removeprefix("on_demand").removeprefix("_")
    place = (_text(usage.get("inference_geo")) or "").lower()
    batch = tier.lower() == "batch"
    return (
        Told(None if batch else tier or None, batch, None if place in _NO_PLACE else place) if tier or place else Told()
    )


def _unwrapped(response: _Json) -> tuple[_Json, bool]:
    """The response object within an event or a line of a batch's results, and whether it's the latter."""
    inner = _object(response.get("response"))
    if inner and "custom_id" in response:
        return _object(inner.get("body")) or inner, True
    if inner:
        return inner, False
    result = _object(response.get("result"))
    if result and "custom_id" in response:
        return _object(result.get("message")) or result, True
    message = _object(response.get("message"))
    return (message if message and "usage" in message else response), False


def _usage(body: _Json, response: _Json) -> dict[str, Any] | None:
    """The usage object, with what the tools of a Responses answer took, which it tells elsewhere."""
    found = next((each for name in _USAGE if (each := _object(body.get(name)))), None)
    if found is None:
        found = next((each for name in _USAGE if (each := _object(response.get(name)))), None)
    if found is None:
        found = _object(_object(body.get("x_groq")).get("usage")) or None
    if found is None and "text" in body and isinstance(body.get("duration"), Number | str):
        found = {"seconds": body["duration"]}  # A transcription that tells its length only.
    if found is None:
        return None
    return {**_tools(body), **found}


def _tools(body: _Json) -> dict[str, Any]:
    """Searches and pictures among the output, or as `tool_usage` says what is billed of them.

    A picture is made by an image model: without its tokens it's a unit without a price, and with them they are another
    model's. Either way the answer isn't taken to have cost its own tokens only.
    """
    counts: dict[str, Any] = {}
    output = body.get("output")
    for item in output if isinstance(output, list) else ():
        kind = _TOOLS.get(str(item.get("type"))) if isinstance(item, Mapping) else None
        if kind is not None and _object(item.get("action")).get("type", "search") == "search":
            counts[kind.value] = counts.get(kind.value, 0) + 1
    told = _object(body.get("tool_usage"))
    if (searches := _object(told.get("web_search")).get("num_requests")) is not None:
        counts[Unit.WEB_SEARCHES.value] = searches
    # What an image model or, for an SVG, a language model took besides.
    if tokens := (_object(told.get("image_gen")) or _object(body.get("svg_usage"))).get("total_tokens"):
        counts.pop(Unit.IMAGES.value, None)
        counts[Unit.OTHER_MODEL_TOKENS.value] = tokens
    return counts


def _request_id(body: _Json) -> str | None:
    """Bedrock's id stands in the metadata of its HTTP response; Groq's transcriptions have it in x_groq."""
    for name, key in (("ResponseMetadata", "RequestId"), ("$metadata", "requestId"), ("x_groq", "id")):
        if (found := _text(_object(body.get(name)).get(key))) is not None:
            return found
    return None


def _object(value: object) -> _Json:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _first_text(body: _Json, names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(body.get(name))) is not None), None)


def _instant(value: object) -> datetime | None:
    """Unix seconds, or RFC 3339."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        return None
    try:
        seconds = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return None
    return EPOCH + timedelta(seconds=seconds) if 0 < seconds < _LATEST else None
