"""What is refused before an operation begins: each reason with its code and figures, and all of them at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tollkeeper import clock

from .prepaid import begin, grant, hold, settle, wallet

pytestmark = pytest.mark.anyio


async def test_a_limit_says_when_to_come_back(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    held = await hold(admin, "a", "tokens", quantity="900")
    assert held.status_code == 201, held.text
    (limit,) = held.json()["limits"]
    assert limit | {
        "limit": "daily_tokens", "member": None, "per": "day", "used": "0", "held": "900", "cap": "1000",
        "remaining": "100", "mode": "hard",
    } == limit  # fmt: skip

    refused = await hold(admin, "b", "tokens", quantity="101")
    assert refused.status_code == 429
    told = refused.json()
    assert told | {
        "title": "Limit exceeded", "code": "limit_exceeded", "limit": "daily_tokens", "member": None, "used": "0",
        "held": "900", "cap": "1000", "needed": "101",
    } == told  # fmt: skip
    assert told["window"] == limit["window"]
    assert told["resets_at"] == limit["window"]["end"]
    now = clock.now()
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert abs(int(refused.headers["retry-after"]) - (midnight - now).total_seconds()) < 5
    assert (await hold(admin, "b", "tokens", quantity="100")).status_code == 201

    await settle(admin, "a", quantity="950")  # what has happened is always taken
    (now_used,) = [
        one for one in (await admin.get("/v1/customers/acme/limits")).json()["data"] if one["limit"] == "daily_tokens"
    ]
    assert (now_used["used"], now_used["held"], now_used["remaining"]) == ("950", "100", "0")


async def test_what_is_more_than_the_cap_is_never_worth_a_wait(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    refused = await hold(admin, "a", "tokens", quantity="1001")
    assert (refused.status_code, refused.json()["code"], refused.json()["resets_at"]) == (429, "limit_exceeded", None)
    assert "retry-after" not in refused.headers


async def test_several_reasons_at_once(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await admin.put("/v1/customers/acme/limits/calls", json={"meter": "interview", "per": "day", "cap": 0})
    await admin.put("/v1/customers/acme/limits/more", json={"meter": "interview", "per": "rolling_hour", "cap": "0.5"})
    for path in ("/v1/holds", "/v1/check"):
        refused = await admin.post(path, json={"id": "a", "customer": "acme", "meter": "interview"})
        assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
        reasons = refused.json()["reasons"]
        assert [one["code"] for one in reasons] == ["insufficient_credits", "limit_exceeded", "limit_exceeded"]
        assert {one["limit"] for one in reasons[1:]} == {"calls", "more"}
        assert all(one["detail"] for one in reasons)

    await admin.put("/v1/customers/acme", json={"suspended": True})
    refused = await hold(admin, "a")
    assert (refused.status_code, refused.json()["code"]) == (403, "customer_suspended")
    codes = [one["code"] for one in refused.json()["reasons"]]
    assert codes[0] == "customer_suspended"
    await admin.put("/v1/customers/acme", json={"suspended": False})
    await grant(admin, amount="1")
    refused = await hold(admin, "a")
    assert refused.status_code == 429
    assert {one["code"] for one in refused.json()["reasons"]} == {"limit_exceeded"}
    assert (await admin.get("/v1/holds")).json()["data"] == []


async def test_a_suspended_customer_begins_nothing_but_reports_what_happened(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    await admin.put("/v1/customers/acme", json={"suspended": True})
    for path in ("/v1/holds", "/v1/check"):
        answer = await admin.post(path, json={"id": "b", "customer": "acme", "meter": "interview"})
        assert (answer.status_code, answer.json()["code"]) == (403, "customer_suspended")
    event = {"id": "e", "customer": "acme", "meter": "interview"}
    assert (await admin.post("/v1/events", json=event)).status_code == 200
    assert (await settle(admin, "a")).json()["hold"]["state"] == "settled"
    assert await wallet(admin) == ("1", "0", "1")


async def test_an_archived_customer_uses_nothing(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await admin.put("/v1/customers/acme", json={"archived": True})
    answer = await hold(admin, "a")
    assert (answer.status_code, answer.json()["code"]) == (403, "customer_archived")


async def test_a_soft_limit_warns(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    switched = await admin.put("/v1/customers/acme/limits/monthly_spend", json={"enabled": True})
    assert switched.status_code == 200, switched.text
    answer = await hold(admin, "a", "pages", quantity="6")
    assert answer.status_code == 201, answer.text
    (warning,) = answer.json()["warnings"]
    assert warning | {
        "code": "limit_exceeded", "limit": "monthly_spend", "per": "month", "used": "0", "cap": "5", "needed": "6",
    } == warning  # fmt: skip
    assert "Monthly spend" in warning["detail"]
    checked = (await admin.post("/v1/check", json={"customer": "acme", "meter": "pages", "quantity": "1"})).json()
    assert [one["code"] for one in checked["warnings"]] == ["limit_exceeded"]


BAD: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"meter": None}, 422, "invalid_meter", "meter"),
    ({"meter": ""}, 422, "invalid_meter", "meter"),
    ({"meter": "x" * 201}, 422, "meter_too_long", "meter"),
    ({"meter": "nothing"}, 422, "unknown_meter", "meter"),
    ({"meter": "unpriced", "quantity": 1}, 422, "unpriced", "meter"),
    ({"customer": "nobody"}, 404, "unknown_customer", "customer"),
    ({"customer": " nobody"}, 404, "unknown_customer", "customer"),
    ({"customer": 3}, 422, "invalid_customer", "customer"),
    ({"id": ""}, 422, "invalid_id", "id"),
    ({"id": "x" * 201}, 422, "id_too_long", "id"),
    ({"id": None}, 422, "missing_field", "id"),
    ({"quantity": "2"}, 422, "invalid_quantity", "quantity"),
    ({"meter": "minutes"}, 422, "missing_field", "quantity"),
    ({"meter": "minutes", "quantity": "-1"}, 422, "negative_quantity", "quantity"),
    ({"meter": "minutes", "quantity": "NaN"}, 422, "invalid_quantity", "quantity"),
    ({"meter": "minutes", "quantity": "Infinity"}, 422, "invalid_quantity", "quantity"),
    ({"meter": "minutes", "quantity": True}, 422, "invalid_quantity", "quantity"),
    ({"meter": "minutes", "quantity": "ten"}, 422, "invalid_quantity", "quantity"),
    ({"meter": "minutes", "quantity": "1e15"}, 422, "quantity_out_of_range", "quantity"),
    ({"meter": "minutes", "quantity": "1e1000000"}, 422, "quantity_out_of_range", "quantity"),
    ({"meter": "minutes", "quantity": "0.0000001"}, 422, "quantity_too_precise", "quantity"),
    ({"meter": "tokens", "quantity": "1.5"}, 422, "quantity_too_precise", "quantity"),
    ({"amount": "NaN"}, 422, "invalid_amount", "amount"),
    ({"amount": "-1"}, 422, "negative_amount", "amount"),
    ({"amount": "1e15"}, 422, "amount_out_of_range", "amount"),
    ({"calls": [{"provider": "o", "model": "m", "cost": "-1"}]}, 422, "negative_cost", "calls[0].cost"),
    ({"calls": {}}, 422, "invalid_calls", "calls"),
    ({"dimensions": {"site": "x"}}, 422, "unknown_dimension", "dimensions.site"),
    ({"metadata": {"x": "y" * 20_000}}, 422, "metadata_too_large", "metadata"),
    ({"member": "a\u0000b"}, 422, "invalid_text", "member"),
    ({"expires_in": 0}, 422, "invalid_expiry", "expires_in"),
    ({"expires_in": -5}, 422, "invalid_expiry", "expires_in"),
    ({"expires_in": 86_401}, 422, "invalid_expiry", "expires_in"),
    ({"expires_in": "soon"}, 422, "invalid_expiry", "expires_in"),
    ({"expires_in": 1.5}, 422, "invalid_expiry", "expires_in"),
    ({"expires_at": "2026-01-01T00:00:00Z"}, 422, "unknown_field", "expires_at"),
    ({"time": "2026-01-01T00:00:00Z"}, 422, "unknown_field", "time"),
]


async def test_what_cannot_be_held_is_told_with_its_field(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="100")
    wrong: list[str] = []
    for fields, status, code, field in BAD:
        for path in ("/v1/holds", "/v1/check", "/v1/estimate"):
            if path != "/v1/holds" and (code == "missing_field" and field == "id"):
                continue
            answer = await admin.post(path, json={"id": "a", "customer": "acme", "meter": "interview"} | fields)
            found = (answer.status_code, answer.json().get("code"), answer.json().get("field"))
            if found != (status, code, field):
                wrong.append(f"{path} {str(fields)[:60]}: {found}, not {(status, code, field)}")
    assert not wrong, "\n".join(wrong)
    assert (await admin.get("/v1/holds")).json()["data"] == []
    assert await wallet(admin) == ("100", "0", "100")
    assert (await admin.get("/v1/quarantine")).json()["data"] == []


async def test_bodies_that_cannot_be_read(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="1")
    await hold(admin, "a")
    paths = ["/v1/holds", "/v1/check", "/v1/estimate"]
    paths += [f"/v1/holds/a/{verb}" for verb in ("settle", "release", "extend", "in-doubt")]
    for path in paths:
        for body, status, code in (
            (b"", 400, "empty_body"),
            (b"{", 400, "invalid_json"),
            (b'{"customer": "\xff"}', 400, "invalid_utf8"),
            (b"[]", 422, "invalid_request"),
            (b"3", 422, "invalid_request"),
            (b"{}", 422, "missing_field"),
            (b"[" * 5000, 422, "invalid_request"),
            (b'{"customer": "acme", "nothing": 1}', 422, "unknown_field"),
        ):
            answer = await admin.post(path, content=body)
            known = (status, code) if answer.json()["code"] != "missing_field" else (422, "missing_field")
            assert (answer.status_code, answer.json()["code"]) == known, (path, body[:40], answer.text)
    assert (await admin.get("/v1/holds/a", params={"customer": "acme"})).json()["state"] == "open"


async def test_a_currency_that_is_not_the_customers(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await admin.put("/v1/customers/euro", json={"currency": "EUR"})
    answer = await admin.post("/v1/holds", json={"id": "a", "customer": "euro", "meter": "tokens", "quantity": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "currency_mismatch")


async def test_unknown_holds(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="1")
    await admin.put("/v1/customers/other", json={})
    await hold(admin, "a")
    body = {"customer": "other"}
    for path, more in (("settle", {}), ("release", {}), ("extend", {"expires_in": 5}), ("in-doubt", {})):
        answer = await admin.post(f"/v1/holds/a/{path}", json=body | more)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_hold"), path
        answer = await admin.post(f"/v1/holds/a/{path}", json={"customer": "nobody"} | more)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer"), path
    answer = await admin.get("/v1/holds/a", params=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_hold")
    assert (await admin.get("/v1/holds/a", params={"customer": "acme"})).json()["state"] == "open"
