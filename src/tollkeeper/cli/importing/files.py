"""Files as streams of items: CSV and NDJSON, gzipped or not. Never more than a batch of rows is in memory."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from tollkeeper.cli.importing.mapping import Mapper, Place
from tollkeeper.errors import InvalidInput
from tollkeeper.events import EventIn, Reason, Refused, read_lines

Item = EventIn | Refused

LONGEST_LINE = 8 * 1024 * 1024
_EDGE = 1024 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_MOST_KNOWN_SHAPES = 1000


class Rows(Protocol):
    """The rows of one file, read once."""

    unit: str
    """What `total` and `position` count."""
    total: int | None

    def position(self) -> int:
        """How far the file has been read."""
        ...

    def read(self, skip: int) -> Iterator[Item]:
        """An item for each row behind the first `skip`."""
        ...


def fingerprint(file: Path) -> str:
    """What a file is known by, wherever it lies and whatever it's called: its size, and its first and last MB."""
    with reading(file), file.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        digest = blake2b(str(size).encode(), digest_size=16)
        for start in (0, max(0, size - _EDGE)):
            stream.seek(start)
            digest.update(stream.read(_EDGE))
    return digest.hexdigest()


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Tells what goes wrong while a file is read. Raises InvalidInput `file_unreadable`."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput("file_unreadable", f"{file} can't be read: {reason}.", field="file") from None


class _Stream:
    """Bytes of a file, unzipped where need be, and how far the file itself has been read."""

    unit = "bytes"

    def __init__(self, raw: BinaryIO, total: int | None, mapper: Mapper) -> None:
        self.total = total
        self._mapper = mapper
        self._raw = raw
        # A pipe can't be looked into beforehand, so gzip is for files.
        zipped = total is not None and raw.read(len(_GZIP)) == _GZIP
        if total is not None:
            raw.seek(0)
        self._bytes = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if zipped else raw

    def position(self) -> int:
        """How many bytes of the file have been read."""
        return 0 if self.total is None else self._raw.tell()


class CsvRows(_Stream):
    """A CSV file: RFC 4180, UTF-8, the first row names the columns. Empty cells are absent."""

    def __init__(self, raw: BinaryIO, total: int | None, mapper: Mapper) -> None:
        super().__init__(raw, total, mapper)
        # What isn't UTF-8 becomes lone surrogates, for its own row to be refused.
        self._text = io.TextIOWrapper(self._bytes, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def read(self, skip: int) -> Iterator[Item]:
        """An item for each row behind the first `skip`; blank lines are no rows.

        Raises InvalidInput `invalid_csv` where rows can't be told apart, and what Mapper.places raises.
        """
        cells = csv.reader(self._text, strict=True)
        try:
            columns = [name.strip() for name in next(cells, [])]
            places = self._mapper.places(columns)
            for number, row in islice(enumerate(filter(None, cells), 1), skip, None):
                yield self._item(number, columns, places, row)
        except csv.Error as error:
            told = f"Line {cells.line_num} isn't CSV: {error}. Rows before it may be imported already."
            raise InvalidInput("invalid_csv", told, field="file") from None

    def _item(self, number: int, columns: list[str], places: list[Place | None], row: list[str]) -> Item:
        try:
            "".join(row).encode()
        except UnicodeEncodeError:
            row = [cell.encode(errors="surrogateescape").decode(errors="replace") for cell in row]
            return _unfit(row, Reason("invalid_utf8", "The row isn't UTF-8."))
        if len(row) != len(columns):
            told = f"The row has {len(row)} cells, and the first one has {len(columns)}."
            return _unfit(row, Reason("wrong_number_of_cells", told))
        return self._mapper.item(number, places, row)


class NdjsonRows(_Stream):
    """One JSON object on each line, with the fields of an event, or others that the shape maps to them."""

    def read(self, skip: int) -> Iterator[Item]:
        """An item for each line behind the first `skip`; blank lines aren't counted.

        Raises InvalidInput `line_too_long`.
        """
        lines = islice(enumerate(self._lines(), 1), skip, None)
        shape = self._mapper.shape
        if shape.renamed or shape.constants or shape.ignored or shape.timezone or shape.numbered is not None:
            mapped = _MappedLines(self._mapper)
            return (mapped.item(number, line) for number, line in lines)
        return (item for _, line in lines for item in read_lines([line]))

    def _lines(self) -> Iterator[bytes]:
        first = True
        while line := self._bytes.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                told = f"A line is longer than {LONGEST_LINE} bytes. Rows before it may be imported already."
                raise InvalidInput("line_too_long", told, field="file")
            if first:
                line, first = line.removeprefix(_BOM), False
            if line := line.strip():
                yield line


class _MappedLines:
    """Lines of NDJSON by a shape. Values stay the text that they are, so that no number loses a digit."""

    _object = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper
        self._known: dict[tuple[str, ...], list[Place | None]] = {}

    def item(self, number: int, line: bytes) -> Item:
        """The item of one line."""
        try:
            fields = self._object.decode(line)
            places = self._places(tuple(fields))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            [refused] = read_lines([line])
            return refused
        except InvalidInput as error:
            return Refused(Reason(error.code, error.detail, error.field), line.decode(errors="replace"))
        return self._mapper.item(number, places, map(self._value, fields.values()))

    def _places(self, keys: tuple[str, ...]) -> list[Place | None]:
        if keys not in self._known:
            if len(self._known) >= _MOST_KNOWN_SHAPES:
                self._known.clear()
            self._known[keys] = self._mapper.places_in_object(keys)
        return self._known[keys]

    def _value(self, raw: msgspec.Raw) -> object:
        text = bytes(raw)
        if text == b"null":
            return None
        return self._object.decode(text) if text.startswith(b"{") else raw


def _unfit(row: list[str], reason: Reason) -> Refused:
    """A row whose cells can't be told apart, as a JSON array."""
    return Refused(reason, msgspec.json.encode(row).decode())
