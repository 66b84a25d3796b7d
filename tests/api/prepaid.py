"""What tests of prepaid value, holds and limits share: a catalog, and short ways to call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

CATALOG = """\
currency = "USD"

[units.credit]
name = "Credit"
decimals = 2

[meters.interview]
unit = "interview"
aggregation = "count"
dimensions = ["job"]
on_expiry = "charge_estimate"
[prices.interview]
model = "unit"
unit = "credit"
amount = 1

[meters.minutes]
unit = "minute"
dimensions = ["job"]
[prices.minutes]
model = "unit"
unit = "credit"
amount = "0.5"

[meters.tokens]
unit = "token"
decimals = 0
[prices.tokens]
model = "unit"
amount = "2"
per = 1000

[meters.pages]
unit = "page"
decimals = 12
[prices.pages]
model = "graduated"
tiers = [{ up_to = 10, amount = "1" }, { amount = "0.5" }]

[meters.calls]
unit = "call"
aggregation = "count"
[prices.calls]
model = "cost_plus"
margin_percent = 25

[meters.unpriced]
unit = "thing"

[limits.daily_tokens]
meter = "tokens"
per = "day"
cap = 1000

[limits.monthly_spend]
spend = "USD"
per = "month"
cap = "5"
mode = "soft"
enabled = false

[funding]
low_balance = 2
top_up_url = "https://pay.example/{customer}/{unit}"

[plans.pro]
name = "Pro"
[plans.pro.prices.tokens]
model = "unit"
amount = "1"
per = 1000
[plans.pro.limits.daily_tokens]
meter = "tokens"
per = "day"
cap = 5000
[plans.pro.grants.monthly]
unit = "credit"
amount = 3
every = "month"
"""


async def begin(client: httpx.AsyncClient, *, credits: str | None = None) -> None:
    """The catalog, and a customer, with this much prepaid."""
    answer = await client.put("/v1/catalog", json={"source": CATALOG})
    assert answer.is_success, answer.text
    assert (await client.put("/v1/customers/acme", json={})).status_code == 201
    if credits is not None:
        await grant(client, amount=credits)


async def grant(client: httpx.AsyncClient, *, amount: str, unit: str = "credit", **more: Any) -> dict[str, Any]:
    """A grant that was given."""
    answer = await client.post("/v1/customers/acme/grants", json={"unit": unit, "amount": amount} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def hold(client: httpx.AsyncClient, id: str, meter: str = "interview", **more: Any) -> httpx.Response:
    """The answer to a hold."""
    return await client.post("/v1/holds", json={"id": id, "customer": "acme", "meter": meter} | more)


async def settle(client: httpx.AsyncClient, id: str, **more: Any) -> httpx.Response:
    """The answer to a settlement."""
    return await client.post(f"/v1/holds/{id}/settle", json={"customer": "acme"} | more)


async def wallet(client: httpx.AsyncClient, unit: str = "credit", **query: Any) -> tuple[str, str, str]:
    """Balance, held and available of one wallet."""
    answer = await client.get("/v1/customers/acme/balance", params=query)
    assert answer.status_code == 200, answer.text
    (found,) = [each for each in answer.json()["wallets"] if each["unit"] == unit]
    assert found["unit"] == unit
    return found["balance"], found["held"], found["available"]


async def receivable(client: httpx.AsyncClient, unit: str) -> str:
    """What the customer owes, as the ledger has it."""
    accounts = (await client.get("/v1/customers/acme/balance")).json()["accounts"]
    return next((one["balance"] for one in accounts if (one["account"], one["unit"]) == ("receivable", unit)), "0")


class Clock:
    """The server's clock, which a test can set forward; the fixture `later`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead
