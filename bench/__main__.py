"""`make bench`: measure, print, and write bench/README.md.

`--quick` measures a tenth, to try the benchmarks themselves. `--only ingest|growth|portal|gate|sdk|live|console`
measures one; `--events` says on how many events the billing page's calls are measured. With any, nothing is written.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench import console, gate, live, operations, portal, sdk, server, suites
from bench.suites import Row
from tollkeeper import __version__

_REPORT = Path(__file__).parent / "README.md"


PARTS = ["ingest", "growth", "portal", "gate", "sdk", "live", "console"]


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--events", type=int)
    options = parser.parse_args()
    parts = [options.only] if options.only else PARTS
    events = 100_000 if options.quick else 1_000_000
    sizes = [10_000, 100_000, 500_000] if options.quick else [100_000, 1_000_000, 5_000_000]
    sections: list[tuple[str, list[Row]]] = []
    if "ingest" in parts:
        with server.database() as url, server.serving(url, suites.WORKERS) as (port, secret):
            sections.append(_section("Ingest", suites.ingest(url, port, secret, events)))
    if "growth" in parts:
        with server.database() as url:
            with server.serving(url, suites.WORKERS) as (port, secret):
                sections.append(_section("Growth", suites.growth(port, secret, sizes)))
                sections.append(_section("Reading", suites.reads(port, secret, sizes[-1])))
            sections.append(_section("Start", suites.start(url)))
    if "portal" in parts:
        stored = options.events or (portal.EVENTS // 10 if options.quick else portal.EVENTS)
        with server.database(portal.furnish) as url:
            sections.append(_section("Billing page", portal.all_of_it(url, stored)))
    if "gate" in parts:
        with server.database(operations.furnish) as url:
            sections.append(_section("Gate", gate.all_of_it(url, quick=options.quick)))
    if "sdk" in parts:
        with server.database() as url:
            sections.append(_section("SDK", sdk.all_of_it(url, quick=options.quick)))
    if "live" in parts:
        with server.database() as url:
            sections.append(_section("Live", live.all_of_it(url, quick=options.quick)))
    if "console" in parts:
        with server.database(console.furnish) as url:
            sections.append(_section("Console", console.all_of_it(url)))
    if not options.quick and options.only is None and options.events is None:
        _REPORT.write_text(_report(sections), encoding="utf-8")
        print(f"Wrote {_REPORT}")


def _section(title: str, rows: Iterable[Row]) -> tuple[str, list[Row]]:
    print(f"\n{title}")
    found = []
    for row in rows:
        found.append(row)
        print(f"  {row[0]:<75} {row[1]:>20}   {row[2]}", flush=True)
    return title, found


def _report(sections: list[tuple[str, list[Row]]]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        "# Benchmarks",
        "",
        (Path(__file__).parent / "about.md").read_text(encoding="utf-8").strip(),
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d} with `make bench`, Tollkeeper {__version__}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; server, database and "
        "clients on the same machine.",
    ]
    for title, rows in sections:
        lines += ["", f"## {title}", "", "| what | figure | compared |", "|---|---|---|"]
        lines += [f"| {what} | {figure} | {compared} |" for what, figure, compared in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
