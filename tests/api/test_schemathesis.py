"""Generated calls about usage, in this process: no 5xx, no status and no content type that isn't documented.

tests/api/test_conformance.py does the same with every route of a real server. Here the calls name customers, meters and
events that exist, so that they get past the first check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo
from requests import Session
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import get_client, shutdown_lifespans
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from faults.arithmetic import CATALOG
from tollkeeper.api import logs
from tollkeeper.app import create_app
from tollkeeper.customers import Scope, create_key
from tollkeeper.db import Database
from tollkeeper.settings import Settings

WORDS: dict[str, list[Any]] = {
    "customer": ["acme", "acme", "acme", "gone", "nobody"],
    "meter": ["plain", "tiered", "peak", "gauge", "people", "calls", "taken", "costly", "unpriced", "nothing"],
    "id": ["1", "2", "3", "c1", "%2F"],
    "key": ["acme", "gone"],
    "corrects": ["1", "2", "3", "c1"],
    "group_by": [["job"], ["member,region"], ["town"]],
    "filter": [["job:x"], ["member:ann"], ["x"]],
    "timezone": ["Asia/Kathmandu", "Australia/Lord_Howe", "Mars/Olympus"],
    "from": ["0001-01-01T00:00:00Z", "2026-10-31T23:45:00+05:45", "2026-11-01T00:00:00"],
    "to": ["9999-12-31T23:59:59-14:00", "2026-11-02T00:00:00.000001Z", "0001-01-01T00:00:00Z"],
}
PATHS = r"^/v1/(events|usage|quarantine|customers/\{key\}/(overview|balance|ledger))"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]

schema = schemathesis.openapi.from_dict(create_app(Settings(database_url="postgresql:///none")).openapi())


@schemathesis.serializer("application/x-ndjson")
def as_bytes(_: Any, value: Any) -> bytes:
    return str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def client(server_url: str, template: str) -> Iterator[Session]:
    """The app with a catalog, customers and usage; one for all examples."""
    name = f"toll_generated_{uuid4().hex[:12]}"
    url = make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as postgres:
        postgres.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        settings = Settings(database_url=url, pool_size=2, log_level="error")
        logs.configure(settings)
        with get_client(create_app(settings)) as client:
            client.headers["Authorization"] = f"Bearer {asyncio.run(_secret(url))}"
            assert client.put("http://testserver/v1/catalog", json={"source": CATALOG}).ok
            for key in ("acme", "gone"):
                assert client.put(f"http://testserver/v1/customers/{key}", json={}).ok
            sent = [_event("1"), _event("2", meter="calls", quantity=None), _event("3")]
            answer = client.post("http://testserver/v1/events", json=sent)
            assert answer.json()["accepted"] == 3
            correction = _event("c1", quantity="-1", corrects="1")
            assert client.post("http://testserver/v1/events", json=correction).ok
            assert client.put("http://testserver/v1/customers/gone", json={"archived": True}).ok
            yield client
        shutdown_lifespans()
        structlog.reset_defaults()
        postgres.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


async def _secret(url: str) -> str:
    async with Database(url, pool_size=1) as database:
        return (await database.run(lambda tx: create_key(tx, "test", [Scope.ADMIN])))[1]


def _event(id: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": "plain", "quantity": "2"} | fields


def known(data: st.DataObject, name: str, value: Any) -> Any:
    """A word that means something, mostly."""
    return data.draw(st.sampled_from(WORDS[name])) if name in WORDS and data.draw(st.integers(0, 3)) else value


def with_words(data: st.DataObject, value: Any) -> Any:
    match value:
        case dict():
            return {name: known(data, name, with_words(data, each)) for name, each in value.items()}
        case list():
            return [with_words(data, each) for each in value]
    return value


@pytest.mark.slow
@schema.include(path_regex=PATHS).parametrize()
@schema.given(data=st.data())
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
def test_calls_about_usage_keep_their_word(case: Any, data: st.DataObject, client: Session) -> None:
    case.query = with_words(data, case.query)
    case.path_parameters = with_words(data, case.path_parameters)
    if case.media_type == "application/json":
        case.body = with_words(data, case.body)
    case.call_and_validate(session=client, base_url="http://testserver", checks=CHECKS)
