"""Reconciliation over HTTP: have it done, list what was found, see the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import openai
import pytest

from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings
from tollkeeper.simulator.keys import key_id, project_of
from tollkeeper.simulator.running import Simulator, running

from .conftest import calling, secret_of
from .prepaid import Clock

pytestmark = pytest.mark.anyio

KEY = "sk-proj-acme-1"
CATALOG = """
currency = "USD"
[meters.cv_parse]
unit = "CV"
[prices.cv_parse]
model = "cost_plus"
fallback = "0.50"
[attribution.rules.cv]
provider = "openai"
project = "proj_acme"
meter = "cv_parse"
"""


@pytest.fixture
def provider() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def app(database_url: str, database: Database, provider: Simulator) -> Tollkeeper:
    told: dict[str, Any] = {"openai_admin_key": "sk-admin-1", "openai_url": provider.openai_url}
    return create_app(Settings(database_url=database_url, reconcile_seconds=0, **told), database)


@pytest.fixture
async def yesterday(admin: httpx.AsyncClient, provider: Simulator, later: Clock) -> None:
    """One call that was told, and one that wasn't."""
    assert (await admin.put("/v1/catalog", json={"source": CATALOG})).is_success
    await admin.put("/v1/customers/acme", json={})
    with openai.OpenAI(api_key=KEY, base_url=provider.openai_url) as client:
        answers = [
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Parse " * 9}])
            for _ in range(2)
        ]
    told = {"provider": "openai", "project": project_of(KEY), "api_key": key_id(KEY)}
    call = told | {"response": answers[0].model_dump(mode="json")}
    event = {"id": "e", "customer": "acme", "meter": "cv_parse", "quantity": "1", "calls": [call]}
    assert (await admin.post("/v1/events", json=event)).json()["accepted"] == 1
    later.ahead = timedelta(days=1)


async def test_what_was_found_can_be_listed_and_explained(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, yesterday: None
) -> None:
    dry = (await admin.post("/v1/reconciliations", json={"dry_run": True})).json()
    assert [each["finding"] for day in dry["data"][0]["days"] for each in day["grains"]] == ["missing_here"]
    assert (await reader.get("/v1/reconciliations")).json()["data"] == []
    ran = await admin.post("/v1/reconciliations", json={"provider": "openai"})
    assert ran.status_code == 200, ran.text
    [found] = (await reader.get("/v1/reconciliations?provider=openai")).json()["data"]
    assert (found["finding"], found["project"], found["model"]) == ("missing_here", "proj_acme", "gpt-4o-2024-08-06")
    assert (found["our_requests"], found["their_requests"]) == (1, 2)
    assert found["booked"] == found["change"] == found["difference"]
    one = (await reader.get(f"/v1/reconciliations/{found['reconciliation_id']}")).json()
    assert {part["finding"] for part in one["parts"]} == {"missing_here"}
    assert "They count" in one["parts"][0]["because"]
    assert (one["revisions"], one["shares"]) == ([found], [])
    [total] = (await reader.get("/v1/reconciliations/totals?provider=openai")).json()["data"]
    assert total == {"provider": "openai", "unit": "USD", "grains": 1, "booked": found["booked"]}
    assert (await reader.get("/v1/reconciliations/totals?to=2026-01-01T00:00:00Z")).json() == {"data": []}
    *_, day, today = (await reader.get("/v1/reconciliations/days?provider=openai")).json()["data"]
    assert (day["start"], day["closed_at"], day["reopened"]) == (found["start"], None, 0)
    assert today["stable_reads"] == 0
    filters = ["finding=match", "model=x", "project=x", "api_key=x", "provider=anthropic", "to=2020-01-01T00:00:00Z"]
    for filter in filters:
        assert (await reader.get(f"/v1/reconciliations?{filter}")).json()["data"] == [], filter


async def test_lists_come_in_pages(admin: httpx.AsyncClient, yesterday: None) -> None:
    await admin.post("/v1/reconciliations", json={})
    first = (await admin.get("/v1/reconciliations?limit=1&revisions=true")).json()
    assert (len(first["data"]), first["next_cursor"]) == (1, None)


async def test_only_an_admin_may_have_it_done(app: Tollkeeper, database: Database) -> None:
    async with calling(app, await secret_of(database, Scope.WRITE)) as client:
        assert (await client.post("/v1/reconciliations", json={})).json()["code"] == "scope_missing"


async def test_ranges_that_cannot_be(admin: httpx.AsyncClient) -> None:
    day = "2026-03-09T00:00:00Z"
    for body, code in (
        ({"from": day}, "missing_field"),
        ({"from": day, "to": day}, "invalid_range"),
        ({"from": day, "to": "2027-03-09T00:00:00Z"}, "invalid_range"),
        ({"provider": "acme-ai"}, "unknown_provider"),
        ({"provider": "anthropic"}, "no_admin_key"),
    ):
        answer = await admin.post("/v1/reconciliations", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), body
    unknown = await admin.get("/v1/reconciliations/0197a000-0000-7000-8000-000000000000")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_reconciliation")
