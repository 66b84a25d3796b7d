"""Sessions of a customer's billing page: opened by a key, exchanged by a browser, over, revoked."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.requests import Request

from tollkeeper.api.attempts import Attempts, address_of
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.api.portal import MayChangePlan, MayTopUp, Portal
from tollkeeper.api.routes.portal.live import MOST_OF_CUSTOMER
from tollkeeper.api.routes.portal_sessions import MOST_EXCHANGES, MOST_WRONG_LINKS
from tollkeeper.app import create_app
from tollkeeper.customers import Scope, customer_id_of
from tollkeeper.db import Database
from tollkeeper.errors import TooManyAttempts
from tollkeeper.settings import Settings

from .conftest import calling, secret_of
from .portal import bearer, link_in, opened
from .prepaid import Clock

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(settings: Settings, database: Database) -> Tollkeeper:
    """The application, with a route for each permission."""
    made = create_app(settings, database)

    @made.get("/probe/read")
    async def read(session: Portal) -> str:
        return session.customer

    @made.get("/probe/top_up")
    async def top_up(session: MayTopUp) -> str:
        return session.customer

    @made.get("/probe/change_plan")
    async def change_plan(session: MayChangePlan) -> str:
        return session.customer

    return made


@pytest.fixture
async def acme(admin: httpx.AsyncClient) -> None:
    """The customers acme and globex."""
    for key in ("acme", "globex"):
        assert (await admin.put(f"/v1/customers/{key}", json={})).status_code == 201


async def looked(client: httpx.AsyncClient, token: str, permission: str = "read") -> Any:
    """The customer whose page the token opens, or why it doesn't."""
    answer = await client.get(f"/probe/{permission}", headers=bearer(token))
    return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json()["code"])


async def test_a_token_opens_one_customers_page(admin: httpx.AsyncClient, acme: None) -> None:
    made = await opened(admin, return_url="https://app.example.com/settings?tab=1")
    assert made["permissions"] == ["read"]
    assert made["return_url"] == "https://app.example.com/settings?tab=1"
    assert made["token"].startswith("tollp_")
    assert made["url"].startswith("http://toll.test/billing#link=tollx_")
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(hours=1)
    assert await looked(admin, made["token"]) == "acme"
    assert await looked(admin, (await opened(admin, "globex"))["token"]) == "globex"


async def test_what_isnt_allowed_is_refused(admin: httpx.AsyncClient, acme: None) -> None:
    reading = (await opened(admin))["token"]
    assert await looked(admin, reading, "top_up") == (403, "portal_permission_missing")
    assert await looked(admin, reading, "change_plan") == (403, "portal_permission_missing")
    buying = await opened(admin, permissions=["top_up"])
    assert buying["permissions"] == ["read", "top_up"]
    assert await looked(admin, buying["token"]) == "acme"
    assert await looked(admin, buying["token"], "top_up") == "acme"
    assert await looked(admin, buying["token"], "change_plan") == (403, "portal_permission_missing")


async def test_a_link_gives_a_token_of_its_own_until_it_is_over(
    admin: httpx.AsyncClient, acme: None, later: Clock
) -> None:
    made = await opened(admin, permissions=["change_plan"], link_expires_in=60)
    link = link_in(made["url"])
    assert await looked(admin, link) == (401, "portal_session_unknown"), "a link is no token"
    first = (await admin.post("/v1/portal-sessions/exchange", json={"link": link})).json()
    again = (await admin.post("/v1/portal-sessions/exchange", json={"link": link})).json()
    assert first["customer"] == "acme"
    assert first["permissions"] == ["read", "change_plan"]
    assert first["expires_at"] == made["expires_at"]
    assert len({made["token"], first["token"], again["token"]}) == 3
    assert await looked(admin, first["token"], "change_plan") == "acme"

    later.ahead += timedelta(seconds=61)
    refused = await admin.post("/v1/portal-sessions/exchange", json={"link": link})
    assert (refused.status_code, refused.json()["code"]) == (401, "portal_link_expired")
    assert await looked(admin, first["token"]) == "acme", "the session goes on"


async def test_a_session_ends(admin: httpx.AsyncClient, acme: None, later: Clock) -> None:
    made = await opened(admin, expires_in=60)
    assert made["link_expires_at"] == made["expires_at"]
    later.ahead += timedelta(seconds=58)
    assert await looked(admin, made["token"]) == "acme"
    later.ahead += timedelta(seconds=3)  # it's remembered for five seconds, but not beyond its end
    assert await looked(admin, made["token"]) == (401, "portal_session_expired")
    refused = await admin.post("/v1/portal-sessions/exchange", json={"link": link_in(made["url"])})
    assert refused.json()["code"] == "portal_session_expired"


