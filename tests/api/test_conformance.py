"""Every route, called with generated input, answers what the OpenAPI document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tollkeeper.app import create_app
from tollkeeper.settings import Settings

from .test_serve import serving, tollkeeper

CATALOG = """\
currency = "EUR"
[meters.cv_parse]
unit = "CV"
dimensions = ["job"]
[prices.cv_parse]
model = "unit"
amount = "0.50"
"""


# Two of schemathesis's checks don't fit: a schema can't say which customers there are, so valid data may be refused;
# and unknown query parameters are ignored, so invalid data may be accepted.
schema = schemathesis.openapi.from_dict(create_app(Settings(database_url="postgresql:///none")).openapi())


@schemathesis.serializer("application/toml", "application/x-ndjson")
def as_bytes(_: Any, value: Any) -> bytes:
    return str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def server(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Where to call a server with a customer, a member, a catalog and usage, and an admin key for it."""
    name = f"toll_conformance_{uuid4().hex[:12]}"
    url = make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as postgres:
        postgres.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        log: Path = tmp_path_factory.mktemp("conformance") / "log"
        secret = tollkeeper("keys", "create", "first", "--scope", "admin", "--database-url", url).stdout.strip()
        with serving(log, "--database-url", url) as served:
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx.Client(base_url=served.url, headers=headers) as client:
                assert client.put("/v1/catalog", json={"source": CATALOG}).is_success
                assert client.put("/v1/customers/acme/", json={}).status_code == 404
                assert client.put("/v1/customers/acme", json={}).is_success
                assert client.put("/v1/customers/acme/members/ann", json={}).is_success
                event = {"id": "1", "customer": "acme", "meter": "cv_parse", "quantity": "2"}
                assert client.post("/v1/events", json=event).json()["accepted"] == 1
            yield {"base_url": served.url, "headers": headers}
        assert "Traceback" not in log.read_text(), log.read_text()
        postgres.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_every_route_keeps_its_word(case: Any, server: dict[str, Any]) -> None:
    case.call_and_validate(**server, excluded_checks=[positive_data_acceptance, negative_data_rejection])
