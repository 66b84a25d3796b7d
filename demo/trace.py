"""The trace of real requests (data/README.md), moved into the 30 days that end now."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

TRACE = Path(__file__).with_name("data") / "conversation.csv"
SPAN = timedelta(days=30)

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a language model. `row` counts the trace's rows from 1."""

    row: int
    time: datetime
    input_tokens: int
    output_tokens: int


def read_trace(end: datetime) -> list[Request]:
    """All requests, their times stretched linearly: the first comes 30 days before `end`, the last at `end`."""
    with TRACE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [_time(row["TIMESTAMP"]) for row in rows]
    first, length = times[0], (times[-1] - times[0]) // _MICROSECOND
    return [
        Request(
            row=number,
            # Whole microseconds, multiplied first and divided last: the same trace always gives the same times.
            time=end - SPAN + (time - first) // _MICROSECOND * (SPAN // _MICROSECOND) // length * _MICROSECOND,
            input_tokens=int(row["ContextTokens"]),
            output_tokens=int(row["GeneratedTokens"]),
        )
        for number, (row, time) in enumerate(zip(rows, times, strict=True), start=1)
    ]


def _time(text: str) -> datetime:
    """The trace has seven decimals, of which the last is always 0, and no time zone: only differences are used."""
    return datetime.fromisoformat(text[:26] + "+00:00")
