"""The system under test: an embedded PostgreSQL of its own, and `tollkeeper serve` as a process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bench.stream import CATALOG, CUSTOMERS
from tollkeeper import catalog
from tollkeeper.customers import CustomerChanges, Scope, create_key, upsert_customer
from tollkeeper.db import Database, Tx, embedded, migrate
from tollkeeper.events import has_usage, used_meters
from tollkeeper.rating import MODELS

T = TypeVar("T")


@contextmanager
def database(fill: Callable[[str], Coroutine[Any, Any, None]] | None = None) -> Iterator[str]:
    """The URL of a fresh database that `fill` has filled; by default with the stream's catalog and customers."""
    data = Path(tempfile.mkdtemp(prefix="tollkeeper-bench-", dir="/var/tmp"))
    data.chmod(0o711)
    try:
        with embedded.start(data / "data") as server:
            migrate(server.url)
            asyncio.run((fill or furnish)(server.url))
            yield server.url
    finally:
        shutil.rmtree(data, ignore_errors=True)


async def furnish(url: str) -> None:
    """The stream's catalog and customers."""
    async with Database(url, pool_size=1) as opened:

        async def work(tx: Tx) -> None:
            for i in range(CUSTOMERS):
                await upsert_customer(
                    tx, f"customer-{i:04d}", CustomerChanges(), default_currency="USD", in_use=has_usage
                )

        await opened.run(work)
        await opened.run(
            lambda tx: catalog.apply(tx, CATALOG, file="bench", models=MODELS, used_meters=used_meters, by="bench")
        )


def run(url: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    """The result of `work` in one transaction."""

    async def opened() -> T:
        async with Database(url, pool_size=1) as database:
            return await database.run(work)

    return asyncio.run(opened())


@contextmanager
def serving(url: str, workers: int, *, run_by: Sequence[str] = ("-m", "tollkeeper")) -> Iterator[tuple[int, str]]:
    """A running server: its port, and a key that may do everything. `run_by` is what Python is given to run."""
    _, secret = run(url, lambda tx: create_key(tx, "bench", [Scope.ADMIN]))
    command = [sys.executable, *run_by, "--json", "--database-url", url, "serve"]
    environment = os.environ | {"TOLLKEEPER_LOG_LEVEL": "warning"}
    process = subprocess.Popen(
        [*command, "--port", "0", "--workers", str(workers)], stdout=subprocess.PIPE, env=environment
    )
    try:
        yield _port(process), secret
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    text = ""
    while not text.rstrip().endswith("}"):
        line = process.stdout.readline().decode()
        if not line:
            raise RuntimeError("the server ended before it served")
        text += line
    return int(json.loads(text)["url"].rsplit(":", 1)[1])
