"""`tollkeeper balance`: what a customer has, and what its postings come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import accounts_at
from tollkeeper.books import Books
from tollkeeper.cli.asking import sane_instant
from tollkeeper.cli.books import read_up_to_date, run_books
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.customers import Customer, get_customer
from tollkeeper.db import Tx
from tollkeeper.gate import held_at
from tollkeeper.ledger import Balance, balances
from tollkeeper.money import ZERO, subtract
from tollkeeper.wallets import balance_at, list_wallets

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Purse:
    """A wallet as it is shown."""

    unit: str
    balance: Decimal
    held: Decimal
    available: Decimal


@app.command()
def show_balance(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="The customer's key.")],
    at: Annotated[str | None, typer.Option(help="As it was at this time.", show_default="now")] = None,
) -> None:
    """Show a customer's wallets, and its accounts: debits minus credits, so that what the customer owes is positive."""

    async def read(tx: Tx) -> tuple[datetime, list[Purse], list[Balance]]:
        customer, now = await get_customer(tx, key), clock.now()
        past = sane_instant(at, customer.zone, "at")
        if past is None or past >= now:
            return now, await wallets_of(tx, customer), await balances(tx, customer.customer_id)
        return past, await _wallets_at(tx, customer, past), await accounts_at(tx, customer.customer_id, past)

    async def work(books: Books) -> tuple[datetime, list[Purse], list[Balance]]:
        return await read_up_to_date(books, key, read)

    as_of, wallets, accounts = run_books(ctx, work)
    if wants_json(ctx):
        show_json({"customer": key, "as_of": as_of, "wallets": wallets, "accounts": accounts})
        return
    if wallets:
        show_wallets(wallets)
        print_line("")
    show_table(
        ["ACCOUNT", "BALANCE", "UNIT"],
        [(b.account, Amount(b.balance, b.unit), b.unit) for b in accounts],
        empty="No postings.",
    )


def show_wallets(wallets: list[Purse]) -> None:
    """Print wallets as a table."""
    show_table(
        ["WALLET", "BALANCE", "HELD", "AVAILABLE"],
        [(w.unit, *(Amount(value, w.unit) for value in (w.balance, w.held, w.available))) for w in wallets],
    )


async def wallets_of(tx: Tx, customer: Customer) -> list[Purse]:
    """The wallets as they are now."""
    found = await list_wallets(tx, str(customer.customer_id))
    return [Purse(one.unit, one.balance, one.held, one.available) for one in found]


async def _wallets_at(tx: Tx, customer: Customer, at: datetime) -> list[Purse]:
    """The wallets as they were, with what the holds that were open then had reserved."""
    kept = {one.unit: one.amount for one in await held_at(tx, customer.customer_id, at)}
    had = await balance_at(tx, str(customer.customer_id), None, at)
    return [
        Purse(unit, balance, held, subtract(balance, held))
        for unit, balance in had.items()
        for held in [kept.get(unit, ZERO)]
    ]
