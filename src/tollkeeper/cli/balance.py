"""`tollkeeper balance`: what a customer's postings come to."""

from __future__ import annotations

from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.ledger import Balance, balances

app = typer.Typer(add_completion=False)


@app.command()
def show_balance(ctx: typer.Context, key: Annotated[str, typer.Argument(help="The customer's key.")]) -> None:
    """Show a customer's accounts: debits minus credits, so that what the customer owes is positive."""

    async def work(tx: Tx) -> list[Balance]:
        return await balances(tx, (await get_customer(tx, key)).customer_id)

    found = run_transaction(ctx, work, customer_id_of(key))
    if wants_json(ctx):
        show_json({"customer": key, "as_of": clock.now(), "accounts": found})
        return
    show_table(
        ["ACCOUNT", "BALANCE", "UNIT"],
        [(b.account, Amount(b.balance, b.unit), b.unit) for b in found],
        empty="No postings.",
    )
