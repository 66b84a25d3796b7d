"""`python -m demo`: starts a server, plays the demo, and keeps serving; `--once` ends after the report.

`--clean` deletes what the demo has left, and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

from rich.console import Console

from demo.cast import PREPAID, RECRUITER, TIERED
from demo.client import Client
from demo.errors import DemoFailed
from demo.events import JOB
from demo.page import furnish
from demo.place import default_folder, fresh_folder, remove_folder
from demo.report import Report, WithoutTrailingBlanks
from demo.server import HOST, PROGRAM, Server, check_port, serving
from demo.story import play
from demo.trickle import Trickle
from tollkeeper.errors import TollError

_WIDTH_OF_A_PIPE = 110
_INTERRUPTED = 130
_PAGE_SECONDS = 86_400
_ONE_MORE = json.dumps({"customer": PREPAID.key, "meter": "interview"})


def main() -> int:
    """Run the demo; 0 if every figure came out, else 1."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, _end)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = HOST  # all that the demo calls is here
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_OF_A_PIPE, file=WithoutTrailingBlanks(sys.stdout))
    try:
        if asked.clean:
            return clean(asked.data)
        return run(console, asked.port, asked.data, once=asked.once)
    except (DemoFailed, TollError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def clean(folder: Path) -> int:
    """Delete the demo's folder."""
    removed = remove_folder(folder)
    print(f"Removed {folder}." if removed else f"Nothing to remove: the demo has left nothing in {folder}.")
    return 0


def run(console: Console, port: int, folder: Path, *, once: bool) -> int:
    """Start the server, play, report; then serve on, unless `once`."""
    began = time.perf_counter()
    report = Report(console)
    check_port(port)
    report.title("Tollkeeper's demo")
    with fresh_folder(folder) as place, serving(place, port) as server:
        seconds = time.perf_counter() - began
        report.step("server", f"{server.url} over a new PostgreSQL of its own, ready after {seconds:.1f} s")
        key = server.make_key()
        with Client(server.url, key) as client:
            outcome = play(server, client, report)
        report.end(outcome.good, time.perf_counter() - began)
        report.kept(place, _removal(folder))
        if not once:
            with Client(server.url, key) as client:
                furnish(client)
                report.pages(client.open_page(RECRUITER.key, _PAGE_SECONDS), f"{server.url}/console", key)
                report.invitation(_lines(server, key, outcome.explained))
                console.print("\nserving, with a little traffic going on; Ctrl-C to stop")
                with Trickle(client):
                    _serve_on(server)
    return 0 if outcome.good else 1


def _lines(server: Server, key: str, event: str) -> list[str]:
    here = Path.cwd()
    program = PROGRAM.relative_to(here) if PROGRAM.is_relative_to(here) else PROGRAM
    job = urlencode({"customer": RECRUITER.key, "group_by": "job"})
    return [
        f'toll="Authorization: Bearer {key}"',
        f'curl -s -H "$toll" {server.url}/v1/customers/{TIERED.key}/overview',
        f"curl -s -H \"$toll\" '{server.url}/v1/usage?{job}&filter=job:{JOB}'",
        f"curl -s -H \"$toll\" '{server.url}/v1/events/{event}/explanation?customer={TIERED.key}'",
        f'curl -s -H "$toll" {server.url}/v1/customers/{TIERED.key}/ledger',
        f"curl -s -H \"$toll\" {server.url}/v1/check -d '{_ONE_MORE}'",
        f"{shlex.quote(str(program))} verify --data {shlex.quote(str(server.data))}",
        f"{server.url}/docs has the whole API",
    ]


def _removal(folder: Path) -> str:
    return "make clean-demo" + ("" if folder == default_folder() else f" ARGS={shlex.quote(f'--data {folder}')}")


def _serve_on(server: Server) -> None:
    try:
        server.process.wait()
    except KeyboardInterrupt:
        return
    raise DemoFailed(f"The server has ended by itself, with status {server.process.returncode}.")


def _end(*_: object) -> NoReturn:
    """SIGTERM ends the demo in order: the server is stopped on the way out."""
    raise SystemExit(128 + signal.SIGTERM)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Tollkeeper's demo.")
    parser.add_argument("--port", type=int, default=8377, help="port to serve on (8377)")
    parser.add_argument(
        "--data", type=Path, default=default_folder(), help="folder whose data the demo may delete (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="end after the report: status 0 if every figure came out")
    parser.add_argument("--clean", action="store_true", help="delete what the demo has left, and do nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
