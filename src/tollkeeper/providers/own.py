"""The operator's own prices: negotiated discounts, models that it hosts itself, prices that aren't bundled yet.

The file has the format of the bundled ones, and `[[discounts]]`, which lower list prices by a percentage.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tollkeeper.errors import PricesInvalid
from tollkeeper.providers.discounts import discounted
from tollkeeper.providers.model import PriceRow
from tollkeeper.providers.pricebook import PriceBook, book
from tollkeeper.providers.rows import rows_from

if TYPE_CHECKING:
    from tollkeeper.catalog import Lines

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_LARGEST = 10_000_000
_MOST = 100


@cache
def book_of(path: Path | None) -> PriceBook:
    """The bundled prices with those of the operator's file, if there is one; read once in a process.

    Raises PricesInvalid.
    """
    return book() if path is None else book().with_own(load_own(path))


def load_own(path: Path, *, discounts: bool = True) -> list[PriceRow]:
    """The rows of the operator's file; without those that its discounts make, if it's to be compared with list prices.

    Raises PricesInvalid `prices_invalid`, whose `problems` tell everything that is wrong with its line and key, and
    `prices_unreadable` where the file can't be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PricesInvalid("prices_unreadable", f"{path} can't be read: {error.strerror}.", problems=[]) from None
    return own_rows(data.decode(errors="surrogateescape"), file=str(path), discounts=discounts)


def own_rows(text: str, *, file: str, discounts: bool = True) -> list[PriceRow]:
    """The rows in the text of such a file. Raises PricesInvalid `prices_invalid`."""
    tables, lines = _tables(text, file)
    problems = _Problems(file, lines)
    models = {key: tables[key] for key in tables if key != "discounts"}
    rows = rows_from(models, problem=problems.add, own=True)
    listed = (*book().rows, *rows_from(models, problem=problems.add, own=True, listed=True))
    lowered = discounted(tables.get("discounts", []), listed, problem=problems.add)
    rows += lowered if discounts else []
    problems.raise_if_any()
    # What is said twice is kept where it was said last: the last of several goes first.
    return [*reversed({row.price_id: row for row in reversed(rows)}.values())]


def _tables(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    # Imported when it's needed: the catalog brings the database's driver along, and the SDK imports this stage.
    from tollkeeper.catalog import Lines  # noqa: PLC0415

    if len(text) > _LARGEST:
        raise _invalid([{"file": file, "line": 1, "key": "", "message": "The file is larger than 10 MB."}])
    try:
        text.encode()
        return tomllib.loads(text), Lines(text)
    except UnicodeEncodeError:
        problem, line = "The file isn't UTF-8 text.", 1
    except RecursionError:
        problem, line = "Tables and lists are nested too deeply.", 1
    except ValueError as error:  # TOMLDecodeError, and what int() says to thousands of digits
        place = _PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))
        problem = f"This isn't TOML: {_PLACE.sub('', str(error))}."
    raise _invalid([{"file": file, "line": line, "key": "", "message": problem}])


class _Problems:
    """What is wrong with one file; of several faults of one key the first is kept."""

    def __init__(self, file: str, lines: Lines) -> None:
        self._file, self._lines = file, lines
        self._by_key: dict[str, dict[str, Any]] = {}

    def add(self, key: str, message: str) -> None:
        problem = {"file": self._file, "line": self._lines.of(key), "key": key, "message": message}
        self._by_key.setdefault(key, problem)

    def raise_if_any(self) -> None:
        if self._by_key:
            found = sorted(self._by_key.values(), key=lambda problem: (problem["line"], problem["key"]))
            raise _invalid(found)


def _invalid(problems: list[dict[str, Any]]) -> PricesInvalid:
    first = problems[0]
    where = f"{first['file']}, line {first['line']}" + (f", {first['key']}" if first["key"] else "")
    rest = "" if len(problems) == 1 else f" And {len(problems) - 1} more."
    detail = f"The prices can't be used: {where}: {first['message']}{rest}"
    return PricesInvalid("prices_invalid", detail, problems=problems[:_MOST])
