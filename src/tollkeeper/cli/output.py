"""What commands print: tables for people, JSON for programs; results on stdout, errors on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tollkeeper.errors import TollError
from tollkeeper.money import decimals_of, plain, unit_decimals, with_decimals


def show_json(value: Any) -> None:
    """Print a value, dataclasses and decimals included, as JSON."""
    sys.stdout.write(json.dumps(value, default=_as_json, indent=2, ensure_ascii=False) + "\n")


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money or credit as a table's cell, where its unit stands in another column."""

    value: Decimal | None
    """None for what isn't charged yet."""
    unit: str | None

    @property
    def decimals(self) -> int:
        """How many decimals it takes: never fewer than the currency has."""
        least = 0 if self.unit is None else unit_decimals(self.unit)
        return least if self.value is None else max(least, decimals_of(self.value))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing to show.") -> None:
    """Print rows under headings; numbers are set with their decimal points below each other. Without rows, `empty`."""
    found = [*rows]
    if not found:
        print_line(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    filled = [_column(heading, [row[i] for row in found]) for i, heading in enumerate(columns)]
    for heading, *_ in filled:
        table.add_column(heading, overflow="fold")
    for row in zip(*(texts for _, *texts in filled), strict=True):
        table.add_row(*map(Text, row))
    if sys.stdout.isatty():
        Console().print(table)
        return
    # Into a pipe or a file nothing is folded, and no line ends in the blanks that fill up the last column.
    drawn = io.StringIO()
    Console(file=drawn, width=10_000, color_system=None).print(table, no_wrap=True)
    for line in drawn.getvalue().splitlines():
        print_line(line.rstrip())


def _column(heading: str, cells: Sequence[object]) -> list[str]:
    """A column's heading and cells as text; where they are numbers, all equally wide."""
    if not any(isinstance(cell, _NUMBERS) for cell in cells) or not all(_is_number(cell) for cell in cells):
        return [heading, *map(as_text, cells)]
    decimals: dict[str | None, int] = {}
    for cell in cells:
        if isinstance(cell, Amount):
            decimals[cell.unit] = max(decimals.get(cell.unit, 0), cell.decimals)
    texts = [
        with_decimals(cell.value, decimals[cell.unit])
        if isinstance(cell, Amount) and cell.value is not None
        else as_text(cell)
        for cell in cells
    ]
    behind_point = [len(text.partition(".")[2]) + ("." in text) for text in texts]
    most = max(behind_point)
    padded = [
        text if text == as_text(None) else text + " " * (most - length)
        for text, length in zip(texts, behind_point, strict=True)
    ]
    width = max(map(len, [heading, *padded]))
    return [text.rjust(width) for text in [heading, *padded]]


def _is_number(cell: object) -> bool:
    return cell is None or isinstance(cell, _NUMBERS)


def show_fields(fields: Mapping[str, object]) -> None:
    """Print the fields of one thing, one per line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        print_line(f"{name:<{width}}  {as_text(value)}".rstrip())


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
        case Amount():
            return as_text(None) if value.value is None else with_decimals(value.value, value.decimals)
        case frozenset() | set() | tuple() | list():
            return ", ".join(sorted(map(str, value)))
        case Mapping():
            return json.dumps(value, default=_as_json, ensure_ascii=False)
    return str(value)


_NUMBERS = (int, Decimal, Amount)


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
