"""The tables of this stage: one function for each query in queries.sql."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tollkeeper.customers.agreement import AgreedTerm, OwnLimit, PlanDecision
from tollkeeper.customers.model import ApiKey, Customer, Member, PortalSession, SessionRow, metadata_json
from tollkeeper.db import Asked, Queries, Tx, array

_queries = Queries(__package__ or "")


async def insert_customer(tx: Tx, customer: Customer) -> Customer | None:
    """The new row, or None where the customer exists already."""
    tx.touches([customer.customer_id])
    return await tx.one(Customer, _queries.insert_customer, _row(customer))


async def lock_customer(tx: Tx, customer_id: UUID) -> Customer | None:
    """The row, which nobody else changes until the transaction ends."""
    return await tx.one(Customer, _queries.lock_customer, {"customer_id": customer_id})


async def update_customer(tx: Tx, customer: Customer) -> None:
    """Write all fields that may change."""
    tx.touches([customer.customer_id])
    await tx.execute(_queries.update_customer, _row(customer))


async def ask_customers(tx: Tx, customer_ids: Collection[UUID]) -> Asked[Customer]:
    """Those that exist, in no order."""
    return await tx.ask(Customer, _queries.find_customers, {"customer_ids": array([*customer_ids])})


async def ask_agreements(tx: Tx, customer_ids: Collection[UUID]) -> Asked[AgreedTerm]:
    """What these customers have of their own, by customer, plans by time."""
    return await tx.ask(AgreedTerm, _queries.find_agreements, {"customer_ids": array([*customer_ids])})


async def list_customers(tx: Tx, after: str, limit: int, search: str | None, archived: bool | None) -> list[Customer]:
    """One page, by key."""
    page = {"after": after, "limit": limit, "search": search, "archived": archived}
    return await tx.all(Customer, _queries.list_customers, page)


async def has_written(tx: Tx) -> bool:
    """Whether the transaction has written anything yet."""
    return await tx.scalar(_queries.has_written)


async def insert_member(tx: Tx, member: Member) -> Member | None:
    """The new row, or None where the member exists already."""
    tx.touches([member.customer_id])
    return await tx.one(Member, _queries.insert_member, _row(member))


async def lock_member(tx: Tx, customer_id: UUID, key: str) -> Member | None:
    """The row, which nobody else changes until the transaction ends."""
    return await tx.one(Member, _queries.lock_member, {"customer_id": customer_id, "key": key})


async def update_member(tx: Tx, member: Member) -> None:
    """Write all fields that may change."""
    tx.touches([member.customer_id])
    await tx.execute(_queries.update_member, _row(member))


async def find_member(tx: Tx, customer_id: UUID, key: str) -> Member | None:
    """The member, or None."""
    return await tx.one(Member, _queries.find_member, {"customer_id": customer_id, "key": key})


async def list_members(tx: Tx, customer_id: UUID, after: str, limit: int) -> list[Member]:
    """One page, by key."""
    return await tx.all(Member, _queries.list_members, {"customer_id": customer_id, "after": after, "limit": limit})


async def withdraw_plans(tx: Tx, customer_id: UUID, now: datetime) -> None:
    """Take back every change that hasn't begun."""
    tx.touches([customer_id])
    await tx.execute(_queries.withdraw_plans, {"customer_id": customer_id, "now": now})


async def set_plan(
    tx: Tx, customer_id: UUID, plan: str | None, effective_from: datetime, now: datetime, by: str
) -> None:
    """Put down a change of plan."""
    row = {"customer_id": customer_id, "plan": plan, "effective_from": effective_from, "now": now, "by": by}
    tx.touches([customer_id])
    await tx.execute(_queries.set_plan, row)


async def plan_history(tx: Tx, customer_id: UUID) -> list[PlanDecision]:
    """Every change of plan, by when it takes effect, those that were withdrawn as well."""
    return await tx.all(PlanDecision, _queries.plan_history, {"customer_id": customer_id})


async def used_plans(tx: Tx, now: datetime) -> list[str]:
    """The plans of all customers, at `now` and later."""
    return await tx.scalars(_queries.used_plans, {"now": now})


async def set_limit(tx: Tx, customer_id: UUID, name: str, terms: Mapping[str, Any], now: datetime, by: str) -> None:
    """Put down the customer's own terms of a limit."""
    row = {"customer_id": customer_id, "name": name, "terms": Jsonb(terms), "now": now, "by": by}
    tx.touches([customer_id])
    await tx.execute(_queries.set_limit, row)


async def drop_limit(tx: Tx, customer_id: UUID, name: str) -> None:
    """Delete the customer's own terms of a limit."""
    tx.touches([customer_id])
    await tx.execute(_queries.drop_limit, {"customer_id": customer_id, "name": name})


async def list_limits(tx: Tx, customer_id: UUID) -> list[OwnLimit]:
    """The customer's own limits, by name."""
    return await tx.all(OwnLimit, _queries.list_limits, {"customer_id": customer_id})


