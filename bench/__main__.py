"""`make bench`: measure, print, and write bench/README.md.

`--only ingest|growth|portal|gate|sdk|live|console` measures one, and with `--write` replaces its section of the report
alone. `--quick` measures a tenth, to try the benchmarks themselves; `--events` says on how many events the billing
page's calls are measured; with either, nothing is written. `--database-url` has these in a database that stays: an
empty one is filled, and one that was filled before is measured at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from bench import console, gate, live, operations, portal, report, sdk, server, suites
from bench.suites import Row

PARTS = ["ingest", "growth", "portal", "gate", "sdk", "live", "console"]


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--events", type=int)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--database-url")
    options = parser.parse_args()
    if options.database_url and options.only != "portal":
        parser.error("--database-url goes with --only portal")
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
        with portal.database(options.database_url) as url:
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
    if not options.quick and options.events is None and (options.only is None or options.write):
        report.write(dict(sections))
        print(f"Wrote {report.REPORT}")


def _section(title: str, rows: Iterable[Row]) -> tuple[str, list[Row]]:
    print(f"\n{title}")
    found = []
    for row in rows:
        found.append(row)
        print(f"  {row[0]:<75} {row[1]:>20}   {row[2]}", flush=True)
    return title, found


if __name__ == "__main__":
    main()
