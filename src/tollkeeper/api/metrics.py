"""What Prometheus reads at /metrics.

Several worker processes share the folder PROMETHEUS_MULTIPROC_DIR, which `tollkeeper serve` sets up, so each of them
can answer for all. The variable has to be set before this module is imported.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

disable_created_metrics()  # a second series for each counter, which nobody reads
_REQUESTS = Counter("tollkeeper_requests_total", "Requests answered.", ["route", "method", "status"])
_SECONDS = Histogram(
    "tollkeeper_request_seconds", "Time from a request's head to the end of its answer.", ["route"], buckets=_BUCKETS
)
IN_FLIGHT = Gauge("tollkeeper_requests_in_flight", "Requests being answered now.", multiprocess_mode="livesum")
_CONNECTIONS = Gauge("tollkeeper_database_connections", "Database connections.", ["state"], multiprocess_mode="livesum")
_OPEN, _IDLE = _CONNECTIONS.labels("open"), _CONNECTIONS.labels("idle")

_PAGES = Gauge("tollkeeper_live_pages", "Live streams open now.", multiprocess_mode="livesum")
_LISTENERS = Gauge("tollkeeper_live_listeners", "Processes that hear of changes.", multiprocess_mode="livesum")
_TICKS = Counter("tollkeeper_live_ticks_total", "Looks at the database for open pages.")
_LAG = Histogram(
    "tollkeeper_live_lag_seconds", "Time from hearing of a change to handing it to the pages.", buckets=_BUCKETS
)


@lru_cache(maxsize=1000)
def _request_counter(route: str, method: str, status: int) -> Counter:
    return _REQUESTS.labels(route, method, status)


@lru_cache(maxsize=1000)
def _request_clock(route: str) -> Histogram:
    return _SECONDS.labels(route)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. Methods that nobody has heard of count as one: they mustn't fill the memory."""
    _request_counter(route, method if method in _METHODS else "other", status).inc()
    _request_clock(route).observe(seconds)


def observe_connections(connected: int, idle: int) -> None:
    """Note how many database connections this process has."""
    _OPEN.set(connected)
    _IDLE.set(idle)


def observe_feed(pages: int, listening: bool) -> None:
    """Note how many live streams this process has open, and whether it hears of changes."""
    _PAGES.set(pages)
    _LISTENERS.set(int(listening))


def observe_tick(lag: float | None) -> None:
    """Count one look for open pages, and how long the first change that it shows had waited."""
    _TICKS.inc()
    if lag is not None:
        _LAG.observe(lag)


def exposition() -> bytes:
    """All metrics in Prometheus's text format, of all workers."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def forget_dead_workers() -> None:
    """Drop the gauges of workers that are gone, however they ended; their counts stay."""
    if (folder := os.environ.get(FOLDER_VARIABLE)) is None:
        return
    for pid in {int(file.stem.rpartition("_")[2]) for file in Path(folder).glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(pid)
