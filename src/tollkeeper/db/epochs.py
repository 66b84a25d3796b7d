"""Epochs: how a process learns that what it keeps in memory has changed in the database.

The catalog and the customers are read often and change rarely, so each process keeps them. A writer of either bumps a
counter under an exclusive lock; a batch reads the counters under a shared lock first. So no batch is rated with a
catalog, a currency or a time zone that was replaced before the batch commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tollkeeper.db.pool import Asked, Tx
from tollkeeper.db.queries import Queries

_queries = Queries(__package__ or "")


class Kept(StrEnum):
    """What processes keep in memory."""

    CATALOG = "catalog"
    CUSTOMERS = "customers"


async def read_epochs(tx: Tx) -> dict[str, int]:
    """The counters, held still until the transaction ends."""
    return epochs_in(await (await ask_epochs(tx)).all())


@dataclass(frozen=True, slots=True)
class Epoch:
    """One of the counters."""

    name: str
    value: int


async def ask_epochs(tx: Tx) -> Asked[Epoch]:
    """As `read_epochs`, for those who have more to ask in the same round trip: `epochs_in` its rows."""
    # Two statements: the second one's snapshot is taken after the lock was granted, so it sees the change that held it.
    await tx.execute(_queries.share_epochs)
    return await tx.ask(Epoch, _queries.peek_epochs)


def epochs_in(rows: list[Epoch]) -> dict[str, int]:
    """The counters by name."""
    return {row.name: row.value for row in rows}


async def peek_epochs(tx: Tx) -> dict[str, int]:
    """The counters as they are, for those who only read: a slow one doesn't keep a writer waiting."""
    cursor = await tx.execute(_queries.peek_epochs)
    return dict(await cursor.fetchall())


async def bump_epoch(tx: Tx, kept: Kept) -> None:
    """Say that `kept` changes in this transaction; waits for the batches that have read it."""
    await tx.execute(_queries.lock_epochs)
    await tx.execute(_queries.bump_epoch, {"name": kept.value})
