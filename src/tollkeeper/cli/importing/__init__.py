"""`tollkeeper import`: usage from a file of any size, in batches that are each stored whole or not at all.

How far the file has come is kept in the transaction of each batch. So an import that was cut off, however hard, goes on
with the first row that isn't stored.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, cast
from uuid import UUID

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.cli.context import run, settings_for, wants_json
from tollkeeper.cli.importing.files import CsvRows, Item, NdjsonRows, Rows, fingerprint, reading
from tollkeeper.cli.importing.mapping import Mapper, Shape, parse_pairs
from tollkeeper.cli.importing.parquet import ParquetRows
from tollkeeper.cli.importing.summary import Summary, progress_of
from tollkeeper.cli.output import show_json
from tollkeeper.db import Database, Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.events import Import, Status, advance_import, finish_import, start_import
from tollkeeper.gate import Recorded
from tollkeeper.ids import content_id

app = typer.Typer(add_completion=False)

BATCH = 5_000
"""Rows of one transaction."""


class Format(StrEnum):
    """What a file is."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


_BY_EXTENSION = {
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
}


@app.command()
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet; - for standard input.")],
    format: Annotated[Format | None, typer.Option(help="What the file is.", show_default="by its name")] = None,
    map: Annotated[list[str] | None, typer.Option(metavar="COLUMN=FIELD", help="What a column is.")] = None,
    set: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="The same for all rows.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Leave a column out.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA zone of times without one, else refused.")] = None,
    number_rows: Annotated[bool, typer.Option("--number-rows", help="Make ids for rows that have none.")] = False,
    id_prefix: Annotated[
        str | None, typer.Option(help="What these ids begin with.", show_default="the file's fingerprint")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin at the first row again.")] = False,
) -> None:
    """Import usage from a file.

    Run it again after an interruption, and it goes on where it stopped. Ends with status 2 if any row was refused.
    """
    known = _fingerprint(file)
    shape = Shape(
        renamed=parse_pairs(map or [], "map"),
        constants=parse_pairs(set or [], "set"),
        ignored=frozenset(ignore or []),
        timezone=timezone,
        numbered=_prefix(number_rows, id_prefix, known),
    )
    job = Job(file, format or _format_of(file), shape, restart, known)

    async def work(database: Database) -> Summary:
        return await Importer(Books(settings_for(ctx), database), job).run()

    summary = run(ctx, work)
    if wants_json(ctx):
        show_json(summary.document())
    else:
        summary.show()
    if summary.refused:
        raise typer.Exit(2)


@dataclass(frozen=True, slots=True)
class Job:
    """What to import, and how. `known` is the fingerprint of a file; a stream has none and can't be resumed."""

    file: Path
    format: Format
    shape: Shape
    restart: bool
    known: str | None

    @property
    def import_id(self) -> UUID | None:
        """The same for the same content read in the same way."""
        return None if self.known is None else content_id("import", self.known, self.format, *self.shape.parts())


class Importer:
    """One run of one import."""

    def __init__(self, books: Books, job: Job) -> None:
        self._books = books
        self._job = job
        self._standing: Import | None = None
        self._summary = Summary("standard input" if str(job.file) == "-" else str(job.file))

    async def run(self) -> Summary:
        """Import what isn't imported yet."""
        summary, mapper = self._summary, Mapper(self._job.shape)
        self._standing = standing = await self._start()
        if standing is not None:
            summary.earlier_rows, summary.earlier_refused = standing.rows_done, standing.rows_refused
            summary.finished_before = standing.finished_at
        if summary.finished_before is None:
            with reading(self._job.file), _opened(self._job, mapper) as rows, progress_of(rows) as show_progress:
                items = rows.read(summary.earlier_rows)
                while batch := list(islice(items, BATCH)):
                    summary.add(await self._store(batch))
                    show_progress()
            await self._finish()
        summary.ended = clock.now()
        return summary

    async def _start(self) -> Import | None:
        job = self._job
        import_id = job.import_id
        if import_id is None:
            return None
        now = clock.now()
        return await self._books.database.run(
            lambda tx: start_import(tx, import_id, job.file.name, now=now, restart=job.restart)
        )

    async def _store(self, batch: Sequence[Item]) -> Recorded:
        """Record a batch, and in the same transaction that it's done."""
        moved = standing = self._standing

        async def advance(tx: Tx, recorded: Recorded) -> None:
            nonlocal moved
            if standing is not None:
                stored = recorded.count(Status.ACCEPTED) + recorded.count(Status.DUPLICATE)
                moved = await advance_import(tx, standing, rows=len(batch), accepted=stored, now=clock.now())

        recorded = await self._books.ingest(batch, by=f"import of {self._job.file.name}", also=advance)
        self._standing = moved
        return recorded

    async def _finish(self) -> None:
        standing = self._standing
        if standing is not None:
            now = clock.now()
            await self._books.database.run(lambda tx: finish_import(tx, standing, now=now))


@contextmanager
def _opened(job: Job, mapper: Mapper) -> Iterator[Rows]:
    if job.format is Format.PARQUET:
        if job.known is None:
            told = "Parquet is read from its end, so it must be a file, not a stream."
            raise InvalidInput("file_unreadable", told, field="file")
        yield ParquetRows(job.file, mapper)
        return
    kind = CsvRows if job.format is Format.CSV else NdjsonRows
    if str(job.file) == "-":
        yield kind(sys.stdin.buffer, None, mapper)
        return
    with job.file.open("rb") as stream:
        size = None if job.known is None else job.file.stat().st_size
        yield kind(cast(BinaryIO, stream), size, mapper)


def _fingerprint(file: Path) -> str | None:
    """What the file is known by; None for a stream."""
    if str(file) != "-" and not file.exists():
        raise InvalidInput("file_unreadable", f"There is no file {file}.", field="file")
    return fingerprint(file) if file.is_file() else None


def _format_of(file: Path) -> Format:
    name = file.with_suffix("") if file.suffix == ".gz" else file
    found = _BY_EXTENSION.get(name.suffix.lower())
    if found is None:
        told = f"{file.name!r} doesn't say what it is; add --format csv, ndjson or parquet."
        raise InvalidInput("unknown_format", told, field="format")
    return found


def _prefix(wanted: bool, given: str | None, known: str | None) -> str | None:
    """What the ids of numbered rows begin with; None where rows aren't numbered."""
    if not wanted:
        if given is not None:
            raise InvalidInput("invalid_option", "--id-prefix goes with --number-rows.", field="id_prefix")
        return None
    if given is None and known is None:
        told = "Rows of a stream are numbered with a prefix of yours: add --id-prefix, the same for the same rows."
        raise InvalidInput("id_prefix_missing", told, field="id_prefix")
    return f"{known}-" if given is None else given
