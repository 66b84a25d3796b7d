"""What happens without anybody asking: the sweep, tidying up, and reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tollkeeper import clock
from tollkeeper.books.opened import Opened
from tollkeeper.catalog import redeclare
from tollkeeper.gate import due_customers, sweep, warn_of_expiry
from tollkeeper.limits import forget_old
from tollkeeper.reconciliation import Allocate, Ran, Way, access_for, reconcile_all, rules_of

_SWEPT_TOGETHER = 100
"""Customers whose tills one sweep's transaction locks at once."""


class Keeping(Opened):
    """Keeping the books in order."""

    __slots__ = ()

    async def sweep(self) -> int:
        """Let everything happen that is due, of all customers; how many holds have ended."""
        now, ended = clock.now(), 0
        seen: set[str] = set()
        while True:
            due = await self.database.run(lambda tx: due_customers(tx, now, _SWEPT_TOGETHER))
            # One that is due again can't be helped in this round.
            customers = [customer for customer in due if customer not in seen]
            if not customers:
                return ended
            seen |= {*customers}
            try:
                ended += await self._sweep(customers)
            except Exception as error:
                # One of them is at fault, and mustn't keep the others waiting.
                failures: list[Exception] = [] if len(customers) > 1 else [error]
                for customer in customers if len(customers) > 1 else ():
                    try:
                        ended += await self._sweep([customer])
                    except Exception as failure:
                        failures.append(failure)
                if failures:
                    raise failures[0] from error

    async def tidy(self) -> None:
        """Tell of grants that are about to expire, forget counters of windows long over, and tell the reports what the
        catalog declares.
        """
        now = clock.now()
        await self.database.run(lambda tx: warn_of_expiry(tx, now=now))
        while await self.database.run(lambda tx: forget_old(tx, now, limit=_SWEPT_TOGETHER * 10)):
            pass
        await self.database.run(redeclare)  # last: where a newer process has applied a catalog, this one can't read it

    async def _sweep(self, customers: Sequence[str]) -> int:
        return await self.database.run(lambda tx: sweep(tx, self.desk, customers, now=clock.now()), pipelined=True)

    async def reconcile(
        self,
        provider: str | None = None,
        *,
        days: tuple[datetime, datetime] | None = None,
        dry: bool = False,
        allocate: Allocate | None = None,
        close: bool = False,
        rest: timedelta | None = None,
        by: str = "library",
    ) -> list[Ran]:
        """Read what providers report, compare it with our calls, and book what differs (reconciliation/run.py).

        Of the UTC days that `days` touches, or else those that may still have changed. `close` takes days that are over
        for final. With `rest`, a provider that was read less long ago is left alone. Raises Conflict
        `reconciliation_running`, InvalidInput, ProviderRefused, ProviderUnavailable.
        """
        access = access_for(self.settings, provider)
        async with self.database.alone("reconcile") as alone:
            rules = rules_of(self.settings, await self.catalog(), allocate=allocate, close=close)
            way = Way(self.database.run, self.desk, rules, clock.now(), by, dry)
            return await reconcile_all(way, access, alone=alone, days=days, rest=rest)
