"""Calls that many tests make, over HTTP."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import httpx

from tollkeeper.books import Books
from tollkeeper.gate import verify
from tollkeeper.settings import Settings

F = Fraction


async def prepare(client: httpx.AsyncClient, catalog: str, *customers: str, **fields: Any) -> None:
    """Apply a catalog, and create customers with these fields."""
    answer = await client.put("/v1/catalog", json={"source": catalog})
    assert answer.is_success, answer.text
    for key in customers:
        answer = await client.put(f"/v1/customers/{key}", json=fields)
        assert answer.is_success, answer.text


async def send(client: httpx.AsyncClient, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Report events in one request; the results."""
    answer = await client.post("/v1/events", json=list(events))
    assert answer.status_code in (200, 207), answer.text
    found = answer.json()["results"]
    assert [one["id"] for one in found] == [event["id"] for event in events]
    return found


async def accept(client: httpx.AsyncClient, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Report events that must all be accepted; the results."""
    found = await send(client, *events)
    assert {one["status"] for one in found} == {"accepted"}, found
    return found


async def statuses(client: httpx.AsyncClient, *events: dict[str, Any]) -> list[str]:
    """What becomes of each event: its status, or the code it's refused with."""
    return [one["error"]["code"] if "error" in one else one["status"] for one in await send(client, *events)]


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    """The JSON at a path."""
    answer = await client.get(path, params={name.rstrip("_"): value for name, value in params.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def all_events(client: httpx.AsyncClient, customer: str, **params: Any) -> list[dict[str, Any]]:
    """All events of a customer, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(client, "/v1/events", customer=customer, **params, **cursor)
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def assert_sound(client: httpx.AsyncClient, books: Books) -> None:
    """`verify` passes, and the accounts of each customer sum to zero and to the charges of its events."""
    catalog = await books.catalog()
    async with books.database.transaction(snapshot=True) as tx:
        verdict = await verify(tx, catalog)
    assert verdict.passed, verdict.checks
    for customer in (await get(client, "/v1/customers", limit=1000))["data"]:
        key = customer["key"]
        accounts = (await get(client, f"/v1/customers/{key}/balance"))["accounts"]
        events = await all_events(client, key, limit=1000)
        for unit in {one["unit"] for one in accounts}:
            mine = {one["account"]: F(one["balance"]) for one in accounts if one["unit"] == unit}
            assert sum(mine.values()) == 0
            charged = sum((F(one["charge"]) for one in events if one["charge"] and one["unit"] == unit), F(0))
            assert mine.get("receivable", 0) == charged == -mine.get("revenue", F(0))
        cost = sum((F(one["cost"]) for one in events if one["cost"]), F(0))
        assert sum((F(one["balance"]) for one in accounts if one["account"] == "provider_cost"), F(0)) == cost


def books_of(client: httpx.AsyncClient) -> Books:
    """The books behind a client that calls the app in this process."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app.state.books  # type: ignore[attr-defined]


def settings_of(url: str) -> Settings:
    """Settings for books on this database."""
    return Settings(database_url=url)
