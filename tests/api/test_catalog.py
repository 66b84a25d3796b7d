"""The catalog over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio

FIRST = """\
currency = "EUR"
[meters.cv_parse]
unit = "CV"
[prices.cv_parse]
model = "unit"
amount = "0.50"
"""
SECOND = FIRST.replace("0.50", "0.60")
TOML = {"Content-Type": "application/toml; charset=utf-8"}


async def test_before_any_catalog_there_is_an_empty_one(admin: httpx.AsyncClient) -> None:
    shown = (await admin.get("/v1/catalog")).json()
    assert (shown["version"], shown["meters"], shown["prices"]) == (0, [], [])
    assert (await admin.get("/v1/catalog/history")).json() == {"data": [], "next_cursor": None}


async def test_a_catalog_is_planned_applied_and_shown(admin: httpx.AsyncClient) -> None:
    planned = (await admin.post("/v1/catalog/plan", content=FIRST, headers=TOML)).json()
    assert planned["version"] == 0
    assert any("0.5 EUR" in change["text"] or "0.50 EUR" in change["text"] for change in planned["changes"])
    assert (await admin.get("/v1/catalog")).json()["version"] == 0

    applied = (await admin.put("/v1/catalog", content=FIRST, headers=TOML)).json()
    assert (applied["version"], applied["changes"]) == (1, planned["changes"])
    shown = (await admin.get("/v1/catalog")).json()
    assert shown["currency"] == "EUR"
    assert [meter["key"] for meter in shown["meters"]] == ["cv_parse"]
    assert (await admin.put("/v1/customers/acme", json={})).json()["currency"] == "EUR"


async def test_the_same_catalog_again_changes_nothing(admin: httpx.AsyncClient) -> None:
    for _ in range(2):
        applied = (await admin.put("/v1/catalog", json={"source": FIRST})).json()
    assert (applied["version"], applied["changes"]) == (1, [])


async def test_every_version_is_kept_with_its_text(admin: httpx.AsyncClient) -> None:
    await admin.put("/v1/catalog", content=FIRST, headers=TOML)
    await admin.put("/v1/catalog", content=SECOND, headers=TOML)
    first = (await admin.get("/v1/catalog/history", params={"limit": 1})).json()
    rest = (await admin.get("/v1/catalog/history", params={"cursor": first["next_cursor"]})).json()
    assert [version["version"] for version in first["data"] + rest["data"]] == [2, 1]
    assert "test" in first["data"][0]["applied_by"]
    assert (await admin.get("/v1/catalog/history/1")).json()["source"] == FIRST
    missing = await admin.get("/v1/catalog/history/3")
    assert (missing.status_code, missing.json()["code"]) == (404, "catalog_version_not_found")


async def test_a_bad_catalog_is_refused_with_every_problem(admin: httpx.AsyncClient) -> None:
    bad = FIRST.replace('"unit"', '"unti"').replace("EUR", "EURO")
    for method, path in (("PUT", "/v1/catalog"), ("POST", "/v1/catalog/plan")):
        answer = await admin.request(method, path, content=bad, headers=TOML)
        assert (answer.status_code, answer.json()["code"]) == (422, "catalog_invalid")
        assert [problem["line"] for problem in answer.json()["problems"]] == [1, 5]
    assert (await admin.get("/v1/catalog")).json()["version"] == 0


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"\xff\xfe", "application/toml", 400, "malformed_body"),
        (b"{", "application/json", 400, "malformed_body"),
        (b'{"sauce": ""}', "application/json", 422, "invalid_request"),
        (b'{"source": 1}', "application/json", 422, "invalid_request"),
        (b"currency=USD", "application/x-www-form-urlencoded", 422, "unsupported_media_type"),
        (b"\0", "application/toml", 422, "catalog_invalid"),
        (b'currency = "\\u0000"', "application/toml", 422, "catalog_invalid"),
        (b'currency = "USD"\n[meters.a]\nunit = "\\u0000"\n', "application/toml", 422, "catalog_invalid"),
    ],
)
async def test_bodies_that_are_no_catalog(
    admin: httpx.AsyncClient, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await admin.put("/v1/catalog", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
