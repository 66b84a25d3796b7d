"""Signing in to the console: what the cookie is worth, and what it isn't."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import psycopg
import pytest
import structlog
from starlette.requests import Request

from tollkeeper.api.attempts import Attempts
from tollkeeper.api.console import MOST_ATTEMPTS
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .conftest import calling, secret_of
from .prepaid import Clock

pytestmark = pytest.mark.anyio

SESSION = "/v1/console/session"
HERE = "http://toll.test"


@pytest.fixture
async def secret(database: Database) -> str:
    """The secret of an admin's key."""
    return await secret_of(database, Scope.ADMIN)


@pytest.fixture
async def browser(app: Tollkeeper) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps cookies and says where its requests come from, as a browser does."""
    async with calling(app) as client:
        client.headers["Origin"] = HERE
        yield client


async def sign_in(client: httpx.AsyncClient, secret: str, **more: str) -> httpx.Response:
    return await client.post(SESSION, json={"key": secret}, headers=more)


def csrf(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"X-Toll-CSRF": answer.json()["csrf"]}


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_the_cookie_stands_in_for_the_key(browser: httpx.AsyncClient, secret: str) -> None:
    answer = await sign_in(browser, secret)
    body = answer.json()
    assert body["key"] == {"name": "test", "prefix": secret[:12], "scopes": ["admin"]}
    assert secret not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    headers = csrf(answer)
    assert (await browser.get("/v1/customers", headers=headers)).status_code == 200
    assert (await browser.put("/v1/customers/acme", json={}, headers=headers)).status_code == 201
    assert (await browser.get(SESSION)).json() == body
    made = await browser.post("/v1/keys", json={"name": "from the console", "scopes": ["read"]}, headers=headers)
    assert made.status_code == 201


async def test_the_ledger_names_the_key(browser: httpx.AsyncClient, secret: str) -> None:
    headers = csrf(await sign_in(browser, secret))
    catalog = 'currency = "USD"'
    assert (await browser.put("/v1/catalog", json={"source": catalog}, headers=headers)).status_code == 200
    await browser.put("/v1/customers/acme", json={}, headers=headers)
    grant = {"id": "g1", "unit": "USD", "amount": "5", "kind": "compensation"}
    assert (await browser.post("/v1/customers/acme/grants", json=grant, headers=headers)).status_code == 201
    booked = (await browser.get("/v1/customers/acme/ledger", headers=headers)).json()["data"]
    assert {one["booked_by"] for one in booked} == {f"test (key {secret[:12]}…)"}


@pytest.mark.parametrize("header", [{}, {"X-Toll-CSRF": ""}, {"X-Toll-CSRF": "x" * 43}, {"X-Toll-CSRF": "é"}])
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_the_cookie_alone_is_not_enough(
    browser: httpx.AsyncClient, secret: str, header: dict[str, str], method: str
) -> None:
    await sign_in(browser, secret)
    raw = {name: value.encode() for name, value in header.items()}
    answer = await browser.request(method, "/v1/customers/acme", headers=raw)
    assert told(answer) == (403, "csrf_failed")


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "https://toll.test", "http://toll.test:8080", "http://toll.test.evil.test", "null"]
)
async def test_pages_from_elsewhere_are_refused(browser: httpx.AsyncClient, secret: str, origin: str) -> None:
    headers = csrf(await sign_in(browser, secret))
    foreign = {"Origin": origin}
    assert told(await browser.get("/v1/customers", headers=headers | foreign)) == (403, "csrf_failed")
    assert told(await browser.get(SESSION, headers=foreign)) == (403, "csrf_failed")
    assert told(await browser.delete(SESSION, headers=headers | foreign)) == (403, "csrf_failed")
    assert told(await sign_in(browser, secret, **foreign)) == (403, "csrf_failed")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_the_browser_says_of_the_page_counts(browser: httpx.AsyncClient, secret: str, site: str) -> None:
    headers = csrf(await sign_in(browser, secret))
    del browser.headers["Origin"]  # a GET has none
    assert told(await browser.get(SESSION, headers={"Sec-Fetch-Site": site})) == (403, "csrf_failed")
    assert told(await browser.get("/v1/keys", headers=headers | {"Sec-Fetch-Site": site})) == (403, "csrf_failed")
    assert (await browser.get("/v1/keys", headers=headers | {"Sec-Fetch-Site": "same-origin"})).status_code == 200


async def test_the_same_origin_may_name_its_port(browser: httpx.AsyncClient, secret: str) -> None:
    assert (await sign_in(browser, secret, Origin="HTTP://toll.test:80")).status_code == 200


async def test_a_form_of_another_page_signs_nobody_in(browser: httpx.AsyncClient, secret: str) -> None:
    del browser.headers["Origin"]
    body = json.dumps({"key": secret})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await browser.post(SESSION, content=body, headers={"Content-Type": kind})
        assert told(answer) == (422, "unsupported_media_type")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("scopes", [[Scope.READ], [Scope.WRITE], [Scope.READ, Scope.WRITE]])
async def test_only_admins_sign_in(browser: httpx.AsyncClient, database: Database, scopes: list[Scope]) -> None:
    answer = await sign_in(browser, await secret_of(database, *scopes))
    assert told(answer) == (403, "scope_missing")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("base", "secure"), [("http://toll.test", False), ("https://toll.test", True)])
async def test_scripts_and_other_sites_do_not_get_the_cookie(
    app: Tollkeeper, secret: str, base: str, secure: bool
) -> None:
    async with calling(app) as client:
        client.base_url = base
        cookie = (await sign_in(client, secret)).headers["set-cookie"]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith("toll_console=tollc_")
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert ("secure" in flags) is secure
    assert not any(flag.startswith("domain") for flag in flags)


async def test_signing_out_ends_the_session(browser: httpx.AsyncClient, secret: str) -> None:
    headers = csrf(await sign_in(browser, secret))
    token = browser.cookies["toll_console"]
    assert told(await browser.delete(SESSION)) == (403, "csrf_failed")
    ended = await browser.delete(SESSION, headers=headers)
    assert ended.status_code == 204
    assert "toll_console" not in browser.cookies
    assert told(await browser.get(SESSION)) == (401, "console_session_missing")
    assert told(await browser.delete(SESSION)) == (401, "console_session_missing")
    # Whoever kept the cookie has nothing.
    kept = headers | {"Cookie": f"toll_console={token}"}
    assert told(await browser.get("/v1/customers", headers=kept)) == (401, "console_session_ended")
    assert told(await browser.get(SESSION, headers=kept)) == (401, "console_session_ended")
    assert (await browser.delete(SESSION, headers=kept)).status_code == 204


async def test_signing_in_again_makes_another_session(browser: httpx.AsyncClient, secret: str) -> None:
    """Who was given a cookie by somebody else doesn't work with it once he has signed in, nor does the other."""
    first = await sign_in(browser, secret)
    token = browser.cookies["toll_console"]
    second = await sign_in(browser, secret)
    assert browser.cookies["toll_console"] != token
    assert second.json()["csrf"] != first.json()["csrf"]
    kept = csrf(first) | {"Cookie": f"toll_console={token}"}
    assert told(await browser.get("/v1/customers", headers=kept)) == (401, "console_session_ended")
    browser.cookies.clear()
    planted = "tollc_" + "p" * 43
    answer = await sign_in(browser, secret, Cookie=f"toll_console={planted}")
    assert planted not in answer.headers["set-cookie"]


