"""Authorize: may this operation begin, and what will it cost? If so, its value is reserved, in the same transaction.

    lock tills → estimate, at the customer's prices and behind what open holds claim → decide → reserve

Requests that wait together are answered in one transaction, one after the other: each finds what the one before it has
left (`teller.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec

from tollkeeper.calls import NewCall, cost_of
from tollkeeper.catalog import Aggregation, Catalog, WhenExhausted
from tollkeeper.clock import local_slot
from tollkeeper.customers import customer_id_of
from tollkeeper.customers.model import is_key
from tollkeeper.db import Tx
from tollkeeper.errors import Conflict, InvalidInput, NotFound, TollError
from tollkeeper.events import EventIn, Reason, check, quantity_of
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.holds import MOST_SECONDS, Hold, HoldIn, HoldKey, HoldState
from tollkeeper.gate.lanes import Lane, Rule
from tollkeeper.gate.place import People, open_lane, unrateable
from tollkeeper.gate.refuse import closed, exceeded, insufficient, invalid, refusal
from tollkeeper.gate.till import Till, Tills
from tollkeeper.gate.totals import Total, TotalKey, lock_totals, total_key
from tollkeeper.ids import new_id
from tollkeeper.limits import Draw, Exceeded, LimitState, draws_of
from tollkeeper.money import EXACT, ONE, ZERO, add, subtract
from tollkeeper.rating import Measure, billed_quantity, rate


@dataclass(frozen=True, slots=True)
class Allowed:
    """An operation that may begin."""

    customer: str
    hold: Hold
    available: Decimal
    """What the wallet has left for other operations."""
    limits: list[LimitState]
    """The limits that count it, this operation included."""
    warnings: list[Exceeded]
    """Soft limits that it doesn't fit under."""
    new: bool
    """False: this hold was there before, and nothing was done."""


Answer = Allowed | TollError


@dataclass(slots=True)
class Asking:
    """A request on its way through the gate."""

    item: HoldIn
    event: EventIn
    lane: Lane
    rule: Rule
    quantity: Decimal
    billed: Decimal
    calls: list[NewCall]
    """What it's expected to call, priced by the book."""
    total: TotalKey | None
    """The running total that its price goes by."""

    @property
    def cost(self) -> Decimal | None:
        """What the provider is expected to take; None where that isn't known."""
        return cost_of(self.calls)[0] if self.calls else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an operation is expected to cost."""

    charge: Decimal
    claimed: Decimal
    """By how much it moves the price's running total."""
    estimated: bool = False
    """The charge stands in for one that isn't known before the provider has told its cost."""


async def authorize(
    tx: Tx, desk: Desk, items: Sequence[HoldIn], *, tills: Tills, seconds: int, reserve: bool = True
) -> list[Answer]:
    """The answer to each item, in their order. Without `reserve` nothing is kept: it's only a check.

    `seconds` is how long a hold lasts that doesn't say so itself.
    """
    if reserve:
        items = [item if item.id is not None else msgspec.structs.replace(item, id=str(new_id())) for item in items]
    ids = {item.customer: str(customer_id_of(item.customer)) for item in items if is_key(item.customer)}
    keys = {(ids[item.customer], item.id) for item in items if reserve and item.id and item.customer in ids}
    await tills.lock(tx, list(ids.values()), keys, grants=False)
    catalog, people = await desk.open(tx, tills, ids.keys())
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=True)
    await tills.expire_due(tx, also_named=True)
    found = [understand(item, catalog, people, desk, tills) for item in items]
    # A hold that was there before opens nothing anew, be it a wallet or a counter.
    asked = [one for one in found if isinstance(one, Asking) and (not reserve or _key(one) not in tills.holds)]
    await tills.open_purses(tx, [(tills[one.lane.customer_id], one.rule.unit or "") for one in asked])
    totals = await lock_totals(tx, {one.total for one in asked if one.total is not None})
    for key, total in totals.items():
        # What holds that have just expired no longer claim.
        total.held = add(total.held, tills.claimed.get(key, ZERO))
    await tills.count(tx, [draw for one in asked for draw in _draws(one, tills, ZERO)])
    answers: list[Answer] = []
    for item, one in zip(items, found, strict=True):
        answer = _known(item, tills, ids.get(item.customer, "")) if reserve else None
        if answer is None:
            answer = _decide(one, tills, totals, seconds, reserve=reserve) if isinstance(one, Asking) else one
        answers.append(answer)
    await tills.write(tx)
    return answers


