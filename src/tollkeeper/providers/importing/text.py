"""Changes as the text of a price file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from tollkeeper.clock import in_utc
from tollkeeper.money import ONE, plain, with_decimals
from tollkeeper.providers.importing.compare import PriceChange
from tollkeeper.providers.importing.offers import MILLION, Offer
from tollkeeper.providers.model import TOKEN_UNITS, Unit

_CENTS = 2


def changes_as_toml(changes: Iterable[PriceChange], *, source: str, on: date) -> str:
    """`[[models]]` tables with these changes: names that share all their prices share a table."""
    prices: dict[tuple[str, str], dict[str, list[str]]] = {}
    for change in changes:
        entry = prices.setdefault((change.offer.provider, change.model), {})
        amount = f'{change.offer.unit} = "{_amount(change.offer)}"'
        entry.setdefault(_conditions(change), []).append(amount)
    shared: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (provider, model), entry in prices.items():
        lines = tuple(f"  {{ {', '.join([*([how] if how else []), *units])} }}," for how, units in entry.items())
        shared.setdefault((provider, lines), []).append(model)
    head = f"\n# From {source}, {on.isoformat()}.\n"
    return head + "".join(_table(p, models, lines, source, on) for (p, lines), models in shared.items())


def _table(provider: str, models: list[str], lines: tuple[str, ...], source: str, on: date) -> str:
    match = json.dumps(models[0] if len(models) == 1 else models, ensure_ascii=False)
    told = f'[[models]]\nprovider = "{provider}"\nmatch = {match}\nsource = {json.dumps(source)}\n'
    # A list price, so that a discount goes on lowering it.
    return f'{told}list_price = true\nchecked_on = "{on.isoformat()}"\nprices = [\n' + "\n".join(lines) + "\n]\n\n"


def _conditions(change: PriceChange) -> str:
    offer = change.offer
    told = {
        "tier": None if offer.service_tier is None else json.dumps(offer.service_tier),
        "batch": "true" if offer.batch else None,
        "region": None if offer.region is None else json.dumps(offer.region),
        "input_above": offer.input_above,
        "input_up_to": offer.input_up_to,
        "from": None if change.start is None else in_utc(change.start),
    }
    if offer.unit in (Unit.WEB_SEARCHES, Unit.FILE_SEARCHES):
        told |= {"tier": '"any"', "batch": '"any"'}
    return ", ".join(f"{key} = {value}" for key, value in told.items() if value is not None)


def _amount(offer: Offer) -> str:
    usual = MILLION if offer.unit in TOKEN_UNITS or offer.unit is Unit.CHARACTERS else ONE
    amount = with_decimals(offer.amount, _CENTS)
    return amount if offer.per == usual else f"{amount} / {plain(offer.per)}"
