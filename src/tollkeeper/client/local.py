"""Tollkeeper within the process: the server's own application, run by a thread of its own, without a port.

It's the same application as behind HTTP, so both behave alike. Only here does the client know the engine.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog
from psycopg.conninfo import conninfo_to_dict

from tollkeeper.app import create_app
from tollkeeper.client.reading import dumps
from tollkeeper.client.transport import Answer, NoAnswer, Request, error_of
from tollkeeper.customers import Scope, create_key, revoke_key
from tollkeeper.db import Database, embedded, migrate
from tollkeeper.errors import InvalidInput
from tollkeeper.settings import Settings

T = TypeVar("T")

_NAME = "in-process client"


class _Engine:
    """The application, with the event loop that it runs in. Closed by its last transport, or when the process exits."""

    def __init__(self, settings: Settings, server: AbstractContextManager[Any]) -> None:
        self._settings = settings
        self._closing = ExitStack()
        self._closing.enter_context(server)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="tollkeeper engine", daemon=True)
        self._thread.start()
        self._running = self._serving()
        self._http: httpx.AsyncClient = self.wait(anext(self._running))
        atexit.register(self.close)

    def wait(self, work: Coroutine[Any, Any, T] | Any) -> T:
        """The result of what runs in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(_awaited(work), self.loop).result()

    async def _serving(self) -> AsyncIterator[httpx.AsyncClient]:
        assert self._settings.database_url is not None
        async with Database(self._settings.database_url, pool_size=self._settings.pool_size) as database:
            key, secret = await database.run(lambda tx: create_key(tx, _NAME, [Scope.ADMIN, Scope.READ, Scope.WRITE]))
            app = create_app(self._settings, database)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://local", headers=headers) as http,
            ):
                yield http
            await database.run(lambda tx: revoke_key(tx, key.key_id))

    async def send(self, request: Request) -> Answer:
        """The answer; runs in the engine's loop."""
        found = await self._http.request(
            request.method, request.path, params=dict(request.params or {}), content=request.content
        )
        return Answer(found.status_code, found.content)

    def close(self) -> None:
        """Stop the application, then the embedded server if nobody else uses it."""
        atexit.unregister(self.close)
        if self.loop.is_closed():
            return
        try:
            self.wait(anext(self._running, None))
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()
            self._closing.close()


async def _awaited(work: Any) -> Any:
    return await work


class _Blocking:
    """The engine as a transport for threads."""

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        try:
            return self._engine.wait(self._engine.send(request))
        except (RuntimeError, httpx.HTTPError) as error:  # the engine is closed
            raise NoAnswer(str(error)) from error

    def close(self) -> None:
        """Stop the engine."""
        self._engine.close()


class _Awaited:
    """The engine as a transport for another event loop."""

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        try:
            work = asyncio.run_coroutine_threadsafe(self._engine.send(request), self._engine.loop)
            return await asyncio.wrap_future(work)
        except (RuntimeError, httpx.HTTPError) as error:
            raise NoAnswer(str(error)) from error

    async def close(self) -> None:
        """The blocking one has stopped the engine."""


@dataclass(frozen=True, slots=True)
class Place:
    """An engine that runs, and how to speak to it."""

    target: str
    transport: _Blocking
    asynchronous: _Awaited


def start(data: Path | str | None, catalog: Path | str | None, database_url: str | None) -> Place:
    """Start the engine, and apply the catalog if one is given.

    Raises DatabaseUnavailable, EmbeddedServerFailed, CatalogInvalid, and InvalidInput `file_unreadable`.
    """
    _quieten()
    given = {"data": data, "database_url": database_url}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    closing = ExitStack()
    if data is None and settings.database_url is not None:
        target = _named(settings.database_url)
    else:
        server = closing.enter_context(embedded.start(settings.data))
        settings = settings.model_copy(update={"database_url": server.url})
        target = f"local:{server.data}"
    try:
        migrate(settings.database_url or "")
        engine = _Engine(settings, closing)
    except BaseException:
        closing.close()
        raise
    place = Place(target, _Blocking(engine), _Awaited(engine))
    if catalog is not None:
        try:
            _apply(place, catalog)
        except BaseException:
            engine.close()
            raise
    return place


def _named(url: str) -> str:
    """The database as the spool names it: never with its password."""
    parts = conninfo_to_dict(url)
    return "local:" + " ".join(f"{name}={parts[name]}" for name in ("host", "port", "dbname") if parts.get(name))


def _quieten() -> None:
    """Have the engine log into Python's own logging, which the app configures; it would print every request else."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    access = logging.getLogger("tollkeeper.access")
    if access.level == logging.NOTSET:
        access.setLevel(logging.WARNING)


def _apply(place: Place, catalog: Path | str) -> None:
    text = str(catalog)
    if not isinstance(catalog, str) or "\n" not in catalog:
        try:
            text = Path(catalog).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InvalidInput("file_unreadable", f"{catalog} can't be read: {error}.", field="catalog") from error
    answer = place.transport.send(Request("PUT", "/v1/catalog", content=dumps({"source": text})))
    if answer.status >= 400:
        raise error_of(answer)
