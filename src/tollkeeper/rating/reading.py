"""How a charge model reads its keys: every problem is reported, with the path of its key, and reading goes on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

from tollkeeper.catalog import number_fault
from tollkeeper.money import ONE, ZERO
from tollkeeper.rating.model import Report

Choice = TypeVar("Choice", bound=StrEnum)


class TermsReader:
    """Takes numbers and tables out of one table of the catalog.

    A value that can't be used is reported and read as a harmless stand-in, so that all problems show at once; whether
    the result may be kept is what `accepted` says at the end.
    """

    def __init__(self, table: Mapping[str, object], problem: Report) -> None:
        self._table = table
        self._problem = problem
        self._known: set[str] = set()
        self._refused = False

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def refuse(self, key: str, message: str) -> None:
        """Reports a problem."""
        self._refused = True
        self._problem(key, message)

    def optional(self, key: str) -> Decimal | None:
        """A number ≥ 0, or None."""
        self._known.add(key)
        if key not in self._table:
            return None
        value = self._table[key]
        fault = _fault(value)
        if fault is None:
            return Decimal(str(value))
        self.refuse(key, f"`{key}` {fault}")
        return None

    def number(self, key: str, default: Decimal) -> Decimal:
        """A number ≥ 0, or `default`."""
        number = self.optional(key)
        return default if number is None else number

    def required(self, key: str) -> Decimal:
        """A number ≥ 0 that must be there."""
        if key not in self._table:
            self.refuse(key, f"`{key}` is missing.")
        return self.number(key, ZERO)

    def positive(self, key: str, default: Decimal | None = None) -> Decimal:
        """A number > 0; without `default` it must be there."""
        if default is None and key not in self._table:
            self.refuse(key, f"`{key}` is missing.")
        number = self.optional(key)
        if number is not None and not number:
            self.refuse(key, f"`{key}` must be more than 0.")
        return number or default or ONE

    def choice(self, key: str, options: type[Choice], default: Choice) -> Choice:
        """One of a few words, or `default`."""
        self._known.add(key)
        value = self._table.get(key, default)
        found = next((option for option in options if option == value), None)
        if found is None:
            named = " or ".join(f'"{option.value}"' for option in options)
            self.refuse(key, f"`{key}` must be {named}.")
        return found or default

    def tables(self, key: str) -> list[TermsReader]:
        """One reader for each table in a list that must be there and not be empty."""
        self._known.add(key)
        value = self._table.get(key)
        if not isinstance(value, list) or not value:
            self.refuse(key, f"`{key}` must be a list with at least one table.")
            return []
        items = enumerate(cast("list[object]", value))
        return [nested for i, item in items if (nested := self._nested(f"{key}[{i}]", item)) is not None]

    def _nested(self, path: str, item: object) -> TermsReader | None:
        if not isinstance(item, Mapping):
            self.refuse(path, f"`{path}` must be a table.")
            return None
        table = cast("Mapping[str, object]", item)
        return TermsReader(table, lambda key, message: self.refuse(f"{path}.{key}", message))

    def accepted(self) -> bool:
        """Whether everything could be used; reports the keys that nobody asked for."""
        for key in sorted(self._table.keys() - self._known):
            known = ", ".join(f"`{name}`" for name in sorted(self._known))
            self.refuse(key, f"`{key}` isn't a key here; known are {known}.")
        return not self._refused


def _fault(value: object) -> str | None:
    """What is wrong with a number of the catalog, as the end of a sentence."""
    if isinstance(value, float):
        return f'must be quoted: "{value}". Without quotes TOML reads a binary float, and floats aren\'t exact.'
    return number_fault(value)
