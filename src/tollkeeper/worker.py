"""The background work of a server process: what is due happens, and what is over is forgotten.

No queue of jobs is needed for it: the rows themselves say what is due, everything is done under the customers' tills,
and doing it twice does nothing. So every process may sweep, and one that is killed leaves nothing half-done (ADR 11).
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.errors import TollError

_BETWEEN_TIDYING = timedelta(hours=1)

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.worker")


async def work(books: Books) -> None:
    """Sweep every `sweep_seconds`, and tidy up once an hour, until cancelled."""
    tidied: datetime | None = None
    while True:
        try:
            ended = await books.sweep()
            if ended:
                _log.info("holds ended", holds=ended)
            if tidied is None or clock.now() - tidied >= _BETWEEN_TIDYING:
                await books.tidy()
                tidied = clock.now()
        except TollError as error:
            # The database is away: /readyz says so, and the next round will find what is due.
            _log.debug("sweep failed", code=error.code, detail=error.detail)
        except Exception:
            _log.exception("sweep failed")
        await asyncio.sleep(books.settings.sweep_seconds)
