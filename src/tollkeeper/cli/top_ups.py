"""`tollkeeper top-ups`: what customers buy ahead, and how it ended."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from tollkeeper import clock
from tollkeeper.cli.asking import AnyCustomer, CustomerKey, OrCustomer, one_customer
from tollkeeper.cli.books import run_books, whoever
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words
from tollkeeper.payments import TopUp, TopUpState, list_top_ups

app = typer.Typer(help="List top-ups, and tell how they ended.", no_args_is_help=True)

Id = Annotated[UUID, typer.Argument(metavar="TOP_UP", help="The top-up's id.")]
Reference = Annotated[str | None, typer.Option(help="What the payment is called where it was made.")]


@app.command("list")
def list_all(
    ctx: typer.Context,
    customer: AnyCustomer = None,
    or_customer: OrCustomer = None,
    state: Annotated[TopUpState | None, typer.Option(help="Only top-ups that stand so now.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most top-ups to list.")] = 100,
) -> None:
    """List top-ups, newest first."""
    customer, now = one_customer(customer, or_customer), clock.now()

    async def work(tx: Tx) -> list[TopUp]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        return await list_top_ups(tx, customer_id, now=now, state=state, limit=limit)

    found = run_transaction(ctx, work, None if customer is None else customer_id_of(customer))
    if wants_json(ctx):
        show_json([_public(top_up) for top_up in found])
        return
    show_table(
        ["ID", "CUSTOMER", "STATE", "AMOUNT", "BONUS", "UNIT", "PRICE", "CURRENCY", "CREATED", "ENDED", "REFERENCE"],
        [
            (one.top_up_id, one.customer, one.state(now), Amount(one.amount, one.unit), Amount(one.bonus, one.unit),
             one.unit, Amount(one.price, one.currency), one.currency, one.created_at, one.ended(now), one.reference)
            for one in found
        ],
        empty="No top-ups.",
    )  # fmt: skip


@app.command()
def paid(ctx: typer.Context, customer: CustomerKey, id: Id, reference: Reference = None) -> None:
    """Tell that the money has come: the customer gets what it bought. Once, however often it's told."""
    found = run_books(ctx, lambda books: books.pay_top_up(customer, id, reference=reference, by=whoever()))
    if wants_json(ctx):
        show_json(_public(found))
        return
    bonus = f" and {amount_in_words(found.bonus, found.unit)} on top" if found.bonus else ""
    late = f", after it had ended ({found.late})" if found.late else ""
    print_line(f"{customer} has bought {amount_in_words(found.amount, found.unit)}{bonus}{late}.")
    print_line(f"Grant {found.grant_id}")


@app.command()
def cancel(ctx: typer.Context, customer: CustomerKey, id: Id, reference: Reference = None) -> None:
    """Give a pending top-up up. If the money comes all the same, it's taken, and an alert tells of it."""
    state = TopUpState.CANCELLED
    found = run_books(ctx, lambda books: books.end_top_up(customer, id, state, reference=reference, by=whoever()))
    if wants_json(ctx):
        show_json(_public(found))
    else:
        print_line(f"Cancelled: {amount_in_words(found.amount, found.unit)} for {customer}.")


def _public(top_up: TopUp) -> dict[str, Any]:
    """The top-up as the API shows it."""
    now = clock.now()
    names = ("customer", "unit", "amount", "bonus", "price", "currency", "pack", "processor", "reference", "created_at")
    more = ("created_by", "ended_by", "grant_id", "bonus_grant_id", "late")
    return {
        "id": top_up.top_up_id,
        "state": top_up.state(now),
        **{name: getattr(top_up, name) for name in names},
        "expires_at": top_up.open_until,
        "ended_at": top_up.ended(now),
        **{name: getattr(top_up, name) for name in more},
    }
