"""Rounds: each customer's figures of this month are added up anew where they may have changed.

They are a copy. Kept up to date within the batches themselves, they would be a row that all batches of a customer wait
for; read from the rollups when the list is asked for, 100,000 customers would take seconds. So a task in the background
copies what has changed, and the list says as of when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from tollkeeper.clock import Period, calendar_period, local_slot, start_of_day, zone
from tollkeeper.console.model import Round
from tollkeeper.customers import Customer, CustomerChanges, upsert_customer
from tollkeeper.db import Queries, Tx, text_array, word_array
from tollkeeper.gate import in_use

_queries = Queries(__package__ or "")

OVERLAP = timedelta(minutes=1)
"""Events are looked for from so long before the last round: they are stamped before they are committed."""

WHOLE_EVERY = timedelta(days=1)
"""So often everything is added up, for what was committed later than that."""


class Task(StrEnum):
    """What runs again and again, and is noted."""

    DIGESTS = "digests"
    FIGURES = "figures"
    SWEEP = "sweep"


async def put_customer(tx: Tx, key: str, changes: CustomerChanges, currency: str) -> tuple[Customer, bool]:
    """Create or change a customer, as `upsert_customer` does; a new one is listed at once, with figures of 0, and not a
    round later.

    `currency` is the catalog's.
    """
    customer, created = await upsert_customer(tx, key, changes, default_currency=currency, in_use=in_use)
    if created:
        of_customer = {"customer_id": customer.customer_id, "key": key, "own_currency": customer.currency}
        await tx.execute(_queries.list_customer, of_customer | {"currency": currency})
    return customer, created


async def refresh_figures(tx: Tx, currency: str, *, now: datetime, whole: bool = False) -> bool:
    """Bring the figures up to `now`; False where another process is at it. With `whole`, those of every customer.

    `currency` is the catalog's.
    """
    last = await _alone(tx, Task.FIGURES)
    if last is None:
        return False
    whole = whole or now - last.whole_at >= WHOLE_EVERY or now < last.as_of
    zones = await zones_in_use(tx)
    columns = zone_columns(zones, now)
    turned = zones if whole else [name for name in zones if _month(name, now) != _month(name, last.as_of)]
    since = last.as_of - OVERLAP
    params = columns | {"since": since, "whole_zones": text_array(turned), "currency": currency}
    refreshed = await tx.execute(_queries.refresh_figures, params)
    if whole or refreshed.rowcount:
        await tx.execute(_queries.forget_sums)
        await tx.execute(_queries.store_sums)
    done = {"task": Task.FIGURES, "as_of": now, "whole_at": now if whole else last.whole_at}
    await tx.execute(_queries.end_round, done)
    return True


async def _alone(tx: Tx, task: Task) -> Round | None:
    """The last round, which no other transaction may follow up until this one ends; None where one is at it."""
    locked = await tx.one(Round, _queries.lock_round, {"task": task})
    if locked is None and await last_round(tx, task) is None:
        await tx.execute(_queries.begin_round, {"task": task})
        locked = await tx.one(Round, _queries.lock_round, {"task": task})
    return locked


async def note_round(tx: Tx, task: Task, *, now: datetime) -> None:
    """Note that the task was done; where another process is about to note the same, that's enough."""
    if await _alone(tx, task) is None:
        return
    await tx.execute(_queries.end_round, {"task": task, "as_of": now, "whole_at": now})


async def last_round(tx: Tx, task: Task) -> Round | None:
    """How far the task has come; None if it was never done."""
    return await tx.one(Round, _queries.last_round, {"task": task})


async def zones_in_use(tx: Tx) -> list[str]:
    """The customers' time zones."""
    return await tx.scalars(_queries.zones_in_use)


def zone_columns(zones: Sequence[str], now: datetime) -> dict[str, Any]:
    """The present day and month in each zone, as columns. They come from clock.py, as those of the rollups do."""
    days = [local_slot(now, zone(name)).day for name in zones]
    months = [calendar_period(day, Period.MONTH) for day in days]
    began = [start_of_day(first, zone(name)) for name, (first, _) in zip(zones, months, strict=True)]
    return {
        "zone": text_array(list(zones)),
        "day": word_array([day.isoformat() for day in days]),
        "month": word_array([first.isoformat() for first, _ in months]),
        "next_month": word_array([after.isoformat() for _, after in months]),
        "began": word_array([start.astimezone(UTC).isoformat() for start in began]),
    }


def _month(name: str, at: datetime) -> date:
    return calendar_period(local_slot(at, zone(name)).day, Period.MONTH)[0]
