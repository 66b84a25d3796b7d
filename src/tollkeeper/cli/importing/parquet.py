"""Parquet files as streams of items, through pyarrow, which is an extra: `pip install tollkeeper[parquet]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from tollkeeper.cli.importing.files import Item
from tollkeeper.cli.importing.mapping import Mapper, Place
from tollkeeper.errors import InvalidInput

_CHUNK = 5_000


class ParquetRows:
    """A Parquet file with the columns of a CSV file; `dimensions` and `metadata` may also be structs or maps."""

    unit = "rows"

    def __init__(self, file: Path, mapper: Mapper) -> None:
        self._arrow, parquet = _load()
        self._mapper = mapper
        self._done = 0
        try:
            self._file = parquet.ParquetFile(file)
        except self._arrow.ArrowInvalid as error:
            raise InvalidInput("invalid_parquet", f"{file} isn't a Parquet file: {error}", field="file") from None
        self.total = self._file.metadata.num_rows

    def position(self) -> int:
        """How many rows have been read."""
        return self._done

    def read(self, skip: int) -> Iterator[Item]:
        """An item for each row behind the first `skip`; row groups before it aren't read.

        Raises InvalidInput `invalid_parquet`, and what Mapper.places raises.
        """
        names = self._file.schema_arrow.names
        places = self._mapper.places(names)
        wanted = [name for name, place in zip(names, places, strict=True) if place is not None]
        places = [place for place in places if place is not None]
        groups, self._done = self._groups_behind(skip)
        try:
            for chunk in self._file.iter_batches(_CHUNK, row_groups=groups, columns=wanted):
                before, self._done = self._done, self._done + chunk.num_rows
                if self._done <= skip:
                    continue
                columns = [self._values(chunk.column(name), place) for name, place in zip(wanted, places, strict=True)]
                for number, row in enumerate(zip(*columns, strict=True), before + 1):
                    if number > skip:
                        yield self._mapper.item(number, places, row)
        except self._arrow.ArrowException as error:
            told = f"Behind row {self._done} the file can't be read: {error} Rows before it may be imported already."
            raise InvalidInput("invalid_parquet", told, field="file") from None

    def _groups_behind(self, skip: int) -> tuple[list[int], int]:
        """The row groups that hold rows behind `skip`, and how many rows stand before them."""
        meta, before = self._file.metadata, 0
        for group in range(meta.num_row_groups):
            rows = meta.row_group(group).num_rows
            if before + rows > skip:
                return list(range(group, meta.num_row_groups)), before
            before += rows
        return [], before

    def _values(self, column: Any, place: Place) -> list[Any]:
        """The column's values as the event's JSON has them: texts, but for what metadata keeps as it is.

        A double has no better decimal than the shortest text that gives the same double, so it becomes that.
        """
        arrow, kind = self._arrow, column.type
        say = _as_json if place[0] == "metadata" else _as_text
        if arrow.types.is_timestamp(kind):
            column = column.cast(arrow.timestamp("us", None if kind.tz is None else "UTC"), safe=False)
        elif arrow.types.is_floating(kind) and say is _as_text:
            column = column.cast(arrow.string())
        values = column.to_pylist()
        if arrow.types.is_map(kind) or arrow.types.is_struct(kind):
            return [None if value is None else _object(value, say) for value in values]
        return [None if value is None else say(value) for value in values]


def _load() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        told = "Parquet files need pyarrow: pip install tollkeeper[parquet]"
        raise InvalidInput("parquet_missing", told, field="file") from None


def _object(value: Any, say: Callable[[Any], Any]) -> dict[str, Any]:
    """A struct, or a map, which comes as pairs. What is null in it is absent."""
    return {str(name): say(inner) for name, inner in dict(value).items() if inner is not None}


def _as_text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case date():  # a datetime too
            return value.isoformat()
    return str(value)


def _as_json(value: Any) -> Any:
    match value:
        case dict():
            return _object(value, _as_json)
        case list():
            return [_as_json(inner) for inner in value]
        case Decimal() | date():
            return _as_text(value)
    return value
