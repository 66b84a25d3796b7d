"""Reading one table of the catalog file, key by key: whatever can't be used is a problem, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

from tollkeeper.catalog.lines import join
from tollkeeper.catalog.problems import Problems, did_you_mean
from tollkeeper.money import CHARGE_DECIMALS, QUANTITY_LIMIT, ZERO, decimals_of, plain

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)

KEY = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
"""The keys of whatever the catalog declares: meters, units, plans …"""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_TEXT = 200


class Unquoted(str):
    """A number that the file writes as a TOML float: kept as its text, so that the digits it meant aren't lost."""


class Table:
    """The values at `path` of the file."""

    def __init__(self, values: Mapping[str, object], path: str, problems: Problems) -> None:
        self.values = values
        self.path = path
        self._problems = problems
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def refuse(self, key: str, message: str) -> None:
        """Note a problem with `key` (or with `key[1]`, `key.part`)."""
        self._problems.add(f"{self.path}.{key}" if self.path else key, message)

    def refuse_all(self, message: str) -> None:
        """Note a problem with the table as a whole."""
        self._problems.add(self.path, message)

    def text(self, key: str, default: str | None = None) -> str:
        """A line of text; without `default` it must be there."""
        value = self.take(key, required=default is None)
        if value is None:
            return default or ""
        fault = _text_fault(value)
        if fault is not None:
            self.refuse(key, f"`{key}` {fault}")
            return default or ""
        return cast(str, value)

    def whole(self, key: str, default: int, *, most: int) -> int:
        """A whole number from 0 to `most`."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self.refuse(key, f"`{key}` must be a whole number from 0 to {most}, without quotes.")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.refuse(key, f"`{key}` must be true or false, without quotes.")
        return default

    def number(
        self, key: str, *, required: bool = False, positive: bool = False, most: Decimal | None = None
    ) -> Decimal | None:
        """A number ≥ 0, or > 0, or None where there is none."""
        value = self.take(key, required=required)
        return None if value is None else self._number(join("", key), value, positive=positive, most=most)

    def numbers(
        self, key: str, *, count: int, most: Decimal | None = None, required: bool = False
    ) -> list[Decimal] | None:
        """A list of at most `count` different numbers > 0, ascending; None where there is none."""
        value = self.take(key, required=required)
        if value is None:
            return None
        if not isinstance(value, list) or len(value := cast("list[object]", value)) > count:
            self.refuse(key, f'`{key}` must be a list of at most {count} numbers, such as ["80"].')
            return None
        found: list[Decimal] = []
        for i, item in enumerate(value):
            number = self._number(f"{key}[{i}]", item, positive=True, most=most)
            if number is None:
                continue
            if number in found:
                self.refuse(f"{key}[{i}]", f"`{key}[{i}]` is {plain(number)} for the second time.")
            found.append(number)
        return sorted(found)

    def choice(self, key: str, kind: type[ChoiceT], *, required: bool = False) -> ChoiceT | None:
        """One of the words of `kind`, or None where there is none."""
        value = self.take(key, required=required)
        words = [word.value for word in kind]
        if value is None or value in words:
            return None if value is None else kind(value)
        self.refuse(key, f"`{key}` must be one of {', '.join(words)}.")
        return None

    def moment(self, key: str) -> datetime | None:
        """An instant, with the offset it was written in, or None where there is none."""
        value = self.take(key)
        if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
            return value
        if isinstance(value, date):
            day = value.isoformat()[:10]
            self.refuse(key, f"`{key}` needs a time and its offset from UTC, such as {day}T00:00:00Z.")
        else:
            self.refuse(key, f"`{key}` must be a date-time without quotes, such as 2026-12-01T00:00:00Z.")
        return None

    def texts(self, key: str, *, most: int, required: bool = False) -> dict[str, str]:
        """A list of different texts, each under its path (`key[0]`)."""
        value = self.take(key, required=required)
        if value is None:
            return {}
        if not isinstance(value, list) or len(value := cast("list[object]", value)) > most:
            self.refuse(key, f'`{key}` must be a list of at most {most} texts, such as ["job"].')
            return {}
        found: dict[str, str] = {}
        for i, item in enumerate(value):
            fault = _text_fault(item)
            if fault is None and item in found.values():
                fault = f"is {item!r} for the second time."
            if fault is None:
                found[f"{key}[{i}]"] = cast(str, item)
            else:
                self.refuse(f"{key}[{i}]", f"`{key}[{i}]` {fault}")
        return found

    def table(self, key: str) -> Table:
        """The table at `key`; an empty one where there is none."""
        return self._nested(join(self.path, key), key, self.take(key))

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables in the table at `key`, by name."""
        holder = self.table(key)
        for name, value in holder.values.items():
            yield name, holder._nested(join(holder.path, name), name, value)

    def keyed(self, key: str) -> Iterator[tuple[str, Table]]:
        """As `tables`; those whose names can't be keys are refused and left out."""
        for name, table in self.tables(key):
            if KEY.fullmatch(name):
                yield name, table
            else:
                shape = "a small letter first, then small letters, digits and _, at most 63."
                table.refuse_all(f"`{name}` can't be a key: {shape}")

    def one_or_more(self, key: str) -> list[Table]:
        """The table at `key`, or each one of the array of tables there."""
        path, value = join(self.path, key), self.take(key)
        if not isinstance(value, list):
            return [self._nested(path, key, value)]
        if not value:
            self._problems.add(path, f"`{key}` is empty; leave it out instead.")
        items = cast("list[object]", value)
        return [self._nested(f"{path}[{i}]", f"{key}[{i}]", item) for i, item in enumerate(items)]

    def elsewhere(self, key: str) -> None:
        """Say that somebody else reads `key`."""
        self._known.add(key)

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self.values:
            if key not in self._known:
                message = f"`{key}` isn't a key here; {did_you_mean(key, self._known)}"
                self._problems.add(join(self.path, key), message)

    def take(self, key: str, *, required: bool = False) -> object | None:
        """The value as it stands there."""
        self._known.add(key)
        if required and key not in self.values:
            self.refuse(key, f"`{key}` is missing.")
        return self.values.get(key)

    def _number(self, path: str, value: object, *, positive: bool, most: Decimal | None) -> Decimal | None:
        fault = number_fault(value)
        number = Decimal(str(value)) if fault is None else ZERO
        if fault is None and positive and not number:
            fault = "must be more than 0."
        if fault is None and most is not None and number > most:
            fault = f"can't be more than {plain(most)}."
        if fault is None:
            return number
        self.refuse(path, f"`{path}` {fault}")
        return None

    def _nested(self, path: str, name: str, value: object | None) -> Table:
        if value is not None and not isinstance(value, Mapping):
            self._problems.add(path, f"`{name}` must be a table.")
        values = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
        return Table(values, path, self._problems)


