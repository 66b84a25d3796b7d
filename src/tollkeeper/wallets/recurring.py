"""Recurring grants that customers have of their own, beside those of their plan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from tollkeeper.catalog import RecurringGrant
from tollkeeper.db import Tx, array
from tollkeeper.errors import NotFound
from tollkeeper.wallets.model import Recurrence
from tollkeeper.wallets.store import queries

OWN = "own"
"""The source of a recurring grant that belongs to the customer."""


@dataclass(frozen=True, slots=True)
class OwnRecurring:
    """A recurring grant of one customer as it's stored; `catalog.recurring_of` reads its terms."""

    customer_id: str
    name: str
    terms: dict[str, Any]
    anchor: datetime
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    """Periods that would begin then or later don't come."""

    def recurrence(self, rule: RecurringGrant, zone: ZoneInfo) -> Recurrence:
        """As `advance` takes it, with what its terms say."""
        return Recurrence(rule, self.anchor, zone, self.ended_at, OWN)


async def put_recurring(
    tx: Tx, customer_id: str, rule: RecurringGrant, *, anchor: datetime | None, now: datetime, by: str
) -> OwnRecurring:
    """Give a customer a recurring grant, or change it from its next period on.

    Without `anchor` it is counted from where it was, or from now if it's new or had ended. A period that was granted
    already isn't granted again.
    """
    params = {
        "customer_id": customer_id,
        "name": rule.name,
        "terms": Jsonb(rule.as_terms()),
        "anchor": anchor,
        "now": now,
        "by": by,
    }
    tx.touches([customer_id])
    found = await tx.one(OwnRecurring, queries.put_recurring, params)
    if found is None:
        raise AssertionError("an upsert gave no row")
    return found


async def end_recurring(tx: Tx, customer_id: str, name: str, now: datetime) -> OwnRecurring:
    """Let it not come again; the present period's grant stays. Raises NotFound `unknown_recurring_grant`."""
    params = {"customer_id": customer_id, "name": name, "now": now}
    tx.touches([customer_id])
    found = await tx.one(OwnRecurring, queries.end_recurring, params)
    if found is None:
        raise NotFound("unknown_recurring_grant", f"The customer has no recurring grant {name!r}.", field="name")
    return found


async def recurring_grants(tx: Tx, customer_ids: Collection[str]) -> list[OwnRecurring]:
    """The recurring grants of these customers, ended ones too, by customer and name."""
    params = {"customer_ids": array(sorted(customer_ids))}
    return await tx.all(OwnRecurring, queries.recurring_grants_of, params)
