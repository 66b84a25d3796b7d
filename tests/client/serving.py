"""`tollkeeper serve` as a process that can be stopped, killed and started anew at the same address."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from examples.running.children import own_port

from tollkeeper.customers import Scope, create_key
from tollkeeper.db import Database

_SECONDS = 60


class Server:
    """A server on a database, at a port of its own."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.port = own_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_key = asyncio.run(_key(database_url))
        self.database_url = database_url
        self._log = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        line = [sys.executable, "-m", "tollkeeper", "--database-url", self.database_url, "serve"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*line, "--port", str(self.port)],
                stdout=log,
                stderr=log,
                env=os.environ | {"TOLLKEEPER_LOG_LEVEL": "warning", "TOLLKEEPER_SWEEP_SECONDS": "1"},
            )
        for _ in range(_SECONDS * 20):
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.05)
        raise AssertionError("the server doesn't answer")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default without a chance to say goodbye."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have it answer nobody for a while."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


def wait_for(done: Callable[[], object]) -> None:
    """Until it has come about, on a busy machine too."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "it doesn't happen"
        time.sleep(0.05)


async def _key(database_url: str) -> str:
    async with Database(database_url, pool_size=1) as database:
        _, secret = await database.run(lambda tx: create_key(tx, "tests", [Scope.ADMIN, Scope.READ, Scope.WRITE]))
    return secret
