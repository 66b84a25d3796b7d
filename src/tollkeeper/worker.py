"""The background work of a server process: what is due happens, and what is over is forgotten.

No queue of jobs is needed for it: the rows themselves say what is due, everything is done under the customers' tills,
and doing it twice does nothing. So every process may sweep, and one that is killed leaves nothing half-done (ADR 11).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.console import Task, last_round, note_round, refresh_figures, zones_in_use
from tollkeeper.db import Database, Tx
from tollkeeper.errors import DatabaseUnavailable, TollError
from tollkeeper.events import (
    Due,
    announce_digests,
    due_digests,
    make_digests,
    transactions_begun,
    transactions_ended,
)
from tollkeeper.reconciliation import Ran, access_of, findings_of

_BETWEEN_TIDYING = timedelta(hours=1)
_BETWEEN_FIGURES_SECONDS = 10
_BETWEEN_DIGESTS_SECONDS = 30
_BETWEEN_GROWTH = timedelta(hours=1)
_OVERLAP = timedelta(minutes=1)
"""Usage is stamped before it's committed."""
_LOOKS, _LOOK_SECONDS = 200, 0.05
_PAGE = 200
_HOUR = 3600

BY = "reconciliation"
"""Who the ledger says has booked what a periodic run finds."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.worker")


async def reconcile_regularly(books: Books) -> None:
    """Read what providers report every `reconcile_seconds`, and book what differs, until cancelled.

    Where no admin key is set, or the seconds are 0, it ends at once. Of several processes one at a time reads, and none
    reads what another has read within the last half of that time.
    """
    seconds = books.settings.reconcile_seconds
    if seconds == 0 or not access_of(books.settings):
        return
    every = timedelta(seconds=_HOUR if seconds is None else seconds)
    while True:
        wait = every
        try:
            _tell(await books.reconcile(rest=every / 2, by=BY))
        except DatabaseUnavailable as error:
            _log.debug("reconciliation failed", code=error.code, detail=error.detail)
            wait = timedelta(seconds=books.settings.sweep_seconds)
        except TollError as error:
            if error.code != "reconciliation_running":
                # It says what to do, such as where to get an admin key. The next round tries again.
                _log.warning("reconciliation failed", code=error.code, detail=error.detail)
        except Exception:
            _log.exception("reconciliation failed")
        await asyncio.sleep(wait.total_seconds())


def _tell(found: Sequence[Ran]) -> None:
    for ran in found:
        rows = [row for day in ran.days for row in day.written]
        if rows:
            _log.info("reconciled", provider=ran.provider, findings=findings_of(rows))
        for refused in (one for day in ran.days for one in day.given.refused):
            _log.warning("cost not given", true_up=refused.id, error=refused.error and refused.error.detail)


async def work(books: Books) -> None:
    """Sweep every `sweep_seconds`, and tidy up once an hour, until cancelled."""
    tidied: datetime | None = None
    while True:
        try:
            ended = await books.sweep()
            if ended:
                _log.info("holds ended", holds=ended)
            await books.database.run(lambda tx: note_round(tx, Task.SWEEP, now=clock.now()))
            if tidied is None or clock.now() - tidied >= _BETWEEN_TIDYING:
                await books.tidy()
                tidied = clock.now()
        except TollError as error:
            # The database is away: /readyz says so, and the next round will find what is due.
            _log.debug("sweep failed", code=error.code, detail=error.detail)
        except Exception:
            _log.exception("sweep failed")
        await asyncio.sleep(books.settings.sweep_seconds)


async def keep_figures(books: Books) -> None:
    """Add up what the console lists, every ten seconds, until cancelled. Of several processes one at a time does it."""

    async def work(tx: Tx) -> bool:
        return await refresh_figures(tx, (await books.catalog(tx)).currency, now=clock.now())

    while True:
        try:
            await books.database.run(work)
        except DatabaseUnavailable as error:
            _log.debug("figures failed", code=error.code, detail=error.detail)
        except Exception:
            _log.exception("figures failed")
        await asyncio.sleep(_BETWEEN_FIGURES_SECONDS)


async def keep_digests(books: Books) -> None:
    """Sum up days and months that are over, until cancelled. Of several processes one at a time does it."""
    while True:
        await asyncio.sleep(_BETWEEN_DIGESTS_SECONDS)
        try:
            await digest(books.database, now=clock.now())
        except DatabaseUnavailable as error:
            _log.debug("digests failed", code=error.code, detail=error.detail)
        except Exception:
            _log.exception("digests failed")


async def digest(database: Database, *, now: datetime) -> int:
    """Make all digests that are due (events/digests.py). The number of customers that had something to do."""
    async with database.alone("digests") as alone:
        if not alone:
            return 0
        await database.run(lambda tx: _announce(tx, now))
        number = await database.run(transactions_begun)
        if not await _ended(database, number):
            return 0  # Something takes long. It's for a later round.
        return await _sum_up(database)


async def _sum_up(database: Database) -> int:
    done = 0
    after: str | None = None
    while page := await database.run(partial(due_digests, after=after, limit=_PAGE)):
        for one in page:
            left: Due | None = one
            while left is not None:
                left = await database.run(partial(make_digests, due=left))
        done, after = done + len(page), page[-1].customer_id
    return done


async def _announce(tx: Tx, now: datetime) -> None:
    last = await last_round(tx, Task.DIGESTS)
    grow = last is None or now - last.as_of >= _BETWEEN_GROWTH
    since = last.as_of - _OVERLAP if last else None
    await announce_digests(tx, await zones_in_use(tx), now, grow=grow, since=since)
    if grow:
        await note_round(tx, Task.DIGESTS, now=now)


async def _ended(database: Database, number: int) -> bool:
    """Whether all transactions before this one end in time."""
    for _ in range(_LOOKS):
        if await database.run(lambda tx: transactions_ended(tx, number)):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False