async def test_revoking_a_session_ends_what_came_of_its_link(
    admin: httpx.AsyncClient, acme: None, later: Clock
) -> None:
    made, other = await opened(admin), await opened(admin)
    link = link_in(made["url"])
    child = (await admin.post("/v1/portal-sessions/exchange", json={"link": link})).json()
    assert await looked(admin, child["token"]) == "acme"

    path = f"/v1/portal-sessions/{made['id']}/revoke"
    wrong = await admin.post(path, params={"customer": "globex"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "unknown_portal_session")
    revoked = (await admin.post(path, params={"customer": "acme"})).json()
    assert revoked["revoked_at"] is not None
    assert (await admin.post(path, params={"customer": "acme"})).json() == revoked
    later.ahead += timedelta(seconds=6)
    for token in (made["token"], child["token"]):
        assert await looked(admin, token) == (401, "portal_session_revoked")
    refused = await admin.post("/v1/portal-sessions/exchange", json={"link": link})
    assert refused.json()["code"] == "portal_session_revoked"
    assert await looked(admin, other["token"]) == "acme"


async def test_sessions_are_listed_without_secrets(admin: httpx.AsyncClient, acme: None) -> None:
    made = [await opened(admin) for _ in range(3)]
    await opened(admin, "globex")
    await admin.post("/v1/portal-sessions/exchange", json={"link": link_in(made[0]["url"])})
    first = (await admin.get("/v1/portal-sessions", params={"customer": "acme", "limit": 2})).json()
    rest = (await admin.get("/v1/portal-sessions", params={"customer": "acme", "cursor": first["next_cursor"]})).json()
    listed = first["data"] + rest["data"]
    assert [each["id"] for each in listed][1:] == [each["id"] for each in reversed(made)]
    assert [each["opened_from"] for each in listed] == [made[0]["id"], None, None, None]
    assert listed[0]["link_expires_at"] is None
    assert not any({"token", "url", "token_hash", "link_hash"} & each.keys() for each in listed)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"customer": "nobody"}, "unknown_customer"),
        ({"expires_in": 59}, "invalid_expires_in"),
        ({"expires_in": 86_401}, "invalid_expires_in"),
        ({"expires_in": 60, "link_expires_in": 61}, "invalid_link_expires_in"),
        ({"link_expires_in": 0}, "invalid_link_expires_in"),
        ({"return_url": "javascript:alert(1)"}, "invalid_return_url"),
        ({"return_url": "//example.com"}, "invalid_return_url"),
        ({"return_url": "https://"}, "invalid_return_url"),
        ({"return_url": "https://[::1"}, "invalid_return_url"),
        ({"return_url": "https://example.com/\n"}, "invalid_return_url"),
        ({"return_url": "https://example.com/" + "x" * 2000}, "invalid_return_url"),
        ({"permissions": ["write"]}, "invalid_request"),
    ],
)
async def test_what_a_session_cant_be_is_told(
    admin: httpx.AsyncClient, acme: None, fields: dict[str, Any], code: str
) -> None:
    answer = await admin.post("/v1/portal-sessions", json={"customer": "acme"} | fields)
    assert answer.json()["code"] == code


async def test_what_is_no_token_is_refused(admin: httpx.AsyncClient, acme: None) -> None:
    made = await opened(admin)
    secret = admin.headers["Authorization"].removeprefix("Bearer ")
    other = await opened(admin, "globex")
    forged = [
        secret,  # an API key
        "tollp_" + "x" * 86,
        "tollp_",
        made["token"][:-2],
        made["token"][:-2] + "AA",
        made["token"][:28] + other["token"][28:],  # one customer's name, the other's session
        made["token"].replace("tollp_", "tollx_"),
        "tollp_" + link_in(made["url"]).removeprefix("tollx_"),
    ]
    for token in forged:
        assert await looked(admin, token) == (401, "portal_session_unknown"), token
    missing = await admin.get("/probe/read", headers={"Authorization": "Basic dG9sbDp4"})
    assert (missing.status_code, missing.json()["code"]) == (401, "portal_token_missing")


async def test_a_portal_token_is_no_key(admin: httpx.AsyncClient, acme: None) -> None:
    made = await opened(admin, permissions=["read", "top_up", "change_plan"])
    for method, path in (("GET", "/v1/customers/acme"), ("GET", "/v1/usage"), ("POST", "/v1/portal-sessions")):
        answer = await admin.request(method, path, headers=bearer(made["token"]))
        assert (answer.status_code, answer.json()["code"]) == (401, "unknown_key")


