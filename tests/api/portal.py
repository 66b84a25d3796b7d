"""What tests of the billing page's API share: sessions, and customers with something to see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.database.costing import call

from tollkeeper.api.openapi import Tollkeeper

from . import prepaid

CATALOG = prepaid.CATALOG.replace(
    "[meters.unpriced]",
    """\
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = 25

[meters.kept]
unit = "answer"
[prices.kept]
model = "cost_plus"
margin_percent = 25
fallback = "0.5"
true_up = "cost_only"

[meters.unpriced]""",
)
"""With prices by what AI providers take: one without a fallback, and one whose charge stays when the cost is known."""


async def opened(admin: httpx.AsyncClient, customer: str = "acme", **fields: Any) -> dict[str, Any]:
    """A new session, with its secrets."""
    answer = await admin.post("/v1/portal-sessions", json={"customer": customer} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    """The header that a page sends."""
    return {"Authorization": f"Bearer {token}"}


def link_in(url: str) -> str:
    """What the page finds in its address."""
    return url.partition("#link=")[2]


FIRST_NAMES = {"acme": "ann", "globex": "gus"}


async def furnish(admin: httpx.AsyncClient) -> None:
    """Two customers with a bit of everything, each with names of its own; acme's events begin with `a`."""
    answer = await admin.put("/v1/catalog", json={"source": CATALOG})
    assert answer.is_success, answer.text
    for key, member in FIRST_NAMES.items():
        await put(admin, f"/v1/customers/{key}", {"name": key.title(), "timezone": "Europe/Berlin"})
        await put(admin, f"/v1/customers/{key}/members/{member}", {"metadata": {"secret": "of the operator"}})
        await put(admin, f"/v1/customers/{key}/limits/daily_tokens", {"cap": "3000"})
        await post(
            admin,
            f"/v1/customers/{key}/grants",
            {"id": f"{key}-grant", "unit": "credit", "amount": "10", "reference": f"{key}-order", "note": "internal"},
        )
        await post(admin, "/v1/events", events_of(key, member))
        back = {"id": f"{key}-taken-back", "customer": key, "meter": "tokens"}
        await post(admin, "/v1/events", back | {"quantity": "-500", "corrects": f"{key}-tokens"})
        await post(admin, "/v1/holds", {"id": f"{key}-hold", "customer": key, "meter": "minutes", "quantity": "2"})


def events_of(key: str, member: str) -> list[dict[str, Any]]:
    """Usage paid from the wallet, owed, by cost (known, unknown, estimated), and unpriced."""
    one = {"customer": key, "member": member}
    by_cost = one | {"meter": "answer", "quantity": "1"}
    r2, r3 = (call(f"{key}-{id}", model="gpt-99") for id in ("r2", "r3"))
    job = {"dimensions": {"job": f"{key}-job"}}
    return [
        one | job | {"id": f"{key}-interview", "meter": "interview"},
        one | job | {"id": f"{key}-minutes", "meter": "minutes", "quantity": "15"},
        one | {"id": f"{key}-tokens", "meter": "tokens", "quantity": "2500"},
        by_cost | {"id": f"{key}-call", "calls": [call(f"{key}-r1")]},
        by_cost | {"id": f"{key}-unknown", "calls": [r2]},
        by_cost | {"id": f"{key}-kept", "meter": "kept", "calls": [r3]},
        one | {"id": f"{key}-unpriced", "meter": "unpriced", "quantity": "1"},
    ]


async def put(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await client.put(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def post(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


@asynccontextmanager
async def page_of(
    app: Tollkeeper, admin: httpx.AsyncClient, customer: str = "acme", **fields: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token of the customer's page; of an app that runs already."""
    token = (await opened(admin, customer, **fields))["token"]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://toll.test/v1/portal", headers=bearer(token)
    ) as client:
        yield client


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()
