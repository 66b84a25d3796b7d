"""The load of the gate: operations that are held, and settled for a little less, of customers with plenty of value.

1,000 customers, chosen by a multiplicative hash, each with a wallet in US dollars that one grant fills. `team-…` are as
many customers on a plan with two hard limits for each member, which are never reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from bench import empty
from bench.crowd import Pair
from bench.stream import CUSTOMERS
from tollkeeper import catalog
from tollkeeper.books import Books
from tollkeeper.clock import now
from tollkeeper.customers import CustomerChanges, assign_plan, get_customer, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import has_usage, used_meters
from tollkeeper.gate import HoldIn, SettleIn, Settlement
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings
from tollkeeper.wallets import NewGrant

T = TypeVar("T")

CLIENTS = 16
_HOT = "hot"
MANY, ONE = f"{CUSTOMERS:,} customers", "one hot customer"
SCARCE, AFFORDED = "holds-scarce", 100
"""A customer whose wallet affords exactly so many operations, and stays reserved for them."""
GRANTS = (1, 10, 100)
HOLDS = (0, 10, 1000)

_KNUTH = 2654435761
_PLENTY = Decimal(1_000_000_000)
_A_DAY = 86_400

CATALOG = """
currency = "USD"
[funding]
when_exhausted = "refuse"
[meters.output_tokens]
unit = "token"
decimals = 0
dimensions = ["model", "job"]
[prices.output_tokens]
model = "unit"
amount = "10.00"
per = 1000000
[meters.api_call]
unit = "call"
decimals = 0
dimensions = ["model", "job"]
[prices.api_call]
model = "graduated"
included = "100"
tiers = [{ up_to = "1000", amount = "0.01" }, { up_to = "10000", amount = "0.008" }, { amount = "0.005" }]
[plans.team]
[plans.team.limits.daily_tokens]
meter = "output_tokens"
per = "day"
cap = "1000000000000"
by = "member"
[plans.team.limits.monthly_spend]
spend = "USD"
per = "month"
cap = "1000000000"
by = "member"
"""


@dataclass(slots=True)
class Operations:
    """Operations one after the other, each with an id of its own."""

    name: str
    """Beginning of the ids: not used before."""
    customers: str = "customer-{:04d}"
    meter: str = "output_tokens"
    member: bool = False
    begun: int = 0
    _template: tuple[bytes, bytes] = field(init=False)

    def __post_init__(self) -> None:
        member = b'"member":"ann",' if self.member else b""
        self._template = (
            b'{"id":"%%b","customer":"%%b","meter":"%b","quantity":"4000",%b'
            b'"dimensions":{"model":"gpt-4o","job":"job-%%d"}}' % (self.meter.encode(), member),
            b'{"customer":"%b","quantity":"%d"}',
        )

    def _next(self) -> tuple[str, str, int]:
        """Id, customer and a number by which operations differ."""
        self.begun += 1
        mixed = (self.begun * _KNUTH) & 0xFFFFFFFF
        return f"{self.name}-{self.begun:07d}", self.customers.format((mixed >> 8) % CUSTOMERS), mixed

    def requests(self) -> Pair:
        """Hold and settlement of the next operation over HTTP."""
        hold_id, customer, mixed = self._next()
        hold, settle = self._template
        return (
            ("/v1/holds", hold % (hold_id.encode(), customer.encode(), mixed % 3)),
            (f"/v1/holds/{hold_id}/settle", settle % (customer.encode(), mixed % 4000)),
        )

    def two_holds(self) -> Pair:
        """Holds of the next two operations, without settlement."""
        return self.requests()[0], self.requests()[0]

    def calls(self) -> tuple[HoldIn, Settlement]:
        """The same for the library."""
        hold_id, customer, mixed = self._next()
        dimensions = {"model": "gpt-4o", "job": f"job-{mixed % 3}"}
        hold = HoldIn(customer, self.meter, hold_id, Decimal(4000), dimensions=dimensions)
        return hold, Settlement(customer, hold_id, SettleIn(customer, quantity=Decimal(mixed % 4000)))


def loads_of(run: str) -> dict[str, Operations]:
    """What is measured over HTTP. `run` is something that no id begins with yet."""
    return {
        MANY: Operations(f"plain-{run}"),
        ONE: Operations(f"hot-{run}", customers=_HOT),
        "a daily and a monthly limit for each member": Operations(
            f"limits-{run}", customers="team-{:04d}", member=True
        ),
        "a tiered price": Operations(f"tiers-{run}", meter="api_call"),
    }


def empty_pairs(operations: Operations) -> Callable[[], Pair]:
    """The bodies of these operations, sent to where nothing is done with them."""

    def pair() -> Pair:
        (_, hold), (_, settle) = operations.requests()
        return (empty.PATH, hold), (empty.PATH, settle)

    return pair


async def furnish(url: str) -> None:
    """Customers, grants and open holds."""
    async with Database(url, pool_size=CLIENTS) as database:
        books = Books(Settings(), database)
        await database.run(
            lambda tx: catalog.apply(tx, CATALOG, file="bench", models=MODELS, used_meters=used_meters, by="bench")
        )
        plain = [*(f"customer-{i:04d}" for i in range(CUSTOMERS)), _HOT]
        team = [f"team-{i:04d}" for i in range(CUSTOMERS)]
        grants = [f"grants-{count}" for count in GRANTS for _ in range(count)]
        holds = [f"holds-{count}" for count in HOLDS]
        await database.run(lambda tx: _introduce(tx, [*plain, *dict.fromkeys(grants), *holds, SCARCE], None))
        await database.run(lambda tx: _introduce(tx, team, "team"))
        await _together([*plain, *team, *grants, *holds], lambda key: books.give_grant(key, NewGrant("USD", _PLENTY)))
        await books.give_grant(SCARCE, NewGrant("USD", AFFORDED * Decimal("0.04")))
        lasting = [_lasting(f"holds-{count}", f"open-{i}") for count in HOLDS for i in range(count)]
        await _together(lasting, books.authorize)


async def _introduce(tx: Tx, keys: Sequence[str], plan: str | None) -> None:
    """Put the customers down, on a plan."""
    at = now()
    for key in keys:
        await upsert_customer(tx, key, CustomerChanges(), default_currency="USD", in_use=has_usage)
        if plan is not None:
            await assign_plan(tx, await get_customer(tx, key), plan, at, now=at, by="bench", in_use=has_usage)


def _lasting(customer: str, hold_id: str) -> HoldIn:
    return HoldIn(customer, "output_tokens", hold_id, Decimal(4000), expires_in=_A_DAY)


async def _together(items: Sequence[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do it for all items, as many at once as there are clients."""
    waiting = iter(items)

    async def each() -> None:
        for item in waiting:
            await work(item)

    await asyncio.gather(*(each() for _ in range(CLIENTS)))
