"""Reading what customers may buy themselves: amounts under [top_ups.<unit>], and [packs.<key>]."""

from __future__ import annotations

import re
from decimal import Decimal

from tollkeeper.catalog.known import Known, read_unit, refuse_finer, unit_fault
from tollkeeper.catalog.plans import Lifetime, Pack, TopUpOffer
from tollkeeper.catalog.table import Table, in_words
from tollkeeper.clock import Period
from tollkeeper.money import ONE, ZERO, currency_decimals, decimals_of, is_currency, multiply, plain

_MOST_AMOUNTS = 20
_LONGEST = {Period.DAY: 36_500, Period.WEEK: 5_200, Period.MONTH: 1_200, Period.YEAR: 100}
"""A hundred years, in each period."""
_LIFETIME = re.compile(r"([1-9][0-9]{0,4}) (day|week|month|year)s?", re.ASCII)


def read_top_ups(root: Table, known: Known) -> dict[str, TopUpOffer]:
    """The tables in `top_ups`, by unit of value; what can't be used is noted."""
    found: dict[str, TopUpOffer] = {}
    for unit, table in root.tables("top_ups"):
        if (fault := unit_fault(unit, known)) is not None:
            table.refuse_all(fault)
        else:
            found[unit] = _top_up(unit, table, known)
    return found


def read_packs(root: Table, known: Known) -> dict[str, Pack]:
    """The tables in `packs`; what can't be used is noted."""
    return {key: _pack(key, table, known) for key, table in root.keyed("packs")}


def _top_up(unit: str, table: Table, known: Known) -> TopUpOffer:
    amounts = table.numbers("amounts", count=_MOST_AMOUNTS, required=True)
    if amounts == []:
        table.refuse("amounts", '`amounts` is empty; write what can be bought at a click, such as ["5", "10"].')
    price, currency = _price(table, unit, known, what="one of it")
    for amount in amounts or ():
        refuse_finer(table, "amounts", amount, unit, known)
        _refuse_unpayable(table, "amounts", f"{plain(amount)} of it", multiply(amount, price), currency)
    offer = TopUpOffer(unit, tuple(amounts or ()), price, currency, _lifetime(table))
    table.finish()
    return offer


def _pack(key: str, table: Table, known: Known) -> Pack:
    unit = read_unit(table, "unit", known)
    amount = table.number("amount", required=True, positive=True)
    bonus = table.number("bonus", positive=True)
    refuse_finer(table, "amount", amount, unit, known)
    refuse_finer(table, "bonus", bonus, unit, known)
    price, currency = _price(table, unit, known, what="the pack")
    cost = (amount or ONE) if currency == unit else price
    _refuse_unpayable(table, "amount" if currency == unit else "price", "the pack", cost, currency)
    name = table.text("name", default=in_words(key))
    pack = Pack(key, name, unit, amount or ONE, cost, currency, bonus or ZERO, _lifetime(table))
    table.finish()
    return pack


def _price(table: Table, unit: str, known: Known, *, what: str) -> tuple[Decimal, str]:
    """The price, and the currency that it's in. Money costs what it is."""
    price = table.number("price", positive=True)
    if is_currency(unit):
        if "price" in table:
            advice = f"1 {unit} costs 1 {unit}, so leave `price` out"
            table.refuse("price", f"{advice}; what comes along for nothing is a pack's `bonus`.")
        return ONE, unit
    if "price" not in table:
        table.refuse("price", f"`price` is missing: what {what} costs, in {known.currency}.")
    return price or ONE, known.currency


def _refuse_unpayable(table: Table, key: str, what: str, cost: Decimal, currency: str) -> None:
    """Refuse what nobody can pay to the last digit."""
    if is_currency(currency) and decimals_of(cost) > (most := currency_decimals(currency)):
        told = f"{what} would cost {plain(cost)} {currency}, and {currency} has {most} decimals"
        table.refuse(key, f"{told[0].upper()}{told[1:]}: nobody can pay that.")


def _lifetime(table: Table) -> Lifetime | None:
    """How long what was bought can be spent."""
    text = table.text("expires_after", default="")
    if not text:
        return None
    found = _LIFETIME.fullmatch(text)
    if found is not None and int(found[1]) <= _LONGEST[Period(found[2])]:
        return Lifetime(int(found[1]), Period(found[2]))
    told = 'must be such as "12 months": days, weeks, months or years, a hundred years at most.'
    table.refuse("expires_after", f"`expires_after` {told}")
    return None
