"""Holds whose price goes by what AI providers take: the usage that is expected is priced by the book."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.api.test_margins import begin
from tests.database.costing import call

pytestmark = pytest.mark.anyio


async def hold(client: httpx.AsyncClient, id: str, meter: str, *calls: dict[str, Any]) -> httpx.Response:
    body = {"id": id, "customer": "acme", "meter": meter, "quantity": 1, "calls": [*calls]}
    return await client.post("/v1/holds", json=body if calls else {**body, "calls": None})


async def event(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/events/{id}", params={"customer": "acme"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_expected_usage_is_held_at_the_books_price(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    held = await hold(admin, "h", "answer", call(tokens=(3000, 1000)))
    assert (held.status_code, held.json()["amount"]) == (201, "0.021875")
    again = await hold(admin, "h", "answer", call(tokens=(3000, 1000)))
    assert again.status_code == 200
    asked = {"customer": "acme", "meter": "answer", "quantity": 1, "calls": [call()]}
    assert (await admin.post("/v1/check", json=asked)).json()["amount"] == "0.0109375"
    estimate = (await admin.post("/v1/estimate", json=asked)).json()
    assert (estimate["charge"], estimate["estimated"]) == ("0.0109375", False)
    assert [step["name"] for step in estimate["steps"]] == ["call_price", "call_price", "cost", "cost_plus", "charge"]


async def test_what_cannot_be_priced_is_held_by_the_fallback_or_refused(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    for i, calls in enumerate(([], [call(model="gpt-99")], [{"provider": "openai", "model": "gpt-4o"}])):
        assert (await hold(admin, f"h{i}", "answer", *calls)).json()["amount"] == "0.5"
        refused = await hold(admin, f"b{i}", "bare", *calls)
        assert (refused.status_code, refused.json()["code"]) == (422, "estimate_needed")
    wrong = await hold(admin, "w", "answer", {"provider": "openai", "usage": {}})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (422, "missing_field", "calls[0].model")


async def test_a_settlement_with_calls_costs_what_they_cost(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await hold(admin, "h", "answer", call(tokens=(3000, 1000)))
    body = {"customer": "acme", "calls": [call("r1"), call("r2", model="gpt-4o-mini")]}
    settled = await admin.post("/v1/holds/h/settle", json=body)
    assert settled.json()["results"][0]["charge"] == "0.01159375"
    found = await event(admin, "h")
    assert (found["cost"], found["cost_source"]) == ("0.009275", "response")
    again = await admin.post("/v1/holds/h/settle", json=body)
    assert (again.status_code, again.json()["duplicates"]) == (200, 1)


async def test_a_settlement_without_calls_keeps_the_estimate(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await hold(admin, "h", "answer", call(tokens=(3000, 1000)))
    settled = await admin.post("/v1/holds/h/settle", json={"customer": "acme"})
    assert settled.json()["results"][0]["charge"] == "0.021875"
    found = await event(admin, "h")
    assert (found["cost"], found["cost_source"], found["calls"][0]["estimated"]) == ("0.0175", "estimate", True)
    again = await admin.post("/v1/holds/h/settle", json={"customer": "acme"})
    assert (again.status_code, again.json()["duplicates"]) == (200, 1)
    calls = await admin.get("/v1/calls", params={"customer": "acme"})
    assert [(one["id"], one["cost_source"]) for one in calls.json()["data"]] == [("h#0", "estimate")]


async def test_an_estimate_stands_for_no_response(admin: httpx.AsyncClient) -> None:
    """A product may take an earlier answer for what it expects. That one is paid for; this estimate isn't."""
    await begin(admin)
    await hold(admin, "h", "answer", call("r1"))
    settled = await admin.post("/v1/holds/h/settle", json={"customer": "acme", "calls": [call("r1")]})
    assert settled.json()["results"][0]["charge"] == "0.0109375"
    await hold(admin, "i", "answer", call("r1"))
    kept = await admin.post("/v1/holds/i/settle", json={"customer": "acme"})
    assert kept.json()["results"][0]["charge"] == "0.0109375"
    await hold(admin, "j", "answer", call("r2"))
    assert (await admin.post("/v1/holds/j/settle", json={"customer": "acme"})).status_code == 200
    told = {"id": "e", "customer": "acme", "meter": "answer", "quantity": 1, "calls": [call("r2")]}
    answer = (await admin.post("/v1/events", json=told)).json()
    assert answer["results"][0]["charge"] == "0.0109375"
