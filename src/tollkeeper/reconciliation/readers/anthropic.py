"""Anthropic's usage report of messages, and its cost report, whose amounts are cents.

Facts: platform.claude.com, "Usage and Cost API". Admin keys (`sk-ant-admin…`) are for these alone; only organisations
have them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from tollkeeper.clock import EPOCH, in_utc
from tollkeeper.money import HUNDRED, ONE, price_of
from tollkeeper.providers import Unit
from tollkeeper.reconciliation.readers.asking import Provider, readable, results, whole
from tollkeeper.reconciliation.readers.model import Access, CostRow, Report, UsageRow, Width

PROVIDER = "anthropic"

_MOST = {Width.MINUTE: 1440, Width.HOUR: 168, Width.DAY: 31}
_LENGTH = {Width.MINUTE: timedelta(minutes=1), Width.HOUR: timedelta(hours=1), Width.DAY: timedelta(days=1)}

_USAGE_GROUPS = ("workspace_id", "api_key_id", "model", "service_tier")
_COST_GROUPS = ("workspace_id", "description")

_TOKEN_TYPES = {
    "uncached_input_tokens": Unit.INPUT_TOKENS,
    "cache_read_input_tokens": Unit.CACHED_INPUT_TOKENS,
    "cache_creation.ephemeral_5m_input_tokens": Unit.CACHE_WRITE_5M_TOKENS,
    "cache_creation.ephemeral_1h_input_tokens": Unit.CACHE_WRITE_1H_TOKENS,
    "output_tokens": Unit.OUTPUT_TOKENS,
}


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
    """What Anthropic reports of all buckets of `width` that [start, end) touches, and the costs of all UTC days.

    Anthropic gives whole buckets only. The costs leave out Priority Tier, which is paid in advance. Raises
    ProviderRefused and ProviderUnavailable (`asking.results`).
    """
    if client is None:
        async with httpx.AsyncClient() as own:
            return await read(access, start, end, width=width, usage=usage, costs=costs, client=own)
    with readable("Anthropic"):
        return Report(
            tuple([row async for row in _usage(client, access, start, end, width)]) if usage else (),
            tuple([row async for row in _costs(client, access, start, end)]) if costs else (),
        )


def _provider(access: Access) -> Provider:
    return Provider(
        "Anthropic",
        {"x-api-key": access.admin_key.get_secret_value(), "anthropic-version": "2023-06-01"},
        "https://platform.claude.com/settings/admin-keys",
        "TOLLKEEPER_ANTHROPIC_ADMIN_KEY",
    )


async def _usage(
    client: httpx.AsyncClient, access: Access, start: datetime, end: datetime, width: Width
) -> AsyncIterator[UsageRow]:
    url = f"{access.url.rstrip('/')}/v1/organizations/usage_report/messages"
    async for bucket, result in results(client, _provider(access), url, _asked(start, end, width, _USAGE_GROUPS)):
        tier = result.get("service_tier")
        yield UsageRow(
            PROVIDER,
            _instant(bucket, "starting_at"),
            _instant(bucket, "ending_at"),
            "messages",
            result.get("workspace_id"),
            result.get("api_key_id"),
            result.get("model"),
            None if tier is None else tier == "batch",
            tier,
            None,
            {str(unit): quantity for unit, quantity in quantities(result).items() if quantity},
        )


def quantities(result: Mapping[str, Any]) -> dict[Unit, Decimal]:
    """A result of the usage report in disjoint units, as they are: what is cached is outside the input."""
    written = result.get("cache_creation") or {}
    tools = result.get("server_tool_use") or {}
    return {
        Unit.INPUT_TOKENS: whole(result.get("uncached_input_tokens")),
        Unit.CACHED_INPUT_TOKENS: whole(result.get("cache_read_input_tokens")),
        Unit.CACHE_WRITE_5M_TOKENS: whole(written.get("ephemeral_5m_input_tokens")),
        Unit.CACHE_WRITE_1H_TOKENS: whole(written.get("ephemeral_1h_input_tokens")),
        Unit.OUTPUT_TOKENS: whole(result.get("output_tokens")),
        Unit.WEB_SEARCHES: whole(tools.get("web_search_requests")),
    }


async def _costs(client: httpx.AsyncClient, access: Access, start: datetime, end: datetime) -> AsyncIterator[CostRow]:
    url = f"{access.url.rstrip('/')}/v1/organizations/cost_report"
    async for bucket, result in results(client, _provider(access), url, _asked(start, end, Width.DAY, _COST_GROUPS)):
        searches = Unit.WEB_SEARCHES if result.get("cost_type") == "web_search" else None
        yield CostRow(
            PROVIDER,
            _instant(bucket, "starting_at"),
            _instant(bucket, "ending_at"),
            result.get("workspace_id"),
            None,
            result.get("description"),
            result.get("model"),
            _TOKEN_TYPES.get(result.get("token_type") or "", searches),
            None,
            price_of(whole(result.get("amount")), ONE, HUNDRED),
            str(result.get("currency") or "USD").upper(),
        )


def _asked(start: datetime, end: datetime, width: Width, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    length = _LENGTH[width]
    first = EPOCH + (start - EPOCH) // length * length
    last = EPOCH - (EPOCH - end) // length * length
    return [
        ("starting_at", in_utc(first)),
        ("ending_at", in_utc(last)),
        ("bucket_width", width),
        ("limit", str(_MOST[width])),
        *(("group_by[]", field) for field in groups),
    ]


def _instant(bucket: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(str(bucket[name]))
