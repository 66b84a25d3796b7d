"""What is looked at: where the customer stands, the span, the prices; and its usage, read when it's first needed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tollkeeper.catalog import Catalog, Price
from tollkeeper.clock import Interval
from tollkeeper.customers import Agreement, Customer
from tollkeeper.db import Tx
from tollkeeper.gate import Standing
from tollkeeper.providers import PriceBook
from tollkeeper.suggestions.calls import CallGroup, over_days, read_calls


@dataclass(slots=True)
class Case:
    """One customer, and a span of its usage."""

    standing: Standing
    agreement: Agreement
    span: Interval
    book: PriceBook
    _calls: list[CallGroup] | None = field(default=None, repr=False)

    @property
    def customer(self) -> Customer:
        """Whose usage it is."""
        return self.standing.customer

    @property
    def catalog(self) -> Catalog:
        """The catalog in force."""
        return self.standing.catalog

    def price_of(self, meter: str) -> Price | None:
        """What the meter's usage is charged by as the span ends: what is advised is for the time after it."""
        plan = self.standing.plan
        return self.catalog.price_for(meter, self.customer.key, self.span.end, plan.key if plan else None)

    async def calls_by_day(self, tx: Tx) -> list[CallGroup]:
        """The calls of the span, by day; read once."""
        if self._calls is None:
            self._calls = await read_calls(tx, self.customer, self.span, self.book)
        return self._calls

    async def calls(self, tx: Tx) -> list[CallGroup]:
        """The calls of the span."""
        return over_days(await self.calls_by_day(tx))
