"""What an operation came to, as `tollkeeper hold settle` is told."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tollkeeper.cli.operation import exact_json, read_as
from tollkeeper.errors import InvalidInput
from tollkeeper.events import EventIn, Refused, read_lines
from tollkeeper.gate import SettleIn, Settlement

_decoder = msgspec.json.Decoder(SettleIn)


def settlement_of(customer: str, hold: str, given: Mapping[str, Any], file: Path | None) -> Settlement:
    """The settlement that was asked for. Raises InvalidInput with the code that the API has for it."""
    asked = read_as(_decoder, {"customer": customer, **given})
    if file is None:
        return Settlement(customer, hold, asked)
    if asked != SettleIn(customer):
        told = "Give either --events, or what the one event of the hold came to."
        raise InvalidInput("invalid_settlement", told, field="events")
    return Settlement(customer, hold, asked, _events(file, customer, hold))


def _events(file: Path, customer: str, hold: str) -> list[EventIn | Refused]:
    """The events in a file, with the customer and the hold put in where they're left out."""
    try:
        text = (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode()
        found = _values(text)
    except OSError as error:
        raise InvalidInput("file_unreadable", f"{file} can't be read: {error.strerror}.", field="events") from None
    except (ValueError, RecursionError):
        raise InvalidInput("invalid_option", f"{file} holds neither JSON nor NDJSON.", field="events") from None
    if not found:
        told = "Give at least one event; leave --events out if all went as expected, or release the hold."
        raise InvalidInput("invalid_settlement", told, field="events")
    own = {"customer": customer, "hold": hold}
    return read_lines(msgspec.json.encode(own | one if isinstance(one, dict) else one) for one in found)


def _values(text: str) -> list[Any]:
    """What the text holds: an event, an array of them, or one on each line."""
    try:
        found = exact_json(text)
    except ValueError:
        return [exact_json(line) for line in text.splitlines() if line.strip()]
    return found if isinstance(found, list) else [found]
