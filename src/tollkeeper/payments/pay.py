"""Pay: the money has come, and with it, in the same transaction, the customer has what it bought."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tollkeeper.customers import customer_id_of
from tollkeeper.customers.model import check_text
from tollkeeper.db import Fact, Tx
from tollkeeper.errors import Conflict, NotFound
from tollkeeper.gate import TOP_UP_LATE, TOP_UP_PAID_AGAIN, Desk, Till, Tills, open_till, write_till
from tollkeeper.ids import new_id
from tollkeeper.money import plain
from tollkeeper.payments.model import TopUp, TopUpState
from tollkeeper.payments.store import lock_top_up, write_end
from tollkeeper.wallets import GrantKind, NewGrant, give

REFERENCE_LENGTH = 200


async def pay(tx: Tx, desk: Desk, customer: str, top_up_id: UUID, *, reference: str | None, tills: Tills) -> TopUp:
    """Note that a top-up was paid, and give its grants; one that is paid already is given back as it is.

    One that has failed, expired or was cancelled is paid all the same, since the money came; an alert tells of it.
    Another one tells of what may be a second payment: under another reference, or without one. Where it surely is,
    `same_payment` refuses it, once that is committed.
    Raises NotFound `unknown_customer` and `unknown_top_up`, InvalidInput `invalid_reference`, `reference_too_long`.
    """
    if reference is not None:
        check_text(reference, "reference", REFERENCE_LENGTH)
    _, till = await open_till(tx, desk, customer, tills)
    found = await lock_top_up(tx, customer_id_of(customer), top_up_id)
    if found is None:
        raise unknown_top_up(top_up_id)
    state = found.state(tills.now)
    if state is TopUpState.PAID:
        if reference is None or reference != found.reference:
            tills.told.append(_again(found, reference))
        await write_till(tx, tills)
        return found
    await tills.open_purses(tx, [(till, found.unit)])
    paid = _give(found, reference, till, tills)
    if state is not TopUpState.PENDING:
        paid = replace(paid, late=state.value)
        tills.told.append(_late(paid))
    await write_end(tx, paid)
    await write_till(tx, tills)
    return paid


def unknown_top_up(top_up_id: UUID) -> NotFound:
    """The customer has no such top-up; another one's is as unknown."""
    return NotFound("unknown_top_up", f"The customer has no top-up {top_up_id}.", field="id")


def same_payment(paid: TopUp, reference: str | None) -> TopUp:
    """The top-up. Raises Conflict `paid_otherwise` where it was paid under another reference: then it's other money."""
    if reference is not None and paid.reference is not None and reference != paid.reference:
        told = f"The top-up {paid.top_up_id} was paid before, as {paid.reference!r}: {reference!r} is other money."
        raise Conflict("paid_otherwise", told, field="reference")
    return paid


def _give(top_up: TopUp, reference: str | None, till: Till, tills: Tills) -> TopUp:
    """The top-up, paid, with the grants that are given for it. They were checked when it was begun.

    The bonus has the smaller id: of grants that are alike in all else, that one is spent first.
    """
    lifetime, purse = top_up.lifetime, till.purses[top_up.unit]
    expires_at = None if lifetime is None else lifetime.ends(tills.now, till.stands.customer.zone)

    wanted = NewGrant(
        top_up.unit,
        top_up.amount,
        GrantKind.PAID,
        expires_at=expires_at,
        reference=f"top-up {top_up.top_up_id}",
        note=None if top_up.pack is None else f"pack {top_up.pack}",
    )
    bonus_grant_id, grant_id = sorted((new_id(), new_id()))
    give(purse, replace(wanted, grant_id=grant_id), tills.changes)
    if top_up.bonus:
        bonus = replace(wanted, amount=top_up.bonus, kind=GrantKind.PROMOTIONAL, grant_id=bonus_grant_id)
        give(purse, bonus, tills.changes)
    return replace(
        top_up,
        stored_state=TopUpState.PAID,
        reference=reference if reference is not None else top_up.reference,
        bonus_grant_id=bonus_grant_id if top_up.bonus else None,
        grant_id=grant_id,
        ended_at=tills.now,
        ended_by=tills.by,
    )


def _late(top_up: TopUp) -> Fact:
    body = {"ended": top_up.late} | _bought(top_up)
    return Fact(str(top_up.customer_id), TOP_UP_LATE, f"{TOP_UP_LATE}:{top_up.top_up_id}", body)


def _again(top_up: TopUp, reference: str | None) -> Fact:
    """Told once for each reference, so that repeats of the same call tell nothing more."""
    body = {"paid_as": top_up.reference, "again_as": reference} | _bought(top_up)
    key = f"{TOP_UP_PAID_AGAIN}:{top_up.top_up_id}:{reference or ''}"
    return Fact(str(top_up.customer_id), TOP_UP_PAID_AGAIN, key, body)


def _bought(top_up: TopUp) -> dict[str, str]:
    return {
        "top_up": str(top_up.top_up_id),
        "unit": top_up.unit,
        "amount": plain(top_up.amount),
        "price": plain(top_up.price),
        "currency": top_up.currency,
    }
