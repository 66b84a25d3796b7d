"""Holds over HTTP: what is reserved, and how each ends."""

from __future__ import annotations

import httpx
import pytest

from .prepaid import begin, hold, receivable, settle, wallet

pytestmark = pytest.mark.anyio


async def test_a_hold_reserves_and_its_settlement_charges(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    answer = await hold(admin, "job-17", dimensions={"job": "cook"}, member="ann", metadata={"a": 1})
    assert answer.status_code == 201, answer.text
    held = answer.json()
    assert (
        held
        | {
            "id": "job-17",
            "customer": "acme",
            "meter": "interview",
            "member": "ann",
            "state": "open",
            "quantity": "1",
            "amount": "1",
            "unit": "credit",
            "from_wallet": "1",
            "available": "2",
            "ended_at": None,
            "charged": None,
            "events": [],
            "limits": [],
            "warnings": [],
        }
        == held
    )
    assert await wallet(admin) == ("3", "1", "2")

    settled = (await settle(admin, "job-17")).json()
    assert settled["hold"] | {"state": "settled", "charged": "1", "events": ["job-17"]} == settled["hold"]
    assert (settled["accepted"], settled["duplicates"], settled["rejected"]) == (1, 0, 0)
    assert settled["results"] == [{"id": "job-17", "status": "accepted", "charge": "1", "unit": "credit"}]
    assert "notice" not in settled
    assert await wallet(admin) == ("2", "0", "2")
    assert await receivable(admin, "credit") == "0"

    event = (await admin.get("/v1/events/job-17", params={"customer": "acme"})).json()
    assert event | {"member": "ann", "dimensions": {"job": "cook"}, "metadata": {"a": 1}, "charge": "1"} == event
    shown = (await admin.get("/v1/holds/job-17", params={"customer": "acme"})).json()
    assert shown == settled["hold"]
    overview = (await admin.get("/v1/customers/acme/overview")).json()
    assert overview["wallets"] == [{"unit": "credit", "balance": "2", "held": "0", "available": "2"}]
    assert overview["owed"] == [{"unit": "credit", "amount": "0"}]
    assert overview["total_spent"] == [{"unit": "credit", "amount": "1"}]


async def test_three_credits_are_three_interviews(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    answers = [await hold(admin, f"job-{i}") for i in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 402, 402]
    refused = answers[3].json()
    assert (
        refused
        | {
            "title": "Payment required",
            "status": 402,
            "code": "insufficient_credits",
            "unit": "credit",
            "needed": "1",
            "available": "0",
            "top_up_url": "https://pay.example/acme/credit",
        }
        == refused
    )
    assert [reason["code"] for reason in refused["reasons"]] == ["insufficient_credits"]
    assert answers[3].headers["content-type"] == "application/problem+json"
    assert "retry-after" not in answers[3].headers


async def test_less_than_held_frees_the_rest_and_more_is_charged_too(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="10")
    assert (await hold(admin, "a", "minutes", quantity="10")).json()["amount"] == "5"
    assert (await settle(admin, "a", quantity="3")).json()["hold"]["charged"] == "1.5"
    assert await wallet(admin) == ("8.5", "0", "8.5")

    assert (await hold(admin, "b", "minutes", quantity=2)).json()["amount"] == "1"
    settled = (await settle(admin, "b", quantity="20.0")).json()
    assert settled["hold"]["charged"] == "10"
    assert await wallet(admin) == ("0", "0", "0")
    assert await receivable(admin, "credit") == "1.5"
    owed = (await admin.get("/v1/customers/acme/overview")).json()["owed"]
    assert owed == [{"unit": "credit", "amount": "1.5"}]


async def test_several_events_settle_one_hold(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="10")
    await hold(admin, "a", "minutes", quantity="10")
    events = [
        {"id": "e1", "meter": "minutes", "quantity": "2"},
        {"id": "e2", "meter": "interview", "customer": "acme", "hold": "a"},
        {"id": "e3", "meter": "minutes", "quantity": "0.02", "customer": None},
    ]
    settled = (await settle(admin, "a", events=events)).json()
    assert settled["hold"]["charged"] == "2.01"
    assert settled["hold"]["events"] == ["e1", "e2", "e3"]
    assert [result["charge"] for result in settled["results"]] == ["1", "1", "0.01"]
    assert await wallet(admin) == ("7.99", "0", "7.99")


async def test_events_that_name_a_hold_settle_it(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    await hold(admin, "b")
    events = [
        {"id": "e1", "customer": "acme", "meter": "interview", "hold": "a"},
        {"id": "e2", "customer": "acme", "meter": "minutes", "quantity": "0.5", "hold": "a"},
        {"id": "e3", "customer": "acme", "meter": "interview"},
    ]
    answer = await admin.post("/v1/events", json=events)
    assert answer.json()["accepted"] == 3, answer.text
    shown = (await admin.get("/v1/holds/a", params={"customer": "acme"})).json()
    assert (shown["state"], shown["charged"], shown["events"]) == ("settled", "1.25", ["e1", "e2"])
    assert await wallet(admin) == ("1", "1", "0")
    # What is held for others isn't paid from: the third event found 0.75 free.
    assert await receivable(admin, "credit") == "0.25"

    stray = {"id": "e4", "customer": "acme", "meter": "interview", "hold": "nobody"}
    answer = await admin.post("/v1/events", json=stray)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "unknown_hold", "hold")


async def test_a_released_hold_costs_nothing(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    answer = await admin.post("/v1/holds/a/release", json={"customer": "acme", "note": "it failed"})
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"state": "released", "note": "it failed", "charged": None} == answer.json()
    again = await admin.post("/v1/holds/a/release", json={"customer": "acme"})
    assert (again.status_code, again.json()) == (200, answer.json())
    assert await wallet(admin) == ("3", "0", "3")
    for verb in ("extend", "in-doubt"):
        refused = await admin.post(f"/v1/holds/a/{verb}", json={"customer": "acme", "expires_in": 60})
        assert (refused.status_code, refused.json()["code"]) == (409, "hold_ended")
        assert (refused.json()["state"], refused.json()["ended_at"][:4]) == ("released", answer.json()["ended_at"][:4])


async def test_a_settled_hold_cannot_be_released(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    settled = (await settle(admin, "a")).json()["hold"]
    refused = await admin.post("/v1/holds/a/release", json={"customer": "acme"})
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "hold_ended", "settled")
    assert refused.json()["ended_at"] == settled["ended_at"]
    assert await wallet(admin) == ("2", "0", "2")


async def test_a_hold_is_extended(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    held = (await hold(admin, "a", expires_in=60)).json()
    longer = await admin.post("/v1/holds/a/extend", json={"customer": "acme", "expires_in": 3600})
    assert longer.status_code == 200
    assert longer.json()["expires_at"] > held["expires_at"]
    assert longer.json()["state"] == "open"
    for seconds in (86_401, 0, -5, 10**30):
        refused = await admin.post("/v1/holds/a/extend", json={"customer": "acme", "expires_in": seconds})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_expiry"), seconds
        assert refused.json()["field"] == "expires_in"


async def test_holds_are_listed(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="9")
    for i in range(5):
        await hold(admin, f"h{i}")
    await settle(admin, "h1")
    await admin.post("/v1/holds/h2/release", json={"customer": "acme"})
    first = (await admin.get("/v1/holds", params={"customer": "acme", "limit": 2})).json()
    rest = (await admin.get("/v1/holds", params={"customer": "acme", "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == ["h4", "h3", "h2", "h1", "h0"]
    assert rest["next_cursor"] is None
    opened = (await admin.get("/v1/holds", params={"state": "open"})).json()["data"]
    assert [(one["id"], one["customer"]) for one in opened] == [("h4", "acme"), ("h3", "acme"), ("h0", "acme")]
    ended = (await admin.get("/v1/holds", params={"state": ["settled", "released"], "customer": "acme"})).json()["data"]
    assert [one["id"] for one in ended] == ["h2", "h1"]
    assert (await admin.get("/v1/holds", params={"customer": "nobody"})).json()["code"] == "unknown_customer"
    assert (await admin.get("/v1/holds", params={"state": "lost"})).status_code == 422


async def test_a_check_reserves_nothing(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="1")
    for _ in range(3):
        answer = await admin.post("/v1/check", json={"customer": "acme", "meter": "interview", "id": "a"})
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "allowed": True, "amount": "1", "unit": "credit", "available": "1", "limits": [], "warnings": [],
        }  # fmt: skip
    assert await wallet(admin) == ("1", "0", "1")
    assert (await admin.get("/v1/holds")).json()["data"] == []
    await hold(admin, "a")
    refused = await admin.post("/v1/check", json={"customer": "acme", "meter": "interview"})
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (
        402,
        "insufficient_credits",
        "0",
    )


async def test_an_estimate_is_what_is_then_charged(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    for i, quantity in enumerate(("4", "9.5", "0.123456789", "20")):
        body = {"customer": "acme", "meter": "pages", "quantity": quantity}
        answer = await admin.post("/v1/estimate", json=body)
        assert answer.status_code == 200, answer.text
        estimated = answer.json()
        held = (await hold(admin, f"p{i}", "pages", quantity=quantity)).json()
        settled = (await settle(admin, f"p{i}")).json()
        assert estimated["charge"] == held["amount"] == settled["hold"]["charged"]
        explained = (await admin.get(f"/v1/events/p{i}/explanation", params={"customer": "acme"})).json()
        assert estimated["steps"] == explained["steps"]
        assert estimated["price_id"] == explained["price_id"]


async def test_open_holds_count_in_what_comes_after_them(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    assert (await hold(admin, "a", "pages", quantity="10")).json()["amount"] == "10"
    body = {"customer": "acme", "meter": "pages", "quantity": "1"}
    assert (await admin.post("/v1/estimate", json=body)).json()["charge"] == "0.5"
    await admin.post("/v1/holds/a/release", json={"customer": "acme"})
    assert (await admin.post("/v1/estimate", json=body)).json()["charge"] == "1"


async def test_an_estimate_of_provider_usage(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="0.01")
    calls = [
        {"provider": "openai", "model": "gpt", "cost": "0.04"},
        {"provider": "openai", "model": "gpt", "cost": 0.04},
    ]
    body = {"customer": "acme", "meter": "calls", "calls": calls}
    assert (await admin.post("/v1/estimate", json=body)).json()["charge"] == "0.1"
    unknown = await admin.post("/v1/estimate", json={"customer": "acme", "meter": "calls"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "estimate_needed")
    held = await hold(admin, "a", "calls", calls=calls)
    assert held.json()["amount"] == "0.1"
    real = [{"provider": "openai", "model": "gpt", "cost": "0.02"}]
    assert (await settle(admin, "a", calls=real)).json()["hold"]["charged"] == "0.025"


async def test_exact_to_the_last_digit(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    digits = "123456789012.123456789012"
    held = await admin.post(
        "/v1/holds", content=f'{{"id": "a", "customer": "acme", "meter": "pages", "quantity": {digits}}}'
    )
    assert (held.status_code, held.json()["quantity"]) == (201, digits)
    body = f'{{"customer": "acme", "events": [{{"id": "e", "meter": "pages", "quantity": {digits}}}]}}'
    settled = await admin.post("/v1/holds/a/settle", content=body)
    assert settled.status_code == 200, settled.text
    assert (await admin.get("/v1/events/e", params={"customer": "acme"})).json()["quantity"] == digits
    given = await admin.post("/v1/customers/acme/grants", content=f'{{"amount": {digits}}}')
    assert (given.json()["amount"], given.json()["unit"]) == (digits, "USD")
