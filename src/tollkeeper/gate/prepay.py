"""Prepaid value under the till: give grants, take them back, have them recur; and bring a customer up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.catalog import Catalog, recurring_of
from tollkeeper.customers import (
    Agreement,
    AskedAgreement,
    AskedCustomer,
    Customer,
    ask_agreement,
    ask_customer,
    customer_id_of,
    get_customer,
)
from tollkeeper.customers.model import check_key, check_text
from tollkeeper.db import Asked, Queries, Tx
from tollkeeper.errors import Conflict, NotFound
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.standing import Standing, stand
from tollkeeper.gate.till import Till, Tills
from tollkeeper.wallets import (
    NOTE_LENGTH,
    Grant,
    NewGrant,
    check_grant,
    end_recurring,
    find_grant,
    give,
    grant_id_of,
    put_recurring,
    same_grant,
    void,
)

_queries = Queries(__package__ or "")


async def give_grant(tx: Tx, desk: Desk, customer: str, new: NewGrant, *, tills: Tills) -> tuple[Grant, bool]:
    """Give the customer prepaid value; the grant, and whether it is new.

    Raises NotFound `unknown_customer`, InvalidInput as `check_grant`, and Conflict `grant_conflict` where another grant
    has this id.
    """
    catalog, till = await open_till(tx, desk, customer, tills)
    if new.key is not None:
        check_key(new.key, "id")
        found = await find_grant(tx, till.customer_id, grant_id_of(till.customer_id, new.key))
        if found is not None and not same_grant(found, new):
            raise Conflict("grant_conflict", f"Another grant was given under the id {new.key!r}.", field="id")
        if found is not None:
            await write_till(tx, tills)
            return found, False
    check_grant(new, catalog, tills.now)
    await tills.open_purses(tx, [(till, new.unit)])
    grant = give(till.purses[new.unit], new, tills.changes)
    await write_till(tx, tills)
    return grant, True


async def void_grant(
    tx: Tx, desk: Desk, customer: str, grant_id: UUID, *, refund: bool, note: str | None, tills: Tills
) -> Grant:
    """Take back what is neither spent nor held. Raises NotFound `unknown_grant`, Conflict `not_refundable`."""
    if note is not None:
        check_text(note, "note", NOTE_LENGTH)
    _, till = await open_till(tx, desk, customer, tills)
    found = await find_grant(tx, till.customer_id, grant_id)
    if found is None:
        raise NotFound("unknown_grant", f"The customer has no grant {grant_id}.", field="id")
    grant = void(till.purses[found.unit], found, tills.changes, refund=refund, note=note)
    await write_till(tx, tills)
    return grant


async def set_recurring_grant(
    tx: Tx, desk: Desk, customer: str, name: str, terms: Mapping[str, Any], anchor: datetime | None, *, tills: Tills
) -> None:
    """Give the customer a recurring grant of its own, counted from `anchor` or from now, or change it from its next
    period on. Raises InvalidInput `invalid_recurring_grant`."""
    catalog, till = await open_till(tx, desk, customer, tills)
    rule = recurring_of(name, terms, catalog)
    await put_recurring(tx, till.customer_id, rule, anchor=anchor, now=tills.now, by=tills.by)
    await tills.advance(tx, {till.customer_id})
    await write_till(tx, tills)


async def end_recurring_grant(tx: Tx, desk: Desk, customer: str, name: str, *, tills: Tills) -> None:
    """Have a recurring grant come no more; what it gave stays. Raises NotFound `unknown_recurring_grant`."""
    _, till = await open_till(tx, desk, customer, tills)
    await end_recurring(tx, till.customer_id, name, tills.now)
    await tills.advance(tx, {till.customer_id})
    await write_till(tx, tills)


@dataclass(frozen=True, slots=True)
class _Due:
    signature: UUID | None
    due: bool


@dataclass(frozen=True, slots=True)
class AskedStanding:
    """Where a customer stands at `now`, on its way; seen without a lock."""

    now: datetime
    customer: AskedCustomer
    agreement: AskedAgreement
    due: Asked[_Due]

    async def read(self, catalog: Catalog) -> tuple[Standing, Agreement, bool]:
        """Where it stands, what it has of its own, and whether something is due. Raises NotFound `unknown_customer`."""
        customer, agreement = await self.customer.read(), await self.agreement.read()
        standing = stand(catalog, customer, agreement, self.now)
        rows = await self.due.all()
        due = rows[0].due or rows[0].signature != standing.signature if rows else standing.gated
        return standing, agreement, due


async def ask_standing(tx: Tx, customer: str, now: datetime) -> AskedStanding:
    """Ask for what is needed to tell where the customer stands; one round trip in a pipelined transaction."""
    customer_id = customer_id_of(customer)
    return AskedStanding(
        now=now,
        customer=await ask_customer(tx, customer),
        agreement=await ask_agreement(tx, customer_id),
        due=await tx.ask(_Due, _queries.whether_due, {"customer_id": customer_id, "now": now}),
    )


async def refresh(tx: Tx, desk: Desk, customer: str, *, tills: Tills) -> None:
    """Let everything happen that is due for the customer. Raises NotFound `unknown_customer`."""
    await tills.lock(tx, [str(customer_id_of(customer))])
    catalog, people = await desk.open(tx, tills, {customer})
    if customer not in people.customers:
        await get_customer(tx, customer)
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=False)
    await tills.expire_due(tx)
    await write_till(tx, tills)


async def open_till(tx: Tx, desk: Desk, key: str, tills: Tills) -> tuple[Catalog, Till]:
    """The catalog, and the customer's till, opened if need be, with everything done that was due.

    Whoever opens it ends with `write_till`. Raises NotFound `unknown_customer`.
    """
    await tills.lock(tx, [str(customer_id_of(key))])
    catalog, people = await desk.open(tx, tills, {key})
    customer: Customer = people.customers.get(key) or await get_customer(tx, key)
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=True)
    await tills.expire_due(tx)
    return catalog, tills[str(customer.customer_id)]


async def write_till(tx: Tx, tills: Tills) -> None:
    """Put down everything that was changed under the tills."""
    await tills.count(tx, [])
    await tills.write(tx)
