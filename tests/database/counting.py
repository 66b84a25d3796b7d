"""A customer whose usage is counted against limits as the gate does it, for tests of the stage alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Aggregation, Limit, LimitBy, LimitPeriod
from tollkeeper.clock import local_slot
from tollkeeper.customers import Customer, CustomerChanges, upsert_customer
from tollkeeper.db import Database, Tx, publish
from tollkeeper.events import EventIn, NewEvent, SeriesIndex, has_usage, insert_series, store_events
from tollkeeper.ids import new_id
from tollkeeper.limits import (
    Counters,
    Draw,
    LimitState,
    draws_of,
    fact_of,
    load_counters,
    looks_of,
    mark_stale,
    miscounts,
    read_states,
    write_counters,
)

D = Decimal
MINUTE = timedelta(minutes=1)
DAY, WEEK, MONTH, HOUR = LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.MONTH, LimitPeriod.ROLLING_HOUR
TOKENS = Limit("tokens", DAY, D(100), meters=("tokens",))
LIMITS = [
    TOKENS,
    Limit("hourly", HOUR, D(100), meters=("tokens",)),
    Limit("group", WEEK, D(500), meters=("pages", "tokens")),
    Limit("mine", DAY, D(50), meters=("tokens",), by=LimitBy.MEMBER),
    Limit("my_hour", HOUR, D(50), unit="USD", by=LimitBy.MEMBER),
    Limit("spend", MONTH, D(50), unit="USD"),
    Limit("pages_spend", HOUR, D(5), unit="USD", meters=("pages",), enabled=False),
    Limit("credits", WEEK, D(5), unit="credit"),
]


@dataclass(frozen=True, slots=True)
class Use:
    """One event: what it is, when, and how much."""

    at: datetime
    quantity: Decimal
    meter: str = "tokens"
    member: str | None = None
    charge: Decimal | None = None
    unit: str | None = None


@dataclass(slots=True)
class Keeper:
    """One customer whose usage is counted as the gate does it: load, use, store, write."""

    database: Database
    customer: Customer
    index: SeriesIndex = field(default_factory=SeriesIndex)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def customer_id(self) -> str:
        return str(self.customer.customer_id)

    def draws(self, use: Use, limits: Sequence[Limit]) -> list[Draw]:
        return draws_of(
            self.customer_id,
            self.customer.zone,
            limits,
            meter=use.meter,
            unit=use.unit,
            member=use.member,
            quantity=use.quantity,
            charge=use.charge,
            at=use.at,
        )

    async def record(self, now: datetime, *uses: Use, limits: Sequence[Limit] = LIMITS) -> Counters:
        async with self.database.transaction() as tx:
            draws = [draw for use in uses for draw in self.draws(use, limits)]
            counters = await load_counters(tx, draws, [], now)
            for draw in draws:
                counters.use(draw)
            await self.store(tx, uses, now)
            await write_counters(tx, counters)
            await publish(tx, [fact_of(crossing) for crossing in counters.crossings()], now=now)
            return counters

    async def store(self, tx: Tx, uses: Sequence[Use], now: datetime) -> None:
        """Events and rollups, by the stage that owns them."""
        series = [self.index.find(self.customer_id, use.meter, use.member, None, use.unit) for use in uses]
        await insert_series(tx, series)
        events = [
            NewEvent(
                EventIn(id=f"e{next(self.numbers):05}", customer=self.customer.key, meter=use.meter),
                self.customer_id,
                Aggregation.SUM,
                its.series_id,
                use.at,
                local_slot(use.at, self.customer.zone),
                use.quantity,
                use.quantity,
                None,
                None,
                None,
                charge=use.charge,
            )
            for use, its in zip(uses, series, strict=True)
        ]
        await store_events(tx, events, transaction_id=new_id(), recorded_at=now)

    async def states(
        self, now: datetime, member: str | None = None, limits: Sequence[Limit] = LIMITS
    ) -> list[LimitState]:
        async with self.database.transaction(snapshot=True) as tx:
            return await read_states(tx, self.customer, limits, member=member, now=now)

    async def used(self, now: datetime, limit: Limit, member: str | None = None) -> Decimal:
        [state] = await self.states(now, member, [limit])
        return state.used

    async def mark_stale(self) -> None:
        async with self.database.transaction() as tx:
            await mark_stale(tx, [self.customer_id])

    async def miscounted(self, now: datetime) -> list[str]:
        async with self.database.transaction(snapshot=True) as tx:
            looks = looks_of(self.customer_id, self.customer.zone, LIMITS, member="x", at=now)
            return sorted({one.limit for one in await miscounts(tx, looks, now)})

    async def rows(self) -> list[tuple[datetime, Decimal, Decimal, bool]]:
        async with self.database.transaction() as tx:
            found = await tx.execute(b"select window_start, used, held, stale from limit_counters order by 1, 2")
            return await found.fetchall()


async def keeper(database: Database, key: str = "acme", timezone: str = "UTC") -> Keeper:
    changes = CustomerChanges(timezone=timezone)
    async with database.transaction() as tx:
        customer, _ = await upsert_customer(tx, key, changes, default_currency="USD", in_use=has_usage)
    return Keeper(database, customer)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = utc("2026-03-10T12:00")
