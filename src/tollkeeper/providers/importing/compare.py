"""The difference that another book makes to ours, to be looked at before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from tollkeeper.clock import BEGINNING
from tollkeeper.money import EXACT, HUNDRED, ONE, multiply, subtract
from tollkeeper.providers.importing.offers import Offer, OtherBook
from tollkeeper.providers.model import INPUT_UNITS, CallFacts, PriceRow, Unit
from tollkeeper.providers.pricebook import PriceBook

_SAME = Decimal("1e-9")
"""So little of a price is rounding: some books write a third of a cent with 15 digits."""


class ChangeKind(StrEnum):
    """What an offer is to the book."""

    NEW = "new"
    """The book has no such price."""
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """A price that another book has and ours doesn't."""

    kind: ChangeKind
    model: str
    offer: Offer
    ours: PriceRow | None
    start: datetime | None
    """When it would begin to hold: a change now, a new price since ever, unless the other book knows a date."""
    percent: Decimal | None
    """How much dearer theirs is; None for a new price, and where ours is 0."""

    def jumps(self, threshold: Decimal) -> bool:
        """Whether it's so large that somebody has to confirm it."""
        return self.kind is ChangeKind.CHANGED and (self.percent is None or abs(self.percent) > threshold)

    @property
    def name(self) -> str:
        """How it's confirmed: "gpt-4o:input_tokens"."""
        return f"{self.model}:{self.offer.unit}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What another book has that ours doesn't, and the other way round."""

    changes: tuple[Change, ...]
    same: int
    """Prices that agree."""
    kept: tuple[tuple[str, str], ...]
    """Provider and model that the other book doesn't have (any more); our rows stay."""


def compare(book: PriceBook, other: OtherBook, at: datetime) -> Difference:
    """The difference at the instant `at`, with what the other book has scheduled for later."""
    changes: list[Change] = []
    same = 0
    for offer in _considered(other.offers, at):
        for model in offer.models:
            change = _change(book, offer, model, at)
            if change is None:
                same += 1
            else:
                changes.append(change)
    return Difference(tuple(changes), same, tuple(_kept(book, other)))


def _considered(offers: Iterable[Offer], at: datetime) -> Iterator[Offer]:
    """Of a model's price lists for one way of calling, the one that holds now and those that come."""
    by_list: dict[tuple[object, ...], list[Offer]] = {}
    for offer in offers:
        place = (offer.provider, offer.models, offer.service_tier, offer.batch, offer.region)
        by_list.setdefault(place, []).append(offer)
    for dated in by_list.values():
        begun = [start for offer in dated if (start := offer.start or BEGINNING) <= at]
        present = max(begun, default=BEGINNING)
        yield from (offer for offer in dated if (offer.start or BEGINNING) >= present)


def _change(book: PriceBook, offer: Offer, model: str, at: datetime) -> Change | None:
    moment = max(at, offer.start) if offer.start is not None else at
    whole = Decimal(offer.input_above + 1 if offer.input_above is not None else 1)
    quantities = {offer.unit: whole} if offer.unit in INPUT_UNITS else {offer.unit: ONE, Unit.INPUT_TOKENS: whole}
    name = model.replace("*", "")
    facts = CallFacts(offer.provider, name, quantities, moment, offer.service_tier, offer.batch, offer.region)
    ours = book.row(facts, offer.unit)
    if ours is None:
        return Change(ChangeKind.NEW, model, offer, None, offer.start, None)
    percent = _percent(ours, offer)
    if percent is not None and abs(percent) <= _SAME:
        return None
    return Change(ChangeKind.CHANGED, model, offer, ours, moment.replace(microsecond=0), percent)


def _percent(ours: PriceRow, offer: Offer) -> Decimal | None:
    """By how much theirs is dearer than ours, of the same quantity."""
    here, there = multiply(ours.amount, offer.per), multiply(offer.amount, ours.per)
    if here == there:
        return Decimal(0)
    return EXACT.divide(multiply(subtract(there, here), HUNDRED), here) if here else None


def _kept(book: PriceBook, other: OtherBook) -> Iterator[tuple[str, str]]:
    """Models of the same providers that the other book doesn't name."""
    ours = {(row.provider, row.model) for row in book.rows if row.provider in other.names and not row.own}
    for provider, model in sorted(ours):
        if not any(fnmatchcase(model.replace("*", ""), pattern.lower()) for pattern in other.names[provider]):
            yield provider, model
