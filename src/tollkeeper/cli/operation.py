"""An operation that is yet to begin, as commands are asked about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from tollkeeper.errors import InvalidInput
from tollkeeper.events import Reason, read_body

T = TypeVar("T")

Meter = Annotated[str, typer.Argument(help="The meter that it's counted by.")]
Quantity = Annotated[str | None, typer.Option(help="How much; where events are counted, 1.")]
Amount = Annotated[str | None, typer.Option(help="The value that it carries, where the price goes by it.")]
Calls = Annotated[
    str | None, typer.Option(help="Its calls to AI providers, as JSON: [{provider, model, cost}], for prices by cost.")
]
OfMember = Annotated[str | None, typer.Option("--member", help="Whose usage it is within the customer.")]
Dimension = Annotated[list[str] | None, typer.Option(help="A fact about it, as name:value; may be repeated.")]


def read_as(decoder: msgspec.json.Decoder[T], fields: Mapping[str, Any]) -> T:
    """What the fields that were given make up, read like the body of a request.

    Raises InvalidInput with the code that the API has for it.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    found = read_body(decoder, msgspec.json.encode(given))
    if isinstance(found, Reason):
        raise InvalidInput(found.code, found.detail, field=found.field)
    return found


def json_of(text: str | None, option: str) -> Any:
    """The JSON that was given for an option, if any. Raises InvalidInput `invalid_option`."""
    if text is None:
        return None
    try:
        return exact_json(text)
    except (ValueError, RecursionError):
        raise InvalidInput("invalid_option", f"--{option} must be JSON.", field=option) from None


def exact_json(text: str) -> Any:
    """The value, its numbers with every digit. NaN, which JSON doesn't have, stays text, to be refused as such."""
    return json.loads(text, parse_float=Decimal, parse_constant=str)


def dimensions_of(given: Sequence[str] | None) -> dict[str, str] | None:
    """The dimensions that were given, if any. Raises InvalidInput `invalid_option`."""
    if not given:
        return None
    found: dict[str, str] = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon:
            raise InvalidInput("invalid_option", f"{text!r} isn't name:value, such as job:cook.", field="dimension")
        found[name] = value
    return found
