"""What several commands are asked with: customers, times, numbers, filters, metadata."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer

from tollkeeper.clock import EPOCH
from tollkeeper.errors import InvalidInput

_LATEST = datetime(9000, 1, 1, tzinfo=UTC)

From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Start of the range: a time, or a date; without an offset, in the customer's time zone."
    ),
]
FromUtc = Annotated[
    str | None, typer.Option("--from", help="Start of the range: a time, or a date; without an offset, in UTC.")
]
FromInZone = Annotated[
    str | None, typer.Option("--from", help="Start of the range: a time, or a date; without an offset, in --timezone.")
]
To = Annotated[str | None, typer.Option("--to", help="End of the range; itself not in it.")]
Filter = Annotated[list[str] | None, typer.Option(help="Only this, as dimension:value; may be repeated.")]
Metadata = Annotated[str | None, typer.Option(help="Your own facts, as a JSON object.")]
CustomerKey = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's key.")]
OfCustomer = Annotated[str, typer.Option(help="The customer's key.")]
AnyCustomer = Annotated[str | None, typer.Argument(help="The customer's key.", show_default="all customers")]
OrCustomer = Annotated[str | None, typer.Option("--customer", help="The same as CUSTOMER.", show_default=False)]


def one_customer(argument: str | None, option: str | None) -> str | None:
    """The customer that was named, as an argument or option. Raises InvalidInput `conflicting_options`."""
    if argument is not None and option is not None and argument != option:
        raise InvalidInput("conflicting_options", "Name one customer, not two.", field="customer")
    return option if argument is None else argument


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


def sane_instant(text: str | None, tz: tzinfo, option: str) -> datetime | None:
    """As `instant`, of one that the database and every time zone can express. Raises InvalidInput `invalid_time`."""
    found = instant(text, tz, option)
    if found is not None and not EPOCH <= found < _LATEST:
        raise InvalidInput("invalid_time", "A time must lie between 1970 and 9000.", field=option)
    return found


def decimal_of(text: str) -> Decimal:
    """The number that was given. Raises InvalidInput `invalid_amount`."""
    try:
        return msgspec.convert(text, Decimal)
    except msgspec.ValidationError:
        raise InvalidInput("invalid_amount", f"{text!r} is no number; write 12.50.", field="amount") from None


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
