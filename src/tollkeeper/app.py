"""The HTTP server's composition root: settings and a database in, an ASGI application out."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

import structlog
from starlette.middleware import Middleware

from tollkeeper import __version__
from tollkeeper.api import logs, metrics, problems
from tollkeeper.api.books import Books
from tollkeeper.api.console import Console
from tollkeeper.api.middleware import BodyLimit, Observed, Urls
from tollkeeper.api.openapi import DESCRIPTION, TAGS, TITLE, Tollkeeper
from tollkeeper.api.routes import ROUTERS
from tollkeeper.api.routes.portal_sessions import Exchanges
from tollkeeper.customers import PortalRing
from tollkeeper.db import Database
from tollkeeper.errors import DatabaseUnavailable, PricesInvalid
from tollkeeper.payments import is_test, processor_for
from tollkeeper.settings import Settings
from tollkeeper.web import STATIC, Embedding, Files, pages
from tollkeeper.worker import keep_digests, keep_figures, reconcile_regularly, work

_PATIENCE_SECONDS = 2
_PAUSE_SECONDS = 1
_METRICS_SECONDS = 5
_AFTER_START_SECONDS = 3

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.app")


def create() -> Tollkeeper:
    """The application as worker processes make it: settings from the environment, logs set up."""
    settings = Settings()
    logs.configure(settings)
    _end_with_parent()
    return create_app(settings)


def create_app(settings: Settings, database: Database | None = None, *, static: Path = STATIC) -> Tollkeeper:
    """The application on `settings.database_url`, or on a `database` that the caller has opened and will close.

    `static` is the folder of the built pages.
    Raises InvalidInput `invalid_settings` where nobody could pay by them.
    """
    if database is None and settings.database_url is None:
        raise ValueError("settings.database_url is needed: the embedded server belongs to `tollkeeper serve`")
    processor_for(settings)
    app = Tollkeeper(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # it draws with a script from another host; `pages` has our own
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, database),
        middleware=[
            Middleware(Observed),
            Middleware(Embedding, origins=settings.embed_origins),
            Middleware(BodyLimit, most=settings.max_body_bytes),
            Middleware(Urls),
        ],
    )
    app.state.portal_ring = PortalRing()
    app.state.exchanges = Exchanges()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(pages(settings, Files(static)))
    return app


def _end_with_parent() -> None:
    """Stop in order when the process that started this worker is gone: nobody else would ever stop it."""
    if (parent := multiprocessing.parent_process()) is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="wait for the parent's end", daemon=True).start()


def _lifespan(
    settings: Settings, database: Database | None
) -> Callable[[Tollkeeper], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Tollkeeper) -> AsyncIterator[None]:
        books = Books(settings, database or _unopened(settings))
        app.state.books = books
        app.state.console = Console()
        metrics.forget_dead_workers()
        background = (
            _watch_connections(books),
            work(books),
            keep_figures(books),
            keep_digests(books),
            reconcile_regularly(books),
            _read_prices(books),
            books.feed.listen(),
            books.feed.tick(),
        )
        tasks = [asyncio.create_task(each) for each in background]
        books.feed.tell = lambda ticked: metrics.observe_tick(ticked.lag)
        if database is None:
            connecting = asyncio.create_task(_connect(books))
            tasks.append(connecting)
            # A server whose database is down comes up all the same: it says so at /readyz and answers 503.
            await asyncio.wait([connecting], timeout=_PATIENCE_SECONDS)
        _log.info("worker started", version=__version__)
        if is_test(books.processor):
            _log.warning("payments are pretended", detail="TOLLKEEPER_PAYMENTS=test: top-ups cost nothing.")
        try:
            with _when_asked_to_end(books.feed.stop):
                yield
        finally:
            books.feed.stop()
            await _end(tasks)
            if database is None:
                await books.database.close()
            _log.info("worker stopped")

    return lifespan


@contextmanager
def _when_asked_to_end(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` as soon as a signal asks the process to end.

    The server waits for open streams before it ends the lifespan, and they don't end by themselves. So its own handlers
    of signals, if there are any, get company.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        if callable(handler := before[signal.Signals(number)]):
            handler(number, frame)

    handled = [each for each, handler in before.items() if callable(handler)]
    for each in handled:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each in handled:
            signal.signal(each, before[each])


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks until all have ended, once more every second.

    One cancellation may be lost, where what the task waits for comes at the same moment: `asyncio.wait_for`, through
    which the driver waits, then returns it (python/cpython#86296, in Python 3.11). The task would go on for ever.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_PAUSE_SECONDS)


async def _read_prices(books: Books) -> None:
    """Read the price book once the start is over, so that the first call to a provider needn't wait for it; then what
    a process has in memory for good is complete."""
    await asyncio.sleep(_AFTER_START_SECONDS)
    try:
        book = await asyncio.to_thread(lambda: books.desk.pricing.book)
    except PricesInvalid as error:
        _log.error("own prices unusable", detail=error.detail)
    else:
        _log.info("price book", version=book.version)
    # What is there by now stays: the collector, which goes through everything again and again while large batches and
    # answers are made, needn't look at it. It took a third of the time of an answer with a thousand rows.
    gc.freeze()


def _unopened(settings: Settings) -> Database:
    assert settings.database_url is not None
    return Database(settings.database_url, pool_size=settings.pool_size)


async def _connect(books: Books) -> None:
    """Open the pool, however long the database is away. A pool that failed can't be opened again: a new one tries."""
    while True:
        try:
            await books.database.open()
        except DatabaseUnavailable as error:
            _log.warning("database unavailable", detail=error.detail)
            await asyncio.sleep(_PAUSE_SECONDS)
            books.database = _unopened(books.settings)
        else:
            return


async def _watch_connections(books: Books) -> None:
    """Each worker notes its own connections; /metrics, answered by one of them, adds them up."""
    while True:
        metrics.observe_connections(*books.database.connections)
        metrics.observe_feed(len(books.feed), books.feed.listening)
        await asyncio.sleep(_METRICS_SECONDS)
