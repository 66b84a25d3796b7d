"""The first step of recording: each item finds its customer, meter, price, series and place in time, or a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from tollkeeper.catalog import Catalog
from tollkeeper.clock import local_slot
from tollkeeper.customers import Agreement, Customer
from tollkeeper.events import (
    EventIn,
    Reason,
    Refused,
    SeriesIndex,
    Status,
    check,
    quantity_of,
    same_item,
    unknown_customer,
    unknown_meter,
)
from tollkeeper.gate.lanes import Lane, Lanes, Rule
from tollkeeper.gate.model import Batch, Fact
from tollkeeper.rating import billed_quantity


def place(
    batch: Batch,
    items: Sequence[EventIn | Refused],
    people: People,
    lanes: Lanes,
    index: SeriesIndex,
    latest: datetime,
) -> None:
    """Add facts and refusals to `batch`. `latest` is the last instant that an event's time may have."""
    first = len(batch.results)
    batch.results += [None] * len(items)
    for i, item in enumerate(items, first):
        if isinstance(item, Refused):
            batch.refuse(i, item)
            continue
        lane = lanes.get(item.customer, item.meter)
        if lane is None:
            lane = open_lane(item.customer, item.meter, batch.catalog, people, lanes)
        if isinstance(lane, Reason):
            batch.refuse(i, refused(item, lane))
            continue
        reason = check(item, lane.customer, lane.meter, latest)
        if reason is None:
            time = item.time or (batch.arrived[i] if batch.arrived else batch.now)
            rule = lane.rule_at(time)
            # A correction goes by the price of the event that it corrects.
            reason = unrateable(item, rule) if item.corrects is None else None
            if reason is None:
                _admit(batch, fact_of(i, item, lane, rule, time), index)
                continue
        batch.refuse(i, refused(item, reason))


def refused(item: EventIn, reason: Reason) -> Refused:
    """The item with the reason, as it goes to quarantine."""
    return Refused(reason, msgspec.json.encode(item).decode(), item.id, item.customer)


@dataclass(frozen=True, slots=True)
class People:
    """The customers of a transaction, and what they have of their own."""

    customers: Mapping[str, Customer]
    agreement: Callable[[UUID], Agreement]


def open_lane(customer_key: str, meter_key: str, catalog: Catalog, people: People, lanes: Lanes) -> Lane | Reason:
    """The lane of this customer and meter, or which of the two there isn't."""
    customer = people.customers.get(customer_key)
    if customer is None:
        return unknown_customer(customer_key)
    meter = catalog.meters.get(meter_key)
    if meter is None:
        return unknown_meter(meter_key)
    return lanes.open(customer, meter, catalog, people.agreement(customer.customer_id))


def unrateable(item: EventIn, rule: Rule) -> Reason | None:
    """Why the event can't be rated with the rule, or None."""
    if rule.problem is not None:
        return rule.problem
    if rule.needs_amount and item.amount is None:
        return Reason("missing_field", f"The price of {item.meter!r} goes by the event's `amount`.", "amount")
    return None


def fact_of(i: int, item: EventIn, lane: Lane, rule: Rule, time: datetime) -> Fact:
    """The item as a fact, without what is found out later: its series, cost and charge."""
    quantity = quantity_of(item, lane.meter)
    return Fact(
        item,
        lane.customer_id,
        lane.meter.aggregation,
        "",  # The series: found when the fact is admitted, or inherited by a correction.
        time,
        local_slot(time, lane.zone),
        quantity,
        quantity if lane.bare else billed_quantity(lane.meter, quantity),
        rule.price_id,
        None,  # The cost: found once it's certain that the event is new.
        None,
        index=i,
        lane=lane,
        rule=rule,
    )


def _admit(batch: Batch, fact: Fact, index: SeriesIndex) -> None:
    """Take the fact in, unless the same request has already brought one with its id."""
    key = fact.key
    earlier = batch.facts.get(key)
    if earlier is not None:
        if same_item(earlier.event, fact.event) and earlier.quantity == fact.quantity:
            batch.twins.append((fact.index, earlier.index))
            return
        reason = Reason("event_conflict", "The same request has another event with this id.", "id")
        batch.refuse(fact.index, refused(fact.event, reason), Status.CONFLICT)
        return
    if fact.event.corrects is None:
        series = fact.lane.series_of(fact.event, fact.rule.unit, index)
        fact.series_id = series.series_id
        if not series.stored:
            batch.series.add(series)
    batch.facts[key] = fact
