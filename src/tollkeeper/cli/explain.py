"""`tollkeeper explain`: why an event cost what it did."""

from __future__ import annotations

from typing import Annotated

import typer

from tollkeeper.catalog import load
from tollkeeper.cli.asking import OfCustomer
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.events import public
from tollkeeper.cli.output import as_text, print_line, show_json
from tollkeeper.clock import BEGINNING
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.gate import Explanation, explain_event
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)


@app.command()
def explain(
    ctx: typer.Context, id: Annotated[str, typer.Argument(help="The event's id.")], customer: OfCustomer
) -> None:
    """Show the arithmetic of one event's charge, step by step; with --json, with its figures for programs."""

    async def work(tx: Tx) -> Explanation:
        found = await get_customer(tx, customer)
        return await explain_event(tx, await load(tx, MODELS), found, id)

    found = run_transaction(ctx, work, customer_id_of(customer))
    price_from = None if found.price_from in (None, BEGINNING) else found.price_from
    if wants_json(ctx):
        show_json(
            {
                "event": public(found.customer, found.event),
                "charge": found.charge,
                "unit": found.unit,
                "price_id": found.price_id,
                "price_from": price_from,
                "steps": found.steps,
                "ledger_transaction": found.ledger_transaction,
            }
        )
        return
    print_line(f"{found.event.event_id}: {found.event.meter} of {found.customer}, {as_text(found.event.time)}")
    for number, step in enumerate(found.steps, 1):
        print_line(f"{number}. {step.text}")
    if found.price_id is not None:
        print_line(f"Price {found.price_id}{f', in force from {as_text(price_from)}' if price_from else ''}")
    print_line(f"Ledger transaction {found.ledger_transaction}")
