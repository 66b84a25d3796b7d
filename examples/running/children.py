"""The processes of an example: each writes a log of its own, is waited for, and is ended by its process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

HOST = "127.0.0.1"

_START_SECONDS = 60
_STOP_SECONDS = 15
_PAUSE_SECONDS = 0.05
_LOG_END = 2000


class ExampleFailed(Exception):
    """The example can't be run, or runs no longer; the message says why."""


class Child:
    """A process that serves HTTP."""

    def __init__(
        self, name: str, line: Sequence[str], *, at: str, log: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.url = at
        self.log = log
        with log.open("wb") as output:
            # In a session of its own: Ctrl-C reaches the parent alone, which then ends its children in order.
            self.process = subprocess.Popen(
                [sys.executable, "-m", *line],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise ExampleFailed if it has ended."""
        if (status := self.process.poll()) is not None:
            raise ExampleFailed(self._told(f"has ended by itself, with status {status}"))

    def wait_for(self, path: str) -> None:
        """Return once it answers there with anything but 503. Raises ExampleFailed."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                if httpx.get(self.url + path, timeout=5, trust_env=False).status_code != 503:
                    return
            except httpx.TransportError:
                pass  # it isn't listening yet
            time.sleep(_PAUSE_SECONDS)
        raise ExampleFailed(self._told(f"doesn't answer at {self.url}{path} after {_START_SECONDS} seconds"))

    def end(self) -> None:
        """Ask it to end, and see to it."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _told(self, what: str) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_END:].strip()
        return f"{self.name} {what}. Its log, {self.log}, " + (f"ends:\n{said}" if said else "is empty.")


@contextmanager
def ended(child: Child) -> Iterator[Child]:
    """The process, which ends with the context."""
    try:
        yield child
    finally:
        with _undisturbed():
            child.end()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore an impatient second Ctrl-C, which would leave processes behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def own_port() -> int:
    """A free port. Nobody else is given it as long as this process lives, however often servers come and go there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, 0))
        port = held.getsockname()[1]
        if sys.platform == "linux":  # where a server may listen at what another only holds
            held.detach()
    return port


def ports(first: int, number: int) -> list[int]:
    """So many ports in a row from the first, or own ones where that is 0. Raises ExampleFailed for one in use."""
    if first == 0:
        return [own_port() for _ in range(number)]
    listeners: list[socket.socket] = []
    try:
        for index in range(number):
            listeners.append(socket.create_server((HOST, first + index)))
        return [listener.getsockname()[1] for listener in listeners]
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None) or 0
        why = os.strerror(number) if number > 0 else str(error)
        raise ExampleFailed(
            f"Port {first + len(listeners)} can't be used ({why}). Give another by --port (with make: ARGS='--port …')."
        ) from None
    finally:
        for listener in listeners:
            listener.close()
