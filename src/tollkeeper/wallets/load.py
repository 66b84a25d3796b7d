"""Loading: the purses of many customers in one round trip, and the rest of their grants where that's needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Asked, Tx, array, text_array, word_array
from tollkeeper.wallets.model import Grant, Wallet
from tollkeeper.wallets.purse import Purse
from tollkeeper.wallets.store import queries

FIRST = 4
"""Open grants that are loaded of each wallet at first: nearly always enough to burn from."""


@dataclass(frozen=True, slots=True)
class AskedPurses:
    """Purses that were asked for and are on their way."""

    wallets: Asked[Wallet]
    grants: Asked[Grant] | None
    first: int


@dataclass(frozen=True, slots=True)
class _Made:
    customer_id: str
    recurring: str
    period_start: datetime


async def ask_purses(tx: Tx, customer_ids: Collection[str], first: int = FIRST) -> AskedPurses:
    """Ask for all wallets of these customers, with the `first` open grants of each in burn order, perhaps none."""
    params = {"customer_ids": array(sorted(customer_ids))}
    wallets = await tx.ask(Wallet, queries.wallets_of, params)
    grants = await tx.ask(Grant, queries.first_grants, params | {"first": first}) if first else None
    return AskedPurses(wallets, grants, first)


async def read_purses(asked: AskedPurses) -> list[Purse]:
    """The purses that were asked for, by customer and unit."""
    wallets = await asked.wallets.all()
    found = _by_wallet(await asked.grants.all()) if asked.grants is not None else {}
    purses: list[Purse] = []
    for wallet in wallets:
        grants = found.get(wallet.key, [])
        purse = Purse(wallet)
        purse.take_in(grants, complete=len(grants) < asked.first)
        purses.append(purse)
    return purses


async def complete(tx: Tx, needs: Collection[tuple[Purse, Decimal]]) -> None:
    """Load the other grants of the purses whose first ones can't pay what is needed of them."""
    short = [purse for purse, need in needs if not purse.affords(min(need, purse.wallet.balance))]
    if short:
        await _load_grants(tx, short)


async def load_all_grants(tx: Tx, purses: Collection[Purse]) -> None:
    """Complete these purses, with what `advance` needs to know of their past. Grants in memory stay as they are."""
    partly = [purse for purse in purses if not purse.complete]
    if partly:
        await _load_grants(tx, partly)
    unknown = [purse for purse in purses if purse.made is None]
    if not unknown:
        return
    made: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    params = {"customer_ids": array(sorted({purse.wallet.customer_id for purse in unknown}))}
    for row in await tx.all(_Made, queries.latest_periods, params):
        made[row.customer_id][row.recurring] = row.period_start
    for purse in unknown:
        purse.made = made[purse.wallet.customer_id]


async def _load_grants(tx: Tx, purses: Collection[Purse]) -> None:
    keys = sorted(purse.wallet.key for purse in purses)
    params = {"customer_id": word_array([key[0] for key in keys]), "unit": text_array([key[1] for key in keys])}
    found = _by_wallet(await tx.all(Grant, queries.open_grants, params))
    for purse in purses:
        purse.take_in(found.get(purse.wallet.key, []), complete=True)


async def find_grants(tx: Tx, keys: Collection[tuple[str, UUID]]) -> list[Grant]:
    """The grants with these customers and ids, open or not."""
    if not keys:
        return []
    params = {
        "customer_ids": array(sorted({customer_id for customer_id, _ in keys})),
        "grant_ids": array(sorted({grant_id for _, grant_id in keys})),
    }
    return [grant for grant in await tx.all(Grant, queries.find_grants, params) if grant.key in keys]


async def find_grant(tx: Tx, customer_id: str, grant_id: UUID) -> Grant | None:
    """The grant with this id, open or not; None if the customer has none."""
    return next(iter(await find_grants(tx, {(customer_id, grant_id)})), None)


def _by_wallet(grants: Collection[Grant]) -> dict[tuple[str, str], list[Grant]]:
    found: defaultdict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in grants:
        found[grant.customer_id, grant.unit].append(grant)
    return found
