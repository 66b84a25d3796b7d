"""What the tests of the billing page's shop share: something to buy, plans to choose, and a session of a customer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from .portal import bearer, opened

SHOP = """\
currency = "USD"
default_plan = "free"
[units.credit]
name = "Interview credit"
[meters.interview]
name = "Interviews"
unit = "interview"
aggregation = "count"
[meters.answer]
unit = "answer"
[meters.api_call]
name = "API calls"
unit = "call"
aggregation = "count"
[prices.interview]
model = "unit"
unit = "credit"
amount = 1
[prices.answer]
model = "cost_plus"
margin_percent = 37
fallback = "0.123"
[prices.api_call]
model = "unit"
amount = "0.02"
[top_ups.credit]
amounts = ["5", "10"]
price = "1.00"
expires_after = "12 months"
[top_ups.USD]
amounts = [20]
[packs.team]
name = "Team"
unit = "credit"
amount = 50
price = "45.00"
bonus = 5
[limits.daily]
meter = "api_call"
per = "day"
cap = 1000
[plans.free]
[plans.basic]
name = "Basic"
description = "For small teams."
[plans.basic.prices.api_call]
model = "unit"
amount = "0.01"
included = 1000
[plans.basic.limits.daily]
meter = "api_call"
per = "day"
cap = 5000
[plans.basic.grants.monthly]
unit = "credit"
amount = 3
every = "month"
[plans.partner]
listed = false
"""
ALL = ["read", "top_up", "change_plan"]


async def furnish(admin: httpx.AsyncClient, *customers: str) -> None:
    """The catalog, and customers."""
    answer = await admin.put("/v1/catalog", json={"source": SHOP})
    assert answer.is_success, answer.text
    for key in customers or ("acme",):
        assert (await admin.put(f"/v1/customers/{key}", json={})).is_success


@asynccontextmanager
async def page_of(
    admin: httpx.AsyncClient, customer: str = "acme", permissions: list[str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls as the customer's billing page does."""
    session = await opened(admin, customer, permissions=ALL if permissions is None else permissions)
    transport = admin._transport  # pyright: ignore[reportPrivateUsage]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://toll.test", headers=bearer(session["token"])
    ) as page:
        yield page


async def buy(page: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    """A new top-up."""
    answer = await page.post("/v1/portal/top-ups", json=asked or {"pack": "team"})
    assert answer.status_code == 201, answer.text
    return answer.json()
