"""`tollkeeper events`: what was used, event by event."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import typer

from tollkeeper.analytics import EventQuery, parse_filter, search_events, whole_range
from tollkeeper.catalog import load
from tollkeeper.cli.asking import Filter, From, OfCustomer, To, instant
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, show_fields, show_json, show_table
from tollkeeper.clock import zone
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.events import StoredEvent, get_event
from tollkeeper.rating import MODELS

app = typer.Typer(help="List and show events.", no_args_is_help=True)

_UNSHOWN = ("customer_id", "event_id", "running_before", "running_after", "cost_only")


@app.command("list")
def list_all(
    ctx: typer.Context,
    customer: OfCustomer,
    start: From = None,
    end: To = None,
    meter: Annotated[str | None, typer.Option(help="Only this meter.")] = None,
    member: Annotated[str | None, typer.Option(help="Only this member.")] = None,
    transaction: Annotated[UUID | None, typer.Option(help="Only events of this ledger transaction.")] = None,
    filter: Filter = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most events to list.")] = 100,
) -> None:
    """List a customer's events, newest first."""

    async def work(tx: Tx) -> list[StoredEvent]:
        found = await get_customer(tx, customer)
        tz = zone(found.timezone)
        span = whole_range(instant(start, tz, "from"), instant(end, tz, "to"))
        query = EventQuery(span.start, span.end, meter, member, transaction, parse_filter(filter or ()))
        return await search_events(tx, found.customer_id, await load(tx, MODELS), query, before=None, limit=limit)

    found = run_transaction(ctx, work, customer_id_of(customer))
    if wants_json(ctx):
        show_json([public(customer, event) for event in found])
        return
    show_table(
        ["TIME", "ID", "METER", "QUANTITY", "CHARGE", "UNIT", "MEMBER", "DIMENSIONS", "CORRECTS"],
        [
            (
                e.time,
                e.event_id,
                e.meter,
                e.quantity,
                Amount(e.charge, e.unit),
                e.unit,
                e.member,
                e.dimensions,
                e.corrects,
            )
            for e in found
        ],
        empty="No events.",
    )


@app.command()
def show(ctx: typer.Context, id: Annotated[str, typer.Argument(help="The event's id.")], customer: OfCustomer) -> None:
    """Show one event with its charge and the ids of its corrections."""

    async def work(tx: Tx) -> StoredEvent:
        return await get_event(tx, (await get_customer(tx, customer)).customer_id, id)

    found = public(customer, run_transaction(ctx, work, customer_id_of(customer)))
    if wants_json(ctx):
        show_json(found)
    else:
        amounts = {name: Amount(found[name], found["unit"]) for name in ("charge", "cost")}
        show_fields({name.replace("_", " "): value for name, value in (found | amounts).items()})


def public(customer: str, event: StoredEvent) -> dict[str, Any]:
    """The event as the API shows it."""
    shown = {name: value for name, value in asdict(event).items() if name not in _UNSHOWN}
    return {"id": event.event_id, "customer": customer} | shown
