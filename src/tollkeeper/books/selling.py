"""What customers do for themselves: buy prepaid value, and choose a plan."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tollkeeper import clock
from tollkeeper.books.agreeing import Agreeing
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.errors import Conflict
from tollkeeper.gate import PeriodEnd, choose_plan
from tollkeeper.payments import (
    Processor,
    TopUp,
    TopUpState,
    Unpaid,
    Wanted,
    end,
    note_checkout,
    pay,
    processor_for,
    same_payment,
    start,
)


class Selling(Agreeing):
    """From the customer's choice to the money, step by step, each in a transaction of its own."""

    __slots__ = ()

    @property
    def processor(self) -> Processor | None:
        """Who takes the money; None: nobody, and no top-up can begin. Those that have begun can end.

        Raises InvalidInput `invalid_settings`.
        """
        return processor_for(self.settings)

    async def start_top_up(self, customer: str, wanted: Wanted, *, by: str = "library") -> tuple[TopUp, bool]:
        """Begin a top-up; it as it stands, and whether it is new. Repeating it with the same id is safe.

        Raises Conflict `payments_off`, NotFound `unknown_customer`, and as `payments.start`.
        """
        processor = self.processor
        if processor is None:
            raise Conflict("payments_off", "Nothing can be bought here: no way to pay is set up (TOLLKEEPER_PAYMENTS).")

        async def work(tx: Tx) -> tuple[TopUp, bool]:
            found = await get_customer(tx, customer)
            catalog = await self.catalog(tx)
            return await start(tx, catalog, found, wanted, processor=processor.name, now=clock.now(), by=by)

        top_up, new = await self.database.run(work, customer_id_of(customer))
        return await self._with_checkout(top_up, processor), new

    async def _with_checkout(self, top_up: TopUp, processor: Processor) -> TopUp:
        """The top-up with the place where it's paid. What stopped before that was noted, a repeat makes up for."""
        waits = top_up.state(clock.now()) is TopUpState.PENDING and top_up.checkout_url is None
        if not waits or top_up.processor != processor.name:
            return top_up
        checkout = await processor.begin(top_up)
        known = replace(top_up, checkout_url=checkout.url, reference=checkout.reference or top_up.reference)
        if known != top_up:
            await self.database.run(lambda tx: note_checkout(tx, known), top_up.customer_id)
        return known

    async def pay_top_up(
        self, customer: str, top_up_id: UUID, *, reference: str | None = None, by: str = "library"
    ) -> TopUp:
        """The money has come: the customer gets what it bought, once. Raises as `payments.pay` and `same_payment`."""
        paid = await self.under_tills(
            by, lambda tx, tills: pay(tx, self.desk, customer, top_up_id, reference=reference, tills=tills)
        )
        return same_payment(paid, reference)

    async def end_top_up(
        self, customer: str, top_up_id: UUID, state: Unpaid, *, reference: str | None = None, by: str = "library"
    ) -> TopUp:
        """The payment has failed, or was given up. Raises as `payments.end`."""
        now = clock.now()
        return await self.database.run(
            lambda tx: end(tx, customer, top_up_id, state, reference=reference, now=now, by=by),
            customer_id_of(customer),
        )

    async def choose_plan(self, customer: str, plan: str, *, at: PeriodEnd | None = None, by: str = "library") -> None:
        """Put the customer on a plan that it has chosen itself, now or when its month is over. Raises as
        `gate.choose_plan`."""
        now = clock.now()
        await self.database.run(lambda tx: choose_plan(tx, self.desk, customer, plan, at=at, now=now, by=by))
        await self.refresh(customer, by=by)
