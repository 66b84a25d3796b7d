"""Anthropic's usage report of messages, and its cost report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.datastructures import QueryParams

from tollkeeper.clock import in_utc
from tollkeeper.money import HUNDRED, ZERO, multiply, plain, sum_of
from tollkeeper.simulator.model import Bill, Provider
from tollkeeper.simulator.reports.buckets import (
    USAGE_LIMITS,
    WIDTHS,
    Row,
    by_bucket,
    by_key,
    floor,
    grouped_by,
    invalid,
    limit_of,
    matches,
    page_of,
    width_of,
)
from tollkeeper.simulator.reports.seen import seen
from tollkeeper.simulator.simulation import Simulation

_USAGE_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo")
_COST_GROUPS = ("workspace_id", "description")
_FILTERS = {
    "api_key_ids": "api_key_id",
    "workspace_ids": "workspace_id",
    "models": "model",
    "service_tiers": "service_tier",
    "context_window": "context_window",
    "inference_geos": "inference_geo",
}
_COST_LIMITS = (7, 31)
_TOKEN_TYPES = {
    "input_tokens": "uncached_input_tokens",
    "cached_input_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation.ephemeral_5m_input_tokens",
    "cache_write_5m_tokens": "cache_creation.ephemeral_5m_input_tokens",
    "cache_write_1h_tokens": "cache_creation.ephemeral_1h_input_tokens",
    "output_tokens": "output_tokens",
}
_WORDS = {
    "input_tokens": "Input Tokens",
    "cached_input_tokens": "Input Tokens, Cache Hit",
    "cache_write_tokens": "Input Tokens, Cache Write",
    "cache_write_5m_tokens": "Input Tokens, Cache Write",
    "cache_write_1h_tokens": "Input Tokens, Cache Write 1h",
    "output_tokens": "Output Tokens",
}
_LONG_CONTEXT = 200_000


def usage(simulation: Simulation, query: QueryParams) -> dict[str, Any]:
    """GET /v1/organizations/usage_report/messages. Raises Refused 400."""
    groups = grouped_by(query, _USAGE_GROUPS)
    width = width_of(query, tuple(WIDTHS))
    limit = limit_of(query, *USAGE_LIMITS[width])
    rows: list[Row] = [(_fields(bill), bill, "") for bill in seen(simulation, Provider.ANTHROPIC)]
    found = [row for row in rows if matches(row[0], query, _FILTERS)]

    def result(key: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
        bills = [bill for _, bill, _ in rows]
        return {
            "uncached_input_tokens": _sum(bills, "input_tokens"),
            "cache_creation": {
                "ephemeral_5m_input_tokens": _sum(bills, "cache_write_5m_tokens", "cache_write_tokens"),
                "ephemeral_1h_input_tokens": _sum(bills, "cache_write_1h_tokens"),
            },
            "cache_read_input_tokens": _sum(bills, "cached_input_tokens"),
            "output_tokens": _sum(bills, "output_tokens", "reasoning_tokens"),
            "server_tool_use": {"web_search_requests": _sum(bills, "web_searches")},
            **{name: key.get(name) for name in _USAGE_GROUPS},
        }

    return _pages(simulation, query, groups, WIDTHS[width], limit, found, result)


def costs(simulation: Simulation, query: QueryParams) -> dict[str, Any]:
    """GET /v1/organizations/cost_report: amounts are cents, as text. Raises Refused 400."""
    groups = grouped_by(query, _COST_GROUPS)
    width = width_of(query, ("1d",))
    limit = limit_of(query, *_COST_LIMITS)
    rows: list[Row] = [
        (_fields(bill) | {"description": _description(bill, unit)}, bill, unit)
        for bill in seen(simulation, Provider.ANTHROPIC, costs=True)
        if bill.service_tier != "priority"  # those are paid in advance, and in no cost report
        for unit in bill.asked
    ]

    def result(key: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
        factor = simulation.discrepancy.factor
        dollars = sum_of(multiply(bill.asked[unit], factor(bill.model)) for _, bill, unit in rows)
        _, bill, unit = rows[0]
        told = "description" in groups
        tokens = unit in _TOKEN_TYPES
        return {
            "currency": "USD",
            "amount": plain(multiply(dollars, HUNDRED)),
            "workspace_id": key.get("workspace_id"),
            "description": key.get("description"),
            "cost_type": (("tokens" if tokens else "web_search") if told else None),
            "model": bill.model if told and tokens else None,
            "token_type": _TOKEN_TYPES.get(unit) if told else None,
            "service_tier": bill.service_tier if told and tokens else None,
            "context_window": _window(bill) if told and tokens else None,
            "inference_geo": None,
        }

    return _pages(simulation, query, groups, WIDTHS[width], limit, rows, result)


def _pages(
    simulation: Simulation,
    query: QueryParams,
    groups: list[str],
    width: timedelta,
    limit: int,
    rows: list[Row],
    result: Callable[[Mapping[str, Any], list[Row]], dict[str, Any]],
) -> dict[str, Any]:
    start, end = _instant(query, "starting_at"), _instant(query, "ending_at")
    if start is None:
        raise invalid("starting_at", "starting_at: Field required")
    # Whole buckets only: those that end by then; without an end, the one that is still growing too.
    last = floor(simulation.now(), width) + width if end is None else floor(end, width)
    if end is not None and end <= start:
        raise invalid("ending_at", "ending_at: must be after starting_at")
    page = page_of(start, last, width, limit, query.get("page"), clipped=False)
    data = []
    for (begun, ended), within in zip(page.buckets, by_bucket(page, width, rows), strict=True):
        results = [result(key, found) for key, found in by_key(within, groups)]
        data.append({"starting_at": in_utc(begun), "ending_at": in_utc(ended), "results": results})
    return {"data": data, "has_more": page.next_page is not None, "next_page": page.next_page}


def _instant(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, f"{name}: must be an RFC 3339 timestamp") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fields(bill: Bill) -> dict[str, Any]:
    return {
        "api_key_id": bill.api_key,
        "workspace_id": bill.project,
        "model": bill.model,
        "service_tier": bill.service_tier,
        "context_window": _window(bill),
        "inference_geo": "not_available",
    }


def _window(bill: Bill) -> str:
    whole = sum_of(quantity for unit, quantity in bill.quantities.items() if "output" not in unit)
    return "200k-1M" if whole > _LONG_CONTEXT else "0-200k"


def _description(bill: Bill, unit: str) -> str:
    if unit not in _WORDS:
        return "Web Search Usage"
    name = " ".join(word.capitalize() for word in bill.model.split("-") if len(word) < 8)
    return f"{name} Usage - {_WORDS[unit]}"


def _sum(bills: list[Bill], *units: str) -> int:
    return int(sum_of(bill.quantities.get(unit, ZERO) for bill in bills for unit in units))
