"""Digests: days and months that are over, summed up by meter and by one dimension, so that long ranges are few rows.

They're made in the background, a customer and a month at a time, and are right at every moment (ADR 18):

1. It is **announced** which days may be in a digest. From then on a batch with usage of such a day marks it as late.
2. Batches that may not have seen this end.
3. The days are summed up. Late ones are forgotten first and summed up anew; a batch that commits meanwhile has marked
   its days again, and they're read from `usage_days` until the next round.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tollkeeper.clock import add_months, local_slot, zone
from tollkeeper.db import Queries, Tx, text_array, word_array

_queries = Queries(__package__ or "", "digests.queries.sql")

LATE_AFTER = timedelta(hours=6)
"""Usage of so long ago may belong to a day that is in a digest. What is newer needn't be looked up."""

_OVER_FOR = timedelta(hours=8)
"""A day is announced when it's over for so long: later than its usage is late, by more than clocks differ."""

DIGEST_CHECKS = (("digests", "Do the digests equal the days that they sum up?", _queries.verify_digests),)
"""What `verify` asks: name, question, and the query whose rows are the differences."""

_LARGE = 1_000
"""Customers with so many rows of days get digests."""

_ROWS_OF_DAY, _ROWS_OF_MONTH = 4, 100
"""A day or a month with fewer is read as fast from `usage_days`."""

_ROWS_AT_ONCE = 25
"""A day with so many is summed up when it's over, by dimensions too. Smaller ones wait for their month's end."""

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A customer whose days before `until` are to be summed up; those before `done` have been."""

    customer_id: str
    until: date
    done: date


async def mark_late(tx: Tx, days: Collection[tuple[str, str]], transaction_id: object) -> None:
    """Mark these (customer, day), which have got usage in this transaction, where they may be in a digest."""
    params = {
        "customer_id": word_array([customer_id for customer_id, _ in days]),
        "day": word_array([day for _, day in days]),
        "transaction_id": transaction_id,
    }
    await tx.execute(_queries.mark_late, params)


async def announce_digests(tx: Tx, zones: Sequence[str], now: datetime, *, grow: bool, since: datetime | None) -> None:
    """Announce the days that are over. With `grow`, take in customers that have become large: those with usage recorded
    since then, or all that have."""
    params = {
        "zone": text_array(list(zones)),
        "until": word_array([local_slot(now - _OVER_FOR, zone(name)).day.isoformat() for name in zones]),
        "grow": grow,
        "since": since,
        "large": _LARGE,
    }
    await tx.execute(_queries.announce_digests, params)


async def transactions_begun(tx: Tx) -> int:
    """A number above those of all transactions that have written something by now."""
    return await tx.scalar(_queries.transactions_begun)


async def transactions_ended(tx: Tx, number: int) -> bool:
    """Whether all transactions below the number have ended."""
    return bool(await tx.scalar(_queries.transactions_ended, {"number": number}))


async def due_digests(tx: Tx, *, after: str | None, limit: int) -> list[Due]:
    """Customers for whom there's something to do, by id. Those with nothing but small days are done with."""
    if after is None:
        await tx.execute(_queries.skip_digests, {"day": _ROWS_AT_ONCE})
    return await tx.all(Due, _queries.due_digests, {"after": after, "limit": limit})


async def make_digests(tx: Tx, due: Due) -> Due | None:
    """Sum up what is late, and the days until the end of a month; what is still to be done then."""
    late: list[date] = await tx.scalars(_queries.forget_late, {"customer_id": due.customer_id})
    reached = min(due.until, add_months(due.done.replace(day=1), 1))
    spans = _spans(due.done, reached, late)
    if spans:
        params: dict[str, Any] = {
            "customer_id": due.customer_id,
            "grain": word_array([grain for grain, _, _ in spans]),
            "start": word_array([start.isoformat() for _, start, _ in spans]),
            "end": word_array([end.isoformat() for _, _, end in spans]),
            "day": _ROWS_OF_DAY,
            "month": _ROWS_OF_MONTH,
            "at_once": _ROWS_AT_ONCE,
        }
        await tx.execute(_queries.clear_digests, params)
        await tx.execute(_queries.make_digests, params)
    await tx.execute(_queries.end_digests, {"customer_id": due.customer_id, "until": reached})
    return Due(due.customer_id, due.until, reached) if reached < due.until else None


_Span = tuple[str, date, date]


def _spans(done: date, reached: date, late: Collection[date]) -> list[_Span]:
    """The days until then, and those before that have got usage; no span twice.

    Where a month ends, it's all of its days, for small ones too, and the month.
    """
    month = done.replace(day=1)
    ends = done < reached and reached.day == 1
    fresh = month if ends else done
    days = sorted({day for day in late if day < fresh})
    found = [("day", day, day + _A_DAY) for day in days]
    months = sorted({day.replace(day=1) for day in days if day < month})
    found += [("month", first, add_months(first, 1)) for first in months]
    if fresh < reached:
        found.append(("day", fresh, reached))
    if ends:
        found.append(("month", month, reached))
    return found
