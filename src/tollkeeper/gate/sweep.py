"""The sweep: what is due happens also where nobody looks. Run again and again; each part may stop anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tollkeeper.clock import in_utc
from tollkeeper.customers import customer_id_of
from tollkeeper.db import Fact, Queries, Tx, publish
from tollkeeper.events import EventIn
from tollkeeper.gate.alerts import GRANT_EXPIRING
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.doubt import estimated_event
from tollkeeper.gate.record import record_under
from tollkeeper.gate.till import Tills
from tollkeeper.money import plain
from tollkeeper.wallets import Grant, due_wallets, expiring

_queries = Queries(__package__ or "")

BY = "sweep"
NOTICE = timedelta(days=7)
"""So long before it expires it's told that a grant will."""


@dataclass(frozen=True, slots=True)
class _Due:
    customer_id: str
    customer: str


async def due_customers(tx: Tx, now: datetime, limit: int) -> list[str]:
    """The keys of customers with holds whose time is over, or with wallets in which something begins or ends."""
    wallets = await due_wallets(tx, now, limit)
    rows = await tx.all(_Due, _queries.due_customers, {"now": now, "limit": limit, "customer_ids": wallets})
    return [row.customer for row in rows]


async def sweep(tx: Tx, desk: Desk, customers: Sequence[str], *, now: datetime, careful: bool = True) -> int:
    """End the due holds of these customers, and let their grants begin, expire and recur; how many holds have ended."""
    tills = Tills(now, BY)
    await tills.lock(tx, [str(customer_id_of(key)) for key in customers])
    catalog, people = await desk.open(tx, tills, customers)
    await tills.admit(tx, desk.standings_of(catalog, people, now), all_of_them=False)
    estimated: list[EventIn] = []
    for customer in people.customers.values():
        till = tills.get(str(customer.customer_id))
        doubtful = [hold for hold in till.due if hold.charges_estimate] if till is not None else []
        tills.estimated |= {hold.key for hold in doubtful}
        estimated += [estimated_event(hold, customer.key) for hold in doubtful]
    await record_under(tx, desk, tills, estimated, careful=careful)
    return sum(hold.ended for hold in tills.written.values())


async def warn_of_expiry(tx: Tx, *, now: datetime, limit: int = 1000) -> int:
    """Tell of the grants that are about to expire, of each once; how many they are.

    A grant that lasts less than two weeks is told of when half its time is over; one that recurs isn't told of.
    """
    told, last = 0, None
    while grants := await expiring(tx, after=now, until=now + NOTICE, behind=last, limit=limit):
        facts = [_expiring(grant) for grant in grants if _is_near(grant, now)]
        await publish(tx, facts, now=now)
        told, last = told + len(facts), grants[-1]
    return told


def _is_near(grant: Grant, now: datetime) -> bool:
    expires_at = grant.expires_at or now
    return expires_at - min(NOTICE, (expires_at - grant.effective_at) / 2) <= now


def _expiring(grant: Grant) -> Fact:
    body = {
        "grant": str(grant.grant_id),
        "unit": grant.unit,
        "remaining": plain(grant.remaining),
        "expires_at": None if grant.expires_at is None else in_utc(grant.expires_at),
    }
    return Fact(grant.customer_id, GRANT_EXPIRING, f"{GRANT_EXPIRING}:{grant.grant_id}", body)
