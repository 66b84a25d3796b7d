"""The operator's books, as one process holds them: the database, and what is kept in memory beside it.

The composition root that the API, the command line and the in-process client share. Only here and in those are
transactions opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from tollkeeper import clock
from tollkeeper.catalog import Catalog
from tollkeeper.customers import KeyRing
from tollkeeper.db import Again, Database, Tx, peek_epochs
from tollkeeper.events import EventIn, Refused
from tollkeeper.gate import Desk, Recorded, Replayed, record, replay
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings


@dataclass(slots=True)
class Books:
    """One process's view of the operator's books."""

    settings: Settings
    database: Database
    """Read it for each transaction: it's replaced while the first connection can't be had (`app.py`)."""
    desk: Desk = field(default_factory=Desk)
    keyring: KeyRing = field(default_factory=KeyRing)

    def __post_init__(self) -> None:
        self.desk.max_future = timedelta(seconds=self.settings.max_future_seconds)

    async def catalog(self, tx: Tx | None = None) -> Catalog:
        """The catalog in force: as `tx` sees it, or else in a transaction of its own. For reading, not for rating."""
        if tx is None:
            return await self.database.run(self.catalog)
        return await self.desk.shelf.current(tx, await peek_epochs(tx), MODELS)

    async def ingest(
        self,
        items: Sequence[EventIn | Refused],
        *,
        by: str = "library",
        also: Callable[[Tx, Recorded], Awaitable[None]] | None = None,
    ) -> Recorded:
        """Record items in a transaction of their own. When this returns, what was accepted is durable.

        `by` says in the ledger who reported them. `also` is done in the same transaction, after the items are
        recorded: both hold, or neither. Raises DatabaseUnavailable; then nothing is stored or everything is, and the
        same call may be repeated.
        """
        careful = False

        async def work(tx: Tx) -> Recorded:
            nonlocal careful
            try:
                recorded = await record(tx, self.desk, items, now=clock.now(), by=by, careful=careful)
            except Again:
                careful = True
                raise
            if also is not None:
                await also(tx, recorded)
            return recorded

        return _committed(await self.database.run(work))

    async def replay(self, quarantine_ids: Sequence[UUID], *, by: str) -> list[Replayed]:
        """Send quarantined items through the gate again, in one transaction."""

        async def work(tx: Tx) -> tuple[list[Replayed], Recorded | None]:
            return await replay(tx, self.desk, quarantine_ids, now=clock.now(), by=by)

        replayed, recorded = await self.database.run(work)
        if recorded is not None:
            _committed(recorded)
        return replayed


def _committed(recorded: Recorded) -> Recorded:
    """Note what the transaction has stored, now that it's certain."""
    for series in recorded.series:
        series.stored = True
    return recorded
