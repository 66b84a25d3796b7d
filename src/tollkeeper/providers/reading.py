"""Reading a usage object: numbers as providers write them, and clear refusals of what can't be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from numbers import Number
from typing import Any, NoReturn

from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.money import QUANTITY_LIMIT, ZERO, decimals_of, fits

_DECIMALS = 12


def refuse(field: str, message: str) -> NoReturn:
    """Raises UsageNotUnderstood `usage_not_understood`: `field` is the path within the usage object."""
    raise UsageNotUnderstood("usage_not_understood", message, field=f"usage.{field}" if field else "usage")


class Reader:
    """One object of a usage object, with the path that leads to it."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values, self._path = values, path

    def has(self, *names: str) -> bool:
        """Whether one of these is there, and not null."""
        return any(self._values.get(name) is not None for name in names)

    def only(self, names: frozenset[str]) -> bool:
        """Whether something is there, and nothing else than these."""
        return any(value is not None for value in self._values.values()) and set(self._values) <= names

    def path(self, name: str) -> str:
        """The path of a key, for a refusal."""
        return f"{self._path}.{name}" if self._path else name

    def inner(self, *names: str) -> Reader:
        """The object under the first of these names that is there; an empty one where none is."""
        for name in names:
            found = self._values.get(name)
            if isinstance(found, Mapping):
                return Reader(found, self.path(name))
            if found is not None:
                refuse(self.path(name), "This must be an object.")
        return Reader({}, self.path(names[0]))

    def items(self, *names: str) -> list[Reader]:
        """The objects of a list."""
        for name in names:
            found = self._values.get(name)
            if found is None:
                continue
            if not isinstance(found, list | tuple) or not all(isinstance(each, Mapping) for each in found):
                refuse(self.path(name), "This must be a list of objects.")
            return [Reader(each, f"{self.path(name)}[{i}]") for i, each in enumerate(found)]
        return []

    def word(self, *names: str) -> str:
        """A text, in lower case; empty where none is."""
        for name in names:
            found = self._values.get(name)
            if isinstance(found, str):
                return found.strip().lower()
        return ""

    def tokens(self, *names: str) -> Decimal:
        """A whole number ≥ 0 under the first of these names that is there; 0 where none is."""
        for name in names:
            if (found := self._values.get(name)) is not None:
                number = self._number(name, found)
                if decimals_of(number):
                    refuse(self.path(name), f"{found} is not a whole number.")
                return number
        return ZERO

    def amount(self, *names: str) -> Decimal:
        """A number ≥ 0 with decimals, such as seconds; 0 where none is."""
        for name in names:
            if (found := self._values.get(name)) is not None:
                return self._number(name, found)
        return ZERO

    def _number(self, name: str, found: object) -> Decimal:
        if isinstance(found, bool) or not isinstance(found, Number | str):
            refuse(self.path(name), "This must be a number.")
        try:
            # By its text: the shortest one of a binary float is what stood in the JSON that it was read from.
            number = Decimal(str(found))
        except (InvalidOperation, ValueError):
            refuse(self.path(name), "This is not a number.")
        if not number.is_finite() or not 0 <= number < QUANTITY_LIMIT:
            refuse(self.path(name), f"{str(found)[:40]} is not a number from 0 to below {QUANTITY_LIMIT:,f}.")
        if not fits(number, _DECIMALS):
            refuse(self.path(name), f"{str(found)[:40]} has more than {_DECIMALS} decimals.")
        return number + ZERO  # -0 is 0
