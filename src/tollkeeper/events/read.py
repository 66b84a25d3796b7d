"""Reading what arrives: one event, an array, or NDJSON; item by item, so that a bad one doesn't take others with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import msgspec

from tollkeeper.errors import BodyTooLarge, MalformedBody
from tollkeeper.events.model import EventIn, Reason, Refused, said_by

T = TypeVar("T")
Item = EventIn | Refused

_batch = msgspec.json.Decoder(list[EventIn])
_event = msgspec.json.Decoder(EventIn)
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, Any])
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

_PATH = re.compile(r" - at (?:`key` in )?`\$\.?([^`]*)`")
_FIELD = re.compile(r"(?:missing required|contains unknown) field `([^`]+)`")
_NUL = b"\\u0000"


def read_json(body: bytes, *, max_events: int) -> tuple[list[Item], bool]:
    """The items of a JSON body, and whether it was an array.

    Raises MalformedBody (`invalid_utf8`, `invalid_json`, `empty_body`, `empty_batch`, `invalid_batch`) where nothing
    in the body can be told apart, and BodyTooLarge `too_many_events`.
    """
    start = body.lstrip()[:1]
    if start == b"{":
        return [_read_one(body)], False
    if start == b"[" and _NUL not in body:
        try:
            events = _batch.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # Read again below, item by item.
        else:
            _check_count(len(events), max_events)
            return list(events), True
    if not start:
        raise MalformedBody("empty_body", "The body is empty; send an event, an array of events, or NDJSON.")
    items = _split(body)
    _check_count(len(items), max_events)
    return [_read_one(bytes(item)) for item in items], True


def read_ndjson(body: bytes, *, max_events: int) -> list[Item]:
    """The items of a body with one JSON event on each line; blank lines are passed over."""
    lines = [line for line in body.splitlines() if line.strip()]
    _check_count(len(lines), max_events)
    return read_lines(lines)


def read_lines(lines: Iterable[bytes]) -> list[Item]:
    """An item for each line."""
    return [_read_one(line) for line in lines]


def read_object(fields: dict[str, Any]) -> Item:
    """The item that `fields`, such as a row of a file, make up."""
    return _read_one(msgspec.json.encode(fields))


def _check_count(count: int, max_events: int) -> None:
    if count == 0:
        raise MalformedBody("empty_batch", "The batch has no events.")
    if count > max_events:
        raise BodyTooLarge("too_many_events", f"{count} events in one request; at most {max_events} are taken.")


def _split(body: bytes) -> list[msgspec.Raw]:
    try:
        body.decode()
        return _raw_items.decode(body)
    except UnicodeDecodeError as error:
        raise MalformedBody("invalid_utf8", f"The body isn't UTF-8: {error.reason} at byte {error.start}.") from None
    except msgspec.ValidationError:
        raise MalformedBody("invalid_batch", "The body must be an event, an array of events, or NDJSON.") from None
    except msgspec.DecodeError as error:
        raise MalformedBody("invalid_json", f"The body isn't JSON: {error}.") from None
    except RecursionError:
        raise MalformedBody("invalid_json", "The body is nested too deeply.") from None


def _read_one(text: bytes) -> Item:
    """The event in `text`, or the reason why there is none."""
    found = read_body(_event, text)
    return _refused(text, found) if isinstance(found, Reason) else found


def read_body(decoder: msgspec.json.Decoder[T], text: bytes) -> T | Reason:
    """What `decoder` finds in `text`, or why it can't be read; also for other bodies that have an event's fields."""
    try:
        found = decoder.decode(text)
    except msgspec.ValidationError as error:
        return _reason(str(error))
    except UnicodeDecodeError as error:
        return Reason("invalid_utf8", f"Not UTF-8: {error.reason} at byte {error.start}.")
    except msgspec.DecodeError as error:
        return Reason("invalid_json", f"Not JSON: {error}.")
    except RecursionError:
        return Reason("invalid_json", "Nested too deeply.")
    if _NUL in text and (field := _field_with_nul(found)):
        return Reason("invalid_text", "A NUL character can't be stored.", field)
    return found


def _field_with_nul(body: object) -> str | None:
    # Parts that are read one by one later on (`msgspec.Raw`) are looked at then.
    found = msgspec.to_builtins(body, enc_hook=lambda _: None)
    return next((name for name, value in found.items() if _has_nul(value)), None)


def _has_nul(value: Any) -> bool:
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(_has_nul(part) for pair in cast("dict[str, Any]", value).items() for part in pair)
        case list():
            return any(_has_nul(part) for part in cast("list[Any]", value))
        case _:
            return False


_BY_FIELD = {
    "id": ("invalid_id", "id_too_long"),
    "customer": ("invalid_customer", "customer_too_long"),
    "meter": ("invalid_meter", "meter_too_long"),
    "member": ("invalid_member", "member_too_long"),
    "corrects": ("invalid_corrects", "corrects_too_long"),
    "hold": ("invalid_hold", "hold_too_long"),
    "quantity": ("invalid_quantity", "invalid_quantity"),
    "amount": ("invalid_amount", "invalid_amount"),
    "time": ("invalid_time", "invalid_time"),
    "dimensions": ("invalid_dimensions", "dimension_too_long"),
    "metadata": ("invalid_metadata", "invalid_metadata"),
    "calls": ("invalid_calls", "too_many_calls"),
}


def _reason(message: str) -> Reason:
    """msgspec's message as one of our codes. The tests hold each code against the msgspec that is installed."""
    path = _PATH.search(message)
    sentence = _PATH.sub("", message)
    inside = path.group(1) if path else ""
    if named := _FIELD.search(message):
        field = printable(f"{inside}.{named.group(1)}" if inside else named.group(1))
        if "unknown field" in message:
            return Reason("unknown_field", f"There is no field called {field!r}.", field)
        return Reason("missing_field", f"The field {field!r} is required.", field)
    if not inside:
        return Reason("invalid_event", "An event is a JSON object.")
    field = inside.replace("[...]", "")
    malformed, too_long = _BY_FIELD.get(re.split(r"[.\[]", inside)[0], ("invalid_event", "invalid_event"))
    if "length <=" in message and not inside.startswith("calls["):
        return Reason(too_long, f"{sentence}.", field)
    if "timezone" in message:
        return Reason("time_without_zone", "The time needs an offset, such as Z or +02:00.", field)
    return Reason(malformed, f"{sentence}.", field)


