"""Where the time of a hold goes: `python -m bench.where`, for whoever makes it faster. Writes nothing.

First the load runs as it is, beside empty POSTs, and the processor time of server, PostgreSQL and clients is told for
each request; then once more under cProfile, which slows it down to about a half.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg

from bench import empty, profiled, server
from bench.client import Connection
from bench.crowd import Crowd, Pair, Seen
from bench.operations import CLIENTS, MANY, Operations, empty_pairs, furnish, loads_of

_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, then profile."""
    loads = loads_of(uuid4().hex[:6])
    parser = argparse.ArgumentParser(prog="python -m bench.where", description=__doc__)
    parser.add_argument("--load", choices=[*loads], default=MANY)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--lines", type=int, default=25)
    parser.add_argument("--sort", default="tottime", choices=["tottime", "cumtime"])
    options = parser.parse_args()
    load = loads[options.load]
    with server.database(furnish) as url:
        _show_processors(url, load, options.seconds, options.clients)
        with server.serving(url, 1, run_by=("-m", "bench.profiled")) as (port, secret):
            _drive(port, secret, load.requests, 2, options.clients)
            path = f"{profiled.PATH}?sort={options.sort}&lines={options.lines}"
            Connection(port, secret).request("POST", path)
            seen = _drive(port, secret, load.requests, options.seconds, options.clients)
            _, told = Connection(port, secret).request("POST", path)
        print(f"under cProfile: {seen.per_second:,.0f} requests/s, {seen.requests:,} requests\n{told.decode()}")


def _show_processors(url: str, load: Operations, seconds: float, clients: int) -> None:
    """The processor times don't depend as much as requests per second on what else the machine does."""
    postmaster = int(Path(_data(url), "postmaster.pid").read_text().split()[0])
    parents = {"server": os.getpid(), "PostgreSQL": postmaster}
    print("processor time for each request, with 1 server process:")
    with server.serving(url, 1, run_by=("-m", "bench.empty")) as (port, secret):
        for what, pairs in (("empty POST", empty_pairs(load)), ("the load", load.requests)):
            _drive(port, secret, pairs, 2, clients)
            before = {name: _ticks(parent) for name, parent in parents.items()}
            seen = _drive(port, secret, pairs, seconds, clients)
            spent = {name: _spent(before[name], _ticks(parent)) for name, parent in parents.items()}
            spent |= {"clients": seen.cpu_seconds, "all": sum(spent.values()) + seen.cpu_seconds}
            told = ", ".join(f"{name} {cpu / seen.requests * 1e6:,.0f} µs" for name, cpu in spent.items())
            print(f"  {what:<12}{seen.per_second:>8,.0f} requests/s: {told}", flush=True)


def _drive(port: int, secret: str, pairs: Callable[[], Pair], seconds: float, clients: int) -> Seen:
    crowd = Crowd(port, secret, clients, workers=1, whoami=empty.PATH)
    try:
        return crowd.drive(seconds, pairs)
    finally:
        crowd.close()


def _data(url: str) -> str:
    with psycopg.connect(url) as connection:
        return (connection.execute("show data_directory").fetchone() or ("",))[0]


def _ticks(parent: int) -> dict[int, int]:
    """The processor time so far of each child of a process."""
    found: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == parent:
            found[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
    return found


def _spent(before: dict[int, int], after: dict[int, int]) -> float:
    return sum(ticks - before.get(pid, 0) for pid, ticks in after.items()) / _TICKS


if __name__ == "__main__":
    main()
