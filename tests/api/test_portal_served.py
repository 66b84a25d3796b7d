"""Pages and widgets as browsers get them: files, headers, and which other sites may call."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .conftest import calling, secret_of
from .portal import bearer, opened

pytestmark = pytest.mark.anyio

PAGES = ["/billing", "/billing/", "/billing/usage/by-job", "/console", "/console/customers/acme", "/gallery"]
EMBEDDED = ["tollkeeper.js", "billing-page.js"]
ELSEWHERE = "https://app.example.com"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """Stand-ins for the built files."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    for name in ("billing", "console", "gallery"):
        (folder / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>")
    for name in EMBEDDED:
        (folder / name).write_text("export {};\n" * 200)
    (folder / "assets" / "pages-1a2b.css").write_text("body {}\n")
    (tmp_path / "secret.txt").write_text("not for everybody")
    return folder


@pytest.fixture
async def served(settings: Settings, database: Database, static: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, on a server with pages."""
    async with calling(create_app(settings, database, static=static)) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_each_path_below_a_page_is_the_page(served: httpx.AsyncClient, path: str) -> None:
    answer = await served.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<title>{path.split('/')[1]}</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    again = await served.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await served.head(path)).status_code == 200
    assert (await served.post(path)).status_code == 405


@pytest.mark.parametrize("path", PAGES)
async def test_pages_let_nothing_run_but_their_own_files(served: httpx.AsyncClient, path: str) -> None:
    headers = (await served.get(path)).headers
    policy = dict(re.findall(r"([a-z-]+) ([^;]+)", headers["content-security-policy"]))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "require-trusted-types-for": "'script'",
        "frame-ancestors": "'none'" if "console" in path else "'self'",
    }
    assert headers["x-frame-options"] == ("DENY" if "console" in path else "SAMEORIGIN")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert "set-cookie" not in headers


async def test_the_operator_says_who_may_frame_the_page(settings: Settings, database: Database, static: Path) -> None:
    framed = settings.model_copy(update={"frame_ancestors": f"'self' {ELSEWHERE}"})
    async with calling(create_app(framed, database, static=static)) as client:
        billing, console = (await client.get("/billing")).headers, (await client.get("/console")).headers
    assert billing["content-security-policy"].endswith(f"frame-ancestors 'self' {ELSEWHERE}")
    assert "x-frame-options" not in billing
    assert console["content-security-policy"].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize(
    "given",
    [
        {"frame_ancestors": "'self'; script-src *"},
        {"frame_ancestors": "'none' 'self'"},
        {"frame_ancestors": ""},
        {"frame_ancestors": "https://a.example/\nX-Evil: 1"},
        {"embed_origins": "https://a.example/path"},
        {"embed_origins": "a.example"},
        {"public_url": "javascript:alert(1)"},
        {"public_url": "https://a.example/?q=1"},
    ],
)
def test_settings_that_would_break_a_header_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**given)  # type: ignore[arg-type]


def test_settings_take_what_is_usual() -> None:
    found = Settings(
        frame_ancestors="'self'  https://*.example.com http://localhost:*",
        embed_origins=f"{ELSEWHERE}, http://[::1]:80",
    )
    assert found.frame_ancestors == "'self' https://*.example.com http://localhost:*"
    assert found.embed_origins == f"{ELSEWHERE} http://[::1]:80"


@pytest.mark.parametrize("name", EMBEDDED)
async def test_assets_are_kept_for_good_and_widgets_are_asked_for_again(
    served: httpx.AsyncClient, static: Path, name: str
) -> None:
    style = await served.get("/assets/pages-1a2b.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert style.headers["cross-origin-resource-policy"] == "same-origin"

    script = await served.get(f"/{name}", headers={"Origin": ELSEWHERE})
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == "export {};\n" * 200
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert script.headers["access-control-allow-origin"] == "*"
    etag = {"If-None-Match": script.headers["etag"]}
    assert (await served.get(f"/{name}", headers=etag)).status_code == 304
    (static / name).write_text("export const built = 'anew';")
    assert (await served.get(f"/{name}", headers=etag)).text == "export const built = 'anew';"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/nothing.js",
        "/assets/",
        "/assets/..%2Fbilling.html",
        "/assets/..%2F..%2Fsecret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/assets/../../secret.txt",
        "/billing.html",
    ],
)
async def test_only_built_files_are_served(served: httpx.AsyncClient, path: str) -> None:
    answer = await served.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_pages_that_arent_built_say_how(settings: Settings, database: Database, tmp_path: Path) -> None:
    async with calling(create_app(settings, database, static=tmp_path)) as client:
        told = await client.get("/billing", headers={"Accept": "text/html,*/*"})
        assert (told.status_code, "make web" in told.text) == (503, True)
        assert told.headers["content-type"].startswith("text/html")
        for path in ("/billing", "/console", "/gallery", "/tollkeeper.js", "/billing-page.js"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (503, "pages_not_built")


async def test_widgets_in_other_sites_may_call_the_pages_routes_alone(settings: Settings, database: Database) -> None:
    async with calling(create_app(settings, database), await secret_of(database, Scope.ADMIN)) as client:
        await client.put("/v1/customers/acme", json={})
        token = (await opened(client))["token"]
        asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "GET"}
        asked["Access-Control-Request-Headers"] = "authorization"
        before = await client.options("/v1/portal/overview", headers=asked)
        assert before.status_code == 204
        assert before.headers["access-control-allow-origin"] == "*"
        assert "Authorization" in before.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in before.headers
        for secret, status in ((token, 200), ("wrong", 401)):
            answer = await client.get("/v1/portal/overview", headers={"Origin": ELSEWHERE} | bearer(secret))
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
            assert "X-Next-Cursor" in answer.headers["access-control-expose-headers"]
        for path in ("/v1/customers/acme", "/v1/portal-sessions?customer=acme", "/billing", "/healthz"):
            answer = await client.get(path, headers={"Origin": ELSEWHERE})
            assert "access-control-allow-origin" not in answer.headers, path
        assert (await client.options("/v1/customers", headers=asked)).status_code == 405


async def test_the_operator_says_which_sites(settings: Settings, database: Database) -> None:
    embedded = settings.model_copy(update={"embed_origins": f"{ELSEWHERE} https://other.example.com"})
    async with calling(create_app(embedded, database)) as client:
        for origin, allowed in ((ELSEWHERE, ELSEWHERE), ("https://evil.example.com", None), (None, None)):
            headers = {} if origin is None else {"Origin": origin}
            answer = await client.get("/v1/portal/session", headers=headers)
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["vary"] == "Origin"
            asked = headers | {"Access-Control-Request-Method": "POST"}
            before = await client.options("/v1/portal-sessions/exchange", headers=asked)
            assert before.headers.get("access-control-allow-origin") == allowed
