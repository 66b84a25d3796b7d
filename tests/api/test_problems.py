"""Errors are problem documents, whatever goes wrong, and tell nothing that they shouldn't."""

from __future__ import annotations

import json

import anyio
import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.api.paging import decode_cursor, encode_cursor
from tollkeeper.api.problems import problem
from tollkeeper.app import create_app
from tollkeeper.errors import InvalidInput
from tollkeeper.settings import Settings

from .conftest import calling

pytestmark = pytest.mark.anyio


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["instance"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]


async def test_unknown_paths_and_methods(admin: httpx.AsyncClient) -> None:
    assert_problem(await admin.get("/v2/nothing"), 404, "not_found")
    assert_problem(await admin.get("/v1/customers/"), 404, "not_found")
    refused = await admin.delete("/v1/customers/acme")
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, PUT"
    assert (await admin.get("/v1/keys/01a1f9d4/revoke")).headers["allow"] == "POST"
    assert (await admin.delete("/v1/quarantine/replay")).headers["allow"] == "POST"
    assert (await admin.delete("/v1/quarantine/01a1f9d4-1e45-7055-9bb9-4d38f8d013f0")).headers["allow"] == "GET"
    assert (await admin.delete("/openapi.json")).headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1e3"])
async def test_limits_of_lists(admin: httpx.AsyncClient, limit: str) -> None:
    answer = await admin.get("/v1/customers", params={"limit": limit})
    assert_problem(answer, 422, "invalid_request")
    assert answer.json()["field"] == "limit"


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "äöü", "bnVsbA", encode_cursor("a", "b"), encode_cursor("\0"), "W" * 3000]
)
async def test_bad_cursors(admin: httpx.AsyncClient, cursor: str) -> None:
    assert_problem(await admin.get("/v1/customers", params={"cursor": cursor}), 422, "invalid_cursor")


