"""What facts cost: the calls that they bring, each counted once for its customer, priced by the book.

A call is stored once, with the event that brings it first. In any later event it costs nothing: the same response
isn't paid for twice. Like events, calls are first taken to be new; where the unique key refuses one, the transaction
runs again `careful`ly, and looks them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from tollkeeper.calls import CallKey, Family, FamilyCall, NewCall, cost_of, find_calls, told_calls
from tollkeeper.clock import local_slot
from tollkeeper.db import Fact as Told
from tollkeeper.db import Tx
from tollkeeper.events import CallIn, Corrected, CostSource
from tollkeeper.gate.alerts import call_unpriced
from tollkeeper.gate.model import Batch, Fact
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.providers import provider_key


async def cost_facts(tx: Tx, batch: Batch, *, careful: bool) -> None:
    """Price the calls of the batch's facts. Those of corrections come later, with their events (`cost_correction`).

    An event that says it has no calls, by an empty list, costs 0; of one that says nothing the cost isn't known.
    """
    costed = [fact for fact in batch.facts.values() if fact.event.calls is not None and fact.prepared is None]
    if not costed:
        return
    unknown = {key for fact in costed if careful or fact.event.corrects is not None for key in _keys(fact)}
    batch.stored_calls = await find_calls(tx, sorted(unknown))
    for fact in costed:
        if fact.event.corrects is None:
            priced = batch.pricing.price_event(fact.event, fact.time, batch.catalog.currency)
            fact.calls = [call for call in priced if _claim(batch, fact, call)]
            fact.cost, fact.cost_source = cost_of(fact.calls)


def _keys(fact: Fact) -> Iterator[CallKey]:
    for call, call_id in told_calls(fact.event):
        yield fact.customer_id, provider_key(call.provider), call_id


def _claim(batch: Batch, fact: Fact, call: NewCall) -> bool:
    """Whether the call counts here: it's neither stored, nor brought before by this batch."""
    key = fact.customer_id, call.provider, call.call_id
    if key in batch.claimed_calls or key in batch.stored_calls:
        return False
    batch.claimed_calls.add(key)
    return True


def cost_correction(batch: Batch, fact: Fact, original: Corrected, family: Family) -> None:
    """Price the calls of a correction, tell which call of its event each of them is about, and what it changes in all.

    An event's cost is unknown while one of its calls is unpriced. The correction that brings the last missing cost
    therefore books everything that the event's calls have cost so far.
    """
    if fact.prepared is not None:
        fact.calls = fact.prepared.calls
    else:
        priced = batch.pricing.price_event(fact.event, original.time, batch.catalog.currency)
        told = fact.event.calls or []
        fact.calls = [call for i, call in enumerate(priced) if _counts(batch, fact, call, family, i, told[i])]
    for call in fact.calls:
        family.add(fact.customer_id, original.event_id, call)
    total = family.cost
    if total is None:
        fact.cost, fact.cost_source = None, CostSource.NONE
    else:
        fact.cost, fact.cost_source = subtract(total, original.net_cost or ZERO), cost_of(fact.calls)[1]


def _counts(batch: Batch, fact: Fact, call: NewCall, family: Family, i: int, told: CallIn) -> bool:
    """Whether a correction's call counts. To which of its event's calls it's added, if to any, is noted in it.

    It is the call of its id; without an id, the first unpriced one of its model; else a new call. A cost that is given
    is a change. One that follows from usage is the call's own, so it counts only where the call had none.
    """
    named = _named(call, family, told)
    if named is None:
        if told.response_id is not None and (call.cost is None or call.cost >= 0):
            return _claim(batch, fact, call)
        call.call_id = f"{fact.event.id}#{i}"
        return True
    if told.cost is None and (call.cost is None or named not in family.open):
        return False
    call.call_id, call.adjusts = f"{fact.event.id}#{i}", named.adjusts or named.call_id
    if named.quantities is not None:
        call.quantities = _taken_back(call, named, family)
    return True


def _named(call: NewCall, family: Family, told: CallIn) -> FamilyCall | None:
    if told.response_id is not None:
        return family.named(told.response_id, call.provider)
    if call.cost is None or call.cost < 0:
        return None
    alike = (one for one in family.open if (one.provider, one.model) == (call.provider, call.model))
    return next(alike, None)


def _taken_back(call: NewCall, named: FamilyCall, family: Family) -> dict[str, Decimal] | None:
    """What was used, below zero, of a call whose whole cost is taken back; else nothing: it's known already."""
    before = family.cost_of(call.provider, call.adjusts or "")
    if call.cost is None or call.cost >= 0 or before is None or add(before, call.cost) or named.quantities is None:
        return None
    return {unit: -Decimal(quantity) for unit, quantity in named.quantities.items()}


def unpriced_calls(facts: Iterable[Fact], now: datetime) -> Iterator[Told]:
    """What is to be told of calls that couldn't be priced."""
    for fact in facts:
        for call in fact.calls:
            if call.cost is None:
                yield call_unpriced(fact.customer_id, fact.event.id, call, local_slot(now, fact.lane.zone).day_text)
