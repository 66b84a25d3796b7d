"""Limits and plans of one customer over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tollkeeper import clock

from .prepaid import Clock, begin, hold, wallet

pytestmark = pytest.mark.anyio


async def limits(client: httpx.AsyncClient, **query: str) -> dict[str, dict[str, Any]]:
    answer = await client.get("/v1/customers/acme/limits", params=query)
    assert answer.status_code == 200, answer.text
    return {limit["limit"]: limit for limit in answer.json()["data"]}


async def test_limits_in_force_with_what_is_used(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "tokens", "quantity": 300})
    await hold(admin, "a", "tokens", quantity=200)
    found = await limits(admin)
    assert [*found] == ["daily_tokens", "monthly_spend"]
    daily = found["daily_tokens"]
    assert daily | {
        "meter": "tokens", "group": None, "spend": None, "per": "day", "by": "customer", "mode": "hard",
        "enabled": True, "own": False, "member": None, "cap": "1000", "used": "300", "held": "200",
        "remaining": "500", "percent": "30", "warn_at": ["80", "100"],
    } == daily  # fmt: skip
    assert found["monthly_spend"] | {"spend": "USD", "enabled": False, "mode": "soft"} == found["monthly_spend"]
    overview = (await admin.get("/v1/customers/acme/overview")).json()
    assert overview["limits"] == [daily]


async def test_a_limit_is_overridden_switched_off_and_taken_back(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    path = "/v1/customers/acme/limits/daily_tokens"
    put = await admin.put(path, json={"cap": 50})
    assert put.status_code == 200, put.text
    assert put.json() | {"cap": "50", "own": True, "meter": "tokens"} == put.json()
    assert (await hold(admin, "a", "tokens", quantity=51)).status_code == 429

    off = (await admin.put(path, json={"enabled": False})).json()
    assert (off["enabled"], off["cap"]) == (False, "50")  # switched off without losing it
    held = await hold(admin, "b", "tokens", quantity=5000)
    assert (held.status_code, held.json()["limits"]) == (201, [])
    await admin.post("/v1/holds/b/release", json={"customer": "acme"})
    on = (await admin.put(path, json={"enabled": None})).json()
    assert (on["enabled"], on["cap"]) == (True, "50")
    assert (await hold(admin, "c", "tokens", quantity=51)).status_code == 429

    assert (await admin.delete(path)).status_code == 204
    assert (await limits(admin))["daily_tokens"] | {"cap": "1000", "own": False} == (await limits(admin))[
        "daily_tokens"
    ]
    assert (await hold(admin, "d", "tokens", quantity=51)).status_code == 201
    again = await admin.delete(path)
    assert (again.status_code, again.json()["code"]) == (404, "unknown_limit")


async def test_a_limit_is_called_by_its_name(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    assert {key: limit["name"] for key, limit in (await limits(admin)).items()} == {
        "daily_tokens": "Daily tokens",
        "monthly_spend": "Monthly spend",
    }
    put = await admin.put("/v1/customers/acme/limits/daily_tokens", json={"name": "Tokens a day", "cap": 50})
    assert put.json()["name"] == "Tokens a day"
    refused = (await hold(admin, "a", "tokens", quantity=51)).json()
    assert (refused["limit"], refused["name"]) == ("daily_tokens", "Tokens a day")
    assert refused["detail"].startswith("The limit 'Tokens a day' allows 50 per day")
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "tokens", "quantity": 40})
    [alert] = (await admin.get("/v1/alerts", params={"customer": "acme"})).json()["data"]
    assert (alert["limit"], alert["name"]) == ("daily_tokens", "Tokens a day")


async def test_each_member_has_its_own(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    body = {"meter": "tokens", "per": "day", "cap": 100, "by": "member", "member_caps": {"ann": "500"}}
    put = await admin.put("/v1/customers/acme/limits/each", json=body)
    assert put.status_code == 200, put.text
    assert put.json() | {"cap": "100", "member_caps": {"ann": "500"}, "used": None, "own": True} == put.json()
    assert (await hold(admin, "a", "tokens", quantity=200, member="ann")).status_code == 201
    refused = await hold(admin, "b", "tokens", quantity=200, member="bob")
    assert (refused.status_code, refused.json()["limit"], refused.json()["member"]) == (429, "each", "bob")
    assert (await hold(admin, "c", "tokens", quantity=100, member="bob")).status_code == 201
    ann = (await limits(admin, member="ann"))["each"]
    assert (ann["member"], ann["held"], ann["cap"], ann["remaining"]) == ("ann", "200", "500", "300")
    assert (await limits(admin))["each"]["used"] is None


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("new", {"cap": 5}, "invalid_limit", "meter"),
    ("new", {"meter": "tokens", "per": "day"}, "invalid_limit", "cap"),
    ("new", {"meter": "tokens", "cap": 5}, "invalid_limit", "per"),
    ("new", {"meter": "nothing", "per": "day", "cap": 5}, "invalid_limit", "meter"),
    ("new", {"spend": "gold", "per": "day", "cap": 5}, "invalid_limit", "spend"),
    ("new", {"meter": "tokens", "per": "fortnight", "cap": 5}, "invalid_limit", "per"),
    ("daily_tokens", {"cap": -5}, "invalid_limit", "cap"),
    ("daily_tokens", {"cap": "NaN"}, "invalid_limit", "cap"),
    ("daily_tokens", {"cap": "1e15"}, "invalid_limit", "cap"),
    ("daily_tokens", {"cap": "many"}, "invalid_cap", "cap"),
    ("daily_tokens", {"mode": "strict"}, "invalid_limit", "mode"),
    ("daily_tokens", {"enabled": "no"}, "invalid_enabled", "enabled"),
    ("daily_tokens", {"warn_at": ["-1"]}, "invalid_limit", "warn_at"),
    ("daily_tokens", {"colour": "red"}, "unknown_field", "colour"),
    ("Bad Name", {"meter": "tokens", "per": "day", "cap": 5}, "invalid_limit", "name"),
]


async def test_bad_limits_are_told_with_their_field(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    wrong: list[str] = []
    for name, body, code, field in BAD:
        answer = await admin.put(f"/v1/customers/acme/limits/{name}", json=body)
        found = (answer.status_code, answer.json().get("code"), str(answer.json().get("field")).split("[")[0])
        if found != (422, code, field):
            wrong.append(f"{name} {body}: {found}, not {(422, code, field)}")
    assert not wrong, "\n".join(wrong)
    assert not any(limit["own"] for limit in (await limits(admin)).values())
    answer = await admin.put("/v1/customers/nobody/limits/daily_tokens", json={"cap": 5})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_a_plan_begins_now(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    path = "/v1/customers/acme/plan"
    none = (await admin.get(path)).json()
    assert none == {"customer": "acme", "plan": None, "name": None, "since": None, "next": None, "history": []}
    body = {"customer": "acme", "meter": "tokens", "quantity": 1000}
    assert (await admin.post("/v1/estimate", json=body)).json()["charge"] == "2"

    put = await admin.put(path, json={"plan": "pro"})
    assert put.status_code == 200, put.text
    assert put.json() | {"plan": "pro", "name": "Pro", "next": None} == put.json()
    (change,) = put.json()["history"]
    assert change | {"plan": "pro", "from": put.json()["since"], "withdrawn_at": None} == change
    assert change["decided_by"].startswith("test (key ")
    again = await admin.put(path, json={"plan": "pro"})
    assert again.json() == put.json()
    # Its prices, limits and recurring grants follow.
    assert (await admin.post("/v1/estimate", json=body)).json()["charge"] == "1"
    assert (await limits(admin))["daily_tokens"]["cap"] == "5000"
    assert await wallet(admin) == ("3", "0", "3")
    overview = (await admin.get("/v1/customers/acme/overview")).json()
    assert overview["plan"] == {"key": "pro", "name": "Pro", "since": put.json()["since"], "next": None}


async def test_a_plan_begins_when_the_month_is_over(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin)
    path = "/v1/customers/acme/plan"
    put = (await admin.put(path, json={"plan": "pro", "from": "period_end"})).json()
    starts = put["next"]["from"]
    assert (put["plan"], put["next"]["plan"], starts[8:]) == (None, "pro", "01T00:00:00Z")
    assert (await limits(admin))["daily_tokens"]["cap"] == "1000"
    assert await wallet(admin) == ("0", "0", "0")
    later.ahead = timedelta(days=32)
    assert (await limits(admin))["daily_tokens"]["cap"] == "5000"
    assert await wallet(admin) == ("3", "0", "3")
    shown = (await admin.get(path)).json()
    assert (shown["plan"], shown["since"], shown["next"]) == ("pro", starts, None)


async def test_another_plan_takes_the_place_of_what_was_planned(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    path = "/v1/customers/acme/plan"
    await admin.put(path, json={"plan": "pro"})
    ends = clock.in_utc((clock.now() + timedelta(days=10)).replace(microsecond=0))
    put = (await admin.put(path, json={"plan": None, "from": ends})).json()
    assert (put["plan"], put["next"]) == ("pro", {"plan": None, "from": ends})
    kept = (await admin.put(path, json={"plan": "pro"})).json()
    assert (kept["plan"], kept["next"]) == ("pro", None)
    assert [(one["plan"], one["withdrawn_at"] is None) for one in kept["history"]] == [("pro", True), (None, False)]


async def test_plans_that_cannot_be(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "tokens", "quantity": 3})
    path = "/v1/customers/acme/plan"
    for body, status, code, field in (
        ({"plan": "gold"}, 404, "unknown_plan", "plan"),
        ({}, 422, "invalid_request", "plan"),
        ({"plan": "pro", "from": "tomorrow"}, 422, "invalid_request", "from"),
        ({"plan": "pro", "from": "2026-01-01T00:00:00"}, 422, "invalid_request", "from"),
        ({"plan": "pro", "from": "2020-01-01T00:00:00Z"}, 422, "plan_in_past", "from"),
        ({"plan": "pro", "from": "0001-01-01T00:00:00Z"}, 422, "invalid_from", "from"),
        ({"plan": "pro", "since": "now"}, 422, "invalid_request", "since"),
    ):
        answer = await admin.put(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (body, answer.text)
        assert answer.json()["field"].startswith(field), answer.text
    answer = await admin.put("/v1/customers/nobody/plan", json={"plan": "pro"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
    assert (await admin.get(path)).json()["history"] == []
