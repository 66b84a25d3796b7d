"""Why an event cost what it did: the same arithmetic that rated it, shown step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from tollkeeper.calls import call_id_of, calls_of_event, cost_steps, elsewhere
from tollkeeper.catalog import Catalog, Meter, Price, plural, price_by_id
from tollkeeper.customers import Customer
from tollkeeper.db import Tx
from tollkeeper.events import CallIn, Change, StoredEvent, corrections_of, get_event, get_net_before
from tollkeeper.gate.correct import net_measure
from tollkeeper.gate.model import Explanation
from tollkeeper.money import ZERO, add, amount_in_words, grouped, plain, subtract
from tollkeeper.rating import MODELS, Measure, Step, explain
from tollkeeper.wallets import burns_of_event


async def explain_event(
    tx: Tx, catalog: Catalog, customer: Customer, event_id: str, *, costs: bool = True
) -> Explanation:
    """The explanation of one event's charge; without `costs` nothing in it tells what the operator pays.

    Raises NotFound `unknown_event`.
    """
    event = await get_event(tx, customer.customer_id, event_id)
    price = None if event.price_id is None else await price_by_id(tx, event.price_id, MODELS)
    meter = catalog.meters.get(event.meter) or Meter(event.meter, event.meter, event.meter)
    calls = await _calls(tx, event, catalog) if costs else []
    if price is None:
        text = "No price was in force for this meter at the event's time: the usage is counted, and nothing is charged."
        steps = [Step("unpriced", text, {"quantity": plain(event.billed)})]
    elif event.cost_only:
        text = "The provider's cost is booked, and the charge of the event stays as it is"
        figures = {"charge": plain(event.charge or ZERO)}
        steps = [Step("cost_only", text, figures) if costs else Step("charge", "The charge stays as it is", figures)]
    else:
        steps = await _steps(tx, event, meter, price)
        if not costs:
            steps = [_without_cost(step, price, event) for step in steps]
    changes = await corrections_of(tx, event)
    if not costs:
        # What only the operator pays isn't told, so such a correction changes nothing.
        changes = [replace(one, cost=None) for one in changes if one.charge or one.billed]
        event = replace(event, cost=None, corrected_by=[one.event_id for one in changes])
    corrections = _corrections(event, changes, meter, catalog.currency)
    return Explanation(
        event=event,
        customer=customer.key,
        charge=event.charge,
        unit=event.unit,
        price_id=event.price_id,
        price_from=None if price is None else price.effective_from,
        steps=[*calls, *steps, *corrections],
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


def _without_cost(step: Step, price: Price, event: StoredEvent) -> Step:
    """The step as it may be shown to who is charged: a price by cost is told by what it comes to alone."""
    if step.name == "charge" and event.charge is None:
        text = "This event has no price yet: its usage is kept, and nothing is charged so far"
        return Step(step.name, text, step.figures)
    if step.name != price.model or not MODELS[price.model].by_cost:
        return step
    if (amount := step.figures.get("price")) is None:
        return Step("ai_usage", "What its AI usage comes to isn't known yet", {})
    told = amount_in_words(Decimal(amount), price.unit)
    text = "Estimated until its AI usage is known" if "fallback" in step.figures else "Charged by its AI usage"
    return Step("ai_usage", f"{text}: {told}", {"price": amount})


def _corrections(event: StoredEvent, changes: Sequence[Change], meter: Meter, currency: str) -> Iterator[Step]:
    """What each of the event's corrections has changed, and what they all come to with it."""
    charge, cost = event.charge, event.cost
    for change in changes:
        figures = {"event_id": change.event_id, "quantity": plain(change.billed)}
        told = [f"{_signed(change.billed)} {plural(meter.unit)}"] if change.billed else []
        if change.charge is not None and event.unit is not None:
            told.append(_change_in_words(change.charge, event.unit) if change.charge else "the charge stays")
            figures["charge"] = plain(change.charge)
        if change.cost is not None:
            told.append(f"cost {_change_in_words(change.cost, currency)}")
            figures["cost"] = plain(change.cost)
        charge, cost = _sum(charge, change.charge), _sum(cost, change.cost)
        yield Step("corrected_by", f"Corrected by {change.event_id}: {', '.join(told) or 'nothing changes'}", figures)
    if not changes:
        return
    unpriced = charge is None or event.unit is None
    text = "nothing, it's unpriced" if unpriced else amount_in_words(charge or ZERO, event.unit or currency)
    figures = {"charge": "unpriced" if unpriced else plain(charge or ZERO)}
    if cost is not None:
        text += f", at a cost of {amount_in_words(cost, currency)}"
        figures["cost"] = plain(cost)
    yield Step("in_all", f"Charged in all: {text}", figures)


def _change_in_words(amount: Decimal, unit: str) -> str:
    return f"{'−' if amount < 0 else '+'}{amount_in_words(amount.copy_abs(), unit)}"


def _signed(number: Decimal) -> str:
    return f"{'−' if number < 0 else '+'}{grouped(number.copy_abs())}"


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
