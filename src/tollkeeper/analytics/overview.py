"""The overview: what one customer has used and owes, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from tollkeeper.analytics.usage import QUERY, Sum, UsageQuery, aggregated, usage
from tollkeeper.analytics.windows import Source
from tollkeeper.catalog import Aggregation, Catalog
from tollkeeper.clock import Interval, Period, calendar_period, local_slot, period_of_day, zone
from tollkeeper.customers import Customer
from tollkeeper.db import Asked, Queries, Tx
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
    """A meter in one unit of value: since ever, and in this period."""

    meter: str
    unit: str | None
    lifetime_charge: Decimal = ZERO
    lifetime_unpriced: int = 0
    lifetime_estimated: int = 0
    period: Sum | None = None


@dataclass(frozen=True, slots=True)
class _Paid:
    unit: str
    amount: Decimal


async def overview(tx: Tx, customer: Customer, catalog: Catalog, now: datetime) -> Overview:
    """The customer's overview at `now`."""
    async with tx.together():
        return await (await ask_overview(tx, customer, now)).read(tx, catalog)


@dataclass(frozen=True, slots=True)
class AskedOverview:
    """A customer's overview at `now`, on its way."""

    customer: Customer
    now: datetime
    usage: Asked[Sum]
    paid: Asked[_Paid]

    @property
    def days(self) -> tuple[date, date]:
        """The period in days of the customer's zone: the first one, and the first one after it."""
        return calendar_period(local_slot(self.now, zone(self.customer.timezone)).day, Period.MONTH)

    async def read(self, tx: Tx, catalog: Catalog) -> Overview:
        """The overview; more is asked only for meters that count distinct values."""
        rows, paid = _rows(await self.usage.all()), await self.paid.all()
        period = period_of_day(self.days[0], Period.MONTH, zone(self.customer.timezone))
        charged = [(row.unit, row.lifetime_charge) for row in rows]
        return Overview(
            as_of=self.now,
            period=period,
            spent=_by_unit([(row.unit, row.period.charge if row.period else ZERO) for row in rows]),
            total_spent=_by_unit(charged),
            owed=_by_unit([*charged, *((one.unit, -one.amount) for one in paid)]),
            meters=[await _meter_spend(tx, self.customer, catalog, period, row) for row in rows],
            unpriced=sum(row.lifetime_unpriced for row in rows),
            estimated=sum(row.lifetime_estimated for row in rows),
        )


async def ask_overview(tx: Tx, customer: Customer, now: datetime) -> AskedOverview:
    """As `overview`, for those who have more to ask in the same round trip."""
    days = calendar_period(local_slot(now, zone(customer.timezone)).day, Period.MONTH)
    paid = {"customer_id": customer.customer_id}
    return AskedOverview(
        customer, now, await _ask_usage(tx, customer, *days), await tx.ask(_Paid, _queries.paid_from_wallets, paid)
    )


async def _ask_usage(tx: Tx, customer: Customer, first: date, after: date) -> Asked[Sum]:
    """Each meter's usage before the period, in it, and after it."""
    params = {
        "customer_id": customer.customer_id,
        "meter": None,
        "group_by": [],
        "first": None,
        "filter": Jsonb({}),
        "gauged": True,
        "digest": "",
        "label": None,
        "whole_months": True,
        "starts": [date.min, first, after],
        "from": [date.min],
        "to": [date.max],
    }
    return await tx.ask(Sum, QUERY[Source.DAYS], params)


def _rows(found: list[Sum]) -> list[_Row]:
    rows: dict[tuple[str, bool, str], _Row] = {}
    for one in found:
        row = rows.setdefault((one.meter, one.unit is None, one.unit or ""), _Row(one.meter, one.unit))
        row.lifetime_charge = add(row.lifetime_charge, one.charge)
        row.lifetime_unpriced += one.unpriced
        row.lifetime_estimated += one.estimated
        if one.slot == _PERIOD:
            row.period = one
    return [rows[key] for key in sorted(rows)]


_PERIOD = 2
"""Which of the three windows the period is."""


def _by_unit(amounts: list[tuple[str | None, Decimal]]) -> list[Spend]:
    totals: dict[str, Decimal] = {}
    for unit, amount in amounts:
        if unit is not None:
            totals[unit] = add(totals.get(unit, ZERO), amount)
    return [Spend(unit, totals[unit]) for unit in sorted(totals)]


async def _meter_spend(tx: Tx, customer: Customer, catalog: Catalog, period: Interval, row: _Row) -> MeterSpend:
    meter = catalog.meters.get(row.meter)
    how = meter.aggregation if meter else Aggregation.SUM
    sums = row.period
    quantity = aggregated(how, sums.quantity, sums.peak, sums.latest) if sums else ZERO
    if how is Aggregation.UNIQUE_COUNT:
        found = await usage(tx, customer, catalog, UsageQuery(period.start, period.end, meter=row.meter))
        quantity = next((one.quantity for one in found if one.unit == row.unit), ZERO)
    return MeterSpend(
        meter=row.meter,
        name=meter.name if meter else row.meter,
        meter_unit=meter.unit if meter else "",
        quantity=quantity,
        events=sums.events if sums else 0,
        charge=sums.charge if sums else ZERO,
        unit=row.unit,
        cost=sums.cost if sums else ZERO,
        unpriced=sums.unpriced if sums else 0,
        estimated=sums.estimated if sums else 0,
    )


async def accounts_at(tx: Tx, customer_id: UUID, at: datetime) -> list[Balance]:
    """What the postings that were booked by `at` add up to, by account and unit."""
    return await tx.all(Balance, _queries.accounts_at, {"customer_id": customer_id, "at": at})
