"""What is looked at: where the customer stands, the span, the prices; and its usage, read when it's first needed."""

from __future__ import annotations

from dataclasses import dataclass

from tollkeeper.catalog import Catalog, Price
from tollkeeper.clock import Interval
from tollkeeper.customers import Agreement, Customer
from tollkeeper.gate import Standing
from tollkeeper.providers import PriceBook


@dataclass(slots=True)
class Case:
    """One customer, and a span of its usage."""

    standing: Standing
    agreement: Agreement
    span: Interval
    book: PriceBook

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
