"""The command line. A command is one file here, `<name>.py` with a typer app called `app`, and one line in `COMMANDS`.

A file is imported when its command is called, so `tollkeeper customers list` doesn't wait for the web server's modules.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tollkeeper import __version__
from tollkeeper.cli.options import Options, asks_for_json, global_options_first
from tollkeeper.cli.output import show_error
from tollkeeper.errors import InvalidInput, TollError

COMMANDS = {
    "serve": "serve",
    "migrate": "migrate",
    "catalog": "catalog",
    "prices": "prices",
    "customers": "customers",
    "keys": "keys",
    "portal": "portal",
    "import": "importing",
    "events": "events",
    "explain": "explain",
    "usage": "usage",
    "calls": "calls",
    "margins": "margins",
    "suggestions": "suggestions",
    "overview": "overview",
    "balance": "balance",
    "wallet": "wallet",
    "grant": "grant",
    "grants": "grants",
    "top-ups": "top_ups",
    "plan": "plan",
    "limit": "limit",
    "estimate": "estimate",
    "hold": "hold",
    "alerts": "alerts",
    "ledger": "ledger",
    "reconcile": "reconcile",
    "quarantine": "quarantine",
    "spool": "spool",
    "sweep": "sweep",
    "verify": "verify",
    "simulate-provider": "simulate",
}
"""The commands in the order that --help shows them, and the module of each."""

_UsageError: Any = typer.BadParameter.__mro__[1]
"""What the parser raises for a line that is wrong. Typer doesn't export it, and has taken it from click or not."""

_FIRST_STRAY, _LAST_STRAY = "\udc80", "\udcff"
_COMPLETION = {"install_completion", "show_completion"}


class Commands(TyperGroup):
    """Imports a command when it's needed; takes the global options anywhere on the line; reports errors tidily."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now."""
        if (module := COMMANDS.get(cmd_name)) is None:
            return None
        command = typer.main.get_command(import_module(f"tollkeeper.cli.{module}").app)
        command.name = cmd_name
        if ctx is not None and ctx.params.get("as_json"):
            _tell_without_help(command)
        # Typer takes each app for a program of its own; shell completion is the whole program's.
        command.params = [each for each in command.params if each.name not in _COMPLETION]
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the line with its global options moved to the front."""
        try:
            return super().parse_args(ctx, global_options_first(args))
        except _UsageError as error:
            _tell_usage_error(error, as_json=asks_for_json(args))
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that it means to tell ends it with status 1."""
        try:
            return super().invoke(ctx)
        except TollError as error:
            show_error(error, as_json=ctx.params["as_json"])
            raise typer.Exit(1) from None
        except _UsageError as error:
            _tell_usage_error(error, as_json=ctx.params["as_json"])
            raise
        except UnicodeEncodeError as error:
            # Bytes of the line that aren't UTF-8 come as lone surrogates, which neither the database nor JSON takes.
            if not _FIRST_STRAY <= error.object[error.start] <= _LAST_STRAY:
                raise
            told = InvalidInput("usage_error", "The line holds bytes that aren't UTF-8.")
            show_error(told, as_json=ctx.params["as_json"])
            raise typer.Exit(2) from None


def _tell_usage_error(error: Any, *, as_json: bool) -> None:
    """Tell a program that its line is wrong, and end with status 2; people get Typer's own usage text."""
    if as_json:
        show_error(InvalidInput("usage_error", error.format_message()), as_json=True)
        raise typer.Exit(error.exit_code) from None


def _tell_without_help(command: Any) -> None:
    """Have a group without a command say so, instead of printing its help on stdout."""
    command.no_args_is_help = False
    for each in getattr(command, "commands", {}).values():
        _tell_without_help(each)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tollkeeper {__version__}")
        raise typer.Exit


@app.callback()
def _tollkeeper(
    ctx: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL server's data.")] = None,
    database_url: Annotated[str | None, typer.Option(help="PostgreSQL to use instead, as a libpq URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, errors too.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Tollkeeper, the billing engine for AI products.

    Settings come from TOLLKEEPER_… variables; --data, --database-url and --json may stand anywhere on the line.
    """
    ctx.obj = Options(data, database_url, as_json)


def main() -> None:
    """The program `tollkeeper`."""
    app(prog_name="tollkeeper")
