"""Plans on the billing page: what they come to in words, and choosing one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tollkeeper.gate import MOST_CHOICES

from .prepaid import Clock
from .shop import furnish, page_of

pytestmark = pytest.mark.anyio


async def plans(page: httpx.AsyncClient) -> dict[str, Any]:
    answer = await page.get("/v1/portal/plans")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def choose(page: httpx.AsyncClient, plan: str, start: str = "now") -> httpx.Response:
    return await page.post("/v1/portal/plan", json={"plan": plan, "from": start})


async def test_plans_are_told_to_those_who_pay(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        found = await plans(page)
    assert (found["change_allowed"], found["current"], found["next"]) == (True, "free", None)
    free, basic = found["data"]
    assert basic == {
        "key": "basic",
        "name": "Basic",
        "description": "For small teams.",
        "current": False,
        "prices": [
            {"meter": "interview", "name": "Interviews", "text": "1 interview credit per interview"},
            {"meter": "answer", "name": "Answer", "text": "by the AI models used"},
            {
                "meter": "api_call",
                "name": "API calls",
                "text": "1,000 calls per month included, then 0.01 USD per call",
            },
        ],
        "grants": [
            {
                "name": "monthly",
                "unit": "credit",
                "amount": "3",
                "every": "month",
                "text": "3 interview credits every month; what is left lapses",
            }
        ],
        "limits": [{"limit": "daily", "text": "5,000 calls per day", "cap": "5000", "per": "day"}],
    }
    assert (free["key"], free["current"], free["grants"]) == ("free", True, [])
    assert free["prices"][2]["text"] == "0.02 USD per call"
    assert free["limits"] == [{"limit": "daily", "text": "1,000 calls per day", "cap": "1000", "per": "day"}]
    told = json.dumps(found)
    assert "37" not in told
    assert "0.123" not in told
    assert "cost" not in told
    assert "partner" not in told


async def test_up_at_once_and_down_at_the_months_end(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        up = await choose(page, "basic")
        assert up.status_code == 200
        assert (up.json()["current"], up.json()["next"]) == ("basic", None)
        wallets = (await admin.get("/v1/customers/acme/balance")).json()["wallets"]
        assert [one["balance"] for one in wallets] == ["3"]

        # What it gave for this month stays, so leaving it at once for another round isn't possible.
        refused = await choose(page, "free")
        assert (refused.status_code, refused.json()["code"]) == (409, "plan_at_period_end")
        assert (await plans(page))["current"] == "basic"

        down = (await choose(page, "free", "period_end")).json()
        assert (down["current"], down["next"]["plan"], down["next"]["name"]) == ("basic", "free", "Free")
        assert down["next"]["from"].endswith("-01T00:00:00Z")
        stays = (await choose(page, "basic")).json()
        assert (stays["current"], stays["next"]) == ("basic", None)
    plan = (await admin.get("/v1/customers/acme/plan")).json()
    assert plan["history"][0]["decided_by"].startswith("the customer (portal session ")
    alerts = (await admin.get("/v1/alerts", params={"customer": "acme"})).json()["data"]
    assert [(one["topic"], one["plan"]) for one in alerts] == [
        ("plan_chosen", "basic"),
        ("plan_chosen", "free"),
        ("plan_chosen", "basic"),
    ]


async def test_a_plan_that_isnt_offered_stays_the_operators(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        for plan in ("partner", "gone"):
            answer = await choose(page, plan)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_plan")
        assert (await plans(page))["current"] == "free"
        assert (await admin.put("/v1/customers/acme/plan", json={"plan": "partner"})).is_success
        found = await plans(page)
        assert [(one["key"], one["current"]) for one in found["data"]] == [
            ("free", False),
            ("basic", False),
            ("partner", True),
        ]
        assert (await choose(page, "free", "period_end")).json()["next"]["plan"] == "free"
        assert (await choose(page, "partner")).json()["next"] is None
        assert (await choose(page, "basic")).json()["current"] == "basic"
        assert (await choose(page, "partner")).status_code == 404


async def test_who_may_only_look_chooses_nothing(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin, permissions=["read", "top_up"]) as page:
        answer = await choose(page, "basic")
        assert (answer.status_code, answer.json()["code"]) == (403, "portal_permission_missing")
        assert (await plans(page))["change_allowed"] is False
    assert (await admin.post("/v1/portal/plan", json={"plan": "basic"})).status_code == 401
    assert (await admin.get("/v1/customers/acme/plan")).json()["plan"] == "free"


async def test_nobody_flips_all_day(admin: httpx.AsyncClient, later: Clock) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        for i in range(MOST_CHOICES):
            start = "period_end" if i else "now"
            answer = await choose(page, "basic" if i % 2 == 0 else "free", start)
            assert answer.status_code == 200, answer.text
        before = await plans(page)
        assert before["next"] is not None
        refused = await choose(page, "basic")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_plan_changes")
        assert 0 < int(refused.headers["Retry-After"]) <= 86_400
        assert await plans(page) == before
        # What changes nothing isn't counted, and the operator isn't bound.
        assert (await admin.put("/v1/customers/acme/plan", json={"plan": "basic"})).is_success
        assert (await choose(page, "basic")).status_code == 200
    later.ahead = timedelta(days=1, minutes=1)
    async with page_of(admin) as page:
        assert (await choose(page, "free", "period_end")).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"plan": None}, {"plan": "basic", "from": "soon"}, {"plan": "basic", "at": "now"}, []]
)
async def test_what_cant_be_read_is_refused(admin: httpx.AsyncClient, body: Any) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        assert (await page.post("/v1/portal/plan", json=body)).json()["code"] == "invalid_request"
