"""Numbers as the sentences of suggestions have them."""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.catalog import plural
from tollkeeper.money import HUNDRED, ONE, grouped, price_of, round_to


def counted(number: int | Decimal, one: str) -> str:
    """ "1 call", "1,200 calls"."""
    number = Decimal(number)
    return f"{grouped(number)} {one if number.copy_abs() == ONE else plural(one)}"


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """A share in percent, rounded to 2 decimals; for people and not for reckoning on."""
    return round_to(price_of(part, HUNDRED, whole), 2)
