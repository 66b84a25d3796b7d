"""Suggestions over HTTP and in Python: what the operator sees, and what little of it the customer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.api.portal import page_of
from tests.database.gating import Clock, utc
from tests.database.suggesting import chat

from tollkeeper.api.openapi import Tollkeeper as App

pytestmark = pytest.mark.anyio

CATALOG = """
currency = "USD"
default_plan = "pro"
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
[meters.cv]
aggregation = "count"
unit = "CV"
[prices.cv]
model = "unit"
amount = "0.50"
[plans.pro]
name = "Pro"
[plans.basic]
name = "Basic"
[plans.basic.prices.cv]
model = "unit"
amount = "0.30"
"""
SPAN = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-31T00:00:00Z"}


async def furnish(admin: httpx.AsyncClient) -> None:
    assert (await admin.put("/v1/catalog", json={"source": CATALOG})).is_success
    assert (await admin.put("/v1/customers/acme", json={})).is_success
    time = "2026-10-10T12:00:00Z"
    events: list[dict[str, Any]] = [
        {"id": f"cv{n}", "customer": "acme", "meter": "cv", "time": time} for n in range(10)
    ]
    call = chat("c", 1_000_000, 100_000)
    events.append({"id": "a", "customer": "acme", "meter": "answer", "quantity": 1, "time": time, "calls": [call]})
    assert (await admin.post("/v1/events", json=events)).json()["accepted"] == 11


async def test_the_largest_saving_comes_first_with_its_arithmetic(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    answer = await admin.get("/v1/customers/acme/suggestions", params=SPAN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["currency"] == "USD"
    assert (found["start"], found["end"]) == (SPAN["from"], SPAN["to"])
    told = [(one["kind"], [(saving["whom"], saving["amount"]) for saving in one["savings"]]) for one in found["data"]]
    # 3.50 by gpt-4o: 0.21 by gpt-4o-mini, 1.75 in a batch; 10 CV at 0.50 or 0.30.
    assert told == [
        ("cheaper_model", [("operator", "3.29"), ("customer", "4.1125")]),
        ("cheaper_plan", [("customer", "2")]),
        ("batch", [("operator", "1.75"), ("customer", "2.1875")]),
    ]
    assert found["data"][0]["steps"][0] == {
        "name": "now",
        "text": "gpt-4o of openai: 1 call cost 3.50 USD",
        "figures": {"calls": "1", "cost": "3.5"},
    }


async def test_the_span_is_checked(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    for span in ({"from": SPAN["to"], "to": SPAN["from"]}, {"from": "2020-01-01T00:00:00Z", "to": SPAN["to"]}):
        answer = await admin.get("/v1/customers/acme/suggestions", params=span)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_range")
    assert (await admin.get("/v1/customers/nobody/suggestions")).json()["code"] == "unknown_customer"
    # By default the last 30 days, in which there is no usage.
    assert (await admin.get("/v1/customers/acme/suggestions", params={"to": SPAN["from"]})).json()["data"] == []


async def test_a_customer_sees_what_concerns_its_charges(app: App, admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(app, admin, "acme") as page:
        found = (await page.get("/suggestions", params=SPAN)).json()
    [plan] = found["data"]
    assert (plan["kind"], plan["subject"]) == ("cheaper_plan", {"plan": "pro", "instead": "basic"})
    assert (plan["saving"], plan["unused"]) == ({"amount": "2", "unit": "USD"}, None)
    assert not {"cost", "margin", "openai", "gpt"} & {word for word in str(found).replace("'", " ").split()}


async def test_what_went_unused_is_not_called_a_saving(app: App, admin: httpx.AsyncClient) -> None:
    included = CATALOG + '[plans.pro.prices.cv]\nmodel = "unit"\namount = "0.25"\nincluded = 100\n'
    with Clock(utc("2026-09-01 12:00")):
        assert (await admin.put("/v1/catalog", json={"source": included})).is_success
        assert (await admin.put("/v1/customers/acme", json={})).is_success
    span = SPAN | {"to": "2026-11-01T00:00:00Z"}
    [found] = (await admin.get("/v1/customers/acme/suggestions", params=span)).json()["data"]
    # Nothing of the 100 was used in October, so nothing would have been charged less.
    worth = {"amount": "25", "unit": "USD"}
    assert (found["kind"], found["savings"], found["unused"]) == ("unused_plan", [], worth)
    async with page_of(app, admin, "acme") as page:
        [told] = (await page.get("/suggestions", params=span)).json()["data"]
    assert (told["saving"], told["unused"]) == (None, worth)
