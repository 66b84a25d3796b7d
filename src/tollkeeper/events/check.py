"""The rules that an event must meet once its customer and meter are known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from tollkeeper.catalog import Aggregation, Meter
from tollkeeper.clock import EPOCH
from tollkeeper.customers import Customer
from tollkeeper.events.model import MAX_DIMENSIONS, METADATA_BYTES, NAME_LENGTH, EventIn, Reason
from tollkeeper.money import CHARGE_DECIMALS, QUANTITY_LIMIT, ZERO, fits, plain

_ONE = Decimal(1)
_MOST_EXPONENT = 15
_MOST_WRITTEN = 60
"""Digits after the point that a number may be written with, zeros at its end among them."""

COUNTING = frozenset({Aggregation.COUNT, Aggregation.UNIQUE_COUNT})
"""Aggregations that count events rather than their quantities."""


def unknown_customer(key: str) -> Reason:
    """No customer has this key; the event waits in quarantine until there is one."""
    return Reason("unknown_customer", f"There is no customer {key!r}; create it and replay the event.", "customer")


def unknown_meter(key: str) -> Reason:
    """The catalog has no such meter; the event waits in quarantine until it does."""
    return Reason("unknown_meter", f"The catalog has no meter {key!r}; add it and replay the event.", "meter")


def check(event: EventIn, customer: Customer, meter: Meter, latest: datetime) -> Reason | None:
    """Why the event can't be accepted, or None. `latest` is the last instant that its time may have."""
    if customer.archived_at is not None:
        return Reason("customer_archived", f"Customer {customer.key!r} is archived.", "customer")
    reason = _check_quantity(event, meter)
    if reason is None and event.time is not None:
        reason = _check_time(event.time, latest)
    if reason is None and event.dimensions:
        reason = _check_dimensions(event.dimensions, meter)
    return reason or _check_rare(event, meter, latest)


def _check_rare(event: EventIn, meter: Meter, latest: datetime) -> Reason | None:
    """The rules of what most events don't have."""
    reason = None
    if event.amount is not None:
        reason = check_number(event.amount, "amount", CHARGE_DECIMALS, event.corrects)
    if reason is None and event.metadata is not None:
        reason = _check_metadata(event)
    if reason is None and event.calls is not None:
        reason = _check_calls(event, latest)
    if reason is None and meter.aggregation is Aggregation.UNIQUE_COUNT:
        reason = _check_unique(event, meter)
    if reason is None and event.hold is not None and event.corrects is not None:
        reason = Reason("invalid_correction", "A correction settles no hold; leave `hold` out.", "hold")
    if reason is None and event.corrects is not None:
        reason = _check_correction(event, meter)
    return reason


def quantity_of(event: EventIn, meter: Meter) -> Decimal:
    """The quantity that a checked event counts: what it says, or 1 where the meter counts events."""
    if event.quantity is not None:
        return event.quantity or ZERO
    if meter.aggregation not in COUNTING:
        return ZERO  # The event goes by its amount.
    return _ONE if event.corrects is None else -_ONE


def check_number(number: Decimal, field: str, decimals: int, corrects: str | None) -> Reason | None:
    """Why `number` can't stand in `field`, or None."""
    if not number.is_finite():
        return Reason(f"invalid_{field}", f"The {field} must be a finite number.", field)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -decimals <= exponent <= 0 and ZERO <= number < QUANTITY_LIMIT:
        return None  # Nearly every number.
    # Not abs(), which overflows for 1e1000000; and PostgreSQL can't store 0e1000000, or keeps 10,000 written zeros.
    if number.copy_abs() >= QUANTITY_LIMIT or (isinstance(exponent, int) and exponent > _MOST_EXPONENT):
        return Reason(f"{field}_out_of_range", f"The {field} must be smaller than 10^15.", field)
    if not fits(number, decimals) or (isinstance(exponent, int) and exponent < -_MOST_WRITTEN):
        return Reason(f"{field}_too_precise", f"The {field} {number} has more than {decimals} decimals.", field)
    if number < 0 and corrects is None:
        return Reason(f"negative_{field}", f"A negative {field} must say which event it `corrects`.", field)
    return None


