"""Usage goes into the books: as it's reported, from quarantine, and with a cost that is known later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from tollkeeper import clock
from tollkeeper.books.opened import Opened, committed
from tollkeeper.calls import CallFilter
from tollkeeper.db import Tx
from tollkeeper.events import EventIn, Refused
from tollkeeper.gate import Recorded, Replayed, Repriced, record, replay, reprice

_FEW_ITEMS = 50


class Recording(Opened):
    """What was used."""

    __slots__ = ()

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
        attempt = 0

        async def work(tx: Tx) -> Recorded:
            nonlocal attempt
            attempt += 1
            recorded = await record(tx, self.desk, items, now=clock.now(), by=by, careful=attempt > 1)
            if also is not None:
                await also(tx, recorded)
            return recorded

        # A larger batch gains little by a pipeline, and a repeated one loses by it what the driver had prepared.
        return committed(await self.database.run(work, pipelined=len(items) <= _FEW_ITEMS))

    async def replay(self, quarantine_ids: Sequence[UUID], *, by: str) -> list[Replayed]:
        """Send quarantined items through the gate again, in one transaction."""

        async def work(tx: Tx) -> tuple[list[Replayed], Recorded | None]:
            return await replay(tx, self.desk, quarantine_ids, now=clock.now(), by=by)

        replayed, recorded = await self.database.run(work)
        if recorded is not None:
            committed(recorded)
        return replayed

    async def reprice(self, wanted: CallFilter, *, apply: bool, by: str = "library") -> list[Repriced]:
        """Price the open calls by today's book, and book what they cost; without `apply` only tell the difference.

        Of all customers, or the one that `wanted` names. Each page is a transaction of its own.
        """
        found: list[Repriced] = []
        after = None
        while True:

            async def work(tx: Tx) -> tuple[list[Repriced], Any]:
                answer = await reprice(tx, self.desk, wanted, now=clock.now(), by=by, after=after)  # noqa: B023
                if not apply:
                    raise _Undone(answer)
                return answer

            try:
                told, after = await self.database.run(work)
            except _Undone as undone:
                told, after = undone.answer
            found += told
            if after is None:
                return found


class _Undone(Exception):
    """Raised within a transaction that was only to tell what it would do: it's rolled back."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer
