"""`tollkeeper hold`: value reserved before an operation, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tollkeeper.books import Books
from tollkeeper.cli.asking import AnyCustomer, CustomerKey, Metadata, OrCustomer, metadata_of, one_customer
from tollkeeper.cli.books import read_up_to_date, run_books, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.held import public, show_allowed, show_checked, show_hold, show_holds, show_settled
from tollkeeper.cli.operation import (
    Amount,
    Calls,
    Dimension,
    Meter,
    OfMember,
    Quantity,
    dimensions_of,
    json_of,
    read_as,
)
from tollkeeper.cli.output import show_json
from tollkeeper.cli.settlement import settlement_of
from tollkeeper.customers import get_customer
from tollkeeper.db import Tx
from tollkeeper.gate import ChangeIn, Hold, HoldIn, HoldOf, HoldState, Verb, get_hold, list_holds
from tollkeeper.ids import new_id

app = typer.Typer(help="Reserve value before an operation, and settle or release it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id.")]
Note = Annotated[str | None, typer.Option(help="For people.")]

_decoder = msgspec.json.Decoder(HoldIn)
_DAY = 24 * 60 * 60


@app.command("open")
def open_hold(
    ctx: typer.Context,
    customer: CustomerKey,
    meter: Meter,
    id: Annotated[
        str | None, typer.Option(help="Your own id: the same one again holds nothing more.", show_default="a new one")
    ] = None,
    quantity: Quantity = None,
    amount: Amount = None,
    calls: Calls = None,
    member: OfMember = None,
    dimension: Dimension = None,
    metadata: Metadata = None,
    expires_in: Annotated[
        int | None, typer.Option(help="Seconds until it expires, up to a day.", show_default="TOLLKEEPER_HOLD_SECONDS")
    ] = None,
) -> None:
    """Ask whether an operation may begin, and reserve what it is expected to cost. A refusal tells every reason."""
    others = {"id": str(new_id()) if id is None else id, "metadata": metadata_of(metadata), "expires_in": expires_in}
    item = _item(customer, meter, quantity, amount, calls, member, dimension, **others)
    show_allowed(run_books(ctx, lambda books: books.authorize(item, by=whoever())), as_json=wants_json(ctx))


@app.command()
def check(
    ctx: typer.Context,
    customer: CustomerKey,
    meter: Meter,
    quantity: Quantity = None,
    amount: Amount = None,
    calls: Calls = None,
    member: OfMember = None,
    dimension: Dimension = None,
) -> None:
    """Ask whether an operation may begin, without reserving anything. A refusal tells every reason."""
    item = _item(customer, meter, quantity, amount, calls, member, dimension)
    show_checked(run_books(ctx, lambda books: books.check(item, by=whoever())), as_json=wants_json(ctx))


@app.command()
def settle(
    ctx: typer.Context,
    customer: CustomerKey,
    id: Id,
    quantity: Annotated[str | None, typer.Option(help="How much it was.", show_default="as held")] = None,
    amount: Annotated[str | None, typer.Option(help="The value that it carried.", show_default="as held")] = None,
    calls: Annotated[str | None, typer.Option(help="Its calls, as JSON.", show_default="as held")] = None,
    metadata: Metadata = None,
    events: Annotated[
        Path | None, typer.Option(help="Its events instead, as JSON or NDJSON in a file; - for standard input.")
    ] = None,
) -> None:
    """Record what an operation came to, charge it, and end its hold. Ends with status 2 if any event is refused."""
    given = {
        "quantity": quantity,
        "amount": amount,
        "calls": json_of(calls, "calls"),
        "metadata": metadata_of(metadata),
    }
    settlement = settlement_of(customer, id, given, events)
    found = run_books(ctx, lambda books: books.settle(settlement, by=whoever()))
    show_settled(found, as_json=wants_json(ctx))
    if any(result.error is not None for result in found.results):
        raise typer.Exit(2)


@app.command()
def release(ctx: typer.Context, customer: CustomerKey, id: Id, note: Note = None) -> None:
    """Say that an operation failed or never began: everything is freed, and it costs nothing."""
    _change(ctx, ChangeIn(Verb.RELEASE, customer, id, note=note))


@app.command()
def extend(
    ctx: typer.Context,
    customer: CustomerKey,
    id: Id,
    expires_in: Annotated[int, typer.Option(help="Seconds from now on until it expires, up to a day.")] = 900,
) -> None:
    """Say that an operation takes longer."""
    _change(ctx, ChangeIn(Verb.EXTEND, customer, id, seconds=expires_in))


@app.command()
def doubt(
    ctx: typer.Context,
    customer: CustomerKey,
    id: Id,
    note: Note = None,
    expires_in: Annotated[int, typer.Option(help="Seconds from now on until it expires, up to a day.")] = _DAY,
) -> None:
    """Say that nobody knows whether an operation happened: its value is kept until that is found out."""
    _change(ctx, ChangeIn(Verb.DOUBT, customer, id, seconds=expires_in, note=note))


@app.command()
def show(ctx: typer.Context, customer: CustomerKey, id: Id) -> None:
    """Show one hold, whatever has become of it."""

    async def read(tx: Tx) -> Hold:
        return await get_hold(tx, (await get_customer(tx, customer)).customer_id, id)

    found = run_books(ctx, lambda books: read_up_to_date(books, customer, read))
    show_hold(customer, found, as_json=wants_json(ctx))


@app.command("list")
def list_all(
    ctx: typer.Context,
    customer: AnyCustomer = None,
    or_customer: OrCustomer = None,
    state: Annotated[list[HoldState] | None, typer.Option(help="Only holds in this state; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most holds to list.")] = 100,
) -> None:
    """List holds, newest first."""
    customer = one_customer(customer, or_customer)

    async def read(tx: Tx) -> list[HoldOf]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        return await list_holds(tx, customer_id, states=state or None, before=None, limit=limit)

    async def work(books: Books) -> list[HoldOf]:
        if customer is not None:
            return await read_up_to_date(books, customer, read)
        return await books.database.run(read)

    found = run_books(ctx, work)
    if wants_json(ctx):
        show_json([public(hold.customer, hold) for hold in found])
    else:
        show_holds(found)


def _item(
    customer: str,
    meter: str,
    quantity: str | None,
    amount: str | None,
    calls: str | None,
    member: str | None,
    dimension: list[str] | None,
    **others: Any,
) -> HoldIn:
    """The operation that was asked about. Raises InvalidInput with the code that the API has for it."""
    given = {"customer": customer, "meter": meter, "quantity": quantity, "amount": amount, "member": member, **others}
    return read_as(_decoder, given | {"calls": json_of(calls, "calls"), "dimensions": dimensions_of(dimension)})


def _change(ctx: typer.Context, change: ChangeIn) -> None:
    found = run_books(ctx, lambda books: books.change_hold(change, by=whoever()))
    show_hold(found.customer, found.hold, as_json=wants_json(ctx))
