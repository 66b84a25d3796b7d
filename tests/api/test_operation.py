"""Health, metrics, request ids, and the OpenAPI document."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import httpx
import psycopg
import pytest

from tollkeeper import __version__
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .conftest import calling

pytestmark = pytest.mark.anyio


async def test_health_needs_no_database(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/healthz")).json() == {"status": "ok", "version": __version__}


async def test_ready_only_with_the_migrations_of_this_version(anonymous: httpx.AsyncClient, database_url: str) -> None:
    assert (await anonymous.get("/readyz")).status_code == 200
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from schema_migrations where version = (select max(version) from schema_migrations)")
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "migrations_pending")
    assert answer.headers["retry-after"]


async def test_metrics_tell_routes_not_keys(admin: httpx.AsyncClient) -> None:
    await admin.put("/v1/customers/very-secret-customer", json={})
    await admin.get("/nowhere/very-secret-path")
    await admin.request("BREW", "/v1/customers")
    answer = await admin.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'tollkeeper_requests_total{method="PUT",route="/v1/customers/{key}",status="201"}' in answer.text
    assert 'method="other"' in answer.text
    assert 'tollkeeper_request_seconds_bucket{le="0.005",route="/v1/customers/{key}"}' in answer.text
    assert "tollkeeper_requests_in_flight 1.0" in answer.text
    assert 'tollkeeper_database_connections{state="open"}' in answer.text
    assert "secret" not in answer.text


async def test_request_ids(anonymous: httpx.AsyncClient) -> None:
    kept = await anonymous.get("/healthz", headers={"X-Request-Id": "order-17.retry_2:a"})
    assert kept.headers["x-request-id"] == "order-17.retry_2:a"
    for bad in ["", "a b", "x" * 129, "a\tb", "<script>"]:
        made = await anonymous.get("/healthz", headers={"X-Request-Id": bad})
        assert made.headers["x-request-id"] != bad
        assert len(made.headers["x-request-id"]) == 32


async def test_the_openapi_document_keeps_what_ingest_says_about_its_own_errors(anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    responses = document["paths"]["/v1/events"]["post"]["responses"]
    answer, problem = ({"$ref": f"#/components/schemas/{name}"} for name in ("IngestAnswer", "Problem"))
    schemas = {s: responses[s]["content"]["application/problem+json"]["schema"] for s in ("409", "422")}
    assert schemas == {"409": answer, "422": {"anyOf": [answer, problem]}}
    assert "quarantine" in responses["422"]["description"]
    assert responses["413"] == {"$ref": "#/components/responses/Problem413"}
    assert "results" in document["components"]["schemas"]["IngestAnswer"]["required"]
    assert "`POST /v1/keys`" in document["info"]["description"]


async def test_the_openapi_document_tells_the_errors(app: Tollkeeper, anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in json.dumps(document)
    put = document["paths"]["/v1/customers/{key}"]["put"]
    assert set(put["responses"]) == {"200", "201", "400", "401", "403", "404", "409", "413", "422", "500", "503"}
    assert put["security"] == [{"ApiKey": []}, {"ConsoleSession": []}]
    described = {tag["name"] for tag in document["tags"]}
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert set(operation["tags"]) <= described


async def test_the_bare_address_leads_to_the_documentation(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    assert (await anonymous.get("/docs")).status_code == 200
    await anonymous.get("/no/such/page")
    metrics = (await anonymous.get("/metrics")).text
    for route, status in (("/", "307"), ("/docs", "200"), ("(unknown)", "404")):
        assert f'tollkeeper_requests_total{{method="GET",route="{route}",status="{status}"}}' in metrics


async def test_it_ends_though_a_cancellation_is_lost(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it happens where an answer of the database comes in the same moment. Fails where one is taken for enough."""
    lost = asyncio.Event()

    async def work(_: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        lost.set()
        await asyncio.sleep(3600)

    monkeypatch.setattr("tollkeeper.app.work", work)
    app = create_app(settings, database)
    async with asyncio.timeout(20) as patience, calling(app):
        await asyncio.sleep(0)
    assert lost.is_set()
    assert not patience.expired()
