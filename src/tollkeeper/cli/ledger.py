"""`tollkeeper ledger`: the audit trail of one customer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.ledger import Entry, Kind, get_transaction, list_postings

app = typer.Typer(add_completion=False)


@app.command()
def show_ledger(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="The customer's key.")],
    kind: Annotated[Kind | None, typer.Option(help="Only postings of this kind.")] = None,
    transaction: Annotated[UUID | None, typer.Option(help="All postings of this transaction, and no others.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most postings to list.")] = 100,
) -> None:
    """List a customer's postings, newest first: each moves its amount from one account to another.

    `tollkeeper events list --transaction` lists the events that a posting sums up.
    """

    async def work(tx: Tx) -> list[Entry]:
        customer_id = (await get_customer(tx, key)).customer_id
        if transaction is None:
            return await list_postings(
                tx, customer_id, before=None, kinds=None if kind is None else [kind], limit=limit
            )
        found = await get_transaction(tx, customer_id, transaction)
        return [entry for entry in found if kind is None or entry.kind == kind][:limit]

    found = run_transaction(ctx, work, customer_id_of(key))
    if wants_json(ctx):
        show_json(found)
        return
    show_table(
        ["BOOKED", "KIND", "FROM ACCOUNT", "TO ACCOUNT", "AMOUNT", "UNIT", "EVENTS", "TRANSACTION"],
        [
            (e.booked_at, e.kind, e.credit, e.debit, Amount(e.amount, e.unit), e.unit, e.events, e.transaction_id)
            for e in found
        ],
        empty="No postings.",
    )
