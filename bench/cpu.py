"""What the server and PostgreSQL use of the processor, as Linux counts it; elsewhere nothing is known."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time so far; of a difference, cores: seconds in a second."""

    at: float
    server: float
    database: float

    def __sub__(self, before: Usage) -> Usage:
        seconds = self.at - before.at
        return Usage(seconds, (self.server - before.server) / seconds, (self.database - before.database) / seconds)


def usage(url: str) -> Usage:
    """Of the servers that this process has started, and of the PostgreSQL at `url`, ended processes included."""
    with psycopg.connect(url) as connection:
        stats = {pid: found for pid in _processes() if (found := _stat(pid)) is not None}
        backend = connection.info.backend_pid
        postmaster = stats[backend][0] if backend in stats else 0
    started = [pid for pid in stats if stats[pid][0] == os.getpid() and " serve " in _command(pid)]
    served = sum(stats[pid][1] for pid in stats for one in started if _descends(pid, one, stats, itself=True))
    stored = sum(stats[pid][1] for pid in stats if postmaster and _descends(pid, postmaster, stats, itself=True))
    stored += stats[postmaster][2] if postmaster in stats else 0
    return Usage(time.perf_counter(), served, stored)


def _processes() -> list[int]:
    folder = Path("/proc")
    return [int(each.name) for each in folder.iterdir() if each.name.isdigit()] if folder.exists() else []


def _stat(pid: int) -> tuple[int, float, float] | None:
    """Parent, seconds of its own, and seconds of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return int(fields[1]), own / _TICKS, ended / _TICKS


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _descends(pid: int, ancestor: int, stats: dict[int, tuple[int, float, float]], *, itself: bool = False) -> bool:
    if pid == ancestor:
        return itself
    while pid in stats:
        pid = stats[pid][0]
        if pid == ancestor:
            return True
    return False
