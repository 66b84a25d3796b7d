"""The SQL of top-ups, one function for each query."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tollkeeper.db import Queries, Tx
from tollkeeper.payments.model import TopUp, TopUpState

_queries = Queries(__package__ or "")

TOP_UP_CHECKS: tuple[tuple[str, str, bytes], ...] = (
    ("top-ups", "Has every top-up that was paid given what was bought, once?", _queries.verify_top_ups),
)
"""What `verify` asks of top-ups: name, question, query."""


async def insert_top_up(tx: Tx, top_up: TopUp) -> bool:
    """Store a new top-up; whether it is new. A concurrent one of the same id is waited for."""
    params = {
        name: getattr(top_up, name)
        for name in ("customer_id", "top_up_id", "unit", "amount", "price", "currency", "pack", "bonus")
    } | {
        name: getattr(top_up, name) for name in ("expires_after", "processor", "created_at", "created_by", "open_until")
    }
    tx.touches([top_up.customer_id])
    return (await tx.execute(_queries.insert_top_up, params)).rowcount == 1


async def find_top_up(tx: Tx, customer_id: UUID, top_up_id: UUID) -> TopUp | None:
    """The top-up, as it stands."""
    return await tx.one(TopUp, _queries.find_top_up, {"customer_id": customer_id, "top_up_id": top_up_id})


async def lock_top_up(tx: Tx, customer_id: UUID, top_up_id: UUID) -> TopUp | None:
    """The top-up, which nobody else changes until the transaction ends."""
    return await tx.one(TopUp, _queries.lock_top_up, {"customer_id": customer_id, "top_up_id": top_up_id})


async def note_checkout(tx: Tx, top_up: TopUp) -> None:
    """Store where the customer pays, and what the payment is called there, if that is known."""
    params = {name: getattr(top_up, name) for name in ("customer_id", "top_up_id", "checkout_url", "reference")}
    tx.touches([top_up.customer_id])
    await tx.execute(_queries.note_checkout, params)


async def write_end(tx: Tx, top_up: TopUp) -> None:
    """Store how a top-up has ended."""
    names = ("customer_id", "top_up_id", "reference", "grant_id", "bonus_grant_id", "ended_at", "ended_by", "late")
    tx.touches([top_up.customer_id])
    await tx.execute(
        _queries.end_top_up, {name: getattr(top_up, name) for name in names} | {"state": top_up.stored_state}
    )


async def count_pending(tx: Tx, customer_id: UUID, now: datetime) -> int:
    """How many of the customer's top-ups wait to be paid."""
    return await tx.scalar(_queries.count_pending, {"customer_id": customer_id, "now": now})


async def count_given_up(tx: Tx, customer_id: UUID, since: datetime) -> int:
    """How many of the customer's top-ups that were begun since then have failed, or were cancelled."""
    return await tx.scalar(_queries.count_given_up, {"customer_id": customer_id, "since": since})


async def list_top_ups(
    tx: Tx,
    customer_id: UUID | None,
    *,
    now: datetime,
    state: TopUpState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[TopUp]:
    """Up to `limit` top-ups, newest first, going on behind `before`; of all customers where none is named."""
    params = {
        "customer_id": customer_id,
        "now": now,
        "state": None if state is None else state.value,
        "before_at": before and before[0],
        "before_id": before and before[1],
        "limit": limit,
    }
    return await tx.all(TopUp, _queries.list_top_ups, params)
