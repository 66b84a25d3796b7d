"""`tollkeeper calls`: the provider calls of events, and what they cost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any

import typer

from tollkeeper.calls import CallFilter, StoredCall, list_calls
from tollkeeper.catalog import load
from tollkeeper.cli.asking import AnyCustomer, FromUtc, OrCustomer, To, one_customer, sane_instant
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)

_UNSHOWN = ("customer_id", "call_id", "event_id")


@app.command()
def list_all(
    ctx: typer.Context,
    customer: AnyCustomer = None,
    or_customer: OrCustomer = None,
    event: Annotated[str | None, typer.Option(help="Only the calls of this event of the customer.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only calls to this provider.")] = None,
    model: Annotated[str | None, typer.Option(help="Only calls that this model answered.")] = None,
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Only calls whose cost still isn't known.")] = False,
    start: FromUtc = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most calls to list.")] = 100,
) -> None:
    """List provider calls with their quantities and costs, newest first. Times without an offset are UTC."""
    customer = one_customer(customer, or_customer)
    if event is not None and customer is None:
        raise InvalidInput("missing_field", "An event's id says nothing without its customer.", field="customer")
    span = sane_instant(start, UTC, "from"), sane_instant(end, UTC, "to")

    async def work(tx: Tx) -> tuple[list[StoredCall], str]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        wanted = CallFilter(customer_id, event, provider, model, unpriced, *span)
        return await list_calls(tx, wanted, before=None, limit=limit), (await load(tx, MODELS)).currency

    found, currency = run_transaction(ctx, work, None if customer is None else customer_id_of(customer))
    if wants_json(ctx):
        show_json([_public(call) for call in found])
        return
    show_table(
        ["TIME", "CUSTOMER", "EVENT", "PROVIDER", "MODEL", "QUANTITIES", "COST", "SOURCE", "MISSING", "CALL"],
        [
            (
                call.at,
                call.customer,
                call.event_id,
                call.provider,
                call.model,
                ", ".join(f"{number} {unit}" for unit, number in (call.quantities or {}).items()),
                Amount(call.cost, currency),
                call.cost_source,
                ", ".join(call.missing),
                call.call_id if call.adjusts is None else f"adjusts {call.adjusts}",
            )
            for call in found
        ],
        empty="No provider calls.",
    )


def _public(call: StoredCall) -> dict[str, Any]:
    """The call as the API shows it."""
    shown = {name: value for name, value in asdict(call).items() if name not in _UNSHOWN}
    return {"id": call.call_id, "event": call.event_id} | shown
