"""From TOML text to tables whose values know their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tollkeeper.catalog.lines import Lines, join
from tollkeeper.catalog.problems import Problems, invalid
from tollkeeper.catalog.table import Table, Unquoted
from tollkeeper.errors import CatalogInvalid

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_PLAIN = re.compile(r"[+-]?[0-9]+\.[0-9]+", re.ASCII)
_INTEGER_LIMIT = 2**63
_LARGEST = 1_000_000
_MOST_PARTS = 32
_PARTS = re.compile(
    rf"""(?:^|[\[{{,])[ \t]*+(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}""",
    re.MULTILINE,
)


def refuse_excess(text: str, *, file: str | None) -> None:
    """Raises CatalogInvalid for what no catalog needs and what would take very long to read.

    Reading a key takes the square of its parts, in `tomllib` as well, so this comes before it. It isn't for catalogs
    that were accepted before there were limits.
    """
    if len(text.encode(errors="replace")) > _LARGEST:
        raise invalid([_fault(1, "The file is larger than 1 MB.", file)])
    if excess := _PARTS.search(text):
        line = text.count("\n", 0, excess.start()) + 1
        raise invalid([_fault(line, f"A key can't have more than {_MOST_PARTS} parts.", file)])


def read(text: str, *, file: str | None) -> tuple[Table, Problems]:
    """The root table of the file, and where its problems go. Raises CatalogInvalid where the text isn't TOML."""
    try:
        text.encode()
        values = tomllib.loads(text, parse_float=Unquoted)
        lines = Lines(text)
    except UnicodeEncodeError:
        raise invalid([_fault(1, "The file isn't UTF-8 text.", file)]) from None
    except RecursionError:
        raise invalid([_fault(1, "Tables and lists are nested too deeply.", file)]) from None
    except ValueError as error:  # TOMLDecodeError, and what int() says to thousands of digits
        raise _not_toml(text, str(error), file) from None
    problems = Problems(file, lines)
    _refuse_inexact(values, problems)
    return Table(values, "", problems), problems


def _not_toml(text: str, message: str, file: str | None) -> CatalogInvalid:
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))
    return invalid([_fault(line, f"This isn't TOML: {_PLACE.sub('', message)}.", file)])


def _fault(line: int, message: str, file: str | None) -> dict[str, Any]:
    fault = {"line": line, "key": "", "message": message}
    return fault if file is None else {"file": file, **fault}


def _refuse_inexact(values: Mapping[str, object], problems: Problems) -> None:
    """Floats have lost the digits that the file says, and integers beyond 64 bits aren't TOML."""
    too_large = False
    for path, value in _leaves(values):
        if isinstance(value, Unquoted):
            example = value if _PLAIN.fullmatch(value) else "0.50"
            message = f'This number must be in quotes, like "{example}": without them TOML means a float, '
            problems.add(path, f"{message}and floats aren't exact.")
        elif isinstance(value, int) and not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
            too_large = True
            problems.add(path, "This number doesn't fit into 64 bits.")
    if too_large:
        # Such a number can't even be shown: reading on would raise anywhere.
        problems.raise_if_any()


def _leaves(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Every value that holds no others, with its path. Not by recursion, since dotted keys nest without it too."""
    left: list[tuple[str, object]] = [("", values)]
    while left:
        path, value = left.pop()
        if isinstance(value, Mapping):
            left += [(join(path, str(name)), item) for name, item in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[{i}]", item) for i, item in enumerate(value)]
        else:
            yield path, value
