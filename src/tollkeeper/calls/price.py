"""What the calls of an event cost: their usage at the price book's prices, or the cost that came with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tollkeeper.calls.model import NewCall
from tollkeeper.errors import UsageNotUnderstood
from tollkeeper.events import CallIn, CostSource, EventIn
from tollkeeper.money import QUANTITY_LIMIT, ZERO, add, multiply, round_charge
from tollkeeper.providers import PriceBook, book_of, facts_of, provider_key
from tollkeeper.providers.model import CallFacts

BOOK_CURRENCY = "USD"
"""All prices of the book are in it."""


class Pricing:
    """The price book with the operator's own rows, and what a dollar is in the catalog's currency.

    The book is read when the first call needs it: most commands never do.
    """

    def __init__(self, own: Path | None = None, usd_rate: Decimal | None = None) -> None:
        self._own = own
        self._usd_rate = usd_rate

    @property
    def book(self) -> PriceBook:
        """The bundled rows and those of the operator's file. Raises PricesInvalid where that can't be used."""
        return book_of(self._own)

    def price_event(self, event: EventIn, time: datetime, currency: str) -> list[NewCall]:
        """All calls of an event, as `price` does."""
        return [self.price(call, call_id, time, currency) for call, call_id in told_calls(event)]

    def price(self, call: CallIn, call_id: str, time: datetime, currency: str) -> NewCall:
        """The call of an event at `time`, with its cost in `currency`, the catalog's.

        What the price book can't price is unpriced, never 0: its model or a unit of its usage has no price, its usage
        isn't known or can't be understood, or there is no rate from dollars to `currency`.
        """
        found = NewCall(
            provider=provider_key(call.provider),
            call_id=call_id,
            model=call.model or "",
            at=call.at or time,
            cost=call.cost,
            cost_source=CostSource.NONE,
            project=call.project,
            api_key=call.api_key,
            service_tier=call.service_tier,
            batch=call.batch,
            region=call.region,
        )
        facts = _measure(found, call)
        if found.cost is None:
            self._by_book(found, facts, currency)
        if found.cost is not None:
            found.cost_source = CostSource.ESTIMATE if call.estimated else CostSource.RESPONSE
        return found

    def _by_book(self, call: NewCall, facts: CallFacts | None, currency: str) -> None:
        if facts is None:
            call.missing = ("usage",)
            return
        priced = self.book.price(facts)
        call.lines, call.book = priced.lines, priced.book
        if priced.cost is None:
            call.missing = priced.missing
        elif currency == BOOK_CURRENCY:
            call.cost = priced.cost
        elif self._usd_rate is None:
            call.missing = ("usd_rate",)
        else:
            call.rate, call.cost = self._usd_rate, round_charge(multiply(priced.cost, self._usd_rate))
        if call.cost is not None and not ZERO <= call.cost < QUANTITY_LIMIT:
            call.cost, call.missing = None, ("usage",)


def _measure(found: NewCall, call: CallIn) -> CallFacts | None:
    """Note the quantities of the usage. One that can't be understood stays with the event, to be looked at again."""
    if call.usage is None:
        return None
    told = {"service_tier": call.service_tier, "batch": call.batch, "region": call.region}
    try:
        facts = facts_of(found.provider, found.model, call.usage, found.at, **told)
    except UsageNotUnderstood:
        return None
    if not all(quantity < QUANTITY_LIMIT for quantity in facts.quantities.values()):
        return None
    found.quantities = {str(unit): quantity for unit, quantity in facts.quantities.items()}
    found.service_tier, found.batch, found.region = facts.service_tier, facts.batch, facts.region
    return facts


def told_calls(event: EventIn) -> Iterable[tuple[CallIn, str]]:
    """The calls that an event brings, each with its id."""
    return ((call, call_id_of(event.id, i, call)) for i, call in enumerate(event.calls or ()))


def call_id_of(event_id: str, i: int, call: CallIn) -> str:
    """The id of an event's call at place `i`: the provider's of its response, else one that follows from the event."""
    return call.response_id or f"{event_id}#{i}"


def cost_of(calls: Iterable[NewCall]) -> tuple[Decimal | None, CostSource]:
    """What calls cost together, and how that is known. One that is unpriced makes their sum unknown."""
    total, source = ZERO, CostSource.RESPONSE
    for call in calls:
        if call.cost is None:
            return None, CostSource.NONE
        total = add(total, call.cost)
        if call.cost_source is not CostSource.RESPONSE and source is not CostSource.ESTIMATE:
            source = call.cost_source
    return total, source
