"""Reading: grants, the history of wallets, and what is due over all customers. Nothing here needs the till."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Asked, Tx
from tollkeeper.errors import NotFound
from tollkeeper.money import ZERO
from tollkeeper.wallets.load import find_grant
from tollkeeper.wallets.model import Grant, GrantState, Wallet
from tollkeeper.wallets.store import queries


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """A change of a wallet, and the balance that it left."""

    unit: str
    at: datetime
    """When it took effect; for an expiry the exact instant."""
    entry_id: UUID
    transaction_id: UUID
    kind: str
    grant_id: UUID | None
    amount: Decimal
    balance: Decimal
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class EventBurn:
    """What an event took from a grant; negative: gave back."""

    grant_id: UUID
    transaction_id: UUID
    unit: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Expiring:
    """How much of a wallet expires at an instant."""

    unit: str
    expires_at: datetime
    amount: Decimal


async def ask_expiring(tx: Tx, customer_id: UUID, *, now: datetime, most: int) -> Asked[Expiring]:
    """What of the customer's prepaid value in force expires next, by unit and time; of each unit the first `most`."""
    return await tx.ask(Expiring, queries.expiring_of, {"customer_id": customer_id, "now": now, "most": most})


async def list_wallets(tx: Tx, customer_id: str) -> list[Wallet]:
    """The customer's wallets as they were last written, by unit."""
    return await (await ask_wallets(tx, customer_id)).all()


async def ask_wallets(tx: Tx, customer_id: str) -> Asked[Wallet]:
    """As `list_wallets`, for those who have more to ask in the same round trip."""
    return await tx.ask(Wallet, queries.wallets_of, {"customer_ids": [customer_id]})


async def list_grants(
    tx: Tx,
    customer_id: str,
    *,
    now: datetime,
    unit: str | None = None,
    state: GrantState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Grant]:
    """A page of grants, newest first, going on before the grant at (created_at, grant_id) `before`."""
    params = {
        "customer_id": customer_id,
        "now": now,
        "unit": unit,
        "state": state,
        "before_at": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    return await tx.all(Grant, queries.list_grants, params)


async def get_grant(tx: Tx, customer_id: str, grant_id: UUID) -> Grant:
    """One grant. Raises NotFound `unknown_grant`."""
    grant = await find_grant(tx, customer_id, grant_id)
    if grant is None:
        raise NotFound("unknown_grant", f"The customer has no grant {grant_id}.", field="id")
    return grant


async def balance_at(tx: Tx, customer_id: str, unit: str | None, at: datetime) -> dict[str, Decimal]:
    """The balances of the customer's wallets at an instant, by unit; with `unit` of this one, 0 where there's none."""
    params = {"customer_id": customer_id, "unit": unit, "at": at}
    cursor = await tx.execute(queries.balance_at, params)
    found: dict[str, Decimal] = dict(await cursor.fetchall())
    return found if unit is None else {unit: found.get(unit, ZERO)}


async def list_entries(
    tx: Tx, customer_id: str, *, unit: str | None = None, before: tuple[datetime, UUID] | None = None, limit: int
) -> list[WalletEntry]:
    """A page of the wallets' history, newest first, going on before the entry at (at, entry_id) `before`."""
    params = {
        "customer_id": customer_id,
        "unit": unit,
        "before_at": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    return await tx.all(WalletEntry, queries.list_entries, params)


async def burns_of_event(tx: Tx, customer_id: str, event_id: str) -> list[EventBurn]:
    """What one event took from which grants, or gave back."""
    return await tx.all(EventBurn, queries.burns_of_event, {"customer_id": customer_id, "event_id": event_id})


async def expiring(tx: Tx, *, after: datetime, until: datetime, behind: Grant | None = None, limit: int) -> list[Grant]:
    """Grants of all customers that are in force and expire in (after, until], the earliest first, going on `behind`.

    Recurring ones aren't among them: that they end is what they're for.
    """
    params = {
        "after": after,
        "until": until,
        "behind_at": behind and behind.expires_at,
        "behind_customer": behind and behind.customer_id,
        "behind_id": behind and behind.grant_id,
        "limit": limit,
    }
    return await tx.all(Grant, queries.expiring, params)


async def due_wallets(tx: Tx, now: datetime, limit: int) -> list[str]:
    """Customers in whose wallets something was due before `now`, the longest due first.

    A wallet that waits for holds to end stands at the instant of its last advance. So a sweep that keeps to one `now`,
    and advances by it, meets each customer once.
    """
    return await tx.scalars(queries.due_wallets, {"now": now, "limit": limit})
