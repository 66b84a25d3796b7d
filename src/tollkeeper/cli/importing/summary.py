"""What an import has come to, and how far it has come while it runs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tollkeeper import clock
from tollkeeper.cli.importing.files import Rows
from tollkeeper.cli.output import print_line, show_fields
from tollkeeper.events import Status
from tollkeeper.gate import Recorded
from tollkeeper.money import ZERO, add, amount_in_words


@dataclass(slots=True)
class Summary:
    """What became of the rows of one file. `earlier_…` counts those of runs that were cut off before this one."""

    file: str
    earlier_rows: int = 0
    earlier_refused: int = 0
    finished_before: datetime | None = None
    """When an earlier run had imported the whole file; this one had nothing to do."""
    statuses: Counter[Status] = field(default_factory=Counter)
    rejected_by_code: Counter[str] = field(default_factory=Counter)
    charges: dict[str, Decimal] = field(default_factory=dict)
    unpriced: int = 0
    began: datetime = field(default_factory=clock.now)
    ended: datetime = field(default_factory=clock.now)

    def add(self, recorded: Recorded) -> None:
        """Count in a batch."""
        for result in recorded.results:
            self.statuses[result.status] += 1
            if result.status is Status.REJECTED and result.error is not None:
                self.rejected_by_code[result.error.code] += 1
            if result.status is not Status.ACCEPTED:
                continue
            if result.charge is None:
                self.unpriced += 1
            elif result.unit is not None:
                self.charges[result.unit] = add(self.charges.get(result.unit, ZERO), Decimal(result.charge))

    @property
    def rows(self) -> int:
        """Rows of this run."""
        return self.statuses.total()

    @property
    def refused(self) -> int:
        """Rows of the file that aren't stored."""
        return self.earlier_refused + self.statuses[Status.CONFLICT] + self.statuses[Status.REJECTED]

    @property
    def events_per_second(self) -> int:
        """How fast this run was."""
        return round(self.rows / max((self.ended - self.began).total_seconds(), 0.001))

    def document(self) -> dict[str, Any]:
        """The summary for programs."""
        return {
            "file": self.file,
            "rows": self.rows,
            "accepted": self.statuses[Status.ACCEPTED],
            "duplicates": self.statuses[Status.DUPLICATE],
            "conflicts": self.statuses[Status.CONFLICT],
            "rejected": self.statuses[Status.REJECTED],
            "rejected_by_code": dict(self.rejected_by_code.most_common()),
            "charges": dict(sorted(self.charges.items())),
            "unpriced": self.unpriced,
            "earlier": {"rows": self.earlier_rows, "refused": self.earlier_refused},
            "finished_before": self.finished_before,
            "seconds": round((self.ended - self.began).total_seconds(), 3),
            "events_per_second": self.events_per_second,
        }

    def show(self) -> None:
        """Print the summary for people."""
        if self.finished_before is not None:
            told = f"{self.file} was imported on {self.finished_before:%Y-%m-%d %H:%M}Z: {self.earlier_rows:,} rows"
            again = "--restart reads it again; what is stored isn't charged again."
            print_line(f"{told}, {self.earlier_refused:,} of them refused. {again}")
            return
        if self.earlier_rows:
            print_line(f"Went on behind row {self.earlier_rows:,}, where an earlier run had stopped.")
        counts = {name: f"{self.document()[name]:,}" for name in ("accepted", "duplicates", "conflicts", "rejected")}
        codes = ", ".join(f"{code} {count:,}" for code, count in self.rejected_by_code.most_common())
        charges = ", ".join(amount_in_words(amount, unit) for unit, amount in sorted(self.charges.items()))
        fields = counts | {"rejected": f"{counts['rejected']}  ({codes})"} if codes else counts
        fields["charged"] = charges or "nothing"
        if self.unpriced:
            fields["unpriced"] = f"{self.unpriced:,}"
        seconds = (self.ended - self.began).total_seconds()
        fields["took"] = f"{seconds:,.1f} s, {self.events_per_second:,} events/s"
        show_fields(fields)
        if self.refused:
            print_line(f"{self.refused:,} rows were refused and wait in quarantine: tollkeeper quarantine list")


@contextmanager
def progress_of(rows: Rows) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; call what it gives after each batch."""
    done = DownloadColumn(binary_units=True) if rows.unit == "bytes" else MofNCompleteColumn()
    columns = [TextColumn("{task.description}"), BarColumn(), done, TimeRemainingColumn()]
    terminal = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not terminal, transient=True) as bar:
        task = bar.add_task("importing", total=rows.total)
        yield lambda: bar.update(task, completed=rows.position())
