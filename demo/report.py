"""What the demo prints, for a terminal and for a pipe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from demo.cast import COMPANIES, INCLUDED, LATE, RECRUITER, TIERED
from demo.compare import Figure, mismatches
from demo.expect import Expectation, owed_by

_SHOWN = 10
_INDENT = 2
_NAMES_WIDTH = 13
_MOST_MISMATCHES = 20
_NOTES = {TIERED: "graduated price", INCLUDED: "included tokens", RECRUITER: "recruiting, too", LATE: "created late"}


def money(amount: Fraction, digits: int = 6) -> str:
    """Exactly this amount, with at least so many digits; the demo's prices need six at most."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    if Fraction(exact) != amount:
        return f"{amount.numerator}/{amount.denominator}"
    return f"{exact:,.{max(digits, -int(exact.normalize().as_tuple().exponent))}f}"


class _Speed(ProgressColumn):
    """Events a second since the start."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:,.0f} events/s" if task.elapsed else "", style="cyan")


class WithoutTrailingBlanks(TextIOBase):
    """A file or a pipe whose lines don't end in the blanks that fill up tables and folded texts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it without them."""
        self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        self._stream.flush()


class Report:
    """Prints the demo."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def title(self, text: str) -> None:
        """Begin a part."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def step(self, name: str, text: str) -> None:
        """One thing that was done."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=_NAMES_WIDTH)
        grid.add_column(overflow="fold")
        grid.add_row(Text(name, style="cyan"), Text(text))
        self.console.print(_indented(grid))

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; the function that is given moves it on."""
        columns = (TextColumn(" " * (_NAMES_WIDTH + 3)), BarColumn(40), MofNCompleteColumn(), _Speed())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("", total=total)
            yield lambda count: bar.advance(task, count)

    def customers(self, expectation: Expectation, receivables: Mapping[str, str]) -> None:
        """What each customer owes: the largest ones, the others in one line, and all of them."""
        self.title("What the customers owe, in USD")
        expected = {company: owed_by(company, expectation) for company in COMPANIES}
        ranked = sorted(COMPANIES, key=lambda company: -expected[company])
        parts = [(company.key, company.timezone, _NOTES.get(company, ""), [company]) for company in ranked[:_SHOWN]]
        parts += [(f"{len(ranked) - _SHOWN} others", "", "", ranked[_SHOWN:]), (f"all {len(ranked)}", "", "", ranked)]
        rows: list[tuple[str | Text, ...]] = []
        for name, zone, note, some in parts:
            events = sum(one.events for company in some for one in expectation[company.key].values())
            found = sum((Fraction(receivables[company.key]) for company in some), Fraction(0))
            wanted = sum((expected[company] for company in some), Fraction(0))
            rows.append((name, zone, note, *_cells(events, wanted, found)))
        self.console.print(_indented(self._owed(rows)))

    def _owed(self, rows: Sequence[Sequence[str | Text]]) -> Table:
        """The table of what is owed, with as many of its columns as there is room for; nothing in it is cut."""
        tables = (_table_of_owed(rows, hidden) for hidden in ((), ("time zone",)))
        room = self.console.width - _INDENT
        fitting = (table for table in tables if self.console.measure(table).maximum <= room)
        return next(fitting, _table_of_owed(rows, ("time zone", "what is special")))

    def explanation(self, answer: Mapping[str, Any]) -> None:
        """One charge in words."""
        event = answer["event"]
        self.title(f"Why {event['id']} of {event['customer']} costs {answer['charge']} {answer['unit']}")
        for number, step in enumerate(answer["steps"], start=1):
            self.step(f"{number}. {step['name']}", step["text"])

    def verification(self, said: str, *, passed: bool) -> None:
        """What `tollkeeper verify` says."""
        self.title("tollkeeper verify")
        self.console.print(_indented(Text(said.strip())))
        self.console.print(_indented(_verdict("verify passed" if passed else "verify FAILED", passed)))

    def verdict(self, figures: Sequence[Figure]) -> None:
        """Whether expectation and server agree, and where they don't."""
        wrong = mismatches(figures)
        self.title("The demo's own arithmetic against the server")
        for figure in wrong[:_MOST_MISMATCHES]:
            told = f"{figure.what}: expected {money(figure.expected)}, found {money(figure.found)}"
            self.step(figure.customer, told)
        told = "usage, overviews, ledger, wallets, limits, alerts, costs, bill, to the last digit"
        line = (
            f"all {len(figures):,} figures agree: {told}" if not wrong else f"{len(wrong)} of {len(figures):,} differ"
        )
        self.console.print(_indented(_verdict(line, not wrong)))

    def kept(self, folder: Path, removal: str) -> None:
        """Where the data is, and how it's removed."""
        self.console.print(Text(f"Its data stays in {folder} until the next demo, or until: {removal}"), soft_wrap=True)

    def end(self, good: bool, seconds: float) -> None:
        """How it came out, and how long it took."""
        told = "Everything came out." if good else "Not everything came out: see above."
        self.title(f"{told} {seconds:.1f} seconds in all.")

    def pages(self, billing: str, console: str, key: str) -> None:
        """What to open in a browser."""
        self.title("Look at it")
        for text in (
            f"the billing page of {RECRUITER.name}, live:",
            billing,
            f"the console, with the key {key}:",
            console,
        ):
            self.console.print(Text(f"  {text}"), soft_wrap=True)

    def invitation(self, lines: Sequence[str]) -> None:
        """Lines for the reader's own shell. They aren't folded, so that they can be copied."""
        self.title("Try it")
        for line in lines:
            self.console.print(Text(f"  {line}"), soft_wrap=True)


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, _INDENT), expand=False)


def _table_of_owed(rows: Sequence[Sequence[str | Text]], hidden: Sequence[str]) -> Table:
    headings = ("customer", "time zone", "what is special", "events", "expected", "in the ledger")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=False)
    for i, heading in enumerate(headings):
        if heading not in hidden:
            table.add_column(heading, justify="right" if i >= headings.index("events") else "left", no_wrap=True)
    for number, row in enumerate(rows):
        if number >= _SHOWN:
            table.add_section()
        shown = [cell for heading, cell in zip(headings, row, strict=True) if heading not in hidden]
        table.add_row(*shown, style="bold" if number == len(rows) - 1 else "")
    return table


def _cells(events: int, expected: Fraction, found: Fraction) -> tuple[str, str, Text]:
    same = expected == found
    return f"{events:,}", money(expected), Text(money(found), style="green" if same else "bold red")


def _verdict(text: str, good: bool) -> Text:
    return Text(f"{'✓' if good else '✗'} {text}", style="bold green" if good else "bold red")
