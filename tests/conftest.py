"""What all tests share: a real PostgreSQL, and a fresh database for each test, cloned from a migrated template.

`TOLLKEEPER_TEST_DATABASE_URL` names a server of your own (its user must be allowed to create databases); without it the
embedded server is used. The parallel test processes share one server.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tollkeeper.db import Database, embedded, migrate

pytest_plugins = ["tests.hangs", "tests.midnight"]

# The same examples in every run, however busy the machine is: a run fails for what was changed, and for nothing else.
# Whoever wants to look further asks for others: `pytest --hypothesis-profile=default`.
# Without the explanation of failures: for it every line is traced, which late in a long run took a test of four seconds
# more than five minutes.
settings.register_profile(
    "certain",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[one for one in Phase if one is not Phase.explain],
)
settings.load_profile("certain")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A server on which this run may create databases."""
    from tests import hangs  # a plugin: pytest imports it first

    if url := os.environ.get("TOLLKEEPER_TEST_DATABASE_URL"):
        hangs.server_url = url
        yield url
        return
    data = Path(tempfile.gettempdir()) / f"tollkeeper-tests-{os.getuid()}"
    with embedded.start(data) as server:
        hangs.server_url = server.url
        yield server.url


def clone_url(server_url: str, name: str) -> str:
    return make_conninfo(server_url, dbname=name)


def create_database(server_url: str, name: str, template: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )


def drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated, empty database; one for each test process."""
    name = f"toll_template_{uuid4().hex[:12]}"
    create_database(server_url, name, "template0")
    migrate(clone_url(server_url, name))
    yield name
    drop_database(server_url, name)


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"toll_test_{uuid4().hex[:12]}"
    create_database(server_url, name, template)
    yield clone_url(server_url, name)
    drop_database(server_url, name)


@pytest.fixture
async def database(database_url: str, anyio_backend: object) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database."""
    async with Database(database_url, pool_size=4) as opened:
        yield opened
