"""From the events of one batch to its postings: a few for each customer, with the events as the sub-ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.db import Queries, Tx

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Charges:
    """The charges and costs of a batch as columns, one item for each event, as PostgreSQL array literals."""

    customer_id: str
    unit: str
    """The unit of value of each charge; null where there is none."""
    charge: str
    cost: str
    cost_unit: str
    """The unit of all costs."""
    time: str


async def post_charges(tx: Tx, charges: Charges, *, transaction_id: UUID, booked_at: datetime, booked_by: str) -> None:
    """Book the charges and costs of a batch: one posting for each customer, kind and unit.

    Charges go from revenue to the receivable, costs from what is payable to providers to their cost; negative ones,
    from corrections and steps down a volume price, go the other way as postings of their own kind.
    """
    await tx.execute(
        _queries.post_charges,
        {
            "transaction_id": transaction_id,
            "booked_at": booked_at,
            "booked_by": booked_by,
            "customer_id": charges.customer_id,
            "unit": charges.unit,
            "charge": charges.charge,
            "cost": charges.cost,
            "cost_unit": charges.cost_unit,
            "time": charges.time,
        },
    )