@pytest.mark.parametrize("token", ["x", "tollc_" + "x" * 43, "toll_" + "x" * 43, "\u00ff", '"'])
async def test_made_up_cookies_are_worth_nothing(anonymous: httpx.AsyncClient, token: str) -> None:
    cookie = {"Cookie": f"toll_console={token}".encode()}
    answer = await anonymous.get(SESSION, headers=cookie)
    assert told(answer) == (401, "console_session_ended")


async def test_sessions_expire(browser: httpx.AsyncClient, secret: str, later: Clock) -> None:
    headers = csrf(await sign_in(browser, secret))
    later.ahead += timedelta(hours=11, minutes=59)
    assert (await browser.get("/v1/customers", headers=headers)).status_code == 200
    later.ahead += timedelta(minutes=2)
    token = {"Cookie": f"toll_console={browser.cookies.get('toll_console', 'gone')}"}
    assert (await browser.get("/v1/customers", headers=headers | token)).status_code == 401


async def test_sessions_that_are_long_over_are_forgotten(
    browser: httpx.AsyncClient, database: Database, secret: str, later: Clock
) -> None:
    async def kept() -> int:
        async with database.transaction() as tx:
            cursor = await tx.connection.execute("select count(*) from console_sessions")
            row = await cursor.fetchone()
            assert row is not None
            return row[0]

    for days, expected in [(0, 1), (29, 2), (2, 2)]:
        later.ahead += timedelta(days=days)
        await sign_in(browser, secret)
        assert await kept() == expected


async def test_a_session_ends_with_its_key(
    browser: httpx.AsyncClient, admin: httpx.AsyncClient, secret: str, later: Clock
) -> None:
    headers = csrf(await sign_in(browser, secret))
    assert (await browser.get("/v1/customers", headers=headers)).status_code == 200
    keys = (await admin.get("/v1/keys")).json()["data"]
    (key,) = [one for one in keys if one["prefix"] == secret[:12]]
    assert (await admin.post(f"/v1/keys/{key['key_id']}/revoke")).status_code == 200
    later.ahead += timedelta(seconds=5)
    assert told(await browser.get("/v1/customers", headers=headers)) == (401, "console_session_ended")
    assert told(await sign_in(browser, secret)) == (401, "unknown_key")


