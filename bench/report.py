"""bench/README.md: what about.md says, and for each section when and where it was measured, with its rows.

A section that is measured again replaces its own rows alone: suites can be measured one at a time, on a quiet machine.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tollkeeper import __version__

Row = tuple[str, str, str]

TITLES = ("Ingest", "Growth", "Reading", "Start", "Billing page", "Gate", "SDK", "Live", "Console")
_FOLDER = Path(__file__).parent
REPORT = _FOLDER / "README.md"
_ABOUT = _FOLDER / "about.md"
_MEASURED = "Measured "


def write(measured: Mapping[str, Sequence[Row]]) -> None:
    """Put these sections into the report; the others stay as they were measured."""
    REPORT.write_text(report(REPORT.read_text("utf-8"), _ABOUT.read_text("utf-8"), measured, _here()), "utf-8")


def report(present: str, about: str, measured: Mapping[str, Sequence[Row]], here: str) -> str:
    """The report, of the present one, the words about it, and what was measured `here`."""
    words, before = _sections(about), _sections(present)
    lines = ["# Benchmarks", "", words.pop("")]
    for title in TITLES:
        if title in measured:
            rows = [f"| {what} | {figure} | {compared} |" for what, figure, compared in measured[title]]
            figures = "\n".join([here, "", "| what | figure | compared |", "|---|---|---|", *rows])
        else:
            figures = _figures(before.get(title, ""))
        if figures:
            lines += ["", f"## {title}", "", *([words[title], ""] if title in words else []), figures]
    return "\n".join(lines) + "\n"


def _sections(text: str) -> dict[str, str]:
    """Text by heading; what stands before the first one is under no title."""
    found = {"": ""}
    title = ""
    for line in text.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            found[title] = ""
        elif not line.startswith("# "):
            found[title] += f"{line}\n"
    return {title: body.strip() for title, body in found.items()}


def _figures(section: str) -> str:
    """When it was measured, and what: without the words about it, which may have changed since."""
    _, said, rest = section.partition(_MEASURED)
    return f"{said}{rest}"


def _here() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_MEASURED}{datetime.now(UTC):%Y-%m-%d}{_commit()} with Tollkeeper {__version__}, "
        f"Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory; server, database and clients on the same machine."
    )


def _commit() -> str:
    """The commit that is checked out, and whether anything in it is changed; nothing outside a clone."""
    try:
        said = [
            subprocess.run(["git", *command], cwd=_FOLDER, capture_output=True, text=True, check=True).stdout.strip()
            for command in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "../src", "."))
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    changed = ", changed" if any(not line.endswith("bench/README.md") for line in said[1].splitlines()) else ""
    return f" at {said[0]}{changed}"
