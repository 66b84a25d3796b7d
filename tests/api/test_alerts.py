"""Alerts: each is told once, where it can be read."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .prepaid import begin, grant, hold, settle

pytestmark = pytest.mark.anyio


async def alerts(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/alerts", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_thresholds_of_a_limit_are_told_once(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    for i, quantity in enumerate((700, 90, 20, 100, 100)):
        event = {"id": f"e{i}", "customer": "acme", "meter": "tokens", "quantity": quantity}
        assert (await admin.post("/v1/events", json=event)).status_code == 200
    found = await alerts(admin, customer="acme")
    assert [(one["topic"], one["limit"], one["percent"]) for one in found] == [
        ("limit_threshold", "daily_tokens", "100"),
        ("limit_threshold", "daily_tokens", "80"),
    ]
    assert found[1] | {"customer": "acme", "used": "810", "cap": "1000", "per": "day", "member": None} == found[1]
    assert found[1]["window"]["end"] > found[1]["created_at"] > found[1]["window"]["start"]
    assert (await admin.get("/v1/customers/acme/overview")).json()["alerts"] == found


async def test_a_low_and_an_empty_wallet(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    for i in range(3):
        await hold(admin, f"h{i}")
    assert await alerts(admin) == []  # what is held isn't spent
    for i in range(3):
        await settle(admin, f"h{i}")
    found = await alerts(admin)
    assert [(one["topic"], one["balance"]) for one in found] == [("balance_exhausted", "0"), ("balance_low", "1")]
    low = found[1]
    assert low | {"unit": "credit", "threshold": "2", "top_up_url": "https://pay.example/acme/credit"} == low
    await grant(admin, amount="3")
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "minutes", "quantity": 4})
    assert [one["topic"] for one in await alerts(admin)] == ["balance_low", "balance_exhausted", "balance_low"]


async def test_alerts_page_over_all_customers(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="1")
    await admin.put("/v1/customers/other", json={})
    await admin.post("/v1/customers/other/grants", json={"unit": "credit", "amount": "1"})
    for customer in ("acme", "other"):
        await admin.post("/v1/events", json={"id": "e", "customer": customer, "meter": "interview"})
    everything = await alerts(admin)
    assert {one["customer"] for one in everything} == {"acme", "other"}
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = (await admin.get("/v1/alerts", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        seen += page["data"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == everything
    assert {one["customer"] for one in await alerts(admin, customer="other")} == {"other"}
    answer = await admin.get("/v1/alerts", params={"customer": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
