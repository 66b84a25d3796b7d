"""`tollkeeper customers`: who pays."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from tollkeeper.catalog import load
from tollkeeper.cli import members
from tollkeeper.cli.asking import Metadata, metadata_of
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import print_line, show_fields, show_json, show_table
from tollkeeper.console import put_customer
from tollkeeper.customers import Customer, CustomerChanges, get_customer, list_customers
from tollkeeper.db import Tx
from tollkeeper.rating import MODELS

app = typer.Typer(help="List, show, create, change, archive and suspend customers.", no_args_is_help=True)
app.add_typer(members.app, name="members")

Key = Annotated[str, typer.Argument(help="The customer's key.")]


@app.command("list")
def list_all(
    ctx: typer.Context,
    search: Annotated[str | None, typer.Option(help="Text in the key or name.")] = None,
    after: Annotated[str | None, typer.Option(help="Begin behind this key.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most customers to list.")] = 100,
    archived: Annotated[bool | None, typer.Option("--archived/--active", help="Only these.")] = None,
) -> None:
    """List customers by key."""
    found = run_transaction(
        ctx, lambda tx: list_customers(tx, after=after, limit=limit, search=search, archived=archived)
    )
    if wants_json(ctx):
        show_json([_public(customer) for customer in found])
        return
    show_table(
        ["KEY", "NAME", "CURRENCY", "TIME ZONE", "CREATED", "ARCHIVED", "SUSPENDED"],
        [(c.key, c.name, c.currency, c.timezone, c.created_at, c.archived_at, c.suspended_at) for c in found],
        empty="No customers.",
    )


@app.command()
def show(ctx: typer.Context, key: Key) -> None:
    """Show one customer."""
    _show(ctx, run_transaction(ctx, lambda tx: get_customer(tx, key)))


@app.command()
def put(
    ctx: typer.Context,
    key: Key,
    name: Annotated[str | None, typer.Option(help="New customers: the key.", show_default=False)] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217; fixed by usage and open holds.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name; fixed by usage and open holds.")] = None,
    metadata: Metadata = None,
) -> None:
    """Create a customer, or change what is given."""
    _show(ctx, _put(ctx, key, CustomerChanges(name, currency, timezone, metadata_of(metadata))))


@app.command()
def archive(
    ctx: typer.Context, key: Key, undo: Annotated[bool, typer.Option("--undo", help="Take usage again.")] = False
) -> None:
    """Refuse a customer's new usage from now on; its history stays."""
    run_transaction(ctx, lambda tx: get_customer(tx, key))
    customer = _put(ctx, key, CustomerChanges(archived=not undo))
    if wants_json(ctx):
        show_json(_public(customer))
    else:
        print_line(f"{customer.key} is {'active again' if undo else 'archived'}.")


@app.command()
def suspend(
    ctx: typer.Context, key: Key, undo: Annotated[bool, typer.Option("--undo", help="Let it begin anew.")] = False
) -> None:
    """Let a customer begin nothing new from now on; usage that has happened is still taken."""
    run_transaction(ctx, lambda tx: get_customer(tx, key))
    customer = _put(ctx, key, CustomerChanges(suspended=not undo))
    if wants_json(ctx):
        show_json(_public(customer))
    else:
        print_line(f"{customer.key} is {'active again' if undo else 'suspended'}.")


def _put(ctx: typer.Context, key: str, changes: CustomerChanges) -> Customer:
    async def work(tx: Tx) -> Customer:
        currency = (await load(tx, MODELS)).currency
        customer, _ = await put_customer(tx, key, changes, currency)
        return customer

    return run_transaction(ctx, work)


def _show(ctx: typer.Context, customer: Customer) -> None:
    if wants_json(ctx):
        show_json(_public(customer))
    else:
        show_fields({name.replace("_", " "): value for name, value in _public(customer).items()})


def _public(customer: Customer) -> dict[str, Any]:
    """The customer without its internal id, as the API shows it."""
    return {name: value for name, value in asdict(customer).items() if name != "customer_id"}
