"""`tollkeeper grant`: give a customer prepaid value."""

from __future__ import annotations

from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.cli.asking import CustomerKey, decimal_of, sane_instant
from tollkeeper.cli.books import customer_of, run_books, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.grants import Kind, Note, Priority, public
from tollkeeper.cli.output import as_text, print_line, show_json
from tollkeeper.money import amount_in_words
from tollkeeper.wallets import Grant, GrantKind, NewGrant

app = typer.Typer(add_completion=False)


@app.command()
def grant(
    ctx: typer.Context,
    customer: CustomerKey,
    amount: Annotated[str, typer.Argument(help="How much.")],
    unit: Annotated[
        str | None, typer.Option(help="A currency or a declared credit.", show_default="the customer's currency")
    ] = None,
    kind: Kind = GrantKind.PAID,
    priority: Priority = 50,
    effective: Annotated[str | None, typer.Option(help="When it begins.", show_default="now")] = None,
    expires: Annotated[str | None, typer.Option(help="When what is left of it expires.", show_default="never")] = None,
    id: Annotated[str | None, typer.Option(help="Your own id: the same one again gives nothing more.")] = None,
    reference: Annotated[str | None, typer.Option(help="What it belongs to, such as an invoice.")] = None,
    note: Note = None,
) -> None:
    """Give a customer prepaid value, which pays for usage."""
    value = decimal_of(amount)

    async def work(books: Books) -> tuple[Grant, bool]:
        found = await customer_of(books, customer)
        new = NewGrant(
            unit=found.currency if unit is None else unit,
            amount=value,
            kind=kind,
            priority=priority,
            effective_at=sane_instant(effective, found.zone, "effective"),
            expires_at=sane_instant(expires, found.zone, "expires"),
            reference=reference,
            note=note,
            key=id,
        )
        return await books.give_grant(customer, new, by=whoever())

    found, new = run_books(ctx, work)
    if wants_json(ctx):
        show_json(public(customer, found, clock.now()))
        return
    given = f"{customer} was given {amount_in_words(found.amount, found.unit)}, {found.kind}"
    begins = f", from {as_text(found.effective_at)}" if found.effective_at > found.created_at else ""
    ends = f", until {as_text(found.expires_at)}" if found.expires_at is not None else ""
    print_line(f"{given}{begins}{ends}{'' if new else ', before; nothing was done'}.")
    print_line(f"Grant {found.grant_id}")
