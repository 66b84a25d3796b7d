"""The price book over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .conftest import calling, secret_of

pytestmark = pytest.mark.anyio


async def listed(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = await client.get("/v1/prices", params=query | ({} if cursor is None else {"cursor": cursor}))
        assert answer.status_code == 200, answer.text
        rows += answer.json()["data"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return rows


async def test_the_prices_of_a_model(admin: httpx.AsyncClient) -> None:
    rows = await listed(admin, provider="openai", model="gpt-4o-2024-08-06", limit=7)
    standard = [row for row in rows if row["service_tier"] == "standard" and not row["batch"]]
    amounts = {row["unit"]: (row["amount"], row["per"]) for row in standard}
    assert amounts["input_tokens"] == ("2.5", "1000000")
    assert amounts["cached_input_tokens"] == ("1.25", "1000000")
    assert amounts["output_tokens"] == ("10", "1000000")
    assert {row["model"] for row in rows} == {"gpt-4o-2024-08-06"}
    assert len({row["price_id"] for row in rows}) == len(rows)
    priority = next(row for row in rows if row["service_tier"] == "priority")
    assert (priority["from"], priority["until"], priority["own"]) == ("2026-10-12T00:00:00Z", None, False)
    assert priority["source"].startswith("https://")


async def test_the_prices_of_another_time(admin: httpx.AsyncClient) -> None:
    for at, amount in (("2025-06-09T23:59:59Z", "10"), ("2025-06-10T02:00:00+02:00", "2")):
        rows = await listed(admin, provider="openai", model="o3", at=at)
        (row,) = [r for r in rows if r["unit"] == "input_tokens" and not r["batch"] and r["service_tier"] == "standard"]
        assert row["amount"] == amount


async def test_providers_have_many_names_and_conditions(admin: httpx.AsyncClient) -> None:
    rows = await listed(admin, provider="deep-seek", model="deepseek-flash", at="2026-11-04T00:00:00Z")
    assert {tuple(row["hours"] or ()) for row in rows} == {(), ("01:00", "04:00"), ("06:00", "10:00")}
    assert [1, 2, 3, 4, 5] in [row["weekdays"] for row in rows]
    assert await listed(admin, model="gpt-99") == []


async def test_what_can_not_be_asked(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    for query, code in (({"cursor": "x"}, "invalid_cursor"), ({"at": "1066-10-14T00:00:00Z"}, "invalid_at")):
        assert (await admin.get("/v1/prices", params=query)).json()["code"] == code
    foreign = (await admin.get("/v1/prices", params={"provider": "openai", "limit": 1})).json()["next_cursor"]
    refused = await admin.get("/v1/prices", params={"provider": "groq", "cursor": foreign})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")
    assert (await anonymous.get("/v1/prices")).status_code == 401


async def test_own_prices_stand_first(settings: Settings, database: Database, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[discounts]]\nprovider = "openai"\nmatch = "gpt-4o"\npercent = "10"')
    app = create_app(settings.model_copy(update={"prices": own}), database)
    async with calling(app, await secret_of(database, Scope.READ)) as client:
        rows = await listed(client, provider="openai", model="gpt-4o")
    assert (rows[0]["own"], rows[-1]["own"]) == (True, False)
    assert rows[0]["amount"] == "2.25"
