"""What a customer's billing page reads: the figures are those of the operator's own routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.database.costing import call

from tollkeeper.api.openapi import Tollkeeper

from .portal import bearer, furnish, get, opened, page_of, post, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def acme(app: Tollkeeper, admin: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """acme's page."""
    await furnish(admin)
    async with page_of(app, admin, permissions=["top_up"], return_url="https://app.example.com/") as client:
        yield client


async def test_the_session_says_whose_page_it_is_and_in_which_words(acme: httpx.AsyncClient) -> None:
    found = await get(acme, "/session")
    assert (found["customer"], found["name"], found["timezone"]) == ("acme", "Acme", "Europe/Berlin")
    assert found["permissions"] == ["read", "top_up"]
    assert found["return_url"] == "https://app.example.com/"
    assert {"key": "minutes", "name": "Minutes", "unit": "minute", "dimensions": ["job"]} in found["meters"]
    assert found["units"] == [
        {"key": "USD", "name": "USD", "digits": 2},
        {"key": "credit", "name": "Credit", "digits": None},
    ]
    assert found["dimensions"] == ["job", "member"]
    assert found["models"] is True


async def test_a_customer_without_anything_has_a_page(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    await put(admin, "/v1/customers/new", {})
    async with page_of(app, admin, "new") as page:
        session = await get(page, "/session")
        assert (session["models"], session["dimensions"], session["meters"]) == (False, [], [])
        found = await get(page, "/overview")
        for empty in ("wallets", "spent", "total_spent", "owed", "held", "meters", "limits", "warnings", "alerts"):
            assert found[empty] == [], empty
        assert found["plan"] is None
        assert found["tokens"] is None
        assert (await get(page, "/usage"))["rows"] == []
        for path in ("/events", "/ledger", "/grants", "/alerts", "/members"):
            assert await get(page, path) == {"data": [], "next_cursor": None}, path


async def test_the_overview_shows_what_the_operator_sees(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await put(admin, "/v1/customers/acme/plan", {"plan": "pro"})
    found = await get(acme, "/overview")
    theirs = await get(admin, "/v1/customers/acme/overview")
    for same in ("period", "spent", "total_spent", "owed", "tokens", "unpriced", "estimated", "warnings"):
        assert found[same] == theirs[same], same
    assert found["plan"]["key"] == "pro"
    assert found["plan"]["next"] is None
    await put(admin, "/v1/customers/acme/plan", {"plan": None, "from": "period_end"})
    ended = (await get(acme, "/overview"))["plan"]
    assert ended["next"] == {"plan": None, "name": None, "from": found["period"]["end"]}
    (credit,) = found["wallets"]
    # 10 + 3 of the plan − 1 interview − 7.5 for 15 minutes; 1 is on hold
    assert (credit["unit"], credit["balance"], credit["held"], credit["available"]) == ("credit", "4.5", "1", "3.5")
    assert credit["low"] is False
    assert [one["amount"] for one in credit["expiring"]] == ["3"] or credit["expiring"] == []
    assert found["held"] == [{"unit": "credit", "amount": "1"}]
    meters = {one["meter"]: one for one in found["meters"]}
    assert (meters["tokens"]["quantity"], meters["tokens"]["charge"], meters["tokens"]["unit"]) == ("2000", "4", "USD")
    assert meters["unpriced"]["unpriced"] == 1
    assert (meters["answer"]["charge"], meters["answer"]["unpriced"]) == ("0.0109375", 1)
    assert found["tokens"] == {"input": "4500", "output": "1500", "total": "6000", "calls": 3}
    (limit,) = found["limits"]
    assert (limit["limit"], limit["used"], limit["meter_unit"]) == ("daily_tokens", "2000", "token")
    assert [one["code"] for one in found["warnings"]] == ["unpriced", "estimated"]


async def test_tokens_since_ever_are_those_of_all_months(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    before = await get(admin, "/v1/customers/acme/overview")
    assert before["tokens"] == before["total_tokens"]
    one = {"id": "long-ago", "customer": "acme", "meter": "answer", "quantity": "1", "time": "2026-01-31T12:00:00Z"}
    await post(admin, "/v1/events", one | {"calls": [call("long-ago")]})
    found = await get(admin, "/v1/customers/acme/overview")
    assert found["tokens"] == before["tokens"]
    assert found["total_tokens"]["calls"] == before["tokens"]["calls"] + 1
    assert Decimal(found["total_tokens"]["total"]) > Decimal(before["tokens"]["total"])


async def test_warnings_are_told_in_words(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    more = {"customer": "acme", "meter": "tokens", "id": "more", "quantity": "600"}
    await post(admin, "/v1/events", more)
    await post(admin, "/v1/holds/acme-hold/settle", {"customer": "acme", "quantity": "2"})
    assert [(one["code"], one["detail"]) for one in (await get(acme, "/overview"))["warnings"]] == [
        ("limit_near", "The limit 'Daily tokens' is nearly reached: 2,600 of 3,000 per day."),
        ("balance_low", "0.5 credit is left, less than 2 credit."),
        ("unpriced", "2 events have no price yet; the figures don't count their charges."),
        ("estimated", "1 charge is estimated, and may still change."),
    ]
    await put(admin, "/v1/customers/acme", {"suspended": True})
    await put(admin, "/v1/customers/acme/limits/daily_tokens", {"cap": "2600"})
    await post(
        admin,
        "/v1/customers/acme/grants",
        {"unit": "USD", "amount": "1", "expires_at": "2999-01-01T00:00:00Z"},
    )
    found = (await get(acme, "/overview"))["warnings"]
    assert [one["code"] for one in found] == [
        "suspended",
        "limit_reached",
        "balance_low",
        "balance_low",
        "unpriced",
        "estimated",
    ]
    assert found[1]["limit"] == "daily_tokens"


async def test_usage_is_the_operators_without_costs(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    asked: dict[str, Any] = {"window": "day", "group_by": "job,member", "to": tomorrow.isoformat()}
    found = await get(acme, "/usage", **asked)
    theirs = await get(admin, "/v1/usage", customer="acme", **asked)
    hidden = ("cost", "uncosted")
    assert found["rows"] == [{name: row[name] for name in row if name not in hidden} for row in theirs["rows"]]
    assert found["timezone"] == "Europe/Berlin"
    assert found["totals"] == [{"unit": "USD", "charge": "4.5109375"}, {"unit": "credit", "charge": "8.5"}]
    assert (found["unpriced"], found["estimated"]) == (2, 1)
    only = await get(acme, "/usage", filter="job:acme-job", meter="minutes")
    assert [row["charge"] for row in only["rows"]] == ["7.5"]
    table = await acme.get("/usage", params={"group_by": "job"}, headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    head = table.text.splitlines()[0]
    assert head == "start,end,meter,group.job,events,quantity,charge,unit,unpriced,estimated"
    refused = await acme.get("/usage", params={"group_by": "town"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_dimension")


async def test_usage_by_model_has_tokens_and_charges(acme: httpx.AsyncClient) -> None:
    found = {one["model"]: one for one in (await get(acme, "/models"))["data"]}
    assert found["gpt-4o"] == {
        "provider": "openai",
        "model": "gpt-4o",
        "calls": 1,
        "input": "1500",
        "output": "500",
        "total": "2000",
        "charge": "0.0109375",
        "unit": "USD",
    }
    assert (found["gpt-99"]["calls"], found["gpt-99"]["charge"]) == (2, "0.5")
    table = await acme.get("/models", headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0] == "provider,model,calls,input,output,total,charge,unit"


async def test_events_are_listed_in_pages(acme: httpx.AsyncClient) -> None:
    seen: list[dict[str, Any]] = []
    cursor = {}
    while True:
        found = await get(acme, "/events", limit=3, **cursor)
        seen += found["data"]
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert {one["id"] for one in seen} == {
        f"acme-{name}"
        for name in ("interview", "minutes", "tokens", "call", "unknown", "kept", "unpriced", "taken-back")
    }
    by_id = {one["id"]: one for one in seen}
    assert by_id["acme-tokens"]["corrected_by"] == ["acme-taken-back"]
    assert by_id["acme-taken-back"]["corrects"] == "acme-tokens"
    assert (by_id["acme-unknown"]["priced"], by_id["acme-unknown"]["charge"]) == (False, None)
    assert by_id["acme-minutes"]["dimensions"] == {"job": "acme-job"}
    only = await get(acme, "/events", meter="minutes", member="ann")
    assert [one["id"] for one in only["data"]] == ["acme-minutes"]
    table = await acme.get("/events", headers={"Accept": "text/csv"})
    assert len(table.text.splitlines()) == 9


async def test_a_charge_is_explained(acme: httpx.AsyncClient) -> None:
    found = await get(acme, "/events/acme-minutes/explanation")
    assert [step["text"] for step in found["steps"]] == [
        "15 minutes × 0.5 credit = 7.5 credit",
        "Charge of this event: 7.5 credit",
    ]
    assert [one["amount"] for one in found["paid"]] == ["7.5"]
    assert found["event"]["id"] == "acme-minutes"
    missing = await acme.get("/events/globex-minutes/explanation")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_event")


async def test_the_ledger_is_told_from_the_customers_side(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    lines = (await get(acme, "/ledger"))["data"]
    told = {(one["text"], one["unit"], one["amount"], one["reference"]) for one in lines}
    assert told == {
        ("Prepaid value bought", "credit", "10", "acme-order"),
        ("Usage, 2 events · paid from prepaid value", "credit", "-8.5", None),
        ("Usage, 3 events", "USD", "-5.5109375", None),
        ("Usage credited, 1 event", "USD", "1", "acme-taken-back"),
    }
    balances = await get(admin, "/v1/customers/acme/balance")
    owed = {one["unit"]: Decimal(one["balance"]) for one in balances["accounts"] if one["account"] == "receivable"}
    for unit in ("credit", "USD"):
        of_unit = [one for one in lines if one["unit"] == unit]
        assert sum(Decimal(one["owed"]) for one in of_unit) == owed.get(unit, 0), unit
    (wallet,) = balances["wallets"]
    assert sum(Decimal(one["wallet"]) for one in lines) == Decimal(wallet["balance"])

    first = await get(acme, "/ledger", limit=2)
    rest = await get(acme, "/ledger", cursor=first["next_cursor"])
    assert first["data"] + rest["data"] == lines
    assert [one["kind"] for one in (await get(acme, "/ledger", kind="usage_credit"))["data"]] == ["usage_credit"]
    assert (await get(acme, "/ledger", kind="provider_cost"))["data"] == []
    table = await acme.get("/ledger", headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0].startswith("transaction_id,line,kind,text,unit,amount,wallet,owed,")


async def test_one_events_usage_is_referred_to_by_its_id(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    alone = {"id": "alone", "customer": "acme", "meter": "tokens", "quantity": "100"}
    await post(admin, "/v1/events", alone)
    line = (await get(acme, "/ledger", limit=1))["data"][0]
    assert (line["text"], line["reference"], line["owed"]) == ("Usage, 1 event", "alone", "0.2")


async def test_grants_limits_and_members_are_shown(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    (grant,) = (await get(acme, "/grants"))["data"]
    assert (grant["amount"], grant["remaining"], grant["reference"]) == ("10", "1.5", "acme-order")
    await post(admin, f"/v1/grants/{grant['id']}/void", {"customer": "acme"})
    await post(admin, "/v1/holds/acme-hold/release", {"customer": "acme"})
    assert (await get(acme, "/grants"))["data"] == []
    assert len((await get(acme, "/grants", state="all"))["data"]) == 1

    limits = (await get(acme, "/limits"))["data"]
    assert [(one["limit"], one["enabled"]) for one in limits] == [("daily_tokens", True), ("monthly_spend", False)]
    assert limits[1]["meter_unit"] is None
    (member,) = (await get(acme, "/members"))["data"]
    assert (member["key"], member["name"]) == ("ann", "ann")


async def test_alerts_are_those_for_customers_in_words(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    topics = {one["topic"] for one in (await get(admin, "/v1/alerts", customer="acme"))["data"]}
    assert "call_unpriced" in topics
    found = (await get(acme, "/alerts"))["data"]
    assert [(one["topic"], one["detail"]) for one in found] == [
        ("balance_low", "1.5 credit is left, less than 2 credit"),
    ] or {one["topic"] for one in found} == topics - {"call_unpriced"}
    assert all(one["detail"] for one in found)
    assert (await get(acme, "/overview"))["alerts"] == found[:5]


async def test_figures_follow_what_happens(acme: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    before = (await get(acme, "/overview"))["spent"]
    await post(admin, "/v1/events", {"id": "late", "customer": "acme", "meter": "tokens", "quantity": "1000"})
    after = (await get(acme, "/overview"))["spent"]
    assert Decimal(after[0]["amount"]) - Decimal(before[0]["amount"]) == 2


async def test_an_archived_customers_page_stays(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    made = await opened(admin, "globex")
    await put(admin, "/v1/customers/globex", {"archived": True})
    answer = await admin.get("/v1/portal/overview", headers=bearer(made["token"]))
    assert answer.json()["warnings"][0]["code"] == "archived"
