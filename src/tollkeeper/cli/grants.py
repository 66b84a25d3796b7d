"""`tollkeeper grants`: the prepaid value that a customer was given, and what became of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.cli.asking import CustomerKey, sane_instant
from tollkeeper.cli.books import customer_of, read_up_to_date, run_books, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, print_line, show_fields, show_json, show_table
from tollkeeper.clock import Period
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words
from tollkeeper.wallets import (
    Grant,
    GrantKind,
    GrantState,
    OwnRecurring,
    find_grant,
    get_grant,
    grant_id_of,
    list_grants,
    recurring_grants,
)

app = typer.Typer(help="List, show, take back and refund grants, and have them recur.", no_args_is_help=True)

Kind = Annotated[GrantKind, typer.Option(help="How the customer comes by it.")]
Note = Annotated[str | None, typer.Option(help="For people.")]
Priority = Annotated[int, typer.Option(help="From 0 to 100: what is low is spent first.")]
Id = Annotated[str, typer.Argument(metavar="GRANT", help="The grant's id, or your own id of it.")]
Name = Annotated[str, typer.Argument(help="The recurring grant's name.")]

_FIGURES = ("amount", "remaining", "spent", "expired", "voided", "rolled_in", "rolled_out")


@app.command("list")
def list_all(
    ctx: typer.Context,
    customer: CustomerKey,
    state: Annotated[GrantState | None, typer.Option(help="Only grants that stand so now.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only grants of this unit.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most grants to list.")] = 100,
) -> None:
    """List a customer's grants, newest first."""
    now = clock.now()

    async def read(tx: Tx) -> list[Grant]:
        customer_id = str((await get_customer(tx, customer)).customer_id)
        return await list_grants(tx, customer_id, now=now, unit=unit, state=state, limit=limit)

    found = run_books(ctx, lambda books: read_up_to_date(books, customer, read))
    if wants_json(ctx):
        show_json([public(customer, grant, now) for grant in found])
        return
    show_table(
        ["ID", "STATE", "KIND", "AMOUNT", "REMAINING", "UNIT", "PRIORITY", "FROM", "EXPIRES", "REFERENCE"],
        [
            (g.grant_id, g.state(now), g.kind, Amount(g.amount, g.unit), Amount(g.remaining, g.unit), g.unit,
             g.priority, g.effective_at, g.expires_at, g.reference)
            for g in found
        ],
        empty="No grants.",
    )  # fmt: skip


@app.command()
def show(ctx: typer.Context, customer: CustomerKey, id: Id) -> None:
    """Show one grant, and what became of its amount."""

    async def read(tx: Tx) -> Grant:
        customer_id = str((await get_customer(tx, customer)).customer_id)
        return await get_grant(tx, customer_id, await _find(tx, customer_id, id))

    _show(ctx, customer, run_books(ctx, lambda books: read_up_to_date(books, customer, read)))


@app.command()
def void(ctx: typer.Context, customer: CustomerKey, id: Id, note: Note = None) -> None:
    """Take back what is neither spent nor held; what is held goes once its holds don't need it."""
    _take_back(ctx, customer, id, note, refund=False)


@app.command()
def refund(ctx: typer.Context, customer: CustomerKey, id: Id, note: Note = None) -> None:
    """As `void`, for a grant that was paid: the ledger says that the money goes back."""
    _take_back(ctx, customer, id, note, refund=True)


def _take_back(ctx: typer.Context, customer: str, id: str, note: str | None, *, refund: bool) -> None:
    async def work(books: Books) -> Grant:
        customer_id = (await customer_of(books, customer)).customer_id
        grant_id = await books.database.run(lambda tx: _find(tx, str(customer_id), id), customer_id)
        return await books.void_grant(customer, grant_id, refund=refund, note=note, by=whoever())

    found = run_books(ctx, work)
    if wants_json(ctx):
        show_json(public(customer, found, clock.now()))
        return
    what = "refunded" if found.refunded else "taken back"
    kept = f"; {amount_in_words(found.remaining, found.unit)} is kept by open holds" if found.remaining else ""
    print_line(
        f"{amount_in_words(found.voided, found.unit)} of {amount_in_words(found.amount, found.unit)} {what}{kept}."
    )


