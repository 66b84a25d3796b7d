"""Giving back: what corrections, and steps down a volume price, return to the grants that paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Tx, array
from tollkeeper.money import ZERO, add, subtract, sum_of
from tollkeeper.wallets.changes import Changes
from tollkeeper.wallets.lapse import end, lapse
from tollkeeper.wallets.load import find_grants
from tollkeeper.wallets.model import EntryKind, GiveBack, Grant
from tollkeeper.wallets.purse import Purse
from tollkeeper.wallets.store import queries

EventKey = tuple[str, str]
"""Customer id (as text) and event id."""

_MOST_ENTRIES = 200
"""So many of a wallet's latest entries of spending are looked through for what was burned most recently."""


@dataclass(frozen=True, slots=True)
class _Net:
    customer_id: str
    origin: str
    grant_id: UUID
    amount: Decimal


@dataclass(slots=True)
class Burned:
    """What events took from grants, as it's stored, and those grants; ended ones among them."""

    nets: dict[EventKey, dict[UUID, Decimal]] = field(default_factory=dict)
    """By event: what it and its corrections took from each grant."""
    grants: dict[UUID, Grant] = field(default_factory=dict)
    recent: dict[tuple[str, str], list[UUID]] = field(default_factory=dict)
    """By wallet: the grants burned most recently, the latest first; where that was asked for."""

    def taken(self, key: EventKey, changes: Changes) -> dict[UUID, Decimal]:
        """What the event and its corrections took from each grant, this transaction included."""
        nets = dict(self.nets.get(key, {}))
        for grant_id, amount in changes.net(*key).items():
            nets[grant_id] = add(nets.get(grant_id, ZERO), amount)
        return nets

    def paid_for(self, key: EventKey, changes: Changes) -> Decimal:
        """What the wallet has paid for an event and its corrections, and not got back."""
        return sum_of(self.taken(key, changes).values())

    async def complete(self, tx: Tx, purse: Purse, amount: Decimal, corrects: str | None, changes: Changes) -> None:
        """Load the grants burned most recently, if those of the corrected event can't take back all of the amount."""
        wallet = purse.wallet
        own = self.taken((wallet.customer_id, corrects), changes).values() if corrects is not None else ()
        if wallet.key in self.recent or sum_of(max(net, ZERO) for net in own) >= amount:
            return
        params = {"customer_id": wallet.customer_id, "unit": wallet.unit, "most": _MOST_ENTRIES}
        self.recent[wallet.key] = await tx.scalars(queries.recently_burned, params)
        await self.load(tx, {(wallet.customer_id, grant_id) for grant_id in self.recent[wallet.key]})

    async def load(self, tx: Tx, keys: Collection[tuple[str, UUID]]) -> None:
        """Load those of the grants that aren't here yet."""
        missing = {key for key in keys if key[1] not in self.grants}
        self.grants |= {grant.grant_id: grant for grant in await find_grants(tx, missing)}


async def ask_burned(tx: Tx, events: Collection[EventKey]) -> Burned:
    """What these events, their corrections included, took from which grants."""
    burned = Burned()
    if not events:
        return burned
    keys = sorted(events)
    params = {"customer_id": array([key[0] for key in keys]), "event_id": [key[1] for key in keys]}
    for row in await tx.all(_Net, queries.net_burns, params):
        burned.nets.setdefault((row.customer_id, row.origin), {})[row.grant_id] = row.amount
    await burned.load(tx, {(key[0], grant_id) for key, nets in burned.nets.items() for grant_id in nets})
    return burned


def give_back(purse: Purse, returns: Sequence[GiveBack], burned: Burned, changes: Changes) -> Decimal:
    """Give amounts back to grants; the rest that no grant can take, which the gate books to the receivable.

    First to the grants that the corrected event took from, in reverse burn order; what remains, and steps down a
    volume price, to the grants burned most recently. No grant gets back more than was spent of it. One that has ended
    gets it back and lapses at once, as if it had never been spent.
    """
    unreturned = ZERO
    for one in returns:
        rest = one.amount
        for grant, most in _takers(purse, one, burned, changes):
            part = min(rest, most, grant.spent)
            if part > 0:
                rest = subtract(rest, part)
                _return(purse, grant, one, part, changes)
            if not rest:
                break
        unreturned = add(unreturned, rest)
    # What came back may free what holds had kept of other grants that have ended.
    lapse(purse, changes)
    return unreturned


def _takers(purse: Purse, one: GiveBack, burned: Burned, changes: Changes) -> Iterator[tuple[Grant, Decimal]]:
    """The grants that may take it back, in order, each with the most that it may take."""
    wallet = purse.wallet
    if one.corrects is not None:
        nets = burned.taken((wallet.customer_id, one.corrects), changes)
        own = [(grant, nets[grant.grant_id]) for grant in _grants(purse, burned, nets)]
        yield from sorted(own, key=lambda each: each[0].place, reverse=True)
    latest = [entry.grant_id for entry in reversed(changes.entries) if entry.kind is EntryKind.SPENT]
    recent = dict.fromkeys([*latest, *burned.recent.get(wallet.key, ())])
    yield from ((grant, one.amount) for grant in _grants(purse, burned, recent))


def _grants(purse: Purse, burned: Burned, ids: Collection[UUID]) -> list[Grant]:
    """The grants of the purse's wallet among these, as this transaction has them in memory."""
    loaded = [purse.recall(grant_id) or burned.grants.get(grant_id) for grant_id in ids]
    wallet = purse.wallet
    ours = [one for one in loaded if one is not None and (one.customer_id, one.unit) == wallet.key]
    return [purse.adopt(grant) for grant in ours]


def _return(purse: Purse, grant: Grant, one: GiveBack, part: Decimal, changes: Changes) -> None:
    grant.spent, grant.remaining = subtract(grant.spent, part), add(grant.remaining, part)
    changes.change(grant)
    changes.take(one.event_id, one.corrects or one.event_id, grant, subtract(ZERO, part))
    changes.enter(purse.wallet, EntryKind.RETURNED, grant, part, changes.now)
    purse.put(grant)
    if grant.over(changes.now):
        end(purse, grant, changes.now, changes)
    else:
        purse.remind(grant.expires_at)
