"""The API on a fresh database, called in-process, with a key of each scope."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog

from tollkeeper import clock
from tollkeeper.api import logs
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.customers import Scope, create_key
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .prepaid import Clock

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def calling(app: Tollkeeper, secret: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running app."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://toll.test", headers=headers) as client,
    ):
        yield client


async def secret_of(database: Database, *scopes: Scope) -> str:
    """The secret of a new key with these scopes."""
    _, secret = await database.run(lambda tx: create_key(tx, "test", scopes))
    return secret


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Leaves no log configuration behind: a handler on a stream that is closed would spoil what others print."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in (None, "httpx", "psycopg", *logs.QUIET_LIBRARIES)}
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, max_body_bytes=64 * 1024)


@pytest.fixture
def app(settings: Settings, database: Database) -> Tollkeeper:
    return create_app(settings, database)


@pytest.fixture
async def anonymous(app: Tollkeeper) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with calling(app) as client:
        yield client


@pytest.fixture
async def reader(app: Tollkeeper, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may read only."""
    async with calling(app, await secret_of(database, Scope.READ)) as client:
        yield client


@pytest.fixture
async def writer(app: Tollkeeper, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may write only."""
    async with calling(app, await secret_of(database, Scope.WRITE)) as client:
        yield client


@pytest.fixture
async def admin(app: Tollkeeper, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may do everything."""
    async with calling(app, await secret_of(database, Scope.ADMIN)) as client:
        yield client


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The server's clock, to be set forward."""
    fake = Clock()
    monkeypatch.setattr(clock, "now", fake.now)
    return fake