@pytest.mark.parametrize("key", [("a",), ("a/b", "ü"), ("", "x" * 500, "日本")])
def test_cursors_survive_the_round_trip(key: tuple[str, ...]) -> None:
    cursor = encode_cursor(*key)
    assert cursor.isascii()
    assert decode_cursor(cursor, len(key)) == key
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, len(key) + 1)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1", b'{"name": }', b"[" * 40_000, b""])
async def test_bodies_that_are_not_json(admin: httpx.AsyncClient, body: bytes) -> None:
    answer = await admin.put("/v1/customers/acme", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, "malformed_body" if answer.status_code == 400 else "invalid_request")


async def test_a_forgotten_content_type_is_told(admin: httpx.AsyncClient) -> None:
    answer = await admin.put("/v1/customers/acme", content=b'{"name": "x"}')
    assert_problem(answer, 422, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["/v1/customers/a%00b", "/v1/customers/%FF", "/v1/customers?search=%00", "/v1/customers?search=%FF", "/%00"],
)
async def test_urls_that_are_not_text(admin: httpx.AsyncClient, path: str) -> None:
    assert_problem(await admin.get(path), 400, "malformed_url")


BAD_TEXTS = ["\\u0000", "a\\u0000b", "\\ud800", "\\udc00\\ud800"]
BODIES = [
    ("PUT", "/v1/customers/acme", '{"name": "%s"}'),
    ("PUT", "/v1/customers/acme", '{"currency": "%s"}'),
    ("PUT", "/v1/customers/acme", '{"timezone": "%s"}'),
    ("PUT", "/v1/customers/acme", '{"metadata": {"a": ["%s"]}}'),
    ("PUT", "/v1/customers/acme", '{"metadata": {"%s": 1}}'),
    ("PUT", "/v1/customers/acme", '{"%s": 1}'),
    ("PUT", "/v1/customers/there/members/ann", '{"name": "%s"}'),
    ("PUT", "/v1/customers/there/members/ann", '{"metadata": {"a": "%s"}}'),
    ("POST", "/v1/keys", '{"name": "%s", "scopes": ["read"]}'),
    ("POST", "/v1/keys", '{"name": "a", "scopes": ["%s"]}'),
    ("PUT", "/v1/catalog", '{"source": "currency = %s"}'),
    ("POST", "/v1/catalog/plan", '{"source": "%s"}'),
]


@pytest.mark.parametrize("text", BAD_TEXTS)
async def test_text_that_cannot_be_stored_is_refused_everywhere(admin: httpx.AsyncClient, text: str) -> None:
    await admin.put("/v1/customers/there", json={})
    for method, path, body in BODIES:
        answer = await admin.request(
            method, path, content=body.replace("%s", text), headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", ['{"metadata": {"a": NaN}}', '{"metadata": {"a": 1e999}}', '{"metadata": {"a": Infinity}}']
)
async def test_numbers_that_json_does_not_have(admin: httpx.AsyncClient, body: str) -> None:
    answer = await admin.put("/v1/customers/a", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid_metadata")


async def test_the_last_net_for_text_the_database_refuses(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    @app.get("/unstorable")
    async def unstorable() -> None:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    assert_problem(await admin.get("/unstorable"), 422, "invalid_text")


async def test_defects_tell_nothing_and_are_logged(
    app: Tollkeeper, anonymous: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise psycopg.errors.UndefinedTable('relation "secret_table" does not exist')

    answer = await anonymous.get("/broken")
    assert_problem(answer, 500, "internal_error")
    assert "secret_table" not in answer.text
    logged = capsys.readouterr().out
    assert "secret_table" in logged
    assert answer.headers["x-request-id"] in logged


async def test_bodies_that_are_too_large(admin: httpx.AsyncClient, settings: Settings) -> None:
    large = b" " * (settings.max_body_bytes + 1)

    async def streamed():
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    for content in (large, streamed()):
        answer = await admin.put("/v1/customers/a", content=content, headers={"Content-Type": "application/json"})
        assert_problem(answer, 413, "body_too_large")
    fits = b"{" + b" " * (settings.max_body_bytes - 2) + b"}"
    assert (await admin.put("/v1/customers/a", content=fits, headers={"Content-Type": "application/json"})).is_success


async def test_a_database_that_is_down(server_url: str) -> None:
    app = create_app(Settings(database_url="postgresql://nobody:hunter2@127.0.0.1:1/none"))
    async with calling(app, "toll_" + "x" * 43) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert_problem(await client.get("/readyz"), 503, "database_unavailable")
        app.state.books.keyring.recall = lambda secret: None
        await app.state.books.database.close()  # or the call would wait ten seconds for a connection
        answer = await client.get("/v1/customers")
    assert_problem(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.slow
async def test_a_database_that_comes_up_later(database_url: str) -> None:
    absent = f"{conninfo_to_dict(database_url)['dbname']}_later"
    app = create_app(Settings(database_url=make_conninfo(database_url, dbname=absent)))
    async with calling(app) as client:
        assert_problem(await client.get("/readyz"), 503, "database_unavailable")
        with psycopg.connect(make_conninfo(database_url, dbname="postgres"), autocommit=True) as server:
            name, source = sql.Identifier(absent), sql.Identifier(str(conninfo_to_dict(database_url)["dbname"]))
            server.execute(sql.SQL("create database {} template {}").format(name, source))
        for _ in range(100):
            if (await client.get("/readyz")).status_code == 200:
                break
            await anyio.sleep(0.2)
        else:
            pytest.fail("never ready")
    with psycopg.connect(make_conninfo(database_url, dbname="postgres"), autocommit=True) as server:
        server.execute(sql.SQL("drop database {} with (force)").format(name))


def test_problems_survive_any_text() -> None:
    body = json.loads(problem(InvalidInput("x", "half a pair: \ud800"), "id").body)
    assert body["detail"] == "half a pair: ?"