def _check_quantity(event: EventIn, meter: Meter) -> Reason | None:
    counts = meter.aggregation in COUNTING
    quantity = event.quantity
    if quantity is None:
        if counts or event.amount is not None:
            return None
        return Reason("missing_field", "The field 'quantity' is required.", "quantity")
    if (problem := check_number(quantity, "quantity", meter.decimals, event.corrects)) is not None:
        return problem
    if not quantity and (event.calls or (event.hold is not None and event.corrects is None)):
        return None  # It counts nothing: it brings calls, or ends a hold.
    if counts and quantity != (_ONE if event.corrects is None else -_ONE):
        return Reason(
            "invalid_quantity",
            f"The meter {meter.key!r} counts events: leave the quantity out, or give 1 (-1 in a correction).",
            "quantity",
        )
    return None


def _check_time(time: datetime, latest: datetime, field: str = "time") -> Reason | None:
    if time > latest:
        return Reason("time_in_future", f"The time {time.isoformat()} lies in the future.", field)
    if time < EPOCH:
        return Reason("time_out_of_range", "The time lies before 1970.", field)
    return None


def _check_dimensions(dimensions: dict[str, str], meter: Meter) -> Reason | None:
    if len(dimensions) > MAX_DIMENSIONS:
        return Reason("too_many_dimensions", f"At most {MAX_DIMENSIONS} dimensions are taken.", "dimensions")
    for name in dimensions:
        if name not in meter.dimensions:
            return Reason(
                "unknown_dimension",
                f"The meter {meter.key!r} doesn't declare the dimension {name!r}; declare it, or use `metadata`.",
                f"dimensions.{name}",
            )
    return None


def _check_metadata(event: EventIn) -> Reason | None:
    if len(msgspec.json.encode(event.metadata)) > METADATA_BYTES:
        return Reason("metadata_too_large", f"Metadata may take {METADATA_BYTES} bytes.", "metadata")
    return None


def _check_calls(event: EventIn, latest: datetime) -> Reason | None:
    """What must be known of calls. A usage that can't be understood is no reason: it has happened, so it's kept."""
    for i, call in enumerate(event.calls or ()):
        if not call.model:
            told = "A call needs the `model` that answered, unless its `response` says it."
            return Reason("missing_field", told, f"calls[{i}].model")
        problem = None if call.at is None else _check_time(call.at, latest, f"calls[{i}].at")
        if problem is not None:
            return problem
        if call.cost is not None:
            problem = check_number(call.cost, "cost", CHARGE_DECIMALS, event.corrects)
        if problem is not None:
            return Reason(problem.code, problem.detail, f"calls[{i}].cost")
    return None


def unique_value(event: EventIn, meter: Meter) -> str | None:
    """The value that a `unique_count` meter counts once: the member, a dimension, or a metadata entry."""
    name = meter.unique_by
    if name == "member":
        return event.member
    value = (event.dimensions or {}).get(name or "") or (event.metadata or {}).get(name or "")
    return None if value is None or isinstance(value, dict | list) else str(value)


def _check_unique(event: EventIn, meter: Meter) -> Reason | None:
    if meter.aggregation is not Aggregation.UNIQUE_COUNT or event.corrects is not None:
        return None
    if value := unique_value(event, meter):
        if len(value) <= NAME_LENGTH:
            return None
        told = f"A value of {meter.unique_by!r} may have {NAME_LENGTH} characters, because the meter counts them."
        return Reason("unique_value_too_long", told, meter.unique_by)
    return Reason(
        "unique_value_missing",
        f"The meter {meter.key!r} counts distinct values of {meter.unique_by!r}; the event has none.",
        meter.unique_by,
    )


def _check_correction(event: EventIn, meter: Meter) -> Reason | None:
    if event.corrects == event.id:
        return Reason("invalid_correction", "An event can't correct itself.", "corrects")
    if meter.aggregation not in (Aggregation.SUM, Aggregation.COUNT):
        return Reason(
            "correction_not_supported",
            f"The meter {meter.key!r} aggregates by {meter.aggregation}; only sum and count can be corrected.",
            "corrects",
        )
    if event.time is not None or event.member is not None or event.dimensions:
        return Reason(
            "invalid_correction",
            "A correction has the time, member and dimensions of the event it corrects; leave them out.",
            "time" if event.time is not None else "member" if event.member is not None else "dimensions",
        )
    return None


def check_net(event: EventIn, quantity: Decimal, amount: Decimal | None, cost: Decimal | None) -> Reason | None:
    """Why a correction may not leave these nets of the event it corrects, or None."""
    for name, net in (("quantity", quantity), ("amount", amount), ("cost", cost)):
        if net is not None and net < 0:
            return Reason(
                "correction_exceeds_original",
                f"The correction takes back more {name} than the event {event.corrects!r} has left; "
                f"{plain(net)} would remain.",
                name if name != "cost" else "calls",
            )
    return None
