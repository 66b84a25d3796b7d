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

from rich.cells import cell_len
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
    """Print rows under headings; numbers are set with their decimal points below each other. Without rows, `empty`.

    On a terminal, numbers are grouped and free text is folded; where even that is too wide, each row becomes lines of
    its own. Into a pipe or a file, numbers are plain and nothing is folded.
    """
    found = [*rows]
    if not found:
        print_line(empty)
        return
    on_terminal = sys.stdout.isatty()
    filled = [_column(heading, [row[i] for row in found], grouped=on_terminal) for i, heading in enumerate(columns)]
    if not on_terminal:
        # No line ends in the blanks that fill up the last column.
        drawn = io.StringIO()
        Console(file=drawn, width=10_000, color_system=None).print(_table(filled), no_wrap=True)
        for line in drawn.getvalue().splitlines():
            print_line(line.rstrip())
        return
    console = Console()
    if sum(map(_least_width, filled)) + _GAP * (len(filled) - 1) <= console.width:
        console.print(_table(filled))
    else:
        _show_records(filled)


def _table(filled: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in filled:
        free = column[0] in _FREE_TEXT
        table.add_column(
            column[0], overflow="fold", no_wrap=not free, min_width=_least_width(column) if not free else None
        )
    for row in zip(*(texts for _, *texts in filled), strict=True):
        table.add_row(*map(Text, row))
    return table


def _least_width(column: Sequence[str]) -> int:
    """How narrow a column may become: free text folds, but an id, a time or a number is of use only in one piece."""
    natural = max(map(cell_len, column))
    return min(natural, _LEAST_FOLDED) if column[0] in _FREE_TEXT else natural


def _show_records(filled: Sequence[Sequence[str]]) -> None:
    """Each row as lines `name: value`, with an empty line between rows."""
    names = [f"{heading.strip().lower()}:" for heading, *_ in filled]
    width = max(map(len, names))
    for number, row in enumerate(zip(*(texts for _, *texts in filled), strict=True)):
        if number:
            print_line("")
        for name, text in zip(names, row, strict=True):
            print_line(f"{name:<{width}} {text.strip()}")


def _column(heading: str, cells: Sequence[object], *, grouped: bool) -> list[str]:
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
    if grouped:
        texts = [text if text == as_text(None) else f"{Decimal(text):,f}" for text in texts]
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
    reasons = error.extra.get("reasons", [error.extra])
    for number, reason in enumerate(reasons):
        if number:
            console.print(Text(f"  also: {reason['detail']} ({reason['code']})"), soft_wrap=True)
        for what, key in _WAYS_OUT.items():
            if reason.get(key) is not None:
                console.print(Text(f"  {what} {reason[key]}"), soft_wrap=True)
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


_WAYS_OUT = {"more can be had at": "top_up_url", "there is room again at": "resets_at"}
"""What a refused operation can do about it, and the field that says so."""
_NUMBERS = (int, Decimal, Amount)
_FREE_TEXT = {"REASON", "NAME", "DIMENSIONS", "CHANGES", "REFERENCE", "ALERT"}
"""Headings of the columns that may be folded."""
_LEAST_FOLDED = 16
_GAP = 2


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
