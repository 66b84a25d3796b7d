"""A simulator that runs in a thread of this process, on a free port of the loopback: for tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import uvicorn

from tollkeeper.simulator.app import create_app
from tollkeeper.simulator.model import Bill, Discrepancy, SimulatorSettings
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation

_GRACE_SECONDS = 1


class Simulator:
    """A running simulator: where it is, and what the control API does, without HTTP."""

    def __init__(self, url: str, simulation: Simulation) -> None:
        self.url = url
        """For Anthropic's client as `base_url`, for Azure's as `azure_endpoint`."""
        self.openai_url = f"{url}/v1"
        """For OpenAI's client as `base_url`."""
        self._simulation = simulation

    def bills(self) -> list[Bill]:
        """All calls that were billed, in order."""
        return list(self._simulation.bills)

    def script(self, *steps: Step, **step: Any) -> None:
        """Have the next calls answered so: `script(Step(status=429), Step())`, or `script(status=429, times=2)`."""
        self._simulation.script.add([*steps, *([Step(**step)] if step else [])])

    def release(self) -> None:
        """Send the answers whose steps wait for it."""
        self._simulation.release()

    def set_clock(self, *, offset: timedelta | None = None, at: datetime | None = None, frozen: bool = False) -> None:
        """Put the providers' clock so far from the real one, or at an instant; frozen, it stays there."""
        self._simulation.set_clock(offset=offset, at=at, frozen=frozen)

    def differ(self, discrepancy: Discrepancy) -> None:
        """Have the reports differ from the bills so."""
        self._simulation.discrepancy = discrepancy

    def reset(self) -> None:
        """Forget bills, script, caches and the clock's offset."""
        self._simulation.reset()


@contextmanager
def running(settings: SimulatorSettings | None = None) -> Iterator[Simulator]:
    """A simulator on a free port, until the block ends."""
    app = create_app(settings)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = uvicorn.Server(config())
        server.config.app = app
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True)
        thread.start()
        try:
            yield Simulator(f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.simulation)
        finally:
            server.should_exit = True
            thread.join()


def config(app: Any = None) -> uvicorn.Config:
    """How uvicorn serves a simulator: silent, since broken connections, which it would log, are on purpose."""
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
