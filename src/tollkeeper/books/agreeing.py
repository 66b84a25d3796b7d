"""What a customer is given, and what is agreed with it: grants, plan and limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from tollkeeper import clock
from tollkeeper.books.opened import Opened
from tollkeeper.catalog import limit_of
from tollkeeper.customers import (
    Agreement,
    agreement_of,
    assign_plan,
    customer_id_of,
    drop_limit,
    get_customer,
    set_limit,
)
from tollkeeper.db import Tx
from tollkeeper.errors import NotFound
from tollkeeper.events import has_usage
from tollkeeper.gate import (
    PeriodEnd,
    Standing,
    ask_standing,
    end_recurring_grant,
    give_grant,
    next_period,
    refresh,
    set_recurring_grant,
    stand,
    void_grant,
)
from tollkeeper.wallets import Grant, NewGrant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a customer stands, and what it has of its own, at `now`."""

    standing: Standing
    agreement: Agreement
    now: datetime


Look = Callable[[Tx, Stood], Awaitable[T]]
"""What is to be read of a customer, in a pipelined snapshot."""


class Agreeing(Opened):
    """What the customer has, and what holds for it."""

    __slots__ = ()

    async def give_grant(self, customer: str, new: NewGrant, *, by: str = "library") -> tuple[Grant, bool]:
        """Give the customer prepaid value; the grant, and whether it is new. Raises as `gate.give_grant`."""
        return await self.under_tills(by, lambda tx, tills: give_grant(tx, self.desk, customer, new, tills=tills))

    async def void_grant(
        self, customer: str, grant_id: UUID, *, refund: bool = False, note: str | None = None, by: str = "library"
    ) -> Grant:
        """Take back what is neither spent nor held of a grant. Raises as `gate.void_grant`."""
        return await self.under_tills(
            by, lambda tx, tills: void_grant(tx, self.desk, customer, grant_id, refund=refund, note=note, tills=tills)
        )

    async def set_recurring_grant(
        self,
        customer: str,
        name: str,
        terms: Mapping[str, Any],
        *,
        anchor: datetime | None = None,
        by: str = "library",
    ) -> None:
        """Give the customer a recurring grant of its own. Raises as `gate.set_recurring_grant`."""
        await self.under_tills(
            by, lambda tx, tills: set_recurring_grant(tx, self.desk, customer, name, terms, anchor, tills=tills)
        )

    async def end_recurring_grant(self, customer: str, name: str, *, by: str = "library") -> None:
        """Have a recurring grant come no more. Raises NotFound `unknown_recurring_grant`."""
        await self.under_tills(by, lambda tx, tills: end_recurring_grant(tx, self.desk, customer, name, tills=tills))

    async def assign_plan(
        self, customer: str, plan: str | None, *, at: datetime | PeriodEnd | None = None, by: str = "library"
    ) -> Agreement:
        """Have the customer on `plan` (None: the catalog's default) from `at` on, by default from now.

        Raises NotFound `unknown_customer` and `unknown_plan`, and InvalidInput `plan_in_past`.
        """
        now = clock.now()

        async def work(tx: Tx) -> Agreement:
            found = await get_customer(tx, customer)
            start = next_period(found, now) if isinstance(at, PeriodEnd) else at or now
            agreement = await assign_plan(tx, found, plan, start, now=now, by=by, in_use=has_usage)
            # Afterwards: by now no other catalog can be applied before this is committed.
            if plan is not None and plan not in (await self.catalog(tx)).plans:
                raise NotFound("unknown_plan", f"The catalog has no plan {plan!r}.", field="plan")
            return agreement

        agreement = await self.database.run(work)
        await self.refresh(customer, by=by)
        return agreement

    async def set_limit(
        self, customer: str, name: str, terms: Mapping[str, Any] | None, *, by: str = "library"
    ) -> None:
        """Give the customer terms of its own for a limit; None takes them away again.

        Raises NotFound `unknown_customer` and `unknown_limit`, and InvalidInput `invalid_limit`.
        """
        now = clock.now()

        async def work(tx: Tx) -> None:
            found = await get_customer(tx, customer)
            if terms is None:
                if not await drop_limit(tx, found, name):
                    raise NotFound("unknown_limit", f"The customer has no limit {name!r} of its own.", field="name")
                return
            catalog = await self.catalog(tx)
            agreed = await agreement_of(tx, found.customer_id)
            others = replace(agreed, limits={key: each for key, each in agreed.limits.items() if key != name})
            base = stand(catalog, found, others, now)
            limit_of(name, terms, next((one for one in base.limits if one.key == name), None), catalog)
            await set_limit(tx, found, name, terms, now=now, by=by)

        await self.database.run(work)

    async def refresh(self, customer: str, *, by: str = "refresh") -> None:
        """Let everything happen that is due for the customer. Raises NotFound `unknown_customer`."""

        async def nothing(*_: object) -> None: ...

        await self.up_to_date(customer, nothing, by=by)

    async def up_to_date(self, customer: str, look: Look[T], *, by: str = "refresh") -> T:
        """What `look` finds of the customer in a snapshot, once everything has happened that is due.

        It's looked whether something is due in the snapshot itself, so that in nearly every case there's no other.
        Raises NotFound `unknown_customer`.
        """
        for refreshed in (False, True):
            async with self.database.transaction(customer_id_of(customer), snapshot=True, pipelined=True) as tx:
                asked = await ask_standing(tx, customer, clock.now())
                standing, agreement, due = await asked.read(await self.catalog(tx))
                if refreshed or not due:
                    return await look(tx, Stood(standing, agreement, asked.now))
            await self.under_tills(by, lambda tx, tills: refresh(tx, self.desk, customer, tills=tills))
        raise AssertionError("unreachable")
