"""`python -m examples.running recruiting`: runs an example until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from examples.running.children import ExampleFailed
from examples.running.manifest import example, names
from examples.running.start import Running, default_folder, started
from tollkeeper.errors import TollError

_INTERRUPTED = 130


def main() -> int:
    """Run it; 0 if it was ended by Ctrl-C, 1 if it couldn't be run or one of its processes has ended."""
    asked = _arguments()
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _end)
    try:
        return run(asked)
    except (ExampleFailed, TollError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def run(asked: argparse.Namespace) -> int:
    """Start, tell where everything is, and wait for Ctrl-C."""
    chosen = example(asked.name)
    port = chosen.port if asked.port is None else asked.port
    simulator = True if asked.simulator else None
    print(f"Starting {chosen.title} ...", flush=True)
    own = {"data": asked.data, "catalog": asked.catalog, "database_url": asked.database_url}
    with started(chosen, port=port, simulator=simulator, **own) as running:
        show(running)
        try:
            running.wait()
        except KeyboardInterrupt:
            print("\nEnding ...", flush=True)
    return 0


def show(running: Running) -> None:
    """One line for each address."""
    provider = "the real provider" if running.simulator_url is None else running.simulator_url
    lines = {
        running.example.title: running.url,
        "Console": f"{running.tollkeeper_url}/console",
        "its key": running.admin_key,
        "AI provider": provider,
        "SQL": running.database_url,
        "Logs": str(running.data),
    }
    width = max(len(name) for name in lines) + 2
    for name, value in lines.items():
        print(f"  {name:<{width}}{value}")
    print("Ctrl-C ends it; its data stays.", flush=True)


def _end(number: int, _: object) -> NoReturn:
    """End in order: every process is ended on the way out."""
    raise SystemExit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.running", description="Runs an example until Ctrl-C.")
    parser.add_argument("name", help=", ".join(name.replace("_", "-") for name in names()))
    parser.add_argument("--catalog", help="which of its catalogs (its manifest's first)")
    parser.add_argument("--port", type=int, help="the app's port; Tollkeeper and the simulator take the next two")
    parser.add_argument("--data", type=Path, default=default_folder(), help="where the data is kept (%(default)s)")
    parser.add_argument("--simulator", action="store_true", help="simulate the AI provider in spite of OPENAI_API_KEY")
    parser.add_argument("--database-url", help="a PostgreSQL database of your own, for this example alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
