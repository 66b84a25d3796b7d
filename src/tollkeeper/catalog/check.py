"""check: a catalog file, read and judged without a database."""

from __future__ import annotations

from dataclasses import dataclass

from tollkeeper.catalog.declarations import Declarations, read_declarations
from tollkeeper.catalog.prices import Models, PriceEntry, read_prices
from tollkeeper.catalog.problems import Problems
from tollkeeper.catalog.source import read, refuse_excess


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalog file that is right in itself."""

    declared: Declarations
    prices: tuple[PriceEntry, ...]
    problems: Problems
    """Empty; takes what turns out to be wrong when the file is compared with the catalog in force."""


def check(text: str, *, file: str | None = None, models: Models) -> Draft:
    """The catalog that `text` describes. Raises CatalogInvalid with its problems, each with line and key."""
    refuse_excess(text, file=file)
    root, problems = read(text, file=file)
    declared = read_declarations(root)
    prices = read_prices(root, declared, models)
    root.finish()
    problems.raise_if_any()
    return Draft(declared, tuple(prices), problems)
