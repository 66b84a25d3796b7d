"""The problems of a catalog file: collected while reading goes on, and raised together."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from tollkeeper.catalog.lines import Lines
from tollkeeper.errors import CatalogInvalid

_MOST = 100
"""So many problems are enough to work on; a file of 1 MB can have thousands, each with a long list of known names."""


class Problems:
    """What is wrong with one file. Of several faults of one key the first is kept: the rest follow from it."""

    def __init__(self, file: str | None, lines: Lines, most: int = _MOST) -> None:
        self._file = file
        self._lines = lines
        self._most = most
        self._by_key: dict[str, dict[str, Any]] = {}

    def add(self, key: str, message: str) -> None:
        """Note that the value at the path `key` is wrong: `message` is a sentence.

        The 100th (or `most`th) raises CatalogInvalid with all of them.
        """
        problem = {"line": self._lines.of(key), "key": key, "message": message}
        self._by_key.setdefault(key, problem if self._file is None else {"file": self._file, **problem})
        if len(self._by_key) >= self._most:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raises CatalogInvalid `catalog_invalid` with every problem, in the order of the file's lines."""
        if self._by_key:
            raise invalid(sorted(self._by_key.values(), key=lambda problem: (problem["line"], problem["key"])))


def invalid(problems: list[dict[str, Any]]) -> CatalogInvalid:
    """The error for `problems`, whose sentence tells the first one."""
    first = problems[0]
    place = f"{first['file']}, line {first['line']}" if "file" in first else f"line {first['line']}"
    where = f"{place}, {first['key']}" if first["key"] else place
    rest = "" if len(problems) == 1 else f" And {len(problems) - 1} more."
    return CatalogInvalid(
        "catalog_invalid", f"The catalog can't be used: {where}: {first['message']}{rest}", problems=problems
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    close = get_close_matches(name, list(known), n=1)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name: the nearest known one, or else all of them."""
    names = sorted(known)
    if close := nearest(name, names):
        return f"did you mean `{close}`?"
    return f"known are {', '.join(f'`{one}`' for one in names)}." if names else "none are declared."
