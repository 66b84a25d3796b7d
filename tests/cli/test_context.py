"""A new database is told of, so that a mistyped folder isn't taken for one whose data is gone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the embedded server's account may enter, which pytest's own aren't."""
    with tempfile.TemporaryDirectory(prefix="toll-cli-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve() / "data"


def listed(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "tollkeeper", "customers", "list", "--data", str(data), *options]
    return subprocess.run(line, capture_output=True, text=True, timeout=60)


def test_a_new_database_is_told_of_once(data: Path) -> None:
    first, second = listed(data), listed(data)
    assert (first.stdout, first.stderr) == ("No customers.\n", f"New database in {data}.\n")
    assert (second.stdout, second.stderr) == ("No customers.\n", "")


def test_programs_are_not_told(data: Path) -> None:
    assert listed(data, "--json").stderr == ""
