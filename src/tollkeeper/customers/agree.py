"""Agree with a customer on what it has of its own: its plan over time, and limits instead of its plan's.

None of this is done in a transaction that has read the epochs: see `upsert_customer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.customers import store
from tollkeeper.customers.agreement import (
    NO_AGREEMENT,
    AgreedTerm,
    Agreement,
    OwnLimit,
    PlanChange,
    PlanDecision,
    agreements_in,
)
from tollkeeper.customers.customers import InUse
from tollkeeper.customers.model import Customer
from tollkeeper.db import Asked, Kept, Tx, bump_epoch
from tollkeeper.errors import InvalidInput


async def agreement_of(tx: Tx, customer_id: UUID) -> Agreement:
    """What the customer has of its own, as the table has it now."""
    return await (await ask_agreement(tx, customer_id)).read()


@dataclass(frozen=True, slots=True)
class AskedAgreement:
    """A customer's agreement on its way."""

    customer_id: UUID
    asked: Asked[AgreedTerm]

    async def read(self) -> Agreement:
        """The agreement, once it's here."""
        return agreements_in(await self.asked.all()).get(str(self.customer_id), NO_AGREEMENT)


async def ask_agreement(tx: Tx, customer_id: UUID) -> AskedAgreement:
    """As `agreement_of`, for those who have more to ask in the same round trip."""
    return AskedAgreement(customer_id, await store.ask_agreements(tx, [customer_id]))


async def assign_plan(
    tx: Tx,
    customer: Customer,
    plan: str | None,
    effective_from: datetime,
    *,
    now: datetime,
    by: str,
    in_use: InUse,
) -> Agreement:
    """Have the customer on `plan` from `effective_from` on, None meaning the catalog's default; what is agreed then.

    It replaces what was planned for later. Where it comes to what is agreed already, nothing is written. The caller
    has looked up the plan in the catalog.

    Raises InvalidInput `plan_in_past` where the past would change: before a plan that has begun, or, once there is
    usage, before `now`.
    """
    present = await _locked(tx, customer)
    begun = tuple(change for change in present.plans if change.effective_from <= now)
    wanted = _followed_by(begun, PlanChange(effective_from, plan))
    if wanted == present.plans:
        return present
    # Before the look at usage: it waits for the batches under way, and one may be the customer's first.
    await bump_epoch(tx, Kept.CUSTOMERS)
    await store.withdraw_plans(tx, customer.customer_id, now)
    if wanted != begun:
        if effective_from < now and await in_use(tx, customer.customer_id):
            raise _in_past("The customer has usage, and what has happened keeps the plan that it happened under.")
        await store.set_plan(tx, customer.customer_id, plan, effective_from, now, by)
    return replace(present, plans=wanted)


def _followed_by(begun: tuple[PlanChange, ...], change: PlanChange) -> tuple[PlanChange, ...]:
    """The plans that have begun, and the change, unless it changes nothing. Raises InvalidInput `plan_in_past`."""
    last = begun[-1] if begun else None
    if last == change:
        return begun
    if last is not None and change.effective_from <= last.effective_from:
        raise _in_past("Another plan has begun at that time or since.")
    return begun if change.plan == (last.plan if last else None) else (*begun, change)


def _in_past(why: str) -> InvalidInput:
    return InvalidInput("plan_in_past", f"{why} Assign the plan from now on, or from a later time.", field="from")


async def plan_history(tx: Tx, customer_id: UUID) -> list[PlanDecision]:
    """Every change of plan by the time that it takes effect, those that were withdrawn as well."""
    return await store.plan_history(tx, customer_id)


async def used_plans(tx: Tx, *, now: datetime) -> set[str]:
    """The plans that any customer is on, or will be."""
    return {*await store.used_plans(tx, now)}


async def set_limit(tx: Tx, customer: Customer, name: str, terms: Mapping[str, Any], *, now: datetime, by: str) -> None:
    """Give the customer terms of its own for the limit `name`. The caller has checked both against the catalog."""
    if (await _locked(tx, customer)).limits.get(name) != terms:
        await bump_epoch(tx, Kept.CUSTOMERS)
        await store.set_limit(tx, customer.customer_id, name, terms, now, by)


async def drop_limit(tx: Tx, customer: Customer, name: str) -> bool:
    """Take away the customer's own terms, so that its plan's hold again; whether there were any."""
    if name not in (await _locked(tx, customer)).limits:
        return False
    await bump_epoch(tx, Kept.CUSTOMERS)
    await store.drop_limit(tx, customer.customer_id, name)
    return True


async def list_limits(tx: Tx, customer_id: UUID) -> list[OwnLimit]:
    """The customer's own limits, by name."""
    return await store.list_limits(tx, customer_id)


async def _locked(tx: Tx, customer: Customer) -> Agreement:
    """The agreement, which nobody else changes until the transaction ends."""
    await store.lock_customer(tx, customer.customer_id)
    return await agreement_of(tx, customer.customer_id)