def _key(one: Asking) -> HoldKey:
    return one.lane.customer_id, one.item.id or ""


def _known(item: HoldIn, tills: Tills, customer_id: str) -> Answer | None:
    """The answer where the hold exists already, also if it couldn't be made any more."""
    hold = tills.holds.get((customer_id, item.id or ""))
    if hold is None:
        return None
    if hold.fingerprint != item.fingerprint:
        told = f"The customer has another hold {hold.hold_id!r}; ids are for all time."
        return Conflict("hold_conflict", told, field="id")
    till = tills.get(hold.customer_id)
    purse = till.purses.get(hold.unit) if till else None
    return Allowed(item.customer, hold, purse.wallet.available if purse else ZERO, [], [], new=False)


def understand(item: HoldIn, catalog: Catalog, people: People, desk: Desk, tills: Tills) -> Asking | TollError:
    """The request with its lane, price and quantity, or why it can't be understood."""
    if item.expires_in is not None and not 0 < item.expires_in <= MOST_SECONDS:
        told = f"A hold lasts from 1 to {MOST_SECONDS} seconds."
        return InvalidInput("invalid_expiry", told, field="expires_in")
    lane = desk.lanes.get(item.customer, item.meter) or open_lane(
        item.customer, item.meter, catalog, people, desk.lanes
    )
    if isinstance(lane, Reason):
        if lane.code == "unknown_customer":
            return NotFound(lane.code, f"There is no customer {item.customer!r}.", field=lane.field)
        return InvalidInput(lane.code, f"The catalog has no meter {item.meter!r}.", field=lane.field)
    if lane.customer.archived_at is not None and (shut := closed(lane.customer)) is not None:
        return refusal([shut])
    event = item.as_event()
    rule = lane.rule_at(tills.now)
    reason = check(event, lane.customer, lane.meter, tills.now) or unrateable(event, rule)
    if reason is not None:
        return invalid(reason)
    if rule.price is None:
        told = f"No price is in force for {item.meter!r}; one that is free needs a price of 0."
        return InvalidInput("unpriced", told, field="meter")
    quantity = quantity_of(event, lane.meter)
    total = None
    if rule.needs_total:
        total = total_key(lane.customer_id, rule.price, local_slot(tills.now, lane.zone).day, lane.zone)
    calls = desk.pricing.price_event(event, tills.now, catalog.currency)
    return Asking(item, event, lane, rule, quantity, billed_quantity(lane.meter, quantity), calls, total)


def _decide(one: Asking, tills: Tills, totals: dict[TotalKey, Total], seconds: int, *, reserve: bool) -> Answer:
    """Whether the operation may begin, by what the requests before it have left."""
    total = totals[one.total] if one.total is not None else None
    estimate = estimate_charge(one, total)
    if estimate is None:
        return cost_unknown(one.calls)
    till, counters = tills[one.lane.customer_id], tills.counters
    draws = _draws(one, tills, estimate.charge)
    parts = _parts(till, one.rule.unit or "", estimate.charge)
    shut = closed(one.lane.customer)
    reasons: list[TollError] = [reason for reason in (shut, parts) if isinstance(reason, TollError)]
    reasons += [exceeded(found, tills.now) for draw in draws if (found := counters.exceeded(draw)) is not None]
    if reasons or isinstance(parts, TollError):
        return refusal(reasons)
    warnings = [found for draw in draws if (found := counters.over(draw)) is not None]
    hold = _hold(one, tills, estimate, parts, seconds)
    if reserve:
        claims = [counters.hold(draw) for draw in draws]
        hold.claims = [claim.stored() for claim in claims if claim is not None]
        tills.reserve(hold, one.total)
        if total is not None:
            total.held = add(total.held, estimate.claimed)
    purse = till.purses.get(hold.unit)
    states = [counters.state(draw) for draw in draws]
    return Allowed(one.item.customer, hold, purse.wallet.available if purse else ZERO, states, warnings, new=True)


