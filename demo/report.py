"""What the demo prints, for a terminal and for a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import Any

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
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=False)
        for heading in ("customer", "time zone", "what is special"):
            table.add_column(heading)
        for heading in ("events", "expected", "in the ledger"):
            table.add_column(heading, justify="right")
        for company in ranked[:_SHOWN]:
            found = Fraction(receivables[company.key])
            events = sum(one.events for one in expectation[company.key].values())
            table.add_row(
                company.key, company.timezone, _NOTES.get(company, ""), *_cells(events, expected[company], found)
            )
        for name, some in ((f"{len(ranked) - _SHOWN} others", ranked[_SHOWN:]), (f"all {len(ranked)}", ranked)):
            table.add_section()
            events = sum(one.events for company in some for one in expectation[company.key].values())
            found = sum((Fraction(receivables[company.key]) for company in some), Fraction(0))
            wanted = sum((expected[company] for company in some), Fraction(0))
            table.add_row(name, "", "", *_cells(events, wanted, found), style="bold" if some is ranked else "")
        self.console.print(_indented(table))

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
        told = "usage, overviews and ledger, to the last digit"
        line = (
            f"all {len(figures):,} figures agree: {told}" if not wrong else f"{len(wrong)} of {len(figures):,} differ"
        )
        self.console.print(_indented(_verdict(line, not wrong)))

    def end(self, good: bool, seconds: float) -> None:
        """The last line of the report."""
        told = "Everything came out." if good else "Not everything came out: see above."
        self.title(f"{told} {seconds:.1f} seconds in all.")

    def invitation(self, lines: Sequence[str]) -> None:
        """Lines for the reader's own shell. They aren't folded, so that they can be copied."""
        self.title("Try it")
        for line in lines:
            self.console.print(Text(f"  {line}"), soft_wrap=True)


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, 2), expand=False)


def _cells(events: int, expected: Fraction, found: Fraction) -> tuple[str, str, Text]:
    same = expected == found
    return f"{events:,}", money(expected), Text(money(found), style="green" if same else "bold red")


def _verdict(text: str, good: bool) -> Text:
    return Text(f"{'✓' if good else '✗'} {text}", style="bold green" if good else "bold red")
