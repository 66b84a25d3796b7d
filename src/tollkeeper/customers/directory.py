"""The customers that a process keeps in memory, for the path that every batch of usage takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from tollkeeper.customers import store
from tollkeeper.customers.agreement import NO_AGREEMENT, Agreement, agreements_in
from tollkeeper.customers.model import Customer, customer_id_of, is_key
from tollkeeper.db import Kept, Tx

MOST_KEPT = 200_000


class Known(dict[str, Customer]):
    """Customers by key, with what each has of its own beside the catalog. Don't change it."""

    def __init__(self, customers: Iterable[Customer] = (), agreements: Mapping[str, Agreement] | None = None) -> None:
        super().__init__((customer.key, customer) for customer in customers)
        self._agreements = dict(agreements or {})

    def agreement(self, customer_id: UUID | str) -> Agreement:
        """The agreement of one of these customers; most have none."""
        return self._agreements.get(str(customer_id), NO_AGREEMENT)

    def only(self, keys: Iterable[str]) -> Known:
        """Those of the keys alone."""
        customers = [self[key] for key in keys if key in self]
        ids = {str(customer.customer_id) for customer in customers} & self._agreements.keys()
        return Known(customers, {customer_id: self._agreements[customer_id] for customer_id in ids})

    def take(self, others: Known) -> Known:
        """These and the others, which it keeps from now on."""
        self.update(others)
        self._agreements.update(others._agreements)
        return self


class Directory:
    """Customers by key, as of the epoch that the transaction has read (db/epochs.py), for recording alone.

    Only a change of currency, time zone, archiving, suspension, plans or own limits moves the epoch. What else a kept
    customer holds (name, metadata, updated_at) may be out of date: never show it. What is shown is read with
    `get_customer`.

    What is kept is what other transactions have committed. A transaction that has written something itself may see
    rows, or an epoch, that are rolled back later; what it finds goes to its caller alone.
    """

    def __init__(self, *, most: int = MOST_KEPT) -> None:
        self._most = most
        self._epoch: int | None = None
        self._kept = Known()

    def __len__(self) -> int:
        return len(self._kept)

    async def resolve(
        self, tx: Tx, epochs: Mapping[str, int], keys: Collection[str], *, written: bool | None = None
    ) -> Known:
        """Every customer among `keys` that exists, and maybe others, with their agreements.

        `epochs` is what `read_epochs` gave in this transaction. Customers not yet known are read in one round trip,
        on every call: that one doesn't exist isn't kept, because it may be created at any moment. `written` says
        whether the transaction has written what it may see here; None: whether it has written at all.
        """
        epoch = epochs[Kept.CUSTOMERS]
        if epoch != self._epoch:
            self._epoch, self._kept = epoch, Known()
        # Callers hold on to what they got while others go on here. So a full or stale dict is replaced, never cleared.
        kept = self._kept
        missing = {key for key in keys if key not in kept}
        if not missing:
            return kept
        found = await _read(tx, [customer_id_of(key) for key in missing if is_key(key)])
        if not found:
            return kept
        if await store.has_written(tx) if written is None else written:
            return kept.only(keys).take(found)
        if len(kept) + len(found) > self._most:
            smaller = kept.only(keys)
            if self._kept is kept:
                self._kept = smaller
            kept = smaller
        return kept.take(found)


async def _read(tx: Tx, customer_ids: Collection[UUID]) -> Known:
    """The customers and agreements, in one round trip where the transaction is pipelined."""
    customers = await store.ask_customers(tx, customer_ids)
    agreements = await store.ask_agreements(tx, customer_ids)
    return Known(await customers.all(), agreements_in(await agreements.all()))
