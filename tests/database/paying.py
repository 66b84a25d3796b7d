"""What the tests of top-ups share: a catalog that sells something, a cashier, and what must hold afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.database.gating import CREDITS, open_books

from tollkeeper.books import Books
from tollkeeper.catalog import load
from tollkeeper.customers import customer_id_of
from tollkeeper.db import Database
from tollkeeper.gate import verify
from tollkeeper.payments import TOP_UP_CHECKS, TopUp, TopUpState, Wanted, list_top_ups
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings
from tollkeeper.wallets import Grant, list_grants

D = Decimal
LINK = "https://app.example/pay?top_up={id}&customer={customer}"
SOLD = (
    CREDITS
    + """
[top_ups.credit]
amounts = [5, 10]
price = "1.20"
[top_ups.USD]
amounts = [20, "99.99"]
expires_after = "30 days"
[packs.team]
unit = "credit"
amount = 50
price = "45.00"
bonus = 5
expires_after = "12 months"
"""
)


async def selling(database: Database, *customers: str, **changes: Any) -> Books:
    """Books with customers, and a catalog that sells something."""
    await open_books(database, SOLD, *customers, **changes)
    return shop(database)


def shop(database: Database, **settings: Any) -> Books:
    """Books as another process would have them, with a way to pay."""
    wanted = {"payments": "link", "checkout_url": LINK} | settings
    return Books(Settings(database_url=database.url, **wanted), database)


async def start(books: Books, *, customer: str = "acme", **wanted: Any) -> TopUp:
    if not {"pack", "unit", "amount"} & {*wanted}:
        wanted["pack"] = "team"
    top_up, _ = await books.start_top_up(customer, Wanted(**wanted), by="test")
    return top_up


async def pay(books: Books, top_up: TopUp, reference: str | None = None) -> TopUp:
    return await books.pay_top_up(top_up.customer, top_up.top_up_id, reference=reference, by="test")


async def end(books: Books, top_up: TopUp, state: Any) -> TopUp:
    return await books.end_top_up(top_up.customer, top_up.top_up_id, state, by="test")


async def found(database: Database, customer: str | None = "acme", *, now: Any, **query: Any) -> list[TopUp]:
    customer_id = None if customer is None else customer_id_of(customer)
    return await database.run(lambda tx: list_top_ups(tx, customer_id, now=now, limit=1000, **query))


async def grants(database: Database, *, now: Any, customer: str = "acme") -> list[Grant]:
    customer_id = str(customer_id_of(customer))
    return await database.run(lambda tx: list_grants(tx, customer_id, now=now, limit=1000))


async def assert_paid_for(database: Database, *, now: Any, customer: str = "acme") -> None:
    """The customer has what was paid for, to the last digit, and the books agree."""
    paid = await found(database, customer, now=now, state=TopUpState.PAID)
    given = await grants(database, now=now, customer=customer)
    for unit in {one.unit for one in paid} | {one.unit for one in given}:
        bought = sum((one.amount for one in paid if one.unit == unit), D(0))
        extra = sum((one.bonus for one in paid if one.unit == unit), D(0))
        assert sum((one.amount for one in given if (one.unit, one.kind) == (unit, "paid")), D(0)) == bought
        assert sum((one.amount for one in given if (one.unit, one.kind) == (unit, "promotional")), D(0)) == extra
    async with database.transaction(snapshot=True) as tx:
        verdict = await verify(tx, await load(tx, MODELS), now, also=TOP_UP_CHECKS)
    assert verdict.passed, [check for check in verdict.checks if check.differences]
    assert any(check.name == "top-ups" for check in verdict.checks)