async def test_guessing_is_slowed_down(
    browser: httpx.AsyncClient, secret: str, later: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(MOST_ATTEMPTS):
        assert told(await sign_in(browser, f"toll_{n:043}")) == (401, "unknown_key")
    for key in ("toll_" + "x" * 43, secret):
        refused = await sign_in(browser, key)
        assert told(refused) == (429, "too_many_attempts")
        assert 0 < int(refused.headers["retry-after"]) <= 60
    later.ahead += timedelta(minutes=1)
    assert (await sign_in(browser, secret)).status_code == 200


async def test_many_guesses_at_once_are_counted(browser: httpx.AsyncClient, secret: str, later: Clock) -> None:
    wrong = [f"toll_{n:043}" for n in range(5 * MOST_ATTEMPTS)]
    answers = await asyncio.gather(*(sign_in(browser, key) for key in wrong))
    assert Counter(answer.status_code for answer in answers) == {401: MOST_ATTEMPTS, 429: 4 * MOST_ATTEMPTS}
    later.ahead += timedelta(minutes=1)
    for _ in range(MOST_ATTEMPTS + 1):
        assert (await sign_in(browser, secret)).status_code == 200


def test_room_is_made_for_new_addresses(later: Clock) -> None:
    attempts = Attempts(MOST_ATTEMPTS)
    requests = [Request({"type": "http", "client": (f"10.0.{n // 256}.{n % 256}", 1)}) for n in range(10_001)]
    for request in requests[:-1]:
        attempts.note(request)
    later.ahead += timedelta(minutes=2)
    attempts.check(requests[0])
    attempts.note(requests[-1])


async def test_the_cookie_is_secure_where_the_browser_came_by_https(
    settings: Settings, database: Database, secret: str
) -> None:
    public = settings.model_copy(update={"public_url": "https://billing.example.com"})
    async with calling(create_app(public, database), "") as client:
        headers = {"Origin": "https://billing.example.com", "Authorization": ""}
        answer = await client.post(SESSION, json={"key": secret}, headers=headers)
        assert answer.status_code == 200
        assert "; Secure" in answer.headers["set-cookie"]


async def test_each_address_has_its_own_attempts(app: Tollkeeper, secret: str) -> None:
    async with app.router.lifespan_context(app):
        for address, status in (("192.0.2.1", 429), ("192.0.2.2", 401), ("2001:db8::1", 429), ("2001:db8::2", 429)):
            transport = httpx.ASGITransport(app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                for _ in range(MOST_ATTEMPTS if status == 429 and address[-1] == "1" else 0):
                    await sign_in(client, "toll_wrong")
                assert (await sign_in(client, "toll_wrong")).status_code == status, address


async def test_a_bearer_key_goes_before_the_cookie(browser: httpx.AsyncClient, database: Database, secret: str) -> None:
    await sign_in(browser, secret)
    reading = {"Authorization": f"Bearer {await secret_of(database, Scope.READ)}"}
    assert (await browser.get("/v1/customers", headers=reading)).status_code == 200
    assert told(await browser.get("/v1/keys", headers=reading)) == (403, "scope_missing")
    other = {"Authorization": "Basic eDp4"}
    assert told(await browser.get("/v1/customers", headers=other)) == (401, "missing_key")


async def test_nothing_secret_is_logged_or_stored(
    browser: httpx.AsyncClient, secret: str, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    logged = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(logged))
    answer = await sign_in(browser, secret)
    token = browser.cookies["toll_console"]
    await browser.get("/v1/customers", headers=csrf(answer))
    wrong = secret[:-4] + "AAAA"
    assert wrong not in (await sign_in(browser, wrong)).text
    assert secret not in (await browser.post(SESSION, json={"key": [secret]})).text
    assert secret not in (await browser.post(SESSION, json={"kye": secret})).text
    with psycopg.connect(database_url) as connection:
        stored = repr(connection.execute("select console_sessions::text from console_sessions").fetchall())
    everything = logged.getvalue() + "".join(capfd.readouterr()) + stored
    assert "/v1/console/session" in everything
    for hidden in (secret, wrong, token, answer.json()["csrf"]):
        assert hidden not in everything


async def test_the_document_names_the_cookie(app: Tollkeeper) -> None:
    document = app.openapi()
    scheme = document["components"]["securitySchemes"]["ConsoleSession"]
    assert (scheme["in"], scheme["name"]) == ("cookie", "toll_console")
    assert "X-Toll-CSRF" in scheme["description"]
    assert document["paths"]["/v1/keys"]["post"]["security"] == [{"ApiKey": []}, {"ConsoleSession": []}]