async def test_links_come_from_the_public_address(settings: Settings, database: Database) -> None:
    public = settings.model_copy(update={"public_url": "https://billing.example.com/toll"})
    with pytest.raises(ValueError, match="public_url"):
        Settings(public_url="billing.example.com")
    assert Settings(public_url="https://billing.example.com/").public_url == "https://billing.example.com"
    async with calling(create_app(public, database), await secret_of(database, Scope.ADMIN)) as client:
        await client.put("/v1/customers/acme", json={})
        assert (await opened(client))["url"].startswith("https://billing.example.com/toll/billing#link=tollx_")


async def test_guessing_links_is_slowed_down(anonymous: httpx.AsyncClient) -> None:
    async def attempt() -> httpx.Response:
        return await anonymous.post("/v1/portal-sessions/exchange", json={"link": "tollx_" + "x" * 86})

    for _ in range(MOST_WRONG_LINKS):
        assert (await attempt()).status_code == 401
    refused = await attempt()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_links_that_are_over_slow_nobody_down(admin: httpx.AsyncClient, acme: None, later: Clock) -> None:
    old = {"link": link_in((await opened(admin))["url"])}
    later.ahead += timedelta(minutes=6)
    for _ in range(MOST_WRONG_LINKS + 1):
        assert (await admin.post("/v1/portal-sessions/exchange", json=old)).json()["code"] == "portal_link_expired"
    new = {"link": link_in((await opened(admin))["url"])}
    assert (await admin.post("/v1/portal-sessions/exchange", json=new)).status_code == 200


async def test_one_link_cant_be_exchanged_without_end(admin: httpx.AsyncClient, acme: None, later: Clock) -> None:
    made = await opened(admin)
    link = {"link": link_in(made["url"])}
    for _ in range(MOST_EXCHANGES):
        assert (await admin.post("/v1/portal-sessions/exchange", json=link)).status_code == 200
    assert (await admin.post("/v1/portal-sessions/exchange", json=link)).status_code == 429
    later.ahead += timedelta(seconds=61)
    assert (await admin.post("/v1/portal-sessions/exchange", json=link)).status_code == 200


def called_from(host: str) -> Any:
    """A request from this address."""
    return Request({"type": "http", "client": (host, 1), "headers": []})


def test_addresses_count_by_themselves(later: Clock) -> None:
    attempts = Attempts(2)
    for _ in range(2):
        attempts.check(called_from("192.0.2.1"))
        attempts.note(called_from("192.0.2.1"))
    with pytest.raises(TooManyAttempts) as caught:
        attempts.check(called_from("192.0.2.1"))
    assert caught.value.extra["retry_after"] == 60
    attempts.check(called_from("192.0.2.2"))
    later.ahead += timedelta(seconds=60)
    attempts.check(called_from("192.0.2.1"))
    later.ahead += timedelta(seconds=-3600)  # a clock that is set back locks nobody out
    attempts.check(called_from("192.0.2.1"))


def test_one_ipv6_network_is_one_caller() -> None:
    assert address_of(called_from("2001:db8::1")) == address_of(called_from("2001:db8::ffff:2"))
    assert address_of(called_from("2001:db8:0:1::1")) != address_of(called_from("2001:db8::1"))
    assert address_of(called_from("::ffff:192.0.2.1")) == "192.0.2.1"
    assert address_of(called_from("somewhere")) == "somewhere"


async def test_one_customer_has_so_many_streams(app: Tollkeeper, admin: httpx.AsyncClient, acme: None) -> None:
    made, feed = await opened(admin), app.state.books.feed
    with ExitStack() as stack:
        for _ in range(MOST_OF_CUSTOMER):
            stack.enter_context(feed.subscribed(customer_id_of("acme"), uuid4()))
        refused = await admin.get("/v1/portal/live", headers=bearer(made["token"]))
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")


async def test_one_process_has_so_many_streams(settings: Settings, database: Database) -> None:
    few = create_app(settings.model_copy(update={"live_streams": 3}), database)
    async with calling(few, await secret_of(database, Scope.ADMIN)) as admin:
        await admin.put("/v1/customers/acme", json={})
        made, feed = await opened(admin), few.state.books.feed
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(feed.subscribed(uuid4(), uuid4()))
            refused = await admin.get("/v1/portal/live", headers=bearer(made["token"]))
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert "process" in refused.json()["detail"]
