"""How far a customer's limits are used, for those who only look: nothing is locked, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tollkeeper.catalog import Limit
from tollkeeper.customers import Customer
from tollkeeper.db import Tx
from tollkeeper.limits.draws import looks_of
from tollkeeper.limits.load import Loading, ask_counters
from tollkeeper.limits.model import Draw, LimitState


async def read_states(
    tx: Tx, customer: Customer, limits: Sequence[Limit], *, member: str | None = None, now: datetime
) -> list[LimitState]:
    """Each limit with what is used and held of it, in the order given; those by member for `member`, if there is one.

    In a snapshot, because usage that is recorded between two queries would be missed or counted twice.
    """
    return await (await ask_states(tx, customer, limits, member=member, now=now)).read(tx)


@dataclass(frozen=True, slots=True)
class AskedStates:
    """Limits with what is used of them, on their way."""

    looks: Sequence[Draw]
    loading: Loading

    async def read(self, tx: Tx) -> list[LimitState]:
        """The states; one more round trip where something has to be summed up."""
        counters = await self.loading.read(tx)
        return [counters.state(look) for look in self.looks]


async def ask_states(
    tx: Tx, customer: Customer, limits: Sequence[Limit], *, member: str | None = None, now: datetime
) -> AskedStates:
    """As `read_states`, for those who have more to ask in the same round trip."""
    looks = looks_of(str(customer.customer_id), customer.zone, limits, member=member, at=now)
    return AskedStates(looks, await ask_counters(tx, looks, [], now))
