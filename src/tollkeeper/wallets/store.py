"""Writing the tables of this stage, each with one statement for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.wallets.model import Grant, Wallet

queries = Queries(__package__ or "")


def _times(times: Sequence[datetime | None]) -> str:
    return array([None if time is None else time.isoformat() for time in times])


async def write_wallets(tx: Tx, wallets: Sequence[Wallet]) -> None:
    """Store wallets as they are now; in key order."""
    if not wallets:
        return
    tx.touches(one.customer_id for one in wallets)
    await tx.execute(
        queries.write_wallets,
        {
            "customer_id": word_array([one.customer_id for one in wallets]),
            "unit": text_array([one.unit for one in wallets]),
            "balance": array([one.balance for one in wallets]),
            "held": array([one.held for one in wallets]),
            "owed": array([one.owed for one in wallets]),
            "owed_held": array([one.owed_held for one in wallets]),
            "last_at": _times([one.last_at for one in wallets]),
            "next_change_at": _times([one.next_change_at for one in wallets]),
        },
    )


async def insert_grants(tx: Tx, grants: Sequence[Grant]) -> None:
    """Store new grants; in key order."""
    if not grants:
        return
    tx.touches(one.customer_id for one in grants)
    await tx.execute(
        queries.insert_grants,
        _changing(grants)
        | {
            "unit": text_array([one.unit for one in grants]),
            "kind": word_array([one.kind for one in grants]),
            "priority": array([one.priority for one in grants]),
            "amount": array([one.amount for one in grants]),
            "rolled_in": array([one.rolled_in for one in grants]),
            "effective_at": _times([one.effective_at for one in grants]),
            "expires_at": _times([one.expires_at for one in grants]),
            "recurring": text_array([one.recurring for one in grants]),
            "period_start": _times([one.period_start for one in grants]),
            "reference": text_array([one.reference for one in grants]),
            "created_at": _times([one.created_at for one in grants]),
            "created_by": text_array([one.created_by for one in grants]),
        },
    )


async def update_grants(tx: Tx, grants: Sequence[Grant]) -> None:
    """Store what has become of grants; in key order."""
    if grants:
        tx.touches(one.customer_id for one in grants)
        await tx.execute(queries.update_grants, _changing(grants))


def _changing(grants: Sequence[Grant]) -> dict[str, Any]:
    return {
        "customer_id": word_array([one.customer_id for one in grants]),
        "grant_id": array([one.grant_id for one in grants]),
        "remaining": array([one.remaining for one in grants]),
        "spent": array([one.spent for one in grants]),
        "expired": array([one.expired for one in grants]),
        "voided": array([one.voided for one in grants]),
        "rolled_out": array([one.rolled_out for one in grants]),
        "begun": array([one.begun for one in grants]),
        "note": text_array([one.note for one in grants]),
        "voided_at": _times([one.voided_at for one in grants]),
        "voided_by": text_array([one.voided_by for one in grants]),
        "refunded": array([one.refunded for one in grants]),
    }


async def insert_burns(tx: Tx, rows: Sequence[Sequence[Any]], booked: dict[str, Any]) -> None:
    """Store burns: rows of customer, event, grant, unit, amount."""
    if not rows:
        return
    customers, events, grants, units, amounts = zip(*rows, strict=True)
    await tx.execute(
        queries.insert_burns,
        booked
        | {
            "customer_id": word_array(customers),
            "event_id": text_array(events),
            "grant_id": array(grants),
            "unit": text_array(units),
            "amount": array(amounts),
        },
    )


async def insert_entries(tx: Tx, rows: Sequence[Sequence[Any]], booked: dict[str, Any]) -> None:
    """Store wallet entries: rows of customer, unit, at, id, kind, grant, amount, balance."""
    if not rows:
        return
    customers, units, times, ids, kinds, grants, amounts, balances = zip(*rows, strict=True)
    await tx.execute(
        queries.insert_entries,
        booked
        | {
            "customer_id": word_array(customers),
            "unit": text_array(units),
            "at": _times(times),
            "entry_id": array(ids),
            "kind": word_array(kinds),
            "grant_id": array(grants),
            "amount": array(amounts),
            "balance": array(balances),
        },
    )
