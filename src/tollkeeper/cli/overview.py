"""`tollkeeper overview`: one customer on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import Overview, Spend, overview
from tollkeeper.catalog import load
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, as_text, print_line, show_fields, show_json, show_table
from tollkeeper.customers import Customer, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)


@app.command()
def show_overview(ctx: typer.Context, key: Annotated[str, typer.Argument(help="The customer's key.")]) -> None:
    """Show what a customer has used this month, what it has spent, and what it owes."""

    async def work(tx: Tx) -> tuple[Customer, Overview]:
        customer = await get_customer(tx, key)
        return customer, await overview(tx, customer, await load(tx, MODELS), clock.now())

    customer, found = run_transaction(ctx, work, customer_id_of(key))
    if wants_json(ctx):
        _show_json(customer, found)
        return
    fields = {
        "customer": customer.key if customer.name == customer.key else f"{customer.key} ({customer.name})",
        "owed": _in_words(found.owed),
        "spent": f"{_in_words(found.spent)} from {as_text(found.period.start)}",
        "spent in all": _in_words(found.total_spent),
    }
    if found.unpriced:
        fields["unpriced"] = f"{found.unpriced} events have no price yet"
    if found.estimated:
        fields["estimated"] = f"{found.estimated} events are charged by an estimate"
    show_fields(fields)
    print_line("")
    show_table(
        ["METER", "QUANTITY", "OF", "EVENTS", "CHARGE", "UNIT", "COST"],
        [
            (m.name, m.quantity, m.meter_unit, m.events, Amount(m.charge, m.unit), m.unit, Amount(m.cost, m.unit))
            for m in found.meters
        ],
        empty="No usage yet.",
    )


def _in_words(amounts: Sequence[Spend]) -> str:
    return ", ".join(amount_in_words(one.amount, one.unit) for one in amounts) or "nothing"


def _show_json(customer: Customer, found: Overview) -> None:
    show_json(
        {
            "customer": customer.key,
            "name": customer.name,
            "currency": customer.currency,
            "timezone": customer.timezone,
            "as_of": found.as_of,
            "period": found.period,
            "owed": found.owed,
            "spent": found.spent,
            "total_spent": found.total_spent,
            "meters": found.meters,
            "unpriced": found.unpriced,
            "estimated": found.estimated,
        }
    )
