"""`tollkeeper migrate`: bring the database up to date. `serve` does it too; this is for who deploys in two steps."""

from __future__ import annotations

import typer

from tollkeeper.cli.context import migrate_now, settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json
from tollkeeper.db import embedded

app = typer.Typer()


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring the database up to date."""
    settings = settings_for(ctx)
    if settings.database_url is not None:
        applied = migrate_now(settings.database_url)
    else:
        with embedded.start(settings.data) as server:
            applied = migrate_now(server.url)
    if wants_json(ctx):
        show_json({"applied": applied})
        return
    for name in applied:
        print_line(f"applied {name}")
    print_line("The database is up to date.")
