"""The cashier: takes a top-up from the choice to the money, step by step, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from uuid import UUID

from tollkeeper import clock
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx, peek_epochs
from tollkeeper.errors import Conflict
from tollkeeper.gate import Desk, Tills
from tollkeeper.payments.end import Unpaid, end
from tollkeeper.payments.model import TopUp, TopUpState, Wanted
from tollkeeper.payments.pay import pay
from tollkeeper.payments.processors import Processor
from tollkeeper.payments.start import start
from tollkeeper.payments.store import note_checkout
from tollkeeper.rating import MODELS

T = TypeVar("T")


class Transact(Protocol):
    """Does work in a transaction of its own, as `Database.run`."""

    def __call__(
        self, work: Callable[[Tx], Awaitable[T]], customer_id: UUID | None = None, /, *, pipelined: bool = False
    ) -> Awaitable[T]:
        """The result of the work."""
        ...


@dataclass(frozen=True, slots=True)
class Cashier:
    """Where top-ups begin and end."""

    transact: Transact
    desk: Desk
    processor: Processor | None
    """Who takes the money; None: nobody, and no top-up can begin. Those that have begun can end."""

    async def start(self, customer: str, wanted: Wanted, *, by: str) -> tuple[TopUp, bool]:
        """Begin a top-up; it as it stands, and whether it is new. Repeating it with the same id is safe.

        Raises Conflict `payments_off`, NotFound `unknown_customer`, and as `payments.start`.
        """
        processor = self.processor
        if processor is None:
            raise Conflict("payments_off", "Nothing can be bought here: no way to pay is set up (TOLLKEEPER_PAYMENTS).")

        async def work(tx: Tx) -> tuple[TopUp, bool]:
            catalog = await self.desk.shelf.current(tx, await peek_epochs(tx), MODELS)
            found = await get_customer(tx, customer)
            return await start(tx, catalog, found, wanted, processor=processor.name, now=clock.now(), by=by)

        top_up, new = await self.transact(work, customer_id_of(customer))
        return await self._with_checkout(top_up, processor), new

    async def _with_checkout(self, top_up: TopUp, processor: Processor) -> TopUp:
        """The top-up with the place where it's paid. What stopped before that was noted, a repeat makes up for."""
        waits = top_up.state(clock.now()) is TopUpState.PENDING and top_up.checkout_url is None
        if not waits or top_up.processor != processor.name:
            return top_up
        checkout = await processor.begin(top_up)
        known = replace(top_up, checkout_url=checkout.url, reference=checkout.reference or top_up.reference)
        if known != top_up:
            await self.transact(lambda tx: note_checkout(tx, known), top_up.customer_id)
        return known

    async def pay(self, customer: str, top_up_id: UUID, *, reference: str | None = None, by: str) -> TopUp:
        """The money has come: the customer gets what it bought, once. Raises as `payments.pay`."""

        async def work(tx: Tx) -> TopUp:
            tills = Tills(clock.now(), by, fresh=True)
            return await pay(tx, self.desk, customer, top_up_id, reference=reference, tills=tills)

        return await self.transact(work, pipelined=True)

    async def end(
        self, customer: str, top_up_id: UUID, state: Unpaid, *, reference: str | None = None, by: str
    ) -> TopUp:
        """The payment has failed, or was given up. Raises as `payments.end`."""

        async def work(tx: Tx) -> TopUp:
            return await end(tx, customer, top_up_id, state, reference=reference, now=clock.now(), by=by)

        return await self.transact(work, customer_id_of(customer))
