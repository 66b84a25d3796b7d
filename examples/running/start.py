"""`started`: an example with all its processes, until the context ends."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from examples.running.children import HOST, Child, ExampleFailed, ended, ports
from examples.running.manifest import ROOT, Example, example
from examples.running.prepare import Secrets, apply_catalog, make_views, open_books, own_database
from tollkeeper.db import embedded

_OLDEST_SQLITE = (3, 35)  # knows `returning`
_PAUSE_SECONDS = 0.2
_NOT_THE_EXAMPLES = ("TOLLKEEPER_", "PG")
_PROVIDERS = ("OPENAI_", "ANTHROPIC_")


@dataclass(frozen=True, slots=True)
class Running:
    """An example that answers."""

    example: Example
    url: str
    """The app."""
    tollkeeper_url: str
    key: str
    """The app's API key: read and write."""
    admin_key: str
    """For the console at `<tollkeeper_url>/console`, and for everything else."""
    database_url: str
    simulator_url: str | None
    """The simulated AI provider; None where the app speaks to a real one."""
    data: Path
    """The app's own files are in `app`, the processes' logs beside it."""
    children: tuple[Child, ...]

    def check(self) -> None:
        """Raise ExampleFailed if one of its processes has ended."""
        for child in self.children:
            child.check()

    def wait(self) -> NoReturn:
        """Wait until one of its processes ends, and raise ExampleFailed then."""
        while True:
            self.check()
            time.sleep(_PAUSE_SECONDS)


def default_folder() -> Path:
    """Beside the folder that `tollkeeper serve` uses, so that no example touches real books."""
    usual = embedded.default_data_dir()
    return usual.with_name(f"{usual.name}-examples")


@contextmanager
def started(
    name: str | Example,
    *,
    data: Path | None = None,
    catalog: str | None = None,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    simulator: bool | None = None,
    database_url: str | None = None,
) -> Iterator[Running]:
    """The example of that name, on ports from `port`, or on free ones.

    `environment` is added to that of its processes. The AI provider is simulated unless OPENAI_API_KEY is set, or as
    `simulator` says. `database_url` is a database of your own instead of one in the embedded server.
    Raises ExampleFailed: when it can't be started, and at the end when one of its processes has ended by itself.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ExampleFailed(f"The examples need SQLite 3.35 for data of their own; here is {sqlite3.sqlite_version}.")
    chosen = example(name) if isinstance(name, str) else name
    terms = chosen.catalog(catalog)
    simulated = not os.environ.get("OPENAI_API_KEY") if simulator is None else simulator
    url, tollkeeper_url, simulator_url = (f"http://{HOST}:{each}" for each in ports(port, 3))
    data = (data or default_folder()).expanduser().resolve()
    place = data / chosen.name
    with ExitStack() as stack:
        books = database_url or stack.enter_context(own_database(chosen, data))
        (place / "app").mkdir(parents=True, exist_ok=True)
        kept = open_books(books, place / "secrets.json")
        processes = _Processes(stack, place, _environment(chosen, url, environment or {}, simulated=simulated))
        tollkeeper = processes.start(
            "Tollkeeper", "tollkeeper", "serve", at=tollkeeper_url, TOLLKEEPER_DATABASE_URL=books
        )
        if simulated:
            processes.start("The simulated provider", "tollkeeper", "simulate-provider", at=simulator_url).wait_for("/")
        tollkeeper.wait_for("/readyz")
        apply_catalog(tollkeeper_url, kept.admin_key, terms)
        if chosen.views is not None:
            make_views(books, chosen.name, chosen.views)
        provider = simulator_url if simulated else None
        told = _told(kept, place, url, tollkeeper_url, provider)
        app = ("uvicorn", chosen.app, "--timeout-graceful-shutdown", "5")
        processes.start(chosen.title, *app, at=url, **told).wait_for("/")
        keys, children = (kept.key, kept.admin_key), tuple(processes.children)
        running = Running(chosen, url, tollkeeper_url, *keys, books, provider, place, children)
        yield running
        running.check()


class _Processes:
    """Those of an example, ended in reverse order."""

    def __init__(self, stack: ExitStack, place: Path, environment: dict[str, str]) -> None:
        self.children: list[Child] = []
        self._stack = stack
        self._place = place
        self._environment = environment

    def start(self, name: str, *line: str, at: str, **more: str) -> Child:
        log = self._place / f"{name.lower().replace(' ', '-')}.log"
        whole = [*line, "--port", at.rpartition(":")[2]]
        child = Child(name, whole, at=at, log=log, folder=ROOT, environment=self._environment | more)
        self.children.append(self._stack.enter_context(ended(child)))
        return child


def _environment(chosen: Example, url: str, more: Mapping[str, str], *, simulated: bool) -> dict[str, str]:
    """Ours, without what would lead to your own books or, where the provider is simulated, to a real one."""
    unwanted = (*_NOT_THE_EXAMPLES, *(_PROVIDERS if simulated else ()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    own = {name: value.replace("{url}", url) for name, value in chosen.environment.items()}
    origins = f"{url} {url.replace(HOST, 'localhost')}"
    settings = {
        "TOLLKEEPER_PAYMENTS": chosen.payments,
        "TOLLKEEPER_EMBED_ORIGINS": origins,
        "TOLLKEEPER_FRAME_ANCESTORS": f"'self' {origins}",
        # Whoever sells something looks at the page; what takes seconds elsewhere should be there at once.
        "TOLLKEEPER_SWEEP_SECONDS": "1",
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }
    return kept | settings | own | dict(more)


def _told(kept: Secrets, place: Path, url: str, tollkeeper_url: str, simulator_url: str | None) -> dict[str, str]:
    """What the app alone is told."""
    provider = {"OPENAI_BASE_URL": f"{simulator_url}/v1", "OPENAI_API_KEY": "sk-proj-example-1"}
    return {
        "TOLLKEEPER_URL": tollkeeper_url,
        "TOLLKEEPER_API_KEY": kept.key,
        "TOLLKEEPER_SPOOL": str(place / "journal.sqlite"),
        "EXAMPLE_URL": url,
        "EXAMPLE_DATA": str(place / "app"),
        "EXAMPLE_SECRET": kept.signing,
    } | (provider if simulator_url is not None else {})
