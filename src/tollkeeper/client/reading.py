"""JSON into frozen dataclasses: decimals exact, times with their zone, unknown fields dropped."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tollkeeper.errors import InvalidInput

T = TypeVar("T")

Number = Decimal | int | str
"""An exact number; a float isn't one."""


def loads(text: bytes) -> Any:
    """The JSON's value, every number as written."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> bytes:
    """JSON: decimals as strings, times as RFC 3339, `None`s of objects left out."""
    return json.dumps(_sent(value), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _sent(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): _sent(each) for name, each in value.items() if each is not None}
        case list() | tuple():
            return [_sent(each) for each in value]
    return value


def exact(argument: str, number: Number | None) -> Number | None:
    """The number. Raises InvalidInput `invalid_number`, which names the argument, of a float or what is no number."""
    if isinstance(number, float | bool) or not isinstance(number, Decimal | int | str | None):
        told = f"{argument}={number!r} is a {type(number).__name__}: give a Decimal, an int, or text such as '0.10'."
        raise InvalidInput("invalid_number", told, field=argument)
    try:
        finite = number is None or Decimal(number).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        raise InvalidInput("invalid_number", f"{argument}={str(number)!r} is not a number.", field=argument)
    return number


def read(kind: type[T], value: Any) -> T:
    """The dataclass that a JSON object describes; a field that is missing there has its default, or is None."""
    given: Mapping[str, Any] = value
    found = {}
    for name, sent_as, hint, default in _shape(kind):
        if sent_as in given:
            found[name] = _read_as(hint, given[sent_as])
        elif default is MISSING:
            found[name] = None
    return kind(**found)


@lru_cache
def _shape(kind: type[Any]) -> list[tuple[str, str, Any, Any]]:
    """Each field's name, what the JSON calls it (`name` of its metadata: some words are Python's), type and default."""
    hints = get_type_hints(kind)
    return [
        (
            one.name,
            one.metadata.get("name", one.name),
            hints[one.name],
            one.default if one.default_factory is MISSING else one.default_factory,
        )
        for one in fields(kind)
    ]


def _read_as(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_as(next(each for each in get_args(hint) if each is not types.NoneType), value)
    if origin is tuple:
        return tuple(_read_as(get_args(hint)[0], each) for each in value)
    if origin is Mapping and get_args(hint)[1] is Decimal:
        return {name: Decimal(each) for name, each in value.items()}
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    return read(hint, value) if isinstance(hint, type) and is_dataclass(hint) else value