def estimate_charge(one: Asking, total: Total | None) -> Estimate | None:
    """What the operation would be charged behind all recorded usage and open holds; None where that can't be known."""
    price = one.rule.price
    if price is None:
        return None
    if one.rule.rate is not None:
        return Estimate(max(ZERO, EXACT.multiply(one.billed, one.rule.rate)), ZERO)
    before = ZERO if total is None else add(total.value, total.held)
    rated = rate(price, measure_of(one, total), before)
    if rated.charge is None:
        return None
    claimed = ZERO if total is None else max(ZERO, subtract(rated.after, before))
    return Estimate(max(ZERO, rated.charge), claimed, rated.estimated)


def cost_unknown(calls: Sequence[NewCall]) -> InvalidInput:
    """The price goes by what the provider takes, and nobody has said what that may be."""
    told = "What the operation costs isn't known"
    if (call := next((call for call in calls if call.cost is None), None)) is not None:
        told += f" ({call.provider}'s {call.model!r} can't be priced; missing: {', '.join(call.missing)})"
    told += ": give `calls` a `usage` that can be priced, or a `cost`; or the price a `fallback`."
    return InvalidInput("estimate_needed", told, field="calls")


def measure_of(one: Asking, total: Total | None) -> Measure:
    """What the operation brings to its price."""
    return Measure(_change(one, total), one.event.amount, one.cost)


def _change(one: Asking, total: Total | None) -> Decimal:
    """By how much the operation may change the period's quantity: for distinct values, one that is new."""
    value = total.value if total is not None else ZERO
    match one.lane.meter.aggregation:
        case Aggregation.UNIQUE_COUNT:
            return ONE
        case Aggregation.MAX:
            return max(ZERO, subtract(one.billed, value))
        case Aggregation.LATEST:
            return subtract(one.billed, value)
        case _:
            return one.billed


def _parts(till: Till, unit: str, charge: Decimal) -> tuple[Decimal, Decimal] | TollError:
    """What is reserved of the wallet, and of the credit ceiling; or that there's too little."""
    purse = till.purses.get(unit)
    available = purse.wallet.available if purse is not None else ZERO
    if charge <= available:
        return charge, ZERO
    source = till.stands.source(unit)
    if source.when_exhausted is WhenExhausted.REFUSE:
        return insufficient(unit, charge, available, source)
    rest = subtract(charge, available)
    if source.credit_ceiling is None:
        return available, ZERO
    owed = add(purse.wallet.owed, purse.wallet.owed_held) if purse is not None else ZERO
    room = max(ZERO, subtract(source.credit_ceiling, owed))
    if rest > room:
        return insufficient(unit, charge, add(available, room), source)
    return available, rest


def _hold(one: Asking, tills: Tills, estimate: Estimate, parts: tuple[Decimal, Decimal], seconds: int) -> Hold:
    item, price = one.item, one.rule.price
    assert price is not None
    return Hold(
        customer_id=one.lane.customer_id,
        hold_id=item.id or "",
        state=HoldState.OPEN,
        fingerprint=item.fingerprint,
        meter=item.meter,
        member=item.member,
        dimensions=item.dimensions or {},
        quantity=one.quantity,
        event_amount=item.amount,
        calls=None if item.calls is None else msgspec.to_builtins(item.calls),
        metadata=item.metadata,
        unit=price.unit,
        amount=estimate.charge,
        from_wallet=parts[0],
        from_ceiling=parts[1],
        price_id=price.price_id,
        period_start=one.total[2] if one.total is not None else None,
        claimed=estimate.claimed,
        claims=[],
        on_expiry=one.lane.meter.on_expiry,
        created_at=tills.now,
        created_by=tills.by,
        expires_at=tills.now + timedelta(seconds=item.expires_in or seconds),
    )


def _draws(one: Asking, tills: Tills, charge: Decimal) -> list[Draw]:
    """What the operation takes of the customer's limits."""
    limits = tills[one.lane.customer_id].stands.limits
    if not limits:
        return []
    return draws_of(
        one.lane.customer_id,
        one.lane.zone,
        limits,
        meter=one.item.meter,
        unit=one.rule.unit,
        member=one.item.member,
        quantity=one.billed,
        charge=charge,
        at=tills.now,
    )
