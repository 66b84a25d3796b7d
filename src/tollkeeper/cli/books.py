"""What commands do with the operator's books: through the gate, and as the one who gives the command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from getpass import getuser
from typing import TypeVar

import typer

from tollkeeper.books import Books
from tollkeeper.cli.context import run, settings_for
from tollkeeper.customers import Agreement, Customer, agreement_of, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.gate import Standing, stand

T = TypeVar("T")


def run_books(ctx: typer.Context, work: Callable[[Books], Awaitable[T]]) -> T:
    """The result of `work` on the books."""
    return run(ctx, lambda database: work(Books(settings_for(ctx), database)))


def whoever() -> str:
    """Who gives the command, as the books say it."""
    return f"{getuser()} (command line)"


async def customer_of(books: Books, key: str) -> Customer:
    """The customer. Raises NotFound `unknown_customer`."""
    return await books.database.run(lambda tx: get_customer(tx, key), customer_id_of(key))


async def read_up_to_date(books: Books, key: str, read: Callable[[Tx], Awaitable[T]]) -> T:
    """What `read` finds in a snapshot of the customer's rows, after everything has happened that was due.

    Raises NotFound `unknown_customer`.
    """
    await books.refresh(key)
    async with books.database.transaction(customer_id_of(key), snapshot=True) as tx:
        return await read(tx)


async def standing_of(books: Books, tx: Tx, key: str, now: datetime) -> tuple[Standing, Agreement]:
    """Where the customer stands at `now`, and what it has of its own."""
    customer = await get_customer(tx, key)
    agreement = await agreement_of(tx, customer.customer_id)
    return stand(await books.catalog(tx), customer, agreement, now), agreement
