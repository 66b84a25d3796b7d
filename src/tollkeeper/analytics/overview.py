"""The overview: what one customer has used and owes, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.analytics.usage import UsageQuery, aggregated, usage
from tollkeeper.catalog import Aggregation, Catalog
from tollkeeper.clock import Interval, Period, calendar_period, local_slot, period_of_day, zone
from tollkeeper.customers import Customer
from tollkeeper.db import Queries, Tx
from tollkeeper.ledger import Balance
from tollkeeper.money import ZERO, add

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class MeterSpend:
    """One meter in this period. `unit` is the unit of value of `charge`."""

    meter: str
    name: str
    meter_unit: str
    quantity: Decimal
    events: int
    charge: Decimal
    unit: str | None
    cost: Decimal
    unpriced: int
    """Events that couldn't be priced; `charge` says nothing about them."""
    estimated: int
    """Events whose charge is an estimate."""


@dataclass(frozen=True, slots=True)
class Spend:
    """An amount in one unit of value."""

    unit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """What one customer has used and owes, as of an instant. The period is a calendar month."""

    as_of: datetime
    period: Interval
    spent: list[Spend]
    """Charges of this period."""
    total_spent: list[Spend]
    """Charges since ever."""
    owed: list[Spend]
    """What the customer owes: all charges, without what its wallets have paid of them."""
    meters: list[MeterSpend]
    unpriced: int
    """Events, since ever, that couldn't be priced yet."""
    estimated: int
    """Events, since ever, whose charge is an estimate."""


@dataclass(slots=True)
class _Row:
    meter: str
    unit: str | None
    lifetime_charge: Decimal
    charge: Decimal
    cost: Decimal
    events: int
    quantity: Decimal
    peak: Decimal | None
    latest: Decimal | None
    unpriced: int
    estimated: int
    lifetime_unpriced: int
    lifetime_estimated: int


@dataclass(frozen=True, slots=True)
class _Paid:
    unit: str
    amount: Decimal


async def overview(tx: Tx, customer: Customer, catalog: Catalog, now: datetime) -> Overview:
    """The customer's overview at `now`."""
    tz = zone(customer.timezone)
    today = local_slot(now, tz).day
    first, after = calendar_period(today, Period.MONTH)
    params = {"customer_id": customer.customer_id, "start": first, "end": after}
    rows = await tx.all(_Row, _queries.spend_by_meter, params)
    period = period_of_day(today, Period.MONTH, tz)
    charged = [(row.unit, row.lifetime_charge) for row in rows]
    paid = await tx.all(_Paid, _queries.paid_from_wallets, {"customer_id": customer.customer_id})
    return Overview(
        as_of=now,
        period=period,
        spent=_by_unit([(row.unit, row.charge) for row in rows]),
        total_spent=_by_unit(charged),
        owed=_by_unit([*charged, *((one.unit, -one.amount) for one in paid)]),
        meters=[await _meter_spend(tx, customer, catalog, period, row) for row in rows],
        unpriced=sum(row.lifetime_unpriced for row in rows),
        estimated=sum(row.lifetime_estimated for row in rows),
    )


def _by_unit(amounts: list[tuple[str | None, Decimal]]) -> list[Spend]:
    totals: dict[str, Decimal] = {}
    for unit, amount in amounts:
        if unit is not None:
            totals[unit] = add(totals.get(unit, ZERO), amount)
    return [Spend(unit, totals[unit]) for unit in sorted(totals)]


async def _meter_spend(tx: Tx, customer: Customer, catalog: Catalog, period: Interval, row: _Row) -> MeterSpend:
    meter = catalog.meters.get(row.meter)
    how = meter.aggregation if meter else Aggregation.SUM
    quantity = aggregated(how, row.quantity, row.peak, row.latest)
    if how is Aggregation.UNIQUE_COUNT:
        found = await usage(tx, customer, catalog, UsageQuery(period.start, period.end, meter=row.meter))
        quantity = next((one.quantity for one in found if one.unit == row.unit), ZERO)
    return MeterSpend(
        meter=row.meter,
        name=meter.name if meter else row.meter,
        meter_unit=meter.unit if meter else "",
        quantity=quantity,
        events=row.events,
        charge=row.charge,
        unit=row.unit,
        cost=row.cost,
        unpriced=row.unpriced,
        estimated=row.estimated,
    )


async def accounts_at(tx: Tx, customer_id: UUID, at: datetime) -> list[Balance]:
    """What the postings that were booked by `at` add up to, by account and unit."""
    return await tx.all(Balance, _queries.accounts_at, {"customer_id": customer_id, "at": at})
