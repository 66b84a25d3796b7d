"""Postings that other stages have made up: grants, what becomes of them, and what they pay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.ledger.model import Posting

_queries = Queries(__package__ or "")


async def post(
    tx: Tx, postings: Sequence[Posting], *, transaction_id: UUID, booked_at: datetime, booked_by: str
) -> None:
    """Book these postings under one transaction. Lines below 100 are those of `post_charges`."""
    if not postings:
        return
    rows = sorted(postings, key=lambda posting: (posting.customer_id, posting.line))
    await tx.execute(
        _queries.post,
        {
            "transaction_id": transaction_id,
            "booked_at": booked_at,
            "booked_by": booked_by,
            "customer_id": word_array([row.customer_id for row in rows]),
            "line": array([row.line for row in rows]),
            "kind": word_array([row.kind for row in rows]),
            "debit": word_array([row.debit for row in rows]),
            "credit": word_array([row.credit for row in rows]),
            "unit": text_array([row.unit for row in rows]),
            "amount": array([row.amount for row in rows]),
            "service_from": word_array([row.service_from.isoformat() for row in rows]),
            "service_to": word_array([row.service_to.isoformat() for row in rows]),
            "events": array([row.events for row in rows]),
        },
    )
