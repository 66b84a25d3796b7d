"""A test that hangs says where: its tasks and threads, what the database's sessions wait for. Then its process ends.

A pytest plugin of our own, because pytest-timeout's signal is swallowed by uvloop, and its timer stops at a test's
first failure, so that clean-up may hang for ever. What is found is kept in a file, which the controlling one prints.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import psycopg
import pytest

_SESSIONS = "select pid, datname, state, wait_event_type, wait_event, left(query, 200) from pg_stat_activity"

server_url: str | None = None
"""The server of the tests, once there is one."""


SECONDS = 300.0
"""So long may a test take, with all that it sets up and cleans up."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    timer = threading.Timer(SECONDS, _end, (item.config, item.nodeid))
    timer.daemon = True
    timer.start()
    try:
        return (yield)
    finally:
        timer.cancel()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _is_worker(config):
        return
    for file in sorted(_folder(config).glob("*.txt")):
        terminalreporter.section("a test that hung")
        terminalreporter.write_line(file.read_text())
    shutil.rmtree(_folder(config), ignore_errors=True)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _folder(config: pytest.Config) -> Path:
    """Where the processes of this run leave what they have found: named for the one that controls them."""
    controller = os.getppid() if _is_worker(config) else os.getpid()
    return Path(tempfile.gettempdir()) / f"tollkeeper-hangs-{controller}"


def _end(config: pytest.Config, test: str) -> None:
    folder = _folder(config)
    folder.mkdir(exist_ok=True)
    with (folder / f"{os.getpid()}.txt").open("w") as out:
        out.write(f"{test} has run for {SECONDS:.0f} seconds\n")
        _tell_threads(out)
        _tell_tasks(out)
        out.flush()
        _tell_sessions(out)
    if _is_worker(config):
        # The run ends with it: one that goes on without this process may wait for it at its end.
        os.kill(os.getppid(), signal.SIGINT)
    elif sys.__stderr__ is not None:
        sys.__stderr__.write((folder / f"{os.getpid()}.txt").read_text())
    os._exit(1)


def _tell_threads(out: TextIO) -> None:
    for number, frame in sys._current_frames().items():
        out.write(f"thread {number}\n")
        traceback.print_stack(frame, file=out)


def _tell_tasks(out: TextIO) -> None:
    for task in list(asyncio.tasks._all_tasks):  # type: ignore[attr-defined]
        out.write(f"{task!r}\n")
        for file, line, name in _awaited(task.get_coro()):
            out.write(f"  {file}:{line} {name}\n")


def _awaited(waiting: Any) -> Iterator[tuple[str, int, str]]:
    """The chain of coroutines from the outermost to what it waits for."""
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None:
            yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)


def _tell_sessions(out: TextIO) -> None:
    if server_url is None:
        return
    try:
        with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
            for row in connection.execute(_SESSIONS):
                out.write(f"{row}\n")
    except psycopg.Error as error:
        out.write(f"The database doesn't say: {error}\n")
