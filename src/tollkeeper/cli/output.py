"""What commands print: tables for people, JSON for programs; results on stdout, errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tollkeeper.errors import TollError
from tollkeeper.money import plain


def show_json(value: Any) -> None:
    """Print a value, dataclasses and decimals included, as JSON."""
    sys.stdout.write(json.dumps(value, default=_as_json, indent=2, ensure_ascii=False) + "\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing to show.") -> None:
    """Print rows under headings; numbers are set flush right. Without rows, print `empty`."""
    found = [*rows]
    if not found:
        print_line(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        numbers = all(isinstance(row[i], int | Decimal) for row in found)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in found:
        table.add_row(*[Text(as_text(cell)) for cell in row])
    # Into a pipe or a file nothing is folded, whatever the width of the terminal.
    console = Console() if sys.stdout.isatty() else Console(width=10_000)
    console.print(table, no_wrap=not sys.stdout.isatty())


def show_fields(fields: Mapping[str, object]) -> None:
    """Print the fields of one thing, one per line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        print_line(f"{name:<{width}}  {as_text(value)}")


def print_line(text: str) -> None:
    """Print one line as it is."""
    sys.stdout.write(text + "\n")


def show_error(error: TollError, *, as_json: bool) -> None:
    """Print an error on stderr, as JSON or for people."""
    if as_json:
        sys.stderr.write(json.dumps(error.as_dict(), default=_as_json, ensure_ascii=False) + "\n")
        return
    console = Console(stderr=True, highlight=False)
    told = Text.assemble(("error", "bold red"), f": {error.detail} ", (f"({error.code})", "dim"))
    console.print(told, soft_wrap=True)
    problems = error.extra.get("problems", [])
    for problem in problems if len(problems) > 1 else []:  # a single one is in the detail
        console.print(Text(f"  line {problem['line']}, {problem['key']}: {problem['message']}"), soft_wrap=True)


def as_text(value: object) -> str:
    """A value as people read it: exact decimals, times in UTC to the second."""
    match value:
        case None:
            return "-"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case Decimal():
            return plain(value)
        case frozenset() | set() | tuple() | list():
            return ", ".join(sorted(map(str, value)))
        case Mapping():
            return json.dumps(value, default=_as_json, ensure_ascii=False)
    return str(value)


def _as_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Mapping():
            return dict(value)
        case frozenset() | set():
            return sorted(value)
        case Enum():
            return value.value
    return str(value)
