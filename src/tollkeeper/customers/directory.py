"""The customers that a process keeps in memory, for the path that every batch of usage takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tollkeeper.customers import store
from tollkeeper.customers.model import Customer, customer_id_of, is_key
from tollkeeper.db import Kept, Tx

MOST_KEPT = 200_000


class Directory:
    """Customers by key, as of the epoch that the transaction has read (db/epochs.py), for recording alone.

    Only a change of currency, time zone or archiving moves the epoch. What else a kept customer holds (name, metadata,
    updated_at) may be out of date: never show it. What is shown is read with `get_customer`.

    What is kept is what other transactions have committed. A transaction that has written something itself may see
    rows, or an epoch, that are rolled back later; what it finds goes to its caller alone.
    """

    def __init__(self, *, most: int = MOST_KEPT) -> None:
        self._most = most
        self._epoch: int | None = None
        self._kept: dict[str, Customer] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def resolve(self, tx: Tx, epochs: Mapping[str, int], keys: Collection[str]) -> Mapping[str, Customer]:
        """A mapping that holds every customer among `keys` that exists, and maybe others. Don't change it.

        `epochs` is what `read_epochs` gave in this transaction. Customers not yet known are read in one query, on
        every call: that one doesn't exist isn't kept, because it may be created at any moment.
        """
        epoch = epochs[Kept.CUSTOMERS]
        if epoch != self._epoch:
            self._epoch, self._kept = epoch, {}
        # Callers hold on to what they got while others go on here. So a full or stale dict is replaced, never cleared.
        kept = self._kept
        missing = {key for key in keys if key not in kept}
        if not missing:
            return kept
        rows = await store.find_customers(tx, [customer_id_of(key) for key in missing if is_key(key)])
        if not rows:
            return kept
        found = {customer.key: customer for customer in rows}
        if await store.has_written(tx):
            return _only(kept, keys) | found
        if len(kept) + len(found) > self._most:
            smaller = _only(kept, keys)
            if self._kept is kept:
                self._kept = smaller
            kept = smaller
        kept.update(found)
        return kept


def _only(kept: Mapping[str, Customer], keys: Collection[str]) -> dict[str, Customer]:
    return {key: kept[key] for key in keys if key in kept}
