"""The tables' owner, connected; data folders for the tests of the embedded server, and processes that use them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.database.embedding import SETUP, SOURCE, Run, can_run_this, place

from tollkeeper.db import embedded


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the owner of the tables, who sees everything."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def fresh() -> Iterator[Path]:
    """A data folder that doesn't exist yet."""
    with place() as folder:
        yield folder / "data"


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    with place() as folder:
        embedded.start(folder / "data").close()
        yield folder / "data"


@pytest.fixture
def data(prepared: Path) -> Iterator[Path]:
    """A data folder that has been used; nothing runs in it."""
    with place() as folder:
        subprocess.run(["cp", "-a", prepared, folder], check=True)
        yield folder / "data"


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a Python process, perhaps as another user; it ends when its stdin closes, at the latest with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, argument: str | Path, user: str = "") -> subprocess.Popen[str]:
        if user and not can_run_this(user):
            pytest.skip(f"{user} can't read {sys.prefix} or {SOURCE}: a folder above them is closed to other accounts")
        process = subprocess.Popen(
            [sys.executable, "-c", SETUP + code, user, str(argument)],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
