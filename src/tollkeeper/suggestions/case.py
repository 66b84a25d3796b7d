"""What is looked at: where the customer stands, the span, the prices; and its usage, read when it's first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tollkeeper.catalog import Catalog, Price
from tollkeeper.clock import BEGINNING, Interval
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

    def price_of(self, meter: str, at: datetime | None = None) -> Price | None:
        """What the meter's usage is charged by on the present plan: at that time, or as the span ends."""
        plan = self.standing.plan
        return self.catalog.price_for(meter, self.customer.key, at or self.span.end, plan.key if plan else None)

    def name_of(self, meter: str) -> str:
        """What people call the meter."""
        known = self.catalog.meters.get(meter)
        return known.name if known else meter

    @property
    def plan_began(self) -> datetime:
        """When the present plan began for the customer."""
        return max(self.standing.plan_since or BEGINNING, self.customer.created_at)

    async def calls_by_day(self, tx: Tx) -> list[CallGroup]:
        """The calls of the span, by day; read once."""
        if self._calls is None:
            self._calls = await read_calls(tx, self.customer, self.span, self.book)
        return self._calls

    async def calls(self, tx: Tx) -> list[CallGroup]:
        """The calls of the span."""
        return over_days(await self.calls_by_day(tx))
