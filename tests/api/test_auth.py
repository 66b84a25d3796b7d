"""Who may call what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tollkeeper import clock
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.customers import Scope, keys
from tollkeeper.db import Database

from .conftest import secret_of

pytestmark = pytest.mark.anyio

OPEN = {"/healthz", "/readyz", "/metrics"}
SIGNING_IN = "/v1/console/session"
"""It has ways of its own: tests/api/test_console_session.py."""
EXCHANGE = "/v1/portal-sessions/exchange"
"""Needs no key: what is exchanged is one."""
PORTAL = "/v1/portal/"
"""Opened by portal tokens, and by no key."""
PREVIEWS = {"/v1/catalog/plan"}
"""POST routes that change nothing: a read key may call them."""


def operations(app: Tollkeeper) -> Iterator[tuple[str, str]]:
    """Method and callable path of each operation in the OpenAPI document that a key is for."""
    for path, methods in app.openapi()["paths"].items():
        if path == SIGNING_IN:
            continue
        for method in methods:
            yield method.upper(), path


def callable_path(path: str) -> str:
    return re.sub(r"\{\w+\}", "01a1f9d4-1e45-7055-9bb9-4d38f8d013f0", path)


async def test_every_route_but_health_wants_a_key(app: Tollkeeper, anonymous: httpx.AsyncClient) -> None:
    for method, path in operations(app):
        answer = await anonymous.request(method, callable_path(path))
        if path in OPEN:
            assert answer.status_code == 200, (method, path)
            continue
        if path == EXCHANGE:
            assert answer.json()["code"] == "invalid_request"
            continue
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == ("portal_token_missing" if path.startswith(PORTAL) else "missing_key")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_read_key_can_write_nothing(app: Tollkeeper, reader: httpx.AsyncClient) -> None:
    open_to_others = PREVIEWS | {EXCHANGE}
    writes = [(m, p) for m, p in operations(app) if m != "GET" and p not in open_to_others and PORTAL not in p]
    assert len(writes) >= 5
    for method, path in writes:
        answer = await reader.request(method, callable_path(path))
        assert answer.status_code == 403, (method, path)
        assert answer.json()["code"] == "scope_missing"


async def test_a_write_key_reads_nothing(app: Tollkeeper, writer: httpx.AsyncClient) -> None:
    for method, path in operations(app):
        if method == "GET" and path not in OPEN and PORTAL not in path:
            assert (await writer.get(callable_path(path))).status_code == 403, path


async def test_no_key_opens_a_customers_page(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    for method, path in operations(app):
        if path.startswith(PORTAL):
            answer = await admin.request(method, callable_path(path))
            assert (answer.status_code, answer.json()["code"]) == (401, "portal_session_unknown"), path


async def test_only_admins_touch_keys_and_the_catalog(writer: httpx.AsyncClient) -> None:
    for answer in (
        await writer.post("/v1/keys", json={"name": "mine", "scopes": ["admin"]}),
        await writer.get("/v1/keys"),
        await writer.put("/v1/catalog", json={"source": 'currency = "USD"'}),
    ):
        assert answer.status_code == 403
        assert answer.json()["scope"] == "admin"


@pytest.mark.parametrize(
    "header", ["Bearer toll_wrong", "Bearer ", "Basic dG9sbDp4", "toll_x", "Bearer toll_" + "x" * 43]
)
async def test_wrong_keys_are_refused(anonymous: httpx.AsyncClient, header: str) -> None:
    answer = await anonymous.get("/v1/customers", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["code"] in {"missing_key", "unknown_key"}


async def test_a_key_made_by_the_api_works_until_it_is_revoked(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await admin.post("/v1/keys", json={"name": "backend", "scopes": ["read", "write"]})).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert (await admin.get("/v1/customers", headers=bearer)).status_code == 200

    revoked = await admin.post(f"/v1/keys/{made['key_id']}/revoke")
    assert revoked.json()["revoked_at"].endswith("Z")
    assert "secret" not in revoked.json()
    monkeypatch.setattr(keys, "now", lambda: clock.now() + timedelta(seconds=6))
    answer = await admin.get("/v1/customers", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_key")


async def test_the_use_of_a_key_is_noted(admin: httpx.AsyncClient, reader: httpx.AsyncClient) -> None:
    await reader.get("/v1/customers")
    listed = (await admin.get("/v1/keys")).json()["data"]
    assert all(key["last_used_at"] for key in listed)
    assert all("secret" not in key for key in listed)


async def test_keys_page_and_unknown_keys_are_told(admin: httpx.AsyncClient, database: Database) -> None:
    for _ in range(4):
        await secret_of(database, Scope.READ)
    seen: list[str] = []
    cursor = None
    while True:
        page = (await admin.get("/v1/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [key["key_id"] for key in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5

    missing = await admin.post("/v1/keys/01a1f9d4-1e45-7055-9bb9-4d38f8d013f0/revoke")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_key")
