"""What several commands are asked with: ranges of time, filters, metadata."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo
from typing import Annotated, Any

import typer

from tollkeeper.errors import InvalidInput

From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Start of the range: a time, or a date; without an offset, in the customer's time zone."
    ),
]
To = Annotated[str | None, typer.Option("--to", help="End of the range; itself not in it.")]
Filter = Annotated[list[str] | None, typer.Option(help="Only this, as dimension:value; may be repeated.")]
Metadata = Annotated[str | None, typer.Option(help="Your own facts, as a JSON object.")]
OfCustomer = Annotated[str, typer.Option(help="The customer's key.")]


def local_time(text: str, tz: tzinfo) -> datetime | None:
    """The instant that `text` names in ISO 8601; without an offset, on the clocks of `tz`. None if it names none.

    A date is its midnight. Of a time that the clocks show twice it's the first; one that they skip is read with the
    offset that held before.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=tz)


def instant(text: str | None, tz: tzinfo, option: str) -> datetime | None:
    """The instant that was given for an option, if any. Raises InvalidInput `invalid_time`."""
    if text is None:
        return None
    found = local_time(text, tz)
    if found is None:
        told = f"{text!r} is no time; write 2026-07-01, 2026-07-01T09:30 or 2026-07-01T09:30:00Z."
        raise InvalidInput("invalid_time", told, field=option)
    return found


def metadata_of(text: str | None) -> dict[str, Any] | None:
    """The metadata that was given, if any. Raises InvalidInput `invalid_metadata`."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("invalid_metadata", "The metadata must be a JSON object.", field="metadata")
    return value
