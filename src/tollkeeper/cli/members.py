"""`tollkeeper customers members`: the people and agents inside a customer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from tollkeeper.cli.asking import Metadata, metadata_of
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import show_fields, show_json, show_table
from tollkeeper.customers import Member, customer_id_of, get_customer, get_member, list_members, upsert_member
from tollkeeper.db import Tx

app = typer.Typer(help="List, show, create and change a customer's members.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="The customer's key.")]
MemberKey = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's key within the customer.")]


@app.command("list")
def list_all(
    ctx: typer.Context,
    key: Key,
    after: Annotated[str | None, typer.Option(help="Begin behind this key.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most members to list.")] = 100,
) -> None:
    """List a customer's members by key."""

    async def work(tx: Tx) -> list[Member]:
        return await list_members(tx, await get_customer(tx, key), after=after, limit=limit)

    found = run_transaction(ctx, work, customer_id_of(key))
    if wants_json(ctx):
        show_json([_public(member) for member in found])
        return
    show_table(
        ["KEY", "NAME", "CREATED", "ARCHIVED"],
        [(m.key, m.name, m.created_at, m.archived_at) for m in found],
        empty="No members.",
    )


@app.command()
def show(ctx: typer.Context, key: Key, member: MemberKey) -> None:
    """Show one member."""

    async def work(tx: Tx) -> Member:
        return await get_member(tx, await get_customer(tx, key), member)

    _show(ctx, run_transaction(ctx, work, customer_id_of(key)))


@app.command()
def put(
    ctx: typer.Context,
    key: Key,
    member: MemberKey,
    name: Annotated[str | None, typer.Option(help="New members: the key.", show_default=False)] = None,
    metadata: Metadata = None,
    archived: Annotated[bool | None, typer.Option("--archived/--active", help="Whether it is archived.")] = None,
) -> None:
    """Create a member, or change what is given."""
    facts = metadata_of(metadata)

    async def work(tx: Tx) -> Member:
        customer = await get_customer(tx, key)
        found, _ = await upsert_member(tx, customer, member, name=name, metadata=facts, archived=archived)
        return found

    _show(ctx, run_transaction(ctx, work, customer_id_of(key)))


def _show(ctx: typer.Context, member: Member) -> None:
    if wants_json(ctx):
        show_json(_public(member))
    else:
        show_fields({name.replace("_", " "): value for name, value in _public(member).items()})


def _public(member: Member) -> dict[str, Any]:
    """The member without its customer's internal id, as the API shows it."""
    return {name: value for name, value in asdict(member).items() if name != "customer_id"}
