"""What quantities of calls come to at prices of the book: line by line, so that each figure can be reckoned again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from tollkeeper.calls import BOOK_CURRENCY, quantity_in_words
from tollkeeper.catalog import Price
from tollkeeper.money import ONE, ZERO, add, amount_in_words, grouped, multiply, plain, price_of, round_charge, sum_of
from tollkeeper.providers import PriceBook, PriceRow, model_key
from tollkeeper.rating import Step, figure
from tollkeeper.suggestions.calls import CallGroup

_T = TypeVar("_T")
_Line = tuple[str, Decimal, Decimal, Decimal]
"""Unit, amount, per, and the catalog's currency for 1 USD."""


@dataclass(slots=True)
class Bill:
    """Quantities by unit and price."""

    currency: str
    lines: dict[_Line, Decimal] = field(default_factory=dict)

    def put(self, unit: str, quantity: Decimal, row: PriceRow, rate: Decimal) -> None:
        """Add a quantity at the price of a row."""
        line = unit, row.amount, row.per, rate
        self.lines[line] = add(self.lines.get(line, ZERO), quantity)

    @property
    def exact(self) -> Decimal:
        """What it comes to in the catalog's currency, with all decimals."""
        return sum_of(
            multiply(price_of(quantity, amount, per), rate) for (_, amount, per, rate), quantity in self.lines.items()
        )

    @property
    def total(self) -> Decimal:
        """What it comes to in the catalog's currency, rounded once to 12 decimals."""
        return round_charge(self.exact)

    def steps(self, name: str, of: str) -> Iterator[Step]:
        """One step for each line: "gpt-4o: 1,500 input tokens × 2.50 USD per 1,000,000 = 0.00375 USD"."""
        for (unit, amount, per, rate), quantity in sorted(self.lines.items()):
            cost = price_of(quantity, amount, per)
            each = amount_in_words(amount, BOOK_CURRENCY) + ("" if per == ONE else f" per {grouped(per)}")
            text = f"{of}: {quantity_in_words(quantity, unit)} × {each} = {amount_in_words(cost, BOOK_CURRENCY)}"
            figures = {"unit": unit, "quantity": plain(quantity), "amount": plain(amount), "per": plain(per)}
            if self.currency != BOOK_CURRENCY:
                cost = multiply(cost, rate)
                text += f", × {grouped(rate)} {self.currency} = {amount_in_words(cost, self.currency)}"
                figures["rate"] = plain(rate)
            yield Step(name, text, figures | {"cost": figure(cost)})


Priced = tuple[CallGroup, Mapping[str, PriceRow]]
"""A group, and the row that prices each unit that it used."""


def priced_groups(
    groups: Iterable[CallGroup], book: PriceBook, model: str | None = None, *, batch: bool | None = None
) -> list[Priced]:
    """The groups that have a price for all that they used, with the row of each unit; of another model or in a batch,
    where that's told. What is billed a least quantity isn't among them: sums don't tell it.
    """
    found: list[Priced] = []
    for group in groups:
        # "us.x" is x in the region "us" of a reseller: its sibling is answered there, too.
        _, region = model_key(group.provider, group.model, group.region or None)
        facts = group.facts(model, region, batch=batch)
        rows = {unit: row for unit in group.quantities if (row := book.row(facts, unit)) and row.least is None}
        if group.quantities and rows.keys() == group.quantities.keys():
            found.append((group, rows))
    return found


@dataclass(frozen=True, slots=True)
class Costs:
    """What calls of one meter cost, and what they would have, with all decimals: of those that one price charged."""

    meter: str
    price: Price | None
    now: Decimal
    instead: Decimal
    charged_now: Decimal
    """Of those whose events are charged: all but what was taken back."""
    charged_instead: Decimal


def costs_of(priced: Sequence[Priced], currency: str) -> list[Costs]:
    """By meter and price: what the groups were booked with, and what they come to at the rows."""
    found: list[Costs] = []
    for own in by_price(priced, lambda one: one[0]):
        charged = [(group, rows) for group, rows in own if group.charged]
        now, charged_now = (sum_of(group.cost for group, _ in some) for some in (own, charged))
        of = own[0][0]
        instead = bill_of(own, currency).exact, bill_of(charged, currency).exact
        found.append(Costs(of.meter, of.price, now, instead[0], charged_now, instead[1]))
    return found


def by_price(ones: Iterable[_T], group_of: Callable[[_T], CallGroup]) -> list[list[_T]]:
    """Together what one price of one meter charged."""
    found: dict[tuple[str, str], list[_T]] = {}
    for one in ones:
        group = group_of(one)
        found.setdefault((group.meter, group.price_id), []).append(one)
    return [found[place] for place in sorted(found)]


def bill_of(priced: Iterable[Priced], currency: str) -> Bill:
    """What the groups' quantities come to."""
    bill = Bill(currency)
    for group, rows in priced:
        for unit, quantity in group.quantities.items():
            bill.put(unit, quantity, rows[unit], group.rate)
    return bill
