"""Lists and rows as CSV, for callers who ask with `Accept: text/csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from tollkeeper.analytics import csv_cell

CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Rows, as JSON or CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def _wants_csv(request: Request) -> bool:
    return "text/csv" in request.headers.get("accept", "")


WantsCsv = Annotated[bool, Depends(_wants_csv)]
"""Whether the caller asks for CSV."""


def as_csv(rows: Iterable[BaseModel], columns: Sequence[str], *, next_cursor: str | None = None) -> Response:
    """Rows as a CSV file. A page's cursor is in the header `X-Next-Cursor`, since a table has no place for it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([csv_cell(_value(row, column)) for column in columns])
    headers = {"X-Next-Cursor": next_cursor} if next_cursor else {}
    return Response(out.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _value(row: BaseModel, column: str) -> object:
    """A field of the row, or of one of its objects: `group.job`."""
    name, _, inner = column.partition(".")
    value = getattr(row, name)
    return value.get(inner) if inner else value