async def _find(tx: Tx, customer_id: str, id: str) -> UUID:
    """The id of the grant that is called so, by its id or by the caller's own, which may have the form of one."""
    by_key = grant_id_of(customer_id, id)
    try:
        grant_id = UUID(id)
    except ValueError:
        return by_key
    return by_key if await find_grant(tx, customer_id, by_key) is not None else grant_id


@app.command()
def recur(
    ctx: typer.Context,
    customer: CustomerKey,
    name: Name,
    amount: Annotated[str, typer.Argument(help="How much each time.")],
    every: Annotated[Period, typer.Option(help="How often.")],
    unit: Annotated[
        str | None, typer.Option(help="A currency or a declared credit.", show_default="the customer's currency")
    ] = None,
    rollover: Annotated[
        str, typer.Option(help="What goes over into the next period: none, all, or a number, the most that does.")
    ] = "none",
    kind: Kind = GrantKind.PROMOTIONAL,
    priority: Priority = 50,
    anchor: Annotated[
        str | None,
        typer.Option(help="When the first period begins; the others are counted from it.", show_default="now"),
    ] = None,
) -> None:
    """Give a customer the same each period, beside what its plan gives; or change that from the next period on."""
    terms: dict[str, Any] = {
        "amount": amount,
        "every": every.value,
        "rollover": rollover,
        "kind": kind.value,
        "priority": priority,
    }

    async def work(books: Books) -> list[OwnRecurring]:
        found = await customer_of(books, customer)
        terms["unit"] = found.currency if unit is None else unit
        begin = sane_instant(anchor, found.zone, "anchor")
        await books.set_recurring_grant(customer, name, terms, anchor=begin, by=whoever())
        return await _recurring_of(books, customer)

    _show_recurring(ctx, [one for one in run_books(ctx, work) if one.name == name])


@app.command()
def stop(ctx: typer.Context, customer: CustomerKey, name: Name) -> None:
    """Have a recurring grant come no more; what it gave stays."""

    async def work(books: Books) -> list[OwnRecurring]:
        await books.end_recurring_grant(customer, name, by=whoever())
        return await _recurring_of(books, customer)

    _show_recurring(ctx, [one for one in run_books(ctx, work) if one.name == name])


@app.command()
def recurring(ctx: typer.Context, customer: CustomerKey) -> None:
    """List the recurring grants that a customer has of its own, ended ones too. `plan show` tells those of its plan."""
    _show_recurring(ctx, run_books(ctx, lambda books: _recurring_of(books, customer)))


async def _recurring_of(books: Books, customer: str) -> list[OwnRecurring]:
    async def read(tx: Tx) -> list[OwnRecurring]:
        return await recurring_grants(tx, [str((await get_customer(tx, customer)).customer_id)])

    return await books.database.run(read, customer_id_of(customer))


def _show_recurring(ctx: typer.Context, found: list[OwnRecurring]) -> None:
    if wants_json(ctx):
        times = ("anchor", "created_at", "created_by", "ended_at")
        show_json([{"name": one.name} | one.terms | {name: getattr(one, name) for name in times} for one in found])
        return
    names = ("unit", "every", "rollover", "kind", "priority")
    show_table(
        ["GRANT", "AMOUNT", *map(str.upper, names), "FIRST", "ENDED"],
        [
            (one.name, Amount(Decimal(one.terms["amount"]), one.terms["unit"]),
             *(one.terms[name] for name in names), one.anchor, one.ended_at)
            for one in found
        ],
        empty="No recurring grants.",
    )  # fmt: skip


def _show(ctx: typer.Context, customer: str, grant: Grant) -> None:
    found = public(customer, grant, clock.now())
    if wants_json(ctx):
        show_json(found)
        return
    amounts = {name: Amount(found[name], grant.unit) for name in _FIGURES}
    show_fields({name.replace("_", " "): value for name, value in (found | amounts).items()})


def public(customer: str, grant: Grant, now: datetime) -> dict[str, Any]:
    """The grant as the API shows it."""
    return {
        "id": grant.grant_id,
        "customer": customer,
        "unit": grant.unit,
        "kind": grant.kind,
        "priority": grant.priority,
        **{name: getattr(grant, name) for name in _FIGURES},
        "effective_at": grant.effective_at,
        "expires_at": grant.expires_at,
        "state": grant.state(now),
        "recurring": grant.recurring,
        "reference": grant.reference,
        "note": grant.note,
        "created_at": grant.created_at,
        "created_by": grant.created_by,
        "voided_at": grant.voided_at,
    }
