"""The books as a process has opened them: what is kept in memory, and the ways into a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from tollkeeper import clock
from tollkeeper.calls import Pricing
from tollkeeper.catalog import Catalog
from tollkeeper.customers import KeyRing
from tollkeeper.db import Database, Tx, peek_epochs
from tollkeeper.gate import Desk, Recorded, Tills
from tollkeeper.notify import Feed, Look, look
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings
from tollkeeper.teller import Teller

T = TypeVar("T")

_PATIENCE_MS = 50
"""How long a transaction that several share waits for the lock of one of them."""


@dataclass(slots=True)
class Opened:
    """The database, and what one process keeps in memory beside it."""

    settings: Settings
    database: Database
    """Read it for each transaction: it's replaced while the first connection can't be had (`app.py`)."""
    desk: Desk = field(default_factory=Desk)
    keyring: KeyRing = field(default_factory=KeyRing)
    _tellers: dict[tuple[str, str], Teller[Any, Any]] = field(default_factory=dict)
    """By what is asked for, and by whom: the ledger says who."""
    feed: Feed = field(init=False)
    """The open pages; it works while the server runs its loops (`app.py`)."""
    _window: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.desk.max_future = timedelta(seconds=self.settings.max_future_seconds)
        self.desk.pricing = Pricing(self.settings.prices, self.settings.usd_rate)
        self.feed = Feed(self._look, lambda: self.database.hear())

    async def _look(self, customer_ids: Collection[UUID], sessions: Collection[UUID]) -> Look:
        now = clock.now()  # Before the snapshot: what was committed by then is in it.
        async with self.database.transaction(snapshot=True, pipelined=True) as tx:
            return await look(tx, self.catalog, customer_ids, sessions, now=now)

    async def catalog(self, tx: Tx | None = None) -> Catalog:
        """The catalog in force: as `tx` sees it, or else in a transaction of its own. For reading, not for rating."""
        if tx is None:
            return await self.database.run(self.catalog)
        return await self.desk.shelf.current(tx, await peek_epochs(tx), MODELS)

    async def under_tills(self, by: str, work: Callable[[Tx, Tills], Awaitable[T]], *, patient: bool = True) -> T:
        """The result of `work` in a transaction of its own, with tills that nothing was done with."""
        patience = None if patient else _PATIENCE_MS
        return await self.database.run(
            lambda tx: work(tx, Tills(clock.now(), by, fresh=True)), pipelined=True, patience=patience
        )

    def teller(self, what: str, by: str, work: Callable[..., Awaitable[Sequence[Any]]]) -> Teller[Any, Any]:
        """The teller that serves such requests of this caller by `work`."""
        found = self._tellers.get((what, by))
        if found is None:
            found = self._tellers[what, by] = Teller(partial(work, by), self._window)
        return found


def committed(recorded: Recorded) -> Recorded:
    """Note what the transaction has stored, now that it's certain."""
    for series in recorded.series:
        series.stored = True
    return recorded