async def insert_api_key(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
    """Store a new key."""
    row = {
        "key_id": key.key_id,
        "name": key.name,
        "prefix": key.prefix,
        "secret_hash": secret_hash,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
    }
    await tx.execute(_queries.insert_api_key, row)


async def find_api_key(tx: Tx, secret_hash: bytes) -> ApiKey | None:
    """The key with this secret, unless it was revoked."""
    return await tx.one(ApiKey, _queries.find_api_key, {"secret_hash": secret_hash})


async def list_api_keys(tx: Tx) -> list[ApiKey]:
    """All keys, the oldest first."""
    return await tx.all(ApiKey, _queries.list_api_keys)


async def named_api_keys(tx: Tx, name: str) -> list[ApiKey]:
    """The keys with this id or prefix, revoked or not."""
    return await tx.all(ApiKey, _queries.named_api_keys, {"name": name})


async def revoke_api_key(tx: Tx, key_id: UUID, revoked_at: datetime) -> ApiKey | None:
    """The key, revoked now or earlier."""
    return await tx.one(ApiKey, _queries.revoke_api_key, {"key_id": key_id, "revoked_at": revoked_at})


async def touch_api_key(tx: Tx, key_id: UUID, used_at: datetime) -> None:
    """Note that the key was used, unless that was noted within the last minute."""
    await tx.execute(_queries.touch_api_key, {"key_id": key_id, "used_at": used_at})


async def insert_session(tx: Tx, token_hash: bytes, key_id: UUID, created_at: datetime, expires_at: datetime) -> None:
    """Store a new console session."""
    row = {"token_hash": token_hash, "key_id": key_id, "created_at": created_at, "expires_at": expires_at}
    await tx.execute(_queries.insert_session, row)


async def forget_sessions(tx: Tx, before: datetime) -> None:
    """Delete the console sessions that were over by then."""
    await tx.execute(_queries.forget_sessions, {"before": before})


async def find_session(tx: Tx, token_hash: bytes, now: datetime) -> SessionRow | None:
    """The console session with this token, if it goes on at `now`, and its key."""
    return await tx.one(SessionRow, _queries.find_session, {"token_hash": token_hash, "now": now})


async def end_session(tx: Tx, token_hash: bytes, ended_at: datetime) -> None:
    """End the console session, unless it has ended."""
    await tx.execute(_queries.end_session, {"token_hash": token_hash, "ended_at": ended_at})


async def insert_portal_session(tx: Tx, session: PortalSession, token_hash: bytes, link_hash: bytes | None) -> None:
    """Store a new session."""
    row = asdict(session) | {
        "permissions": sorted(session.permissions),
        "token_hash": token_hash,
        "link_hash": link_hash,
    }
    await tx.execute(_queries.insert_portal_session, row)


async def find_portal_session(tx: Tx, customer_id: UUID, session_id: UUID, token_hash: bytes) -> PortalSession | None:
    """The session with this id and token, ended or not."""
    named = {"customer_id": customer_id, "session_id": session_id, "token_hash": token_hash}
    return await tx.one(PortalSession, _queries.find_portal_session, named)


async def lock_portal_link(tx: Tx, customer_id: UUID, session_id: UUID, link_hash: bytes) -> PortalSession | None:
    """The session with this id and link, which nobody revokes until the transaction ends."""
    named = {"customer_id": customer_id, "session_id": session_id, "link_hash": link_hash}
    return await tx.one(PortalSession, _queries.lock_portal_link, named)


async def list_portal_sessions(tx: Tx, customer_id: UUID, before: UUID | None, limit: int) -> list[PortalSession]:
    """One page, the newest first."""
    page = {"customer_id": customer_id, "before": before, "limit": limit}
    return await tx.all(PortalSession, _queries.list_portal_sessions, page)


async def get_portal_session(tx: Tx, customer_id: UUID, session_id: UUID) -> PortalSession | None:
    """The session with this id."""
    return await tx.one(
        PortalSession, _queries.get_portal_session, {"customer_id": customer_id, "session_id": session_id}
    )


async def revoke_portal_session(tx: Tx, customer_id: UUID, session_id: UUID, now: datetime) -> None:
    """Revoke the session, and then those that came of its link."""
    named = {"customer_id": customer_id, "session_id": session_id, "now": now}
    # Not for the figures: its open pages end at once.
    tx.touches([customer_id])
    await tx.execute(_queries.revoke_portal_session, named)
    await tx.execute(_queries.revoke_portal_children, named)


@dataclass(frozen=True, slots=True)
class SessionId:
    """A portal session, by its id alone."""

    session_id: UUID


async def ask_revoked(tx: Tx, customer_ids: Collection[UUID], session_ids: Collection[UUID]) -> Asked[SessionId]:
    """The portal sessions of these customers, among those named, that were revoked."""
    named = {"customer_ids": array([*customer_ids]), "session_ids": array([*session_ids])}
    return await tx.ask(SessionId, _queries.revoked_portal_sessions, named)


async def forget_portal_sessions(tx: Tx, customer_id: UUID, before: datetime) -> None:
    """Delete the sessions that ended before this time."""
    await tx.execute(_queries.forget_portal_sessions, {"customer_id": customer_id, "before": before})


def _row(of: Customer | Member) -> dict[str, Any]:
    return asdict(of) | {"metadata": metadata_json(of.metadata)}
