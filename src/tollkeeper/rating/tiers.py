"""Tiers: what `graduated` and `volume` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tollkeeper.money import ONE, ZERO, add, grouped, plain, price_of
from tollkeeper.rating.model import Report
from tollkeeper.rating.reading import TermsReader
from tollkeeper.rating.words import Words


@dataclass(frozen=True, slots=True)
class Tier:
    """A stretch of the period's quantity: above `lower`, up to and with `up_to` (None: without end)."""

    lower: Decimal
    up_to: Decimal | None
    amount: Decimal
    per: Decimal = ONE
    flat: Decimal = ZERO
    """Due once, as soon as the quantity is above `lower`."""

    def price(self, quantity: Decimal) -> Decimal:
        """What `quantity` costs at this tier's rate, with its flat part."""
        return add(price_of(quantity, self.amount, self.per), self.flat)

    def reaches(self, quantity: Decimal) -> bool:
        """Whether a cumulative quantity ends in this tier or below."""
        return self.up_to is None or quantity <= self.up_to

    def extent(self) -> str:
        """ "up to 1,000", "above 1,000", "above 1,000 up to 5,000", "any quantity"."""
        parts = [f"above {grouped(self.lower)}"] if self.lower else []
        if self.up_to is not None:
            parts.append(f"up to {grouped(self.up_to)}")
        return " ".join(parts) or "any quantity"

    def arithmetic(self, quantity: Decimal, words: Words) -> str:
        """ "1,000 tokens × 0.01 USD + 5.00 USD flat = 15.00 USD"."""
        flat = f" + {words.value(self.flat)} flat" if self.flat else ""
        rate = words.rate(self.amount, self.per)
        return f"{words.quantity(quantity)} × {rate}{flat} = {words.value(self.price(quantity))}"


@dataclass(frozen=True, slots=True)
class TieredTerms:
    """Adjacent tiers that cover every quantity above 0."""

    tiers: tuple[Tier, ...]

    def as_table(self) -> dict[str, Any]:
        """The canonical table."""
        return {"tiers": [_as_table(tier) for tier in self.tiers]}


def _as_table(tier: Tier) -> dict[str, str]:
    table = {} if tier.up_to is None else {"up_to": plain(tier.up_to)}
    table["amount"] = plain(tier.amount)
    if tier.per != ONE:
        table["per"] = plain(tier.per)
    if tier.flat:
        table["flat"] = plain(tier.flat)
    return table


def parse_tiers(table: Mapping[str, object], problem: Report) -> TieredTerms | None:
    """The terms in `tiers`; None after every problem was reported."""
    read = TermsReader(table, problem)
    readers = read.tables("tiers")
    tiers: list[Tier] = []
    lower = ZERO
    for nested in readers:
        tier = _read_tier(nested, lower, last=nested is readers[-1])
        tiers.append(tier)
        lower = tier.up_to or lower
    return TieredTerms(tuple(tiers)) if read.accepted() else None


def _read_tier(read: TermsReader, lower: Decimal, *, last: bool) -> Tier:
    up_to = read.optional("up_to")
    if last and "up_to" in read:
        read.refuse("up_to", "The last tier has no `up_to`: it prices whatever comes above the others.")
    elif not last and "up_to" not in read:
        read.refuse("up_to", "Only the last tier may do without `up_to`.")
    elif up_to is not None and up_to <= lower:
        read.refuse("up_to", f"`up_to` must be above {plain(lower)}, where this tier starts.")
    flat = read.number("flat", ZERO)
    # A tier may be a flat part alone, but one that says nothing at all is a slip: free usage is written amount = 0.
    amount = read.number("amount", ZERO) if "flat" in read else read.required("amount")
    tier = Tier(lower=lower, up_to=up_to, amount=amount, per=read.positive("per", ONE), flat=flat)
    read.accepted()
    return tier
