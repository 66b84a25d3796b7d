"""Create, change and find the members of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tollkeeper.clock import now
from tollkeeper.customers import store
from tollkeeper.customers.model import (
    NAME_LENGTH,
    Customer,
    Member,
    check_key,
    check_text,
    differences,
    is_key,
    metadata_json,
)
from tollkeeper.db import Again, Tx
from tollkeeper.errors import NotFound


async def upsert_member(
    tx: Tx,
    customer: Customer,
    member: str,
    *,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    archived: bool | None = None,
) -> tuple[Member, bool]:
    """Create the member with the key `member`, or change what is named; the member, and whether it is new.

    None leaves a field as it is; a new member's name is its key. Where nothing differs, nothing is written.
    Raises InvalidInput: `invalid_member`, `member_too_long`, `invalid_name`, `name_too_long`, `invalid_metadata`,
    `metadata_too_large`.
    """
    check_key(member, "member")
    if name is not None:
        check_text(name, "name", NAME_LENGTH)
    if metadata is not None:
        metadata_json(metadata)
    at = now()
    plain = Member(customer.customer_id, member, member, {}, created_at=at, updated_at=at, archived_at=None)
    created = await store.insert_member(
        tx, replace(plain, **differences(plain, {"name": name}, metadata, archived, at))
    )
    if created is not None:
        return created, True
    present = await store.lock_member(tx, customer.customer_id, member)
    if present is None:
        raise Again
    changed = differences(present, {"name": name}, metadata, archived, at)
    if changed:
        present = replace(present, updated_at=at, **changed)
        await store.update_member(tx, present)
    return present, False


async def get_member(tx: Tx, customer: Customer, member: str) -> Member:
    """The member with this key. Raises NotFound `unknown_member`."""
    found = await store.find_member(tx, customer.customer_id, member) if is_key(member) else None
    if found is None:
        raise NotFound("unknown_member", f"The customer {customer.key!r} has no member {member!r}.", field="member")
    return found


async def list_members(tx: Tx, customer: Customer, *, after: str | None = None, limit: int) -> list[Member]:
    """Up to `limit` members by key, from the first one behind the key `after`. Raises InvalidInput `invalid_after`."""
    if after is not None:
        check_key(after, "after")
    return await store.list_members(tx, customer.customer_id, after or "", limit)
