"""JSON into frozen dataclasses: decimals exact, times with their zone, unknown fields dropped."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


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


def read(kind: type[T], value: Any) -> T:
    """The dataclass that a JSON object describes; a field that is missing there has its default, or is None."""
    given: Mapping[str, Any] = value
    found = {}
    for name, hint, default in _shape(kind):
        if name in given:
            found[name] = _read_as(hint, given[name])
        elif default is MISSING:
            found[name] = None
    return kind(**found)


@lru_cache
def _shape(kind: type[Any]) -> list[tuple[str, Any, Any]]:
    hints = get_type_hints(kind)
    return [
        (one.name, hints[one.name], one.default if one.default_factory is MISSING else one.default_factory)
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
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    return read(hint, value) if isinstance(hint, type) and is_dataclass(hint) else value
