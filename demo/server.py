"""The real server, `tollkeeper serve`, as a process of its own; and the other commands of the command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from demo.errors import DemoFailed

HOST = "127.0.0.1"
PROGRAM = Path(sys.executable).with_name("tollkeeper")

_START_SECONDS = 60
_STOP_SECONDS = 30
_PAUSE_SECONDS = 0.05
_SETTINGS = {"TOLLKEEPER_PAYMENTS": "test"}
"""Nobody pays in a demo."""
_NOT_THE_DEMOS = ("TOLLKEEPER_", "PG", "OPENAI_", "ANTHROPIC_")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def command(self, *line: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run another command of Tollkeeper on the same data, as an operator would; it joins the database."""
        whole = [str(PROGRAM), *line, "--data", str(self.data)]
        return subprocess.run(whole, capture_output=True, text=True, env=environment() | settings)

    def make_key(self) -> str:
        """The secret of a new key that may do everything."""
        done = self.command("keys", "create", "demo", "--scope", "admin", "--json")
        if done.returncode != 0:
            raise DemoFailed(f"No key could be made: {done.stderr.strip()}")
        return json.loads(done.stdout)["secret"]

    def reconcile(self, openai: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Compare the days with OpenAI's reports, which are at `openai`, and close them: what was found, by model."""
        settings = {"TOLLKEEPER_OPENAI_URL": openai, "TOLLKEEPER_OPENAI_ADMIN_KEY": "sk-admin-demo"}
        days = ("--from", f"{start:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}")
        done = self.command("reconcile", *days, "--close", "--json", **settings)
        if done.returncode != 0:
            raise DemoFailed(f"The provider's reports couldn't be read: {done.stderr.strip()}")
        return [grain for ran in json.loads(done.stdout) for day in ran["days"] for grain in day["grains"]]


def check_port(port: int) -> None:
    """Raise DemoFailed if the port can't be listened on; before anything of an earlier run is deleted."""
    try:
        socket.create_server((HOST, port)).close()
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)  # none for a number that isn't a port's
        reason = os.strerror(number) if number else str(error)
        told = f"Port {port} can't be used ({reason}). Give another: make demo ARGS='--port 8400'"
        raise DemoFailed(told) from None


@contextmanager
def serving(folder: Path, port: int) -> Iterator[Server]:
    """The server on the folder's data; it's stopped in order when the context ends."""
    log = folder / "server.log"
    line = [str(PROGRAM), "serve", "--host", HOST, "--port", str(port), "--data", str(folder / "data")]
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C reaches the demo alone, which then ends the server.
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment() | _SETTINGS,
            start_new_session=True,
        )
    try:
        server = Server(f"http://{HOST}:{port}", folder / "data", process)
        _wait_until_ready(server, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: Server, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.url}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass  # it isn't listening yet
        time.sleep(_PAUSE_SECONDS)
    raise DemoFailed(f"The server didn't start. Its log, {log}, ends:\n{log.read_text(errors='replace')[-2000:]}")


def environment() -> dict[str, str]:
    """Ours, without what would lead Tollkeeper to your own database, or to your providers' reports."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THE_DEMOS)}
