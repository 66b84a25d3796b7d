"""Quarantine: what couldn't be accepted, kept whole until somebody replays or discards it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from tollkeeper.db import Tx
from tollkeeper.errors import Conflict, NotFound
from tollkeeper.events.model import Refused
from tollkeeper.events.store import queries
from tollkeeper.ids import new_id


class QuarantineStatus(StrEnum):
    """What has become of an item in quarantine."""

    OPEN = "open"
    """Waiting."""
    REPLAYED = "replayed"
    """Sent through the gate again, and taken."""
    DISCARDED = "discarded"
    """Given up by a person, with a note; it stays readable."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item in quarantine."""

    quarantine_id: UUID
    customer_key: str | None
    event_id: str | None
    code: str
    field: str | None
    detail: str
    item: str
    status: str
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


async def quarantine(tx: Tx, items: Sequence[Refused], *, now: datetime) -> list[UUID]:
    """Keep refused items, and return their quarantine ids in the same order. An item that is kept already stays one."""
    prints = [sha256(item.text.encode()).digest() for item in items]
    rows = dict(sorted(zip(prints, items, strict=True), key=lambda pair: pair[0]))
    params = {
        "now": now,
        "quarantine_id": [new_id() for _ in rows],
        "fingerprint": list(rows),
        "customer_key": [item.customer for item in rows.values()],
        "event_id": [item.event_id for item in rows.values()],
        "code": [item.reason.code for item in rows.values()],
        "field": [item.reason.field for item in rows.values()],
        "detail": [item.reason.detail for item in rows.values()],
        "item": [item.text for item in rows.values()],
    }
    cursor = await tx.execute(queries.quarantine_items, params)
    ids = {bytes(fingerprint): quarantine_id for quarantine_id, fingerprint in await cursor.fetchall()}
    return [ids[fingerprint] for fingerprint in prints]


async def list_quarantine(
    tx: Tx, *, status: str | None, code: str | None, customer: str | None, after: UUID | None, limit: int
) -> list[Quarantined]:
    """A page of the quarantine, oldest first."""
    params = {"status": status, "code": code, "customer_key": customer, "after": after, "limit": limit}
    return await tx.all(Quarantined, queries.list_quarantine, params)


async def get_quarantined(tx: Tx, quarantine_id: UUID) -> Quarantined:
    """One item. Raises NotFound `unknown_quarantine_item`."""
    item = await tx.one(Quarantined, queries.get_quarantined, {"quarantine_id": quarantine_id})
    if item is None:
        raise NotFound("unknown_quarantine_item", f"Nothing in quarantine has the id {quarantine_id}.", field="id")
    return item


async def find_quarantined(tx: Tx, prefix: str) -> Quarantined:
    """The one item whose id begins with these hex digits; dashes among them don't matter.

    Raises NotFound `unknown_quarantine_item`, and Conflict `ambiguous_id` where several begin so.
    """
    digits = prefix.replace("-", "")
    ends = {"first": UUID(digits.ljust(32, "0")), "last": UUID(digits.ljust(32, "f"))}
    found = await tx.all(Quarantined, queries.quarantined_between, ends)
    if not found:
        told = f"Nothing in quarantine has an id that begins with {prefix}."
        raise NotFound("unknown_quarantine_item", told, field="id")
    if len(found) > 1:
        raise Conflict("ambiguous_id", f"Several ids begin with {prefix}; give more of it.", field="id")
    return found[0]


async def count_quarantine(tx: Tx) -> dict[str, int]:
    """How many items wait, by reason."""
    cursor = await tx.execute(queries.count_quarantine)
    return dict(await cursor.fetchall())


async def lock_quarantined(tx: Tx, quarantine_ids: Sequence[UUID]) -> list[Quarantined]:
    """Those of the items that are still open, locked until the transaction ends."""
    return await tx.all(Quarantined, queries.lock_quarantined, {"quarantine_ids": list(quarantine_ids)})


async def resolve_quarantined(
    tx: Tx, quarantine_ids: Sequence[UUID], status: QuarantineStatus, *, now: datetime, by: str, note: str | None
) -> int:
    """Close items; how many were open."""
    params = {"quarantine_ids": list(quarantine_ids), "status": status.value, "now": now, "by": by, "note": note}
    return (await tx.execute(queries.resolve_quarantined, params)).rowcount
