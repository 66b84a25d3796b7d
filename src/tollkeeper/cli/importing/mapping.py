"""From the columns of a file to the fields of an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import chain
from typing import Any

import msgspec

from tollkeeper.cli.asking import local_time
from tollkeeper.clock import zone
from tollkeeper.errors import InvalidInput
from tollkeeper.events import EventIn, Refused, read_object

Place = tuple[str, str | None]
"""Where a value goes: a field of the event, and for `dimensions.model` the name within it."""

_OBJECTS = ("dimensions", "metadata")
_TEXTS = ("id", "customer", "meter", "quantity", "time", "member", "amount", "corrects")
FIELDS = frozenset(_TEXTS + _OBJECTS)
"""What a column can be."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows are read. The same options in another order are the same shape."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    """Column → field, for columns that aren't called like their field."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Field → value, for all rows."""
    ignored: frozenset[str] = frozenset()
    timezone: str | None = None
    """Zone of times that have none."""
    numbered: str | None = None
    """Prefix of the ids of rows that have none; None refuses such rows."""

    def parts(self) -> list[str]:
        """The shape as texts, to be part of what an import is known by."""
        pairs = [*sorted(self.renamed.items()), ("set", ""), *sorted(self.constants.items())]
        flat = [text for pair in pairs for text in pair]
        return [*flat, "ignore", *sorted(self.ignored), "rest", str(self.timezone), str(self.numbered)]


class Mapper:
    """Makes items of rows, by a shape. Raises InvalidInput `unknown_field` and `unknown_timezone`."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._zone: tzinfo | None = None if shape.timezone is None else zone(shape.timezone)
        self._constants = [(place_of(name, "set"), value) for name, value in shape.constants.items()]
        self._renamed = {column: place_of(name, "map") for column, name in shape.renamed.items()}

    def places(self, columns: Sequence[str]) -> list[Place | None]:
        """Where each column of a table goes; None for those that are ignored.

        Raises InvalidInput `unknown_column` and `field_given_twice`.
        """
        shape = self.shape
        for column in [*shape.renamed, *shape.ignored]:
            if column not in columns:
                raise InvalidInput("unknown_column", f"The file has no column {column!r}.", field=column)
        found: list[Place | None] = []
        for column in columns:
            if column in shape.ignored:
                found.append(None)
                continue
            place = self._renamed.get(column) or _place(column)
            if place is None and column == "calls":
                told = (
                    "Provider calls don't fit into columns: give the events as NDJSON, whose objects may have calls. "
                    f"To import them without their cost, leave the column out: --ignore {column}"
                )
                raise InvalidInput("unknown_column", told, field=column)
            if place is None:
                told = (
                    f"No field of an event is called {column!r}. Say what the column is, such as --map "
                    f"{column}=metadata.{column}, or leave it out: --ignore {column}"
                )
                raise InvalidInput("unknown_column", told, field=column)
            found.append(place)
        self._refuse_twice(found)
        return found

    def places_in_object(self, keys: Iterable[str]) -> list[Place | None]:
        """Where each key of one JSON object goes. What isn't mapped stays, for the event's own check to judge.

        Raises InvalidInput `field_given_twice`.
        """
        found: list[Place | None] = [
            None if key in self.shape.ignored else self._renamed.get(key, (key, None)) for key in keys
        ]
        self._refuse_twice(found)
        return found

    def item(self, number: int, places: Sequence[Place | None], values: Iterable[Any]) -> EventIn | Refused:
        """The item that a row's values make up. Absent values are None or empty; `number` is the row's, from 1."""
        fields: dict[str, Any] = {}
        for place, value in chain(zip(places, values, strict=True), self._constants):
            if place is None or value is None or value == "":
                continue
            name, inner = place
            if inner is not None:
                fields.setdefault(name, {})[inner] = value
            elif isinstance(value, dict):
                fields.setdefault(name, {}).update(value)
            else:
                fields[name] = value
        if self.shape.numbered is not None and "id" not in fields:
            fields["id"] = f"{self.shape.numbered}{number}"
        if self._zone is not None and "time" in fields:
            fields["time"] = _with_zone(fields["time"], self._zone)
        return read_object(fields)

    def _refuse_twice(self, places: list[Place | None]) -> None:
        given = [place for place in places if place is not None] + [place for place, _ in self._constants]
        if len(set(given)) < len(given):
            name, inner = next(place for place in given if given.count(place) > 1)
            called = name if inner is None else f"{name}.{inner}"
            raise InvalidInput("field_given_twice", f"The field {called!r} is given twice.", field=called)


def place_of(name: str, option: str) -> Place:
    """The place that an option names. Raises InvalidInput `unknown_field`."""
    place = _place(name)
    if place is None:
        fields = ", ".join([*_TEXTS, *(f"{each}.<name>" for each in _OBJECTS)])
        raise InvalidInput("unknown_field", f"{name!r} is no field of an event; there are {fields}.", field=option)
    return place


def _place(name: str) -> Place | None:
    outer, dot, inner = name.partition(".")
    if dot:
        return (outer, inner) if outer in _OBJECTS and inner else None
    return (name, None) if name in FIELDS else None


def _with_zone(value: Any, tz: tzinfo) -> Any:
    """A time with its offset; what is no time stays as it is, to be refused with its reason."""
    text = msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
    found = local_time(text, tz) if isinstance(text, str) else None
    return value if found is None else found.isoformat()


def parse_pairs(pairs: Iterable[str], option: str) -> dict[str, str]:
    """`left=right` pairs of a repeated option. Raises InvalidInput `invalid_option`."""
    found: dict[str, str] = {}
    for pair in pairs:
        left, equals, right = pair.partition("=")
        if not equals or not left or not right:
            raise InvalidInput("invalid_option", f"--{option} {pair!r} isn't of the form left=right.", field=option)
        if left in found:
            raise InvalidInput("invalid_option", f"--{option} is given twice for {left!r}.", field=option)
        found[left] = right
    return found
