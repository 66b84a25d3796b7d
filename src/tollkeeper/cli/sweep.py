"""`tollkeeper sweep`: what is due happens now."""

from __future__ import annotations

import typer

from tollkeeper.books import Books
from tollkeeper.cli.books import run_books
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import print_line, show_json

app = typer.Typer(add_completion=False)


@app.command()
def sweep(ctx: typer.Context) -> None:
    """Do once what a server does all the time: end holds whose time is over, let grants begin, expire and recur."""
    ended = run_books(ctx, _sweep)
    if wants_json(ctx):
        show_json({"holds_ended": ended})
    else:
        print_line(f"Holds ended: {ended}.")


async def _sweep(books: Books) -> int:
    ended = await books.sweep()
    await books.tidy()
    return ended
