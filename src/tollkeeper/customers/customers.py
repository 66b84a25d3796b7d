"""Create, change and find customers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from tollkeeper.clock import now
from tollkeeper.customers import store
from tollkeeper.customers.model import (
    NAME_LENGTH,
    Customer,
    CustomerChanges,
    check_currency,
    check_key,
    check_text,
    customer_id_of,
    differences,
    is_key,
)
from tollkeeper.db import Again, Asked, Kept, Tx, bump_epoch
from tollkeeper.errors import Conflict, NotFound

InUse = Callable[[Tx, UUID], Awaitable[bool]]
"""Whether a customer has usage. The stage that owns usage stands below this one, so the caller hands it in."""

_IN_RECORDING = {"currency", "timezone", "archived_at", "suspended_at"}
"""What batches go by. A change of it waits for the batches under way, and has every process forget all customers; a
change of the rest must cost nobody anything."""

_LOCKED_BY_USAGE = {
    "currency": "Usage of {key!r} is already charged in {now}; create another customer for {wanted}.",
    "timezone": "Usage of {key!r} is already counted in days of {now}; create another customer for {wanted}.",
}


async def upsert_customer(
    tx: Tx, key: str, changes: CustomerChanges, *, default_currency: str, in_use: InUse
) -> tuple[Customer, bool]:
    """Create the customer, or change what `changes` names; the customer, and whether it is new.

    A new customer's name is its key and its time zone UTC, unless told otherwise. Where nothing differs, nothing is
    written. Raises InvalidInput: `invalid_customer`, `customer_too_long`, and what CustomerChanges.check raises.
    Raises Conflict `currency_in_use` or `timezone_in_use` once there is usage: history does not change.

    Not in a transaction that has read the epochs: two of them would each wait for the other's lock.
    """
    check_key(key, "customer")
    check_currency(default_currency)
    changes.check()
    created = await store.insert_customer(tx, _new(key, changes, default_currency))
    if created is not None:
        return created, True
    present = await store.lock_customer(tx, customer_id_of(key))
    if present is None:
        raise Again
    changed = _differences(present, changes)
    if not changed:
        return present, False
    if not _IN_RECORDING.isdisjoint(changed):
        # Before the look at usage, because it waits for the batches under way: one may be the customer's first.
        await bump_epoch(tx, Kept.CUSTOMERS)
    await _refuse_if_locked(tx, present, changed, in_use)
    customer = replace(present, updated_at=now(), **changed)
    await store.update_customer(tx, customer)
    return customer, False


async def get_customer(tx: Tx, key: str) -> Customer:
    """The customer with this key. Raises NotFound `unknown_customer`."""
    return await (await ask_customer(tx, key)).read()


@dataclass(frozen=True, slots=True)
class AskedCustomer:
    """A customer on its way."""

    key: str
    asked: Asked[Customer] | None

    async def read(self) -> Customer:
        """The customer, once it's here. Raises NotFound `unknown_customer`."""
        found = await self.asked.all() if self.asked else []
        if not found:
            raise NotFound("unknown_customer", f"There is no customer {self.key!r}.", field="customer")
        return found[0]


async def ask_customer(tx: Tx, key: str) -> AskedCustomer:
    """As `get_customer`, for those who have more to ask in the same round trip."""
    return AskedCustomer(key, await store.ask_customers(tx, [customer_id_of(key)]) if is_key(key) else None)


async def list_customers(
    tx: Tx,
    *,
    after: str | None = None,
    limit: int,
    search: str | None = None,
    archived: bool | None = None,
) -> list[Customer]:
    """Up to `limit` customers by key, from the first one behind the key `after`.

    `search` finds its text in keys and names, in upper or lower case; `archived` tells whether to list only archived
    or only other customers. Raises InvalidInput: `invalid_after`, `invalid_search` and their `…_too_long`.
    """
    if after is not None:
        check_key(after, "after")
    search = search.strip() if search else None
    if search:
        check_text(search, "search", NAME_LENGTH)
    return await store.list_customers(tx, after or "", limit, search or None, archived)


def _new(key: str, changes: CustomerChanges, default_currency: str) -> Customer:
    at = now()
    plain = Customer(
        customer_id=customer_id_of(key),
        key=key,
        name=key,
        currency=default_currency,
        timezone="UTC",
        metadata={},
        created_at=at,
        updated_at=at,
        archived_at=None,
    )
    return replace(plain, **_differences(plain, changes))


def _differences(present: Customer, changes: CustomerChanges) -> dict[str, Any]:
    texts = {"name": changes.name, "currency": changes.currency, "timezone": changes.timezone}
    at = now()
    changed = differences(present, texts, changes.metadata, changes.archived, at)
    if changes.suspended is not None and changes.suspended != (present.suspended_at is not None):
        changed["suspended_at"] = at if changes.suspended else None
    return changed


async def _refuse_if_locked(tx: Tx, present: Customer, changed: Mapping[str, Any], in_use: InUse) -> None:
    locked = [field for field in _LOCKED_BY_USAGE if field in changed]
    if not locked or not await in_use(tx, present.customer_id):
        return
    field = locked[0]
    detail = _LOCKED_BY_USAGE[field].format(key=present.key, now=getattr(present, field), wanted=changed[field])
    raise Conflict(f"{field}_in_use", detail, field=field)
