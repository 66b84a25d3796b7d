"""`tollkeeper portal`: who may look at a customer's billing page."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from tollkeeper.cli.context import run_transaction, settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json, show_table
from tollkeeper.customers import (
    SESSION_SECONDS,
    Opened,
    Permission,
    PortalSession,
    customer_id_of,
    get_customer,
    list_sessions,
    open_session,
    revoke_session,
)
from tollkeeper.db import Tx

_MOST_LISTED = 1000

app = typer.Typer(help="Open, list and revoke sessions of customers' billing pages.", no_args_is_help=True)

_Customer = Annotated[str, typer.Argument(help="The customer's key.")]


@app.command("open")
def open_one(
    ctx: typer.Context,
    customer: _Customer,
    permission: Annotated[
        list[Permission],
        typer.Option(help="What the page allows beside looking: top_up, change_plan; may be repeated."),
    ] = [],  # noqa: B006
    expires_in: Annotated[int, typer.Option(help="Seconds until the session is over.")] = SESSION_SECONDS,
    link_expires_in: Annotated[
        int | None, typer.Option(help="Seconds until the link is over.", show_default="300")
    ] = None,
    return_url: Annotated[str | None, typer.Option(help="Where the page leads back to.")] = None,
) -> None:
    """Print a link that opens the customer's billing page, for five minutes."""

    async def work(tx: Tx) -> Opened:
        return await open_session(
            tx,
            customer,
            permissions=permission,
            expires_in=expires_in,
            link_expires_in=link_expires_in,
            return_url=return_url,
            by="command line",
        )

    opened = run_transaction(ctx, work, customer_id_of(customer))
    settings = settings_for(ctx)
    url = opened.url(settings.reached_at)
    if wants_json(ctx):
        session = opened.session
        times = {"link_expires_at": session.link_expires_at, "expires_at": session.expires_at}
        show_json({"id": session.session_id, "customer": session.customer, "token": opened.token, "url": url} | times)
    else:
        print_line(url)


@app.command("list")
def list_all(ctx: typer.Context, customer: _Customer) -> None:
    """List the sessions of a customer's page, the newest first."""

    async def work(tx: Tx) -> list[PortalSession]:
        return await list_sessions(tx, (await get_customer(tx, customer)).customer_id, limit=_MOST_LISTED)

    sessions = run_transaction(ctx, work, customer_id_of(customer))
    if wants_json(ctx):
        show_json(sessions)
        return
    show_table(
        ["ID", "PERMISSIONS", "CREATED", "BY", "EXPIRES", "LINK EXPIRES", "OPENED FROM", "REVOKED"],
        [
            (
                each.session_id,
                each.permissions,
                each.created_at,
                each.created_by,
                each.expires_at,
                each.link_expires_at,
                each.opened_from,
                each.revoked_at,
            )
            for each in sessions
        ],
        empty=f"No sessions. Open one: tollkeeper portal open {customer}",
    )


@app.command()
def revoke(
    ctx: typer.Context, customer: _Customer, session: Annotated[UUID, typer.Argument(help="Its id.", metavar="ID")]
) -> None:
    """Revoke a session, and those that came of its link. They end within five seconds."""

    async def work(tx: Tx) -> PortalSession:
        return await revoke_session(tx, (await get_customer(tx, customer)).customer_id, session)

    revoked = run_transaction(ctx, work, customer_id_of(customer))
    if wants_json(ctx):
        show_json(revoked)
    else:
        print_line(f"Revoked session {revoked.session_id} of {revoked.customer}.")
