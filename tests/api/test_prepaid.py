"""Prepaid value over HTTP: grants, what becomes of them, and the balance as it was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tollkeeper import clock

from .prepaid import Clock, begin, grant, hold, receivable, settle, wallet

pytestmark = pytest.mark.anyio


def after(**span: float) -> str:
    return clock.in_utc(clock.now() + timedelta(**span))


async def grants(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/customers/acme/grants", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_grant_is_given_and_shown(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    body = {
        "unit": "credit", "amount": "100.50", "kind": "promotional", "priority": 10, "expires_at": after(days=3),
        "reference": "order-1", "note": "welcome",
    }  # fmt: skip
    answer = await admin.post("/v1/customers/acme/grants", json=body)
    assert answer.status_code == 201, answer.text
    given = answer.json()
    assert given | body | {
        "customer": "acme", "amount": "100.5", "remaining": "100.5", "spent": "0", "expired": "0", "voided": "0",
        "rolled_in": "0", "rolled_out": "0", "state": "active", "recurring": None, "voided_at": None,
    } == given  # fmt: skip
    assert given["created_by"].startswith("test (key ")
    assert await grants(admin) == [given]
    plain = (await admin.post("/v1/customers/acme/grants", json={"amount": 5})).json()
    assert (plain["unit"], plain["kind"], plain["priority"], plain["expires_at"]) == ("USD", "paid", 50, None)


async def test_a_grant_is_given_once(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    body = {"unit": "credit", "amount": "5", "id": "order-1"}
    first = await admin.post("/v1/customers/acme/grants", json=body)
    again = await admin.post("/v1/customers/acme/grants", json=body | {"amount": "5.0"})
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    header = {"Idempotency-Key": "order-1"}
    by_header = await admin.post("/v1/customers/acme/grants", json={"unit": "credit", "amount": 5}, headers=header)
    assert (by_header.status_code, by_header.json()["id"]) == (200, first.json()["id"])
    other = await admin.post("/v1/customers/acme/grants", json=body | {"amount": "6"})
    assert (other.status_code, other.json()["code"], other.json()["field"]) == (409, "grant_conflict", "id")
    assert await wallet(admin) == ("5", "0", "5")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"amount": None}, "invalid_amount", "amount"),
    ({"amount": "0"}, "invalid_amount", "amount"),
    ({"amount": "-1"}, "invalid_amount", "amount"),
    ({"amount": "NaN"}, "invalid_amount", "amount"),
    ({"amount": "Infinity"}, "invalid_amount", "amount"),
    ({"amount": "ten"}, "invalid_amount", "amount"),
    ({"amount": True}, "invalid_amount", "amount"),
    ({"amount": "1e15"}, "amount_out_of_range", "amount"),
    ({"amount": "1e1000000"}, "amount_out_of_range", "amount"),
    ({"amount": "0.001"}, "amount_too_precise", "amount"),
    ({"unit": "gold"}, "unknown_unit", "unit"),
    ({"unit": ""}, "unknown_unit", "unit"),
    ({"unit": 3}, "invalid_unit", "unit"),
    ({"kind": "stolen"}, "invalid_kind", "kind"),
    ({"priority": 101}, "invalid_priority", "priority"),
    ({"priority": -1}, "invalid_priority", "priority"),
    ({"priority": "high"}, "invalid_priority", "priority"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry_in_past", "expires_at"),
    ({"expires_at": "2031-01-01T00:00:00Z", "effective_at": "2032-01-01T00:00:00Z"}, "expiry_in_past", "expires_at"),
    ({"expires_at": "soon"}, "invalid_expires_at", "expires_at"),
    ({"expires_at": "2032-01-01T00:00:00"}, "time_without_zone", "expires_at"),
    ({"effective_at": "9999-12-31T23:59:59-12:00"}, "invalid_effective_at", "effective_at"),
    ({"effective_at": "0001-01-01T00:00:00+12:00"}, "invalid_effective_at", "effective_at"),
    ({"id": ""}, "invalid_id", "id"),
    ({"id": "x" * 201}, "id_too_long", "id"),
    ({"reference": "x" * 201}, "reference_too_long", "reference"),
    ({"note": "x" * 501}, "note_too_long", "note"),
    ({"note": "a\u0000b"}, "invalid_text", "note"),
    ({"colour": "red"}, "unknown_field", "colour"),
]


async def test_what_cannot_be_given_is_told_with_its_field(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    wrong: list[str] = []
    for fields, code, field in BAD:
        answer = await admin.post("/v1/customers/acme/grants", json={"unit": "credit", "amount": "5"} | fields)
        found = (answer.status_code, answer.json().get("code"), answer.json().get("field"))
        if found != (422, code, field):
            wrong.append(f"{str(fields)[:60]}: {found}, not {(422, code, field)}")
    assert not wrong, "\n".join(wrong)
    assert await grants(admin) == []
    nobody = await admin.post("/v1/customers/nobody/grants", json={"amount": 5})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_customer")


async def test_grants_burn_in_order_and_the_rest_is_taken_back(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    last = await grant(admin, amount="5")
    first = await grant(admin, amount="2", priority=10, kind="promotional")
    await hold(admin, "a", "minutes", quantity=6)
    await settle(admin, "a")
    spent = {one["id"]: (one["spent"], one["remaining"], one["state"]) for one in await grants(admin)}
    assert spent == {first["id"]: ("2", "0", "ended"), last["id"]: ("1", "4", "active")}

    await hold(admin, "b", "minutes", quantity=2)
    body = {"customer": "acme", "note": "chargeback"}
    voided = await admin.post(f"/v1/grants/{last['id']}/void", json=body)
    assert voided.status_code == 200, voided.text
    assert (voided.json()["voided"], voided.json()["remaining"]) == ("3", "1")  # 1 is held
    assert await wallet(admin) == ("1", "1", "0")
    await admin.post("/v1/holds/b/release", json={"customer": "acme"})
    assert await wallet(admin) == ("0", "0", "0")
    again = await admin.post(f"/v1/grants/{last['id']}/void", json=body)
    assert (again.status_code, again.json()["voided"]) == (200, "4")
    refused = await admin.post(f"/v1/grants/{first['id']}/refund", json={"customer": "acme"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_refundable")
    unknown = await admin.post("/v1/grants/01a1f9d4-1e45-7055-9bb9-4d38f8d013f0/void", json={"customer": "acme"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_grant")


async def test_a_refund_gives_the_money_back(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    paid = await grant(admin, amount="20", unit="USD")
    event = {"id": "e", "customer": "acme", "meter": "pages", "quantity": "4"}
    assert (await admin.post("/v1/events", json=event)).json()["results"][0]["charge"] == "4"
    answer = await admin.post(f"/v1/grants/{paid['id']}/refund", json={"customer": "acme"})
    assert answer.json()["voided"] == "16"
    accounts = (await admin.get("/v1/customers/acme/balance")).json()["accounts"]
    assert {one["account"]: one["balance"] for one in accounts} == {
        "cash": "4", "receivable": "0", "revenue": "-4", "wallet": "0",
    }  # fmt: skip


async def test_grants_begin_and_expire_by_themselves(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin)
    soon = await grant(admin, amount="5", effective_at=after(hours=1), expires_at=after(hours=3))
    assert soon["state"] == "scheduled"
    assert await wallet(admin) == ("0", "0", "0")
    assert (await hold(admin, "a")).status_code == 402
    later.ahead = timedelta(hours=2)
    assert (await hold(admin, "a")).status_code == 201
    assert await wallet(admin) == ("5", "1", "4")
    assert [one["id"] for one in await grants(admin, state="active")] == [soon["id"]]
    later.ahead = timedelta(hours=4)
    (ended,) = await grants(admin, state="ended")
    assert ended["expired"] == "5"  # the hold had expired as well
    assert await wallet(admin) == ("0", "0", "0")
    entries = (await admin.get("/v1/customers/acme/wallet-entries", params={"unit": "credit"})).json()["data"]
    # First what was free, then what the hold had kept.
    assert [(one["kind"], one["balance"]) for one in entries] == [("expired", "0"), ("expired", "1"), ("granted", "5")]
    assert entries[1] | {"amount": "-4", "grant": soon["id"], "at": soon["expires_at"]} == entries[1]


async def test_the_balance_as_it_was(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin)
    marks: list[datetime] = []
    steps: list[tuple[str, str, str]] = []
    later.ahead = timedelta(hours=1)
    for i, step in enumerate(("give", "hold", "settle", "give")):
        if step == "give":
            await grant(admin, amount="5")
        elif step == "hold":
            await hold(admin, "a", expires_in=86_400)
        else:
            await settle(admin, "a")
        steps.append(await wallet(admin))
        marks.append(clock.now())
        later.ahead = timedelta(hours=2 + i)
    assert steps == [("5", "0", "5"), ("5", "1", "4"), ("4", "0", "4"), ("9", "0", "9")]
    for mark, expected in zip(marks, steps, strict=True):
        assert await wallet(admin, at=clock.in_utc(mark)) == expected
    before = clock.in_utc(marks[0] - timedelta(minutes=30))
    assert await wallet(admin, at=before) == ("0", "0", "0")
    shown = (await admin.get("/v1/customers/acme/balance", params={"at": before})).json()
    assert (shown["accounts"], shown["as_of"]) == ([], before)
    then = (await admin.get("/v1/customers/acme/balance", params={"at": clock.in_utc(marks[1])})).json()
    assert {one["account"]: one["balance"] for one in then["accounts"]} == {"cash": "5", "wallet": "-5"}
    for bad, code in (
        ("1969-01-01T00:00:00Z", "invalid_at"),
        ("9999-01-01T00:00:00Z", "invalid_at"),
        ("x", "invalid_request"),
    ):
        answer = await admin.get("/v1/customers/acme/balance", params={"at": bad})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "at")


async def test_lists_page(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    given = [(await grant(admin, amount=str(i + 1)))["id"] for i in range(5)]
    first = (await admin.get("/v1/customers/acme/grants", params={"limit": 2})).json()
    rest = (await admin.get("/v1/customers/acme/grants", params={"cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == given[::-1]
    first = (await admin.get("/v1/customers/acme/wallet-entries", params={"limit": 2})).json()
    rest = (await admin.get("/v1/customers/acme/wallet-entries", params={"cursor": first["next_cursor"]})).json()
    assert [one["balance"] for one in first["data"] + rest["data"]] == ["15", "10", "6", "3", "1"]
    assert await grants(admin, unit="USD") == []


async def test_a_recurring_grant_of_its_own(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin)
    path = "/v1/customers/acme/recurring-grants/weekly"
    body = {"unit": "credit", "amount": "3", "every": "week", "rollover": "1", "kind": "promotional"}
    put = await admin.put(path, json=body)
    assert put.status_code == 200, put.text
    assert put.json() | body | {"name": "weekly", "priority": 50, "ended_at": None} == put.json()
    assert (await admin.put(path, json=body)).json() == put.json()
    assert await wallet(admin) == ("3", "0", "3")
    later.ahead = timedelta(days=7)
    assert await wallet(admin) == ("4", "0", "4")  # 3 and the 1 that goes over
    listed = (await admin.get("/v1/customers/acme/recurring-grants")).json()["data"]
    assert listed == [put.json()]
    assert (await admin.delete(path)).status_code == 204
    later.ahead = timedelta(days=14)
    balance, *_ = await wallet(admin)
    assert balance in ("0", "1")
    ended = (await admin.get("/v1/customers/acme/recurring-grants")).json()["data"]
    assert ended[0]["ended_at"] is not None
    unknown = await admin.delete("/v1/customers/acme/recurring-grants/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_recurring_grant")
    for bad, field in (
        ({"amount": "NaN"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "0.001"}, "amount"),
        ({"every": "decade"}, "every"),
        ({"unit": "gold"}, "unit"),
        ({"rollover": "some"}, "rollover"),
        ({"kind": "stolen"}, "kind"),
        ({"priority": 500}, "priority"),
    ):
        answer = await admin.put("/v1/customers/acme/recurring-grants/other", json=body | bad)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_recurring_grant"), (bad, answer.text)
        assert answer.json()["field"] == field
    answer = await admin.put(path, json=body | {"anchor": "0001-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_anchor")


async def test_what_is_owed_is_what_the_ledger_has(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="2")
    await grant(admin, amount="3", unit="USD")
    events: list[dict[str, Any]] = [
        {"id": "e1", "meter": "minutes", "quantity": "10"},
        {"id": "e2", "meter": "pages", "quantity": "2.25"},
        {"id": "e3", "meter": "pages", "quantity": "4"},
        {"id": "e4", "meter": "minutes", "quantity": "-9", "corrects": "e1"},
        {"id": "e5", "meter": "pages", "quantity": "-4", "corrects": "e3"},
    ]
    expected = [("3", "0"), ("3", "0"), ("3", "3.25"), ("0", "3.25"), ("0", "0")]
    for event, (credits, dollars) in zip(events, expected, strict=True):
        answer = await admin.post("/v1/events", json=event | {"customer": "acme"})
        assert answer.json()["accepted"] == 1, answer.text
        overview = (await admin.get("/v1/customers/acme/overview")).json()
        owed = {one["unit"]: one["amount"] for one in overview["owed"]}
        booked = {unit: await receivable(admin, unit) for unit in ("credit", "USD")}
        assert (owed.get("credit", "0"), owed.get("USD", "0")) == (booked["credit"], booked["USD"]), event
        assert (booked["credit"], booked["USD"]) == (credits, dollars), event