def _text_fault(value: object) -> str | None:
    """What is wrong with a text, as the end of a sentence."""
    if not isinstance(value, str) or isinstance(value, Unquoted):
        return "must be a text in quotes."
    if not value.strip() or len(value) > _LONGEST_TEXT or _UNSEEN.search(value):
        return f"must have 1 to {_LONGEST_TEXT} characters, all of them visible."
    return None


def number_fault(value: object) -> str | None:
    """What is wrong with a number of the catalog, as the end of a sentence."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return 'must be a number, such as "0.50" or 1000.'
    if isinstance(value, int) and value >= QUANTITY_LIMIT:
        # Before it's shown: Python doesn't write out integers of thousands of digits.
        return f"must be less than {plain(QUANTITY_LIMIT)}."
    if isinstance(value, int) and value < 0:
        return "can't be negative."
    if not _NUMBER.fullmatch(str(value)):
        return f'must be a number in plain digits, such as "0.50"; {value!r} isn\'t.'
    number = Decimal(str(value))
    if number < 0:
        return "can't be negative."
    if number >= QUANTITY_LIMIT:
        return f"must be less than {plain(QUANTITY_LIMIT)}."
    if decimals_of(number) > CHARGE_DECIMALS:
        return f"can't have more than {CHARGE_DECIMALS} decimals."
    return None


def in_words(key: str) -> str:
    """The name that a key suggests: "Cv parse" for cv_parse."""
    return key.replace("_", " ").strip().capitalize()
