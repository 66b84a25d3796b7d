"""`tollkeeper serve`: the embedded server if no database is set, the migrations, then the web server's processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, NoReturn

import typer
import uvicorn
from pydantic import SecretStr
from uvicorn.supervisors import Multiprocess

from tollkeeper import __version__
from tollkeeper.cli.context import migrated_database, settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json
from tollkeeper.customers import list_keys
from tollkeeper.db import Database
from tollkeeper.errors import InvalidInput
from tollkeeper.payments import processor_for
from tollkeeper.providers import load_own
from tollkeeper.settings import Settings

_GRACE_SECONDS = 10
_BACKLOG = 2048

_asked_to_stop = threading.Event()

app = typer.Typer()


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any.", show_default="8377")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes.", show_default="1")] = None,
) -> None:
    """Serve the API.

    Starts the embedded PostgreSQL unless a database URL is set, and brings the database up to date. SIGTERM and Ctrl-C
    let requests that have begun end, for up to ten seconds.
    """
    settings = settings_for(ctx, host=host, port=port, workers=workers)
    if settings.prices is not None:
        load_own(settings.prices)  # A file that can't be used is told before anybody relies on it.
    processor_for(settings)  # So are settings by which nobody could pay.
    signal.signal(signal.SIGTERM, _stop)
    with suppress(KeyboardInterrupt), _listening(settings) as listener, migrated_database(settings) as url:
        settings = settings.model_copy(update={"database_url": url})
        # Before it's told: SIGTERM ends by an exception, which what makes texts of settings might swallow.
        _hand_over(settings)
        _announce(settings, listener, asyncio.run(_has_key(url)), as_json=wants_json(ctx))
        with _shared_metrics(settings.workers):
            _serve(settings, listener)


def _stop(*_: object) -> NoReturn:
    """End in order: the contexts that are open close what they hold, the embedded server among it."""
    _asked_to_stop.set()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second signal mustn't disturb that
    raise SystemExit(0)


def _note(*_: object) -> None:
    """Have it end once the event loop runs: an exception as that begins would leave one that can't even be closed."""
    _asked_to_stop.set()


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The port, taken before anything slow begins, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # Not error.strerror: there Python repeats the address.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        told = f"Can't listen on {settings.host} port {settings.port}: {why}."
        raise InvalidInput("address_unusable", told, field="port") from None
    with listener:
        yield listener


async def _has_key(url: str) -> bool:
    async with Database(url, pool_size=1) as database:
        return any(key.revoked_at is None for key in await database.run(list_keys))


def _announce(settings: Settings, listener: socket.socket, has_key: bool, *, as_json: bool) -> None:
    """Tell where it serves. Connections are accepted from here on: the listener queues them for the workers."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    if as_json:
        show_json({"url": url, "version": __version__, "has_key": has_key})
    else:
        where = "" if settings.data is None else f"--data {settings.data} "
        hint = "" if has_key else f" No API key yet; make one: tollkeeper {where}keys create first --scope admin"
        print_line(f"Tollkeeper {__version__} serves {url} (documentation: {url}/docs).{hint}")
    sys.stdout.flush()


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Where several workers keep their metrics, so that whichever is asked can tell those of all."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="tollkeeper-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _hand_over(settings: Settings) -> None:
    """Put the settings where the workers read them: into the environment."""
    secret = {name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)}
    # Secrets come from the environment alone, where they are; dumped they would be asterisks.
    given = settings.model_dump(mode="json", exclude_none=True, exclude=secret)
    os.environ.update({f"TOLLKEEPER_{name.upper()}": str(value) for name, value in given.items()})


class _Config(uvicorn.Config):
    """As the server's own; but a signal that comes while the application is loaded ends the process at once.

    The server would note it, and end only after it has loaded: that takes seconds, many where the machine is busy.
    """

    def load(self) -> None:
        """Load the application, in the main thread of whichever process serves."""
        before = {each: signal.signal(each, _stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            if not _asked_to_stop.is_set():
                super().load()
        finally:
            if _asked_to_stop.is_set():
                # By now, the exception may be gone: what is loaded calls much code, and some of it swallows any.
                raise SystemExit(0)
            for each, handler in before.items():
                signal.signal(each, handler)


def _serve(settings: Settings, listener: socket.socket) -> None:
    """Run the workers until a signal ends them."""
    config = _Config(
        "tollkeeper.app:create",
        factory=True,
        http="httptools",
        ws="none",
        lifespan="on",
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    if settings.workers == 1:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _note)
        uvicorn.Server(config).run([listener])
    else:
        Multiprocess(config, [listener]).run()