def _refused(text: bytes, reason: Reason) -> Refused:
    """The item with its reason, and its id and customer where they can be made out."""
    try:
        known = _fields.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        known = {}
    kept = printable(_without_content(text).decode(errors="replace"))
    return Refused(reason, kept, _text(known.get("id")), _text(known.get("customer")))


def _without_content(text: bytes) -> bytes:
    """The item with its calls' responses reduced to what they say of themselves, as those of accepted ones are."""
    if b'"response"' not in text:
        return text
    try:
        item = _raw_fields.decode(text)
        calls = [_reduced(call) for call in _raw_items.decode(item["calls"])]
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
    return msgspec.json.encode({**item, "calls": calls})


def _reduced(text: msgspec.Raw) -> msgspec.Raw | dict[str, Any]:
    try:
        call = _raw_fields.decode(text)
        response, provider = _fields.decode(call["response"]), msgspec.json.decode(call["provider"], type=str)
    except (KeyError, msgspec.DecodeError, RecursionError):
        return text
    del call["response"]
    return said_by(provider, response) | call


def _text(value: Any) -> str | None:
    return printable(value)[:1000] if isinstance(value, str) else None


def printable(text: str) -> str:
    """`text` as PostgreSQL can store it: without NUL characters."""
    return text.replace("\x00", "�")
