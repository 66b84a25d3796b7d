"""The operator's books, as one process holds them: the database, and what is kept in memory beside it.

The composition root that the API, the command line and the in-process client share. Only here and in those are
transactions opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tollkeeper import clock
from tollkeeper.catalog import Catalog
from tollkeeper.customers import KeyRing
from tollkeeper.db import Again, Database, Tx, read_epochs
from tollkeeper.events import EventIn, Refused
from tollkeeper.gate import Desk, Recorded, record
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

    async def catalog(self, tx: Tx) -> Catalog:
        """The catalog in force."""
        return await self.desk.shelf.current(tx, await read_epochs(tx), MODELS)

    async def ingest(self, items: Sequence[EventIn | Refused]) -> Recorded:
        """Record items in a transaction of their own. When this returns, what was accepted is durable.

        Raises DatabaseUnavailable; then nothing is stored or everything is, and the same call may be repeated.
        """
        careful = False

        async def work(tx: Tx) -> Recorded:
            nonlocal careful
            try:
                return await record(tx, self.desk, items, now=clock.now(), careful=careful)
            except Again:
                careful = True
                raise

        recorded = await self.database.run(work)
        for series in recorded.series:
            series.stored = True
        return recorded
