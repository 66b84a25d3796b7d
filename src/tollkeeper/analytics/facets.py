"""What there is to look at of a customer, beside its meters."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tollkeeper.db import Queries, Tx

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Facets:
    """What a customer's usage can be told apart by."""

    calls: bool
    """Whether there are calls to AI providers: usage by model."""
    members: bool
    """Whether the customer has members, or usage of some."""


async def facets(tx: Tx, customer_id: UUID) -> Facets:
    """What there is of the customer."""
    found = await tx.one(Facets, _queries.facets, {"customer_id": customer_id})
    assert found is not None
    return found
