"""`tollkeeper keys`: who may call the API."""

from __future__ import annotations

from typing import Annotated

import typer

from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import print_line, show_json, show_table
from tollkeeper.customers import Scope, create_key, list_keys, revoke_key

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it's for, such as 'production backend'.")],
    scope: Annotated[
        list[Scope], typer.Option(help="May be repeated: admin includes the others, write doesn't include read.")
    ],
) -> None:
    """Make a key. Its secret is shown this once."""
    key, secret = run_transaction(ctx, lambda tx: create_key(tx, name, scope))
    if wants_json(ctx):
        show_json({"key_id": key.key_id, "name": key.name, "scopes": key.scopes, "secret": secret})
    else:
        print_line(secret)


@app.command("list")
def list_all(ctx: typer.Context) -> None:
    """List all keys, the oldest first."""
    keys = run_transaction(ctx, list_keys)
    if wants_json(ctx):
        show_json(keys)
        return
    show_table(
        ["ID", "NAME", "PREFIX", "SCOPES", "CREATED", "LAST USED", "REVOKED"],
        [(k.key_id, k.name, k.prefix, k.scopes, k.created_at, k.last_used_at, k.revoked_at) for k in keys],
        empty="No keys yet. Make one: tollkeeper keys create first --scope admin",
    )


@app.command()
def revoke(ctx: typer.Context, key: Annotated[str, typer.Argument(help="Its id or its prefix.")]) -> None:
    """Revoke a key. It stops working within five seconds."""
    revoked = run_transaction(ctx, lambda tx: revoke_key(tx, key))
    if wants_json(ctx):
        show_json(revoked)
    else:
        print_line(f"Revoked {revoked.prefix}… ({revoked.name}).")
