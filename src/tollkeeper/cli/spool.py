"""`tollkeeper spool`: usage that the SDK keeps until Tollkeeper has confirmed it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tollkeeper.cli.context import settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json, show_table
from tollkeeper.client import Replayed, Spool, Tollkeeper, default_path, open_spool
from tollkeeper.errors import InvalidInput, NotFound

app = typer.Typer(help="Look at usage that isn't confirmed yet, and send it.", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Option("--file", help="The spool's file.", show_default="TOLLKEEPER_SPOOL, or the usual one")
]

_PATIENCE_SECONDS = 60.0
"""Nobody's request waits for this command, so a slow answer is waited for."""


@app.command("list")
def list_all(ctx: typer.Context, file: File = None) -> None:
    """Show what waits to be sent, what was refused for good, and operations that are open. Sends nothing."""
    spool = _opened(file)
    entries, operations, unassigned = spool.entries(), spool.rows("all_operations"), spool.rows("unassigned")
    if wants_json(ctx):
        found = {"spool": str(spool.path), "entries": entries, "operations": operations, "unassigned": unassigned}
        show_json(found)
        return
    show_table(
        ["CREATED", "STATE", "KIND", "CUSTOMER", "ID", "ATTEMPTS", "TO", "REASON"],
        [
            (_at(one.created), one.state, one.kind, one.customer, one.id, one.attempts, one.target, one.error)
            for one in entries
        ],
        empty="Nothing waits to be sent.",
    )
    if operations:
        print_line("")
        show_table(
            ["OPEN SINCE", "PROCESS", "OPERATION", "CALLS", "TO"],
            [(_at(one["touched"]), one["pid"], one["hold"], one["calls"], one["target"]) for one in operations],
        )
    if unassigned:
        print_line("")
        show_table(
            ["CHARGED TO NOBODY", "MODEL", "CALLS", "LAST", "TO"],
            [(one["provider"], one["model"], one["calls"], _at(one["last"]), one["target"]) for one in unassigned],
        )


@app.command()
def replay(
    ctx: typer.Context,
    file: File = None,
    url: Annotated[str | None, typer.Option(help="Where Tollkeeper is.", show_default="TOLLKEEPER_URL")] = None,
    local: Annotated[bool, typer.Option("--local", help="Write into the database; no server is needed.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Try what was refused for good once more.")] = False,
) -> None:
    """Send everything now, also what processes that have died left behind. Ends with status 2 if something is left.

    The key is TOLLKEEPER_API_KEY. Each item keeps its id, so that nothing is booked twice.
    """
    spool = _opened(file)
    if local:
        settings = settings_for(ctx)
        toll = Tollkeeper.local(settings.data, database_url=settings.database_url, spool=spool.path, background=False)
    else:
        toll = Tollkeeper(url, spool=spool.path, timeout=_PATIENCE_SECONDS, background=False)
    with toll:
        done = toll.replay(refused=refused)
        elsewhere = sum(one.target != toll.target for one in spool.entries())
    _show(ctx, done, elsewhere)
    if done.refused or done.waiting:
        raise typer.Exit(2)


@app.command()
def discard(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="The item's ID, as `spool list` shows it.")],
    file: File = None,
) -> None:
    """Drop what was refused for good: it's never booked. What still waits to be sent can't be dropped."""
    spool = _opened(file)
    found = [one for one in spool.entries() if one.id == id and one.state == "refused"]
    if not found:
        raise NotFound("unknown_event", f"The spool has no refused item {id!r}.", field="id")
    for one in found:
        spool.write("sent", entry=one.entry)
    if wants_json(ctx):
        show_json({"discarded": len(found)})
    else:
        print_line(f"Discarded {len(found)}.")


def _show(ctx: typer.Context, done: Replayed, elsewhere: int) -> None:
    if wants_json(ctx):
        show_json({"sent": done.sent, "refused": done.refused, "waiting": done.waiting, "taken_over": done.taken_over,
                   "elsewhere": elsewhere, "errors": list(done.errors)})  # fmt: skip
        return
    print_line(f"Sent {done.sent}, refused {done.refused}, waiting {done.waiting}, taken over {done.taken_over}.")
    if elsewhere:
        print_line(f"Items for another Tollkeeper: {elsewhere}; `tollkeeper spool list` shows which.")
    for error in dict.fromkeys(done.errors):
        sys.stderr.write(f"{error}\n")


def _opened(file: Path | None) -> Spool:
    path = file or default_path()
    if file is not None and not file.exists():
        raise InvalidInput("file_unreadable", f"{file} doesn't exist.", field="file")
    return open_spool(path)


def _at(seconds: Any) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
