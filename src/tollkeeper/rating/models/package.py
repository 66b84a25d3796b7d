"""package: an amount for each package of `size` units that is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tollkeeper.money import EXACT, ONE, ZERO, add, grouped, multiply, plain
from tollkeeper.rating.model import Cumulative, Report, Step
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words, figure


@dataclass(frozen=True, slots=True)
class PackageTerms:
    """`amount` for each started `size`."""

    amount: Decimal
    size: Decimal

    def as_table(self) -> dict[str, Any]:
        """The canonical table."""
        return {"amount": plain(self.amount), "size": plain(self.size)}

    def started(self, quantity: Decimal) -> Decimal:
        """How many packages `quantity` takes: a full one isn't yet the start of the next."""
        full, rest = EXACT.divmod(quantity, self.size)
        return add(full, ONE if rest else ZERO)


class Package(Cumulative[PackageTerms]):
    """Started packages × amount, over the whole period: what is left of a package serves the next event."""

    name = "package"

    def parse(self, table: Mapping[str, object], *, problem: Report) -> PackageTerms | None:
        read = TermsReader(table, problem)
        terms = PackageTerms(amount=read.required("amount"), size=read.positive("size"))
        return terms if read.accepted() else None

    def total(self, terms: PackageTerms, quantity: Decimal) -> Decimal:
        return multiply(terms.started(quantity), terms.amount)

    def explain_total(self, terms: PackageTerms, quantity: Decimal, words: Words) -> list[Step]:
        packages, price = terms.started(quantity), self.total(terms, quantity)
        noun = "package" if packages == ONE else "packages"
        text = (
            f"{words.quantity(quantity)} take {grouped(packages)} {noun} of {grouped(terms.size)}: "
            f"{grouped(packages)} × {words.value(terms.amount)} = {words.value(price)}"
        )
        figures = {
            "quantity": plain(quantity),
            "size": plain(terms.size),
            "packages": plain(packages),
            "amount": plain(terms.amount),
            "price": figure(price),
        }
        return [Step("package", text, figures)]
