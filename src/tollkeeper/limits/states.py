"""How far a customer's limits are used, for those who only look: nothing is locked, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tollkeeper.catalog import Limit
from tollkeeper.customers import Customer
from tollkeeper.db import Tx
from tollkeeper.limits.draws import looks_of
from tollkeeper.limits.load import load_counters
from tollkeeper.limits.model import LimitState


async def read_states(
    tx: Tx, customer: Customer, limits: Sequence[Limit], *, member: str | None = None, now: datetime
) -> list[LimitState]:
    """Each limit with what is used and held of it, in the order given; those by member for `member`, if there is one.

    In a snapshot, because usage that is recorded between two queries would be missed or counted twice.
    """
    looks = looks_of(str(customer.customer_id), customer.zone, limits, member=member, at=now)
    counters = await load_counters(tx, looks, [], now)
    return [counters.state(look) for look in looks]
