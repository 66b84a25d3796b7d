"""True-ups: corrections of the engine's own, which bring a cost that became known after its event was recorded.

A true-up changes no quantity, so any meter can have one. It moves the cost of its event's calls, and the charge with
it where the price goes by costs and doesn't say `true_up = "cost_only"`. Its id follows from what it says, so doing it
twice is a duplicate. What can't be booked is told in the answer, and kept nowhere: whoever asks can ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tollkeeper.calls import Family, NewCall, family_calls
from tollkeeper.customers import customer_id_of
from tollkeeper.db import Tx
from tollkeeper.events import (
    CallIn,
    Corrected,
    CostSource,
    EventIn,
    Reason,
    Refused,
    check_number,
    find_corrected,
    unknown_customer,
)
from tollkeeper.gate.correct import lock_corrected
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.model import Batch, Fact, FactKey, Prepared, Recorded, Result
from tollkeeper.gate.place import People, fact_of, open_lane
from tollkeeper.gate.record import rate_and_book, set_duplicates_aside
from tollkeeper.gate.till import Tills
from tollkeeper.money import CHARGE_DECIMALS, ZERO
from tollkeeper.providers.model import Line


class CallChange(NamedTuple):
    """What is added to the cost of one call of the event; or, without a call's id, the cost of one that nobody told.

    Of the latter `provider` and `model` must be given; it has `at` or the event's time. Of the former they are known.
    """

    call_id: str | None
    change: Decimal
    """In the catalog's currency, at most 12 decimals; may be negative. For an unpriced call: its cost."""
    provider: str | None = None
    model: str | None = None
    at: datetime | None = None
    project: str | None = None
    api_key: str | None = None
    quantities: Mapping[str, Decimal] | None = None
    """What was used; only noted where that wasn't known."""
    lines: Sequence[Line] = ()
    rate: Decimal | None = None
    book: str | None = None
    source: CostSource | None = None
    """How the cost is known, where not as the true-up's others."""


@dataclass(frozen=True, slots=True)
class TrueUp:
    """A later change of what an event cost."""

    customer: str
    event_id: str
    """The event, not one of its corrections."""
    id: str
    """The id of the correction: it must follow from what it says."""
    calls: Sequence[CallChange]
    source: CostSource
    """How the cost is known."""
    charge: bool = True
    """False leaves the charge as it is, whatever the price says."""
    metadata: dict[str, Any] | None = field(default=None)

    @property
    def key(self) -> FactKey:
        """The event that is trued up."""
        return str(customer_id_of(self.customer)), self.event_id


async def true_up(tx: Tx, desk: Desk, items: Sequence[TrueUp], *, now: datetime, by: str) -> list[Result]:
    """Book the true-ups; the answer to each, in their order, as for events that are reported.

    A refused one (`unknown_customer`, `unknown_event`, `invalid_correction`, `unknown_call`, `event_conflict`,
    `correction_exceeds_original`) doesn't go to quarantine. Raises UniqueViolation where another transaction has
    booked the same meanwhile: `Database.run` then runs the work anew.
    """
    tills = Tills(now, by)
    await tills.lock(tx, sorted({item.key[0] for item in items}))
    return (await true_up_under(tx, desk, tills, items)).results


async def true_up_under(tx: Tx, desk: Desk, tills: Tills, items: Sequence[TrueUp]) -> Recorded:
    """As `true_up`, where the tills are locked and loaded already."""
    catalog, people = await desk.open(tx, tills, {item.customer for item in items})
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=False)
    await tills.expire_due(tx)
    batch = Batch(catalog, desk.pricing, tills.now, len(items))
    keys = sorted({item.key for item in items})
    originals, stored = await find_corrected(tx, keys), await family_calls(tx, keys)
    for item in items:
        original = originals.get(item.key)
        fact = _fact(item, len(batch.results), batch, people, desk, original, Family.of(stored.get(item.key, ())))
        _admit(batch, item, fact)
    await lock_corrected(tx, batch)
    await set_duplicates_aside(tx, batch)
    return await rate_and_book(tx, batch, tills, {})


def _admit(batch: Batch, item: TrueUp, fact: Fact | Reason) -> None:
    index = len(batch.results)
    batch.results.append(None)
    if isinstance(fact, Reason):
        batch.refuse(index, Refused(fact, "", item.id, item.customer))
    elif fact.key in batch.facts:
        batch.twins.append((index, batch.facts[fact.key].index))
    else:
        batch.facts[fact.key] = fact


def _fact(
    item: TrueUp, index: int, batch: Batch, people: People, desk: Desk, original: Corrected | None, family: Family
) -> Fact | Reason:
    """The true-up as a correction on its way to the books, or why it can't be one."""
    if item.customer not in people.customers:
        return unknown_customer(item.customer)
    if original is None:
        return Reason("unknown_event", f"The customer has no event {item.event_id!r}.", "corrects")
    lane = open_lane(item.customer, original.meter, batch.catalog, people, desk.lanes)
    if isinstance(lane, Reason):
        return lane
    calls = [_call(item, i, each, original, family) for i, each in enumerate(item.calls)]
    for call in calls:
        if isinstance(call, Reason):
            return call
    found = [call for call in calls if isinstance(call, NewCall)]
    event = EventIn(
        id=item.id,
        customer=item.customer,
        meter=original.meter,
        quantity=ZERO,
        corrects=item.event_id,
        calls=_told(found),
        metadata=item.metadata,
    )
    fact = fact_of(index, event, lane, lane.rule_at(original.time), original.time)
    fact.prepared = Prepared(found, item.charge)
    return fact


def _call(item: TrueUp, i: int, change: CallChange, original: Corrected, family: Family) -> NewCall | Reason:
    if (fault := check_number(change.change, "cost", CHARGE_DECIMALS, item.event_id)) is not None:
        return Reason(fault.code, fault.detail, f"calls[{i}].cost")
    named = None if change.call_id is None else family.named(change.call_id, change.provider)
    if change.call_id is not None and named is None:
        return Reason("unknown_call", f"The event has no call {change.call_id!r}.", f"calls[{i}]")
    provider, model = (change.provider, change.model) if named is None else (named.provider, named.model)
    if provider is None or model is None:
        return Reason("missing_field", "A call that nobody told needs a provider and a model.", f"calls[{i}]")
    return NewCall(
        provider=provider,
        call_id=f"{item.id}#{i}",
        model=model,
        at=change.at or (original.time if named is None else named.at),
        cost=change.change,
        cost_source=change.source or item.source,
        quantities=change.quantities if named is None or named.quantities is None else None,
        lines=tuple(change.lines),
        rate=change.rate,
        book=change.book,
        project=change.project,
        api_key=change.api_key,
        adjusts=None if named is None else named.adjusts or named.call_id,
    )


def _told(calls: Iterable[NewCall]) -> list[CallIn]:
    """The calls as they stand in the correction: what it says, so that the same one again is known."""
    return [
        CallIn(
            provider=call.provider,
            model=call.model,
            response_id=call.adjusts,
            at=call.at,
            cost=call.cost,
            project=call.project,
            api_key=call.api_key,
        )
        for call in calls
    ]
