"""What the tests of the gate share: a clock that they set, books with a customer, short verbs, and what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import psycopg

from tollkeeper.books import Books
from tollkeeper.catalog import apply
from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database
from tollkeeper.errors import TollError
from tollkeeper.events import EventIn, has_usage, read_json, used_meters
from tollkeeper.gate import (
    Allowed,
    Changed,
    ChangeIn,
    Hold,
    HoldIn,
    Result,
    Settled,
    SettleIn,
    Settlement,
    Verb,
    Verdict,
    sweep,
    verify,
)
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings
from tollkeeper.wallets import Grant, NewGrant

D = Decimal
START = datetime(2026, 1, 15, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))

CREDITS = """
currency = "USD"
[units.credit]
decimals = 0
[meters.interview]
aggregation = "count"
unit = "interview"
[prices.interview]
model = "unit"
unit = "credit"
amount = "1"
"""


class Clock:
    """The clock that everything reads, at a time that the test sets. It stands still."""

    _READERS = (
        "tollkeeper.clock.now",
        "tollkeeper.catalog.document.now",
        "tollkeeper.catalog.propose.present",
        "tollkeeper.customers.customers.now",
    )

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __enter__(self) -> Clock:
        self._patches = ExitStack()
        for name in self._READERS:
            self._patches.enter_context(patch(name, self.read))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def read(self) -> datetime:
        return self.at

    def go(self, by: timedelta) -> datetime:
        self.at += by
        return self.at


def utc(text: str) -> datetime:
    """An instant in UTC: "2026-03-29 00:59"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def put_catalog(database: Database, text: str) -> None:
    await database.run(lambda tx: apply(tx, text, models=MODELS, used_meters=used_meters, by="test"))


async def put_customer(database: Database, key: str, **changes: Any) -> None:
    wanted = CustomerChanges(**changes)
    await database.run(lambda tx: upsert_customer(tx, key, wanted, default_currency="USD", in_use=has_usage))


async def open_books(database: Database, catalog: str, *customers: str, **changes: Any) -> Books:
    await put_catalog(database, catalog)
    for key in customers or ("acme",):
        await put_customer(database, key, **changes)
    return books_on(database)


def books_on(database: Database) -> Books:
    """Books as another process would have them."""
    return Books(Settings(database_url=database.url), database)


async def give(books: Books, amount: str, unit: str = "USD", *, customer: str = "acme", **fields: Any) -> Grant:
    grant, _ = await books.give_grant(customer, NewGrant(unit, D(amount), **fields))
    return grant


async def hold(books: Books, id: str, meter: str = "interview", *, customer: str = "acme", **fields: Any) -> Allowed:
    numbers = {name: D(fields[name]) for name in ("quantity", "amount") if name in fields}
    return await books.authorize(HoldIn(customer=customer, meter=meter, id=id, **(fields | numbers)))


async def refused(books: Books, id: str, meter: str = "interview", **fields: Any) -> TollError:
    """Why a hold isn't to be had."""
    try:
        allowed = await hold(books, id, meter, **fields)
    except TollError as error:
        return error
    raise AssertionError(f"allowed: {allowed}")


async def settle(books: Books, id: str, *events: dict[str, Any], customer: str = "acme", **fields: Any) -> Settled:
    numbers = {name: D(fields[name]) for name in ("quantity", "amount") if name in fields}
    read = [EventIn(customer=customer, hold=id, **one) for one in events]
    return await books.settle(Settlement(customer, id, SettleIn(customer, **(fields | numbers)), [*read]))


async def change(books: Books, verb: Verb, id: str, seconds: int | None = None, *, customer: str = "acme") -> Changed:
    return await books.change_hold(ChangeIn(verb, customer, id, seconds))


async def release(books: Books, id: str, *, customer: str = "acme") -> Hold:
    return (await change(books, Verb.RELEASE, id, customer=customer)).hold


async def ingest(books: Books, *events: EventIn) -> list[Result]:
    return (await books.ingest(list(events))).results


def used(id: str, meter: str = "interview", *, customer: str = "acme", **fields: Any) -> EventIn:
    """An event; its quantity may be a text."""
    if "quantity" in fields:
        fields["quantity"] = D(fields["quantity"])
    return EventIn(id=id, customer=customer, meter=meter, **fields)


async def sweep_all(books: Books, now: datetime, *customers: str) -> int:
    """What the sweep does for these customers; how many holds have ended."""
    keys: Sequence[str] = customers or ("acme",)
    return await books.database.run(lambda tx: sweep(tx, books.desk, keys, now=now))


async def verdict_of(books: Books, now: datetime | None = None) -> Verdict:
    catalog = await books.catalog()
    async with books.database.transaction(snapshot=True) as tx:
        return await verify(tx, catalog, now)


async def assert_sound(books: Books, now: datetime | None = None) -> None:
    """`verify` finds no difference, every grant's parts add up, and no wallet is overdrawn."""
    verdict = await verdict_of(books, now)
    assert verdict.passed, [check for check in verdict.checks if check.differences]
    for row in await rows(books, "select * from grants"):
        parts = [row[name] for name in ("remaining", "spent", "expired", "voided", "rolled_out")]
        assert row["amount"] == sum(parts), row
        assert min(parts) >= 0, row
    for row in await rows(books, "select * from wallets"):
        assert row["balance"] >= row["held"] >= 0, row


async def assert_idle(books: Books, now: datetime | None = None) -> None:
    """Sound, and nothing is held anywhere: no hold is open, and none has left anything behind."""
    await assert_sound(books, now)
    assert await one(books, "select count(*) from holds where ended_at is null") == 0
    for table, column in (
        ("wallets", "held"), ("wallets", "owed_held"), ("running_totals", "held"), ("limit_counters", "held"),
    ):  # fmt: skip
        assert not await one(books, f"select coalesce(sum(abs({column})), 0) from {table}"), (table, column)


async def rows(books: Books, query: str, *params: Any) -> list[dict[str, Any]]:
    """What the tables say, whoever asks."""
    async with await psycopg.AsyncConnection.connect(books.database.url) as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        return await (await cursor.execute(query.encode(), params or None)).fetchall()


async def one(books: Books, query: str, *params: Any) -> Any:
    [row] = await rows(books, query, *params)
    return next(iter(row.values()))


async def wallet(books: Books, unit: str = "USD") -> tuple[Decimal, Decimal]:
    """Balance and held of the only wallet of this unit."""
    [row] = await rows(books, "select balance, held from wallets where unit = %s", unit)
    return row["balance"], row["held"]


async def account(books: Books, name: str = "receivable", unit: str = "USD") -> Decimal:
    """The balance of an account, over all customers."""
    query = "select coalesce(sum(amount), 0) from entries where account = %s and unit = %s"
    return await one(books, query, name, unit)


async def paid_for(books: Books, event: str) -> Decimal:
    """What wallets paid for an event."""
    return await one(books, "select coalesce(sum(amount), 0) from burns where event_id = %s", event)


async def state_of(books: Books, id: str) -> str:
    return await one(books, "select state from holds where hold_id = %s", id)


def from_json(text: str) -> list[Any]:
    return read_json(text.encode(), max_events=1000)[0]
