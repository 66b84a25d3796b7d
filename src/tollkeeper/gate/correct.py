"""Corrections: events that take back, or add to, an event that was reported wrongly.

A correction has the time, member, dimensions and price of the event it corrects, so it moves the same period's total
and the same rows of the rollups; it can't take back more than the event and its earlier corrections leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from tollkeeper.calls import Family, family_calls
from tollkeeper.catalog import price_by_id
from tollkeeper.clock import local_slot
from tollkeeper.db import Queries, Tx, array
from tollkeeper.events import Corrected, CostSource, Reason, Revision, check_net, find_corrected
from tollkeeper.gate.cost import cost_correction
from tollkeeper.gate.lanes import NO_PRICE, Lane, Rule
from tollkeeper.gate.model import Batch, Fact, FactKey
from tollkeeper.gate.place import refused, unrateable
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.rating import MODELS, Measure, billed_quantity

_queries = Queries(__package__ or "")


async def lock_corrected(tx: Tx, batch: Batch) -> bool:
    """Have the customers of the batch's corrections to itself; whether there are any."""
    customers = sorted({fact.customer_id for fact in batch.facts.values() if fact.event.corrects is not None})
    if customers:
        await tx.execute(_queries.lock_customers, {"customer_ids": array(customers)})
    return bool(customers)


async def resolve_corrections(tx: Tx, batch: Batch) -> None:
    """Give each correction of the batch what it inherits, or refuse it. After `lock_corrected`."""
    corrections = [fact for fact in batch.facts.values() if fact.event.corrects is not None]
    if not corrections:
        return
    # By id, so that an explanation can tell later what each of several found.
    corrections.sort(key=lambda fact: fact.key)
    originals = await find_corrected(tx, {_corrected_key(fact) for fact in corrections})
    families = await _families(tx, batch, corrections)
    for fact in corrections:
        key = _corrected_key(fact)
        original = originals.get(key) or _in_batch(batch, key)
        reason = _unfit(fact, original)
        if original is not None and reason is None:
            fact.rule = await _rule_of(tx, fact.lane, original.price_id)
            reason = None if fact.prepared else unrateable(fact.event, fact.rule)
            family = families[key].copy() if fact.event.calls else None
            if family is not None:
                cost_correction(batch, fact, original, family)
            reason = reason or _apply(fact, original, originals)
            if family is not None and reason is None:
                families[key] = family
        if reason is not None:
            # What it has claimed may come with another one.
            batch.claimed_calls -= {(fact.customer_id, call.provider, call.call_id) for call in fact.calls}
            del batch.facts[fact.key]
            # What it brought counts for whoever else brings it.
            batch.claimed_calls -= {(fact.customer_id, call.provider, call.call_id) for call in fact.calls}
            batch.refuse(fact.index, refused(fact.event, reason))


async def _families(tx: Tx, batch: Batch, corrections: Sequence[Fact]) -> dict[FactKey, Family]:
    """The calls of the events that are corrected, where a correction brings calls too."""
    keys = {_corrected_key(fact) for fact in corrections if fact.event.calls}
    stored = await family_calls(tx, sorted(keys - batch.facts.keys()))
    found = {key: Family.of(stored.get(key, ())) for key in keys}
    for key in keys & batch.facts.keys():
        for call in batch.facts[key].calls:
            found[key].add(*key, call)
    return found


def _corrected_key(fact: Fact) -> FactKey:
    return fact.customer_id, fact.event.corrects or ""


def _in_batch(batch: Batch, key: FactKey) -> Corrected | None:
    """The corrected event where it has come with the same request."""
    fact = batch.facts.get(key)
    if fact is None:
        return None
    return Corrected(
        customer_id=fact.lane.customer.customer_id,
        event_id=fact.event.id,
        series_id=fact.series_id,
        meter=fact.event.meter,
        member=fact.event.member,
        dimensions=fact.event.dimensions or {},
        unit=fact.rule.unit,
        time=fact.time,
        price_id=fact.rule.price.price_id if fact.rule.price else None,
        corrects=fact.event.corrects,
        reported=fact.quantity,
        net_charge=ZERO,  # Not rated yet: funding knows it.
        net_quantity=fact.quantity,
        net_billed=fact.billed,
        net_amount=fact.event.amount,
        net_cost=fact.cost,
        charged_cost=fact.cost,
        cost_only=False,
        unpriced=0,  # Nor is this known before it's rated.
        uncosted=0,
        estimates=0,
    )


