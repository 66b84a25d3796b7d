"""`tollkeeper wallet`: how a customer's prepaid value came to be what it is."""

from __future__ import annotations

from typing import Annotated

import typer

from tollkeeper.cli.asking import CustomerKey
from tollkeeper.cli.books import read_up_to_date, run_books
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, show_json, show_table
from tollkeeper.customers import get_customer
from tollkeeper.db import Tx
from tollkeeper.wallets import WalletEntry, list_entries

app = typer.Typer(add_completion=False)


@app.command()
def show_wallet(
    ctx: typer.Context,
    customer: CustomerKey,
    unit: Annotated[str | None, typer.Option(help="Only the wallet of this unit.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most changes to list.")] = 100,
) -> None:
    """List the changes of a customer's wallets, newest first, each with the balance that it left."""

    async def read(tx: Tx) -> list[WalletEntry]:
        customer_id = str((await get_customer(tx, customer)).customer_id)
        return await list_entries(tx, customer_id, unit=unit, limit=limit)

    found = run_books(ctx, lambda books: read_up_to_date(books, customer, read))
    if wants_json(ctx):
        names = ("amount", "balance", "transaction_id", "booked_at")
        show_json(
            [
                {"at": e.at, "unit": e.unit, "kind": e.kind, "grant": e.grant_id}
                | {name: getattr(e, name) for name in names}
                for e in found
            ]
        )
        return
    show_table(
        ["AT", "KIND", "AMOUNT", "BALANCE", "UNIT", "GRANT", "TRANSACTION"],
        [
            (e.at, e.kind, Amount(e.amount, e.unit), Amount(e.balance, e.unit), e.unit, e.grant_id, e.transaction_id)
            for e in found
        ],
        empty="Nothing has changed any wallet.",
    )
