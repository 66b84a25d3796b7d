"""A look at the database: the states of any number of customers, in two round trips."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.analytics import aggregated
from tollkeeper.catalog import Aggregation, Catalog
from tollkeeper.clock import Period, calendar_period, local_slot, period_of_day, zone
from tollkeeper.customers import SessionId, ask_revoked
from tollkeeper.db import Asked, Queries, Tx, array
from tollkeeper.notify.model import LATEST_EVENTS, HeldState, Look, MeterState, State, WalletState

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class _Zone:
    customer_id: UUID
    timezone: str


@dataclass(slots=True)
class _Usage:
    customer_id: UUID
    meter: str
    unit: str | None
    events: int
    quantity: Decimal
    peak: Decimal | None
    charge: Decimal


@dataclass(frozen=True, slots=True)
class _Latest:
    customer_id: UUID
    meter: str
    unit: str | None
    latest: Decimal


@dataclass(frozen=True, slots=True)
class _Events:
    customer_id: UUID
    events: str


async def look(
    tx: Tx,
    catalog_in: Callable[[Tx], Awaitable[Catalog]],
    customer_ids: Collection[UUID],
    sessions: Collection[UUID],
    *,
    now: datetime,
) -> Look:
    """The states of those customers that exist, and which of the portal sessions were revoked.

    `tx` must see all of these customers. In a pipelined transaction it takes two round trips, however many they are.
    """
    asked_zones = await tx.ask(_Zone, _queries.zones, {"customer_ids": array([*customer_ids])})
    catalog = await catalog_in(tx)
    states, months = {}, []
    for one in await asked_zones.all():
        state, month = _empty(one, now)
        states[one.customer_id] = state
        months.append(month)
    gauges = [key for key, meter in catalog.meters.items() if meter.aggregation is Aggregation.LATEST]
    asked = await _Asked.of(tx, [*states], months, gauges, sessions)
    for wallet in await asked.wallets.all():
        states[wallet.customer_id].wallets.append(wallet)
    for held in await asked.held.all():
        states[held.customer_id].held.append(held)
    usages = await asked.usage.all()
    latest = {} if asked.latest is None else {_key(one): one.latest for one in await asked.latest.all()}
    for usage in usages:
        states[usage.customer_id].meters.append(_meter(catalog, usage, latest.get(_key(usage))))
    for one in await asked.events.all():
        states[one.customer_id].events = one.events
    return Look([*states.values()], frozenset(one.session_id for one in await asked.revoked.all()))


@dataclass(frozen=True, slots=True)
class _Asked:
    wallets: Asked[WalletState]
    held: Asked[HeldState]
    usage: Asked[_Usage]
    latest: Asked[_Latest] | None
    """Not asked where no meter takes the latest value."""
    events: Asked[_Events]
    revoked: Asked[SessionId]

    @classmethod
    async def of(
        cls, tx: Tx, ids: list[UUID], months: list[tuple[date, date]], gauges: list[str], sessions: Collection[UUID]
    ) -> _Asked:
        customers = {"customer_ids": array(ids)}
        usage = customers | {
            "start": array([first for first, _ in months]),
            "end": array([after for _, after in months]),
        }
        return cls(
            wallets=await tx.ask(WalletState, _queries.wallets, customers),
            held=await tx.ask(HeldState, _queries.held, customers),
            usage=await tx.ask(_Usage, _queries.usage, usage),
            latest=await tx.ask(_Latest, _queries.latest_values, usage | {"meters": gauges}) if gauges else None,
            events=await tx.ask(_Events, _queries.latest_events, customers | {"limit": LATEST_EVENTS}),
            revoked=await ask_revoked(tx, ids, sessions),
        )


def _empty(one: _Zone, now: datetime) -> tuple[State, tuple[date, date]]:
    """A state without figures, and the first day of its month, and of the one behind it."""
    tz = zone(one.timezone)
    today = local_slot(now, tz).day
    return State(one.customer_id, now, period_of_day(today, Period.MONTH, tz)), calendar_period(today, Period.MONTH)


def _key(one: _Usage | _Latest) -> tuple[UUID, str, str | None]:
    return one.customer_id, one.meter, one.unit


def _meter(catalog: Catalog, usage: _Usage, latest: Decimal | None) -> MeterState:
    meter = catalog.meters.get(usage.meter)
    how = meter.aggregation if meter else Aggregation.SUM
    unique = how is Aggregation.UNIQUE_COUNT
    quantity = None if unique else aggregated(how, usage.quantity, usage.peak, latest)
    return MeterState(usage.meter, quantity, usage.events, usage.charge, usage.unit)