def _unfit(fact: Fact, original: Corrected | None) -> Reason | None:
    if original is None:
        return Reason("unknown_event", f"The customer has no event {fact.event.corrects!r}.", "corrects")
    if original.corrects is not None:
        return Reason(
            "invalid_correction",
            f"{fact.event.corrects!r} is a correction itself; correct {original.corrects!r}.",
            "corrects",
        )
    if original.meter != fact.event.meter:
        return Reason("invalid_correction", f"{fact.event.corrects!r} is an event of {original.meter!r}.", "meter")
    return None


async def _rule_of(tx: Tx, lane: Lane, price_id: UUID | None) -> Rule:
    """The price that rated the original, whether it still holds, was replaced, or was withdrawn."""
    if price_id is None:
        return NO_PRICE
    return lane.rules.get(price_id) or lane.rule_of(await price_by_id(tx, price_id, MODELS))


def _apply(fact: Fact, original: Corrected, originals: dict[FactKey, Corrected]) -> Reason | None:
    """Let the fact inherit from the original, and note what the original has left for later corrections."""
    quantity = add(original.net_quantity, fact.quantity)
    amount = _net(original.net_amount, fact.event.amount)
    cost = _net(original.net_cost, fact.cost)
    if (reason := check_net(fact.event, quantity, amount, cost)) is not None:
        return reason
    # An event that is taken back wholly counts nothing, also where events are counted.
    billed = billed_quantity(fact.lane.meter, quantity) if quantity else ZERO
    fact.price_id = None if original.price_id is None else str(original.price_id)
    fact.series_id = original.series_id
    fact.inherited_member = original.member
    fact.charged_before = original.net_charge
    fact.time = original.time
    fact.slot = local_slot(original.time, fact.lane.zone)
    fact.billed = subtract(billed, original.net_billed)
    fact.original = original
    fact.cost_only = _is_cost_only(fact, original)
    charged = original.charged_cost if fact.cost_only else _net(original.charged_cost, fact.cost)
    fact.previous = net_measure(original.net_billed, original.net_amount, original.charged_cost, original.reported)
    fact.corrected = net_measure(billed, amount, charged, original.reported)
    originals[_corrected_key(fact)] = replace(
        original,
        net_quantity=quantity,
        net_billed=billed,
        net_amount=amount,
        net_cost=cost,
        charged_cost=charged,
        cost_only=original.cost_only or fact.cost_only,
    )
    return None


def _is_cost_only(fact: Fact, original: Corrected) -> bool:
    """Whether a true-up leaves the charge as it is: the price doesn't go by costs, or says so; and then for good."""
    price = fact.rule.price
    if fact.prepared is None or price is None:
        return False
    return not fact.prepared.charge or original.cost_only or not MODELS[price.model].trues_up(price.terms)


def revise(batch: Batch) -> None:
    """Tell what corrections change in the counts of what isn't known for good, once all facts are rated."""
    corrections = [fact for fact in batch.facts.values() if fact.original is not None]
    counts: dict[FactKey, Revision] = {}
    for fact in sorted(corrections, key=lambda fact: fact.key):
        key = _corrected_key(fact)
        before = counts.get(key) or _counts_of(fact.original, batch.facts.get(key))
        fact.revision = change = _revision(fact, before)
        counts[key] = Revision(
            before.unpriced + change.unpriced, before.uncosted + change.uncosted, before.estimates + change.estimates
        )


def _counts_of(original: Corrected | None, new: Fact | None) -> Revision:
    """What a corrected event and its earlier corrections count, be it stored or new."""
    if new is not None:
        return Revision.first(new)
    assert original is not None
    return Revision(original.unpriced, original.uncosted, original.estimates)


def _revision(fact: Fact, before: Revision) -> Revision:
    """A correction that brings what was missing takes back what was counted; else it counts itself, but no true-up."""
    itself = 0 if fact.prepared is not None else 1
    unpriced = itself if fact.charge is None else -before.unpriced
    uncosted = 0
    if fact.cost_source is CostSource.NONE:
        uncosted = itself if fact.calls else 0
    elif fact.cost_source is not None:
        uncosted = -before.uncosted
    if not fact.cost_only:
        return Revision(unpriced, uncosted, itself if fact.estimated else -before.estimates)
    # What was charged by the fallback is charged for good, once the cost is known.
    return Revision(0, uncosted, -before.estimates if fact.cost is not None else 0, cost_only=True)


def net_measure(billed: Decimal, amount: Decimal | None, cost: Decimal | None, reported: Decimal) -> Measure:
    """What is left, as its price sees it, of an event that was `reported` with a quantity and then corrected.

    Of one that is taken back wholly nothing is left to charge for, though its cost stays: the provider keeps it.
    """
    taken_back = reported and not billed and not amount
    return Measure(billed, amount, None if taken_back else cost)


def _net(before: Decimal | None, change: Decimal | None) -> Decimal | None:
    if before is None and change is None:
        return None
    return add(before or ZERO, change or ZERO)
