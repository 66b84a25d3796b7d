"""The table of this stage: postings. One typed function for each query."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Queries, Tx, array
from tollkeeper.errors import NotFound
from tollkeeper.ledger.model import Balance, Entry

_queries = Queries(__package__ or "")


async def list_postings(
    tx: Tx, customer_id: UUID, *, before: tuple[UUID, int] | None, kinds: Collection[str] | None, limit: int
) -> list[Entry]:
    """A page of the audit trail, newest first, going on before the posting at (transaction_id, line) `before`.

    Of these kinds, or of all.
    """
    return await tx.all(
        Entry,
        _queries.list_postings,
        {
            "customer_id": customer_id,
            "before_transaction": before[0] if before else None,
            "before_line": before[1] if before else None,
            "kinds": None if kinds is None else sorted(kinds),
            "limit": limit,
        },
    )


async def get_transaction(tx: Tx, customer_id: UUID, transaction_id: UUID) -> list[Entry]:
    """The postings of one transaction. Raises NotFound `unknown_transaction`."""
    params = {"customer_id": customer_id, "transaction_id": transaction_id}
    found = await tx.all(Entry, _queries.get_transaction, params)
    if not found:
        raise NotFound("unknown_transaction", f"The customer has no ledger transaction {transaction_id}.", field="id")
    return found


async def balances(tx: Tx, customer_id: UUID) -> list[Balance]:
    """What all postings of the customer add up to, by account and unit."""
    return await tx.all(Balance, _queries.balances, {"customer_id": customer_id})


async def receivables(tx: Tx, customer_ids: Collection[str]) -> dict[tuple[str, str], Decimal]:
    """What each of these customers owes, by customer id and unit, as the committed postings have it."""
    cursor = await tx.execute(_queries.receivables, {"customer_ids": array(sorted(customer_ids))})
    return {(row[0], row[1]): row[2] for row in await cursor.fetchall()}


async def unbalanced_units(tx: Tx) -> list[tuple[str, Decimal]]:
    """The units whose debits and credits don't sum to zero, with the difference; none, or the books are broken."""
    cursor = await tx.execute(_queries.unbalanced_units)
    return await cursor.fetchall()
