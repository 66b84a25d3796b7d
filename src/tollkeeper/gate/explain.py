"""Why an event cost what it did: the same arithmetic that rated it, shown step by step."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tollkeeper.calls import call_id_of, calls_of_event, cost_steps, elsewhere
from tollkeeper.catalog import Catalog, Meter, Price, price_by_id
from tollkeeper.customers import Customer
from tollkeeper.db import Tx
from tollkeeper.events import CallIn, StoredEvent, get_event, get_net_before
from tollkeeper.gate.correct import net_measure
from tollkeeper.gate.model import Explanation
from tollkeeper.money import ZERO, add, plain, subtract
from tollkeeper.rating import MODELS, Measure, Step, explain
from tollkeeper.wallets import burns_of_event


async def explain_event(tx: Tx, catalog: Catalog, customer: Customer, event_id: str) -> Explanation:
    """The explanation of one event's charge. Raises NotFound `unknown_event`."""
    event = await get_event(tx, customer.customer_id, event_id)
    price = None if event.price_id is None else await price_by_id(tx, event.price_id, MODELS)
    meter = catalog.meters.get(event.meter) or Meter(event.meter, event.meter, event.meter)
    calls = await _calls(tx, event, catalog)
    if price is None:
        text = "No price was in force for this meter at the event's time: the usage is counted, and nothing is charged."
        steps = [Step("unpriced", text, {"quantity": plain(event.billed)})]
    elif event.cost_only:
        text = "The provider's cost is booked, and the charge of the event stays as it is"
        steps = [Step("cost_only", text, {"charge": plain(event.charge or ZERO)})]
    else:
        steps = await _steps(tx, event, meter, price)
    return Explanation(
        event=event,
        customer=customer.key,
        charge=event.charge,
        unit=event.unit,
        price_id=event.price_id,
        price_from=None if price is None else price.effective_from,
        steps=[*calls, *steps],
        paid=await burns_of_event(tx, str(event.customer_id), event.event_id),
        ledger_transaction=event.transaction_id,
    )


async def _calls(tx: Tx, event: StoredEvent, catalog: Catalog) -> list[Step]:
    """What the event's provider calls cost, and that those which came before cost nothing here."""
    if not event.calls:
        return []
    stored = await calls_of_event(tx, event.customer_id, event.event_id)
    known = {id for call in stored for id in (call.call_id, call.adjusts)}
    came = enumerate(msgspec.convert(event.calls, list[CallIn], strict=False))
    ids = [(call_id_of(event.event_id, i, call), f"{event.event_id}#{i}") for i, call in came]
    repeated = [elsewhere(id) for id, other in ids if not known & {id, other}]
    return [*repeated, *cost_steps(stored, catalog.currency, event.cost)]


async def _steps(tx: Tx, event: StoredEvent, meter: Meter, price: Price) -> list[Step]:
    before, after = event.running_before or ZERO, event.running_after or ZERO
    measure, previous = Measure(event.billed, event.amount, event.cost), None
    if event.corrects is not None:
        net = await get_net_before(tx, event)
        previous = net_measure(net.billed, net.amount, net.cost, net.reported)
        measure = net_measure(
            add(net.billed, event.billed), _sum(net.amount, event.amount), _sum(net.cost, event.cost), net.reported
        )
    elif event.running_after is not None and MODELS[price.model].cumulative:
        # For gauges and distinct counts the event adds something else than its own quantity.
        measure = Measure(subtract(after, before), event.amount, event.cost)
    return explain(
        meter,
        price,
        quantity=event.quantity,
        measure=measure,
        before=before,
        charge=event.charge,
        previous=previous,
    )


def _sum(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None and right is None else add(left or ZERO, right or ZERO)
