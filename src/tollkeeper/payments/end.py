"""End: a payment was refused, or somebody has given it up. Nothing is given, and nothing posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from tollkeeper.customers import get_customer
from tollkeeper.customers.model import check_text
from tollkeeper.db import Tx
from tollkeeper.errors import Conflict
from tollkeeper.payments.model import TopUp, TopUpState
from tollkeeper.payments.pay import REFERENCE_LENGTH, unknown_top_up
from tollkeeper.payments.store import lock_top_up, write_end

Unpaid = Literal[TopUpState.FAILED, TopUpState.CANCELLED]
"""How a top-up can be ended without money."""


async def end(
    tx: Tx, customer: str, top_up_id: UUID, state: Unpaid, *, reference: str | None, now: datetime, by: str
) -> TopUp:
    """End a pending top-up; one that has ended so already is given back as it is.

    Raises NotFound `unknown_customer` and `unknown_top_up`, Conflict `top_up_ended` where it has ended otherwise, and
    InvalidInput `invalid_reference`, `reference_too_long`.
    """
    if reference is not None:
        check_text(reference, "reference", REFERENCE_LENGTH)
    found = await lock_top_up(tx, (await get_customer(tx, customer)).customer_id, top_up_id)
    if found is None:
        raise unknown_top_up(top_up_id)
    present = found.state(now)
    if present is state:
        return found
    if present is not TopUpState.PENDING:
        told = f"The top-up {top_up_id} has ended before: it {_words(present)}."
        raise Conflict("top_up_ended", told, state=present.value)
    ended = replace(found, stored_state=state, reference=reference or found.reference, ended_at=now, ended_by=by)
    await write_end(tx, ended)
    return ended


def _words(state: TopUpState) -> str:
    return {"paid": "was paid", "failed": "failed", "cancelled": "was cancelled"}.get(state, "expired")
