"""`tollkeeper prices`: what AI providers charge."""

from __future__ import annotations

import typer

from tollkeeper.cli.reprice import reprice

app = typer.Typer(help="The price book of AI providers.", no_args_is_help=True)

app.command()(reprice)


@app.callback()
def _prices() -> None:
    """The price book of AI providers."""
