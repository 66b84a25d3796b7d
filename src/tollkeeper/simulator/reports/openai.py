"""OpenAI's organisation usage and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from tollkeeper.money import ZERO, multiply, plain, sum_of
from tollkeeper.simulator.model import Bill, Provider
from tollkeeper.simulator.reports.buckets import (
    USAGE_LIMITS,
    WIDTHS,
    Row,
    by_bucket,
    by_key,
    grouped_by,
    invalid,
    limit_of,
    matches,
    page_of,
    width_of,
)
from tollkeeper.simulator.reports.seen import seen
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.words import number_of

_FILTERS = {
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
    "models": "model",
    "batch": "batch",
    "sizes": "size",
    "sources": "source",
    "line_items": "line_item",
}
_WHO = ("project_id", "user_id", "api_key_id")
_COST_LIMITS = (7, 180)

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "completions": (*_WHO, "model", "batch", "service_tier", "api_source"),
    "embeddings": (*_WHO, "model"),
    "moderations": (*_WHO, "model"),
    "images": (*_WHO, "model", "size", "source"),
    "audio_speeches": (*_WHO, "model"),
    "audio_transcriptions": (*_WHO, "model"),
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": (*_WHO, "vector_store_id"),
    "web_search_calls": (*_WHO, "model", "context_level", "api_source"),
}
"""The usage reports, and what each can be grouped by."""

_OBJECTS = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}
"""What results are called where it isn't the report's name."""

REPORTS = tuple(_GROUPS)

_COST_GROUPS = (*_WHO, "line_item", "api_source")
_COST_UNITS = {"seconds": "duration_seconds", "characters": "characters", "images": "images"}


def usage(simulation: Simulation, query: QueryParams, report: str) -> dict[str, Any]:
    """GET /v1/organization/usage/{report}. Raises Refused 400."""
    groups = grouped_by(query, _GROUPS[report])
    width = width_of(query, tuple(WIDTHS))
    limit = limit_of(query, *USAGE_LIMITS[width])
    calls = [bill for bill in seen(simulation, Provider.OPENAI) if _is_in(bill, report)]
    kind = f"organization.usage.{_OBJECTS.get(report, report)}.result"
    asked = set(_GROUPS[report])

    def result(key: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
        fields = {name: key.get(name) for name in _GROUPS[report]}
        return {"object": kind, **_COUNTS[report]([bill for _, bill, _ in rows]), **fields}

    rows: list[Row] = [(_fields(bill), bill, "") for bill in calls]
    found = [row for row in rows if matches(row[0], query, {p: f for p, f in _FILTERS.items() if f in asked})]
    return _pages(simulation, query, groups, width, limit, found, result)


def costs(simulation: Simulation, query: QueryParams) -> dict[str, Any]:
    """GET /v1/organization/costs. Raises Refused 400."""
    groups = grouped_by(query, _COST_GROUPS)
    width = width_of(query, ("1d",))
    limit = limit_of(query, *_COST_LIMITS)
    rows: list[Row] = [
        (_fields(bill) | {"line_item": f"{bill.model}, {unit}"}, bill, unit)
        for bill in seen(simulation, Provider.OPENAI, costs=True)
        for unit in bill.asked
    ]
    found = [row for row in rows if matches(row[0], query, _FILTERS)]

    def result(key: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
        factor = simulation.discrepancy.factor
        amount = sum_of(multiply(bill.asked[unit], factor(bill.model)) for _, bill, unit in rows)
        units = {unit for _, _, unit in rows}
        quantity = sum_of(_sold(bill, unit) for _, bill, unit in rows)
        told = "line_item" in groups
        fields = {name: key.get(name) for name in _COST_GROUPS}
        return {
            "object": "organization.costs.result",
            "amount": {"value": _as_number_or_text(amount, str(key)), "currency": "usd"},
            "quantity": quantity if told else None,
            "quantity_unit": _COST_UNITS.get(min(units), "tokens") if told else None,
            **fields,
        }

    return _pages(simulation, query, groups, width, limit, found, result)


def _pages(
    simulation: Simulation,
    query: QueryParams,
    groups: list[str],
    width: str,
    limit: int,
    rows: list[Row],
    result: Callable[[Mapping[str, Any], list[Row]], dict[str, Any]],
) -> dict[str, Any]:
    start, end = _range(simulation, query)
    page = page_of(start, end, WIDTHS[width], limit, query.get("page"), clipped=True)
    data = []
    for (begun, ended), within in zip(page.buckets, by_bucket(page, WIDTHS[width], rows), strict=True):
        results = [result(key, found) for key, found in by_key(within, groups)]
        bucket = {"object": "bucket", "start_time": int(begun.timestamp()), "end_time": int(ended.timestamp())}
        data.append({**bucket, "results": results})
    return {"object": "page", "data": data, "has_more": page.next_page is not None, "next_page": page.next_page}


def _range(simulation: Simulation, query: QueryParams) -> tuple[datetime, datetime]:
    start, end = (_instant(query, name) for name in ("start_time", "end_time"))
    if start is None:
        raise invalid("start_time", "Missing required parameter: 'start_time'.")
    # The present second has begun: who asks without an end gets what is there.
    end = end or datetime.fromtimestamp(int(simulation.now().timestamp()) + 1, UTC)
    if end <= start:
        raise invalid("end_time", "Invalid 'end_time': must be after 'start_time'.")
    return start, end


def _instant(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid(name, f"Invalid '{name}': must be Unix seconds.")
    return datetime.fromtimestamp(int(text), UTC)


def _fields(bill: Bill) -> dict[str, Any]:
    """What a call can be filtered and grouped by."""
    return {
        "project_id": bill.project,
        "user_id": "user-simulated",
        "api_key_id": bill.api_key,
        "model": bill.model,
        "batch": False,
        "service_tier": bill.service_tier,
        "api_source": "unlabeled",
        "size": bill.counted.get("size"),
        "source": bill.counted.get("source"),
        "context_level": "medium",
        "vector_store_id": None,
    }


def _is_in(bill: Bill, report: str) -> bool:
    return bill.quantities.get("web_searches", ZERO) > 0 if report == "web_search_calls" else bill.endpoint == report


def _as_number_or_text(amount: Decimal, key: str) -> Decimal | str:
    """Half of the amounts are JSON numbers, half are strings, as the real endpoint has had both."""
    return plain(amount) if number_of(key, plain(amount)) % 2 else amount


def _sold(bill: Bill, unit: str) -> Decimal:
    """How much of a line item it was: reasoning is sold as output."""
    return sum_of(bill.quantities.get(each, ZERO) for each in (unit, *_SOLD_AS.get(unit, ())))


_SOLD_AS = {"output_tokens": ("reasoning_tokens",)}


def _sums(bills: list[Bill], *units: str) -> int:
    return int(sum_of(bill.quantities.get(unit, ZERO) for bill in bills for unit in units))


def _completions(bills: list[Bill]) -> dict[str, Any]:
    text, audio, image = (_sums(bills, f"input_{kind}tokens") for kind in ("", "audio_", "image_"))
    cached_text, cached_audio, cached_image = (
        _sums(bills, f"cached_input_{kind}tokens") for kind in ("", "audio_", "image_")
    )
    half_hour = _sums(bills, "cache_write_30m_tokens", "cache_write_tokens")
    half_day = _sums(bills, "cache_write_12h_tokens")
    uncached, cached = text + audio + image, cached_text + cached_audio + cached_image
    said_text, said_audio, said_image = (
        _sums(bills, "output_tokens", "reasoning_tokens"),
        _sums(bills, "output_audio_tokens"),
        _sums(bills, "output_image_tokens"),
    )
    return {
        "input_tokens": uncached + cached + half_hour + half_day,
        "output_tokens": said_text + said_audio + said_image,
        "num_model_requests": len(bills),
        "input_uncached_tokens": uncached,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": half_hour + half_day,
        "input_cache_write_30m_tokens": half_hour,
        "input_cache_write_12h_tokens": half_day,
        "input_text_tokens": text,
        "input_audio_tokens": audio,
        "input_image_tokens": image,
        "input_cached_text_tokens": cached_text,
        "input_cached_audio_tokens": cached_audio,
        "input_cached_image_tokens": cached_image,
        "output_text_tokens": said_text,
        "output_audio_tokens": said_audio,
        "output_image_tokens": said_image,
    }


def _counted(name: str) -> Callable[[list[Bill]], dict[str, Any]]:
    def count(bills: list[Bill]) -> dict[str, Any]:
        total = sum(int(bill.counted.get(name, 0)) for bill in bills)
        return {name: total, "num_model_requests": len(bills)}

    return count


def _inputs(bills: list[Bill]) -> dict[str, Any]:
    return {"input_tokens": _sums(bills, "input_tokens"), "num_model_requests": len(bills)}


def _searches(bills: list[Bill]) -> dict[str, Any]:
    return {"num_requests": _sums(bills, "web_searches"), "num_model_requests": len(bills)}


_COUNTS: Mapping[str, Callable[[list[Bill]], dict[str, Any]]] = {
    "completions": _completions,
    "embeddings": _inputs,
    "moderations": _inputs,
    "images": _counted("images"),
    "audio_speeches": _counted("characters"),
    "audio_transcriptions": _counted("seconds"),
    "vector_stores": lambda bills: {"usage_bytes": 0},
    "code_interpreter_sessions": lambda bills: {"num_sessions": 0},
    "file_search_calls": lambda bills: {"num_requests": 0},
    "web_search_calls": _searches,
}
