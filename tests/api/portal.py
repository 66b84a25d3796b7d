"""Opening sessions of a customer's billing page, for tests."""

from __future__ import annotations

from typing import Any

import httpx


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
