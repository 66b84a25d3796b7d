"""`tollkeeper catalog`: prices as a file that is checked, compared and applied like infrastructure."""

from __future__ import annotations

import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from tollkeeper.catalog import Catalog, ChangeKind, Models, Proposal, as_document, load, propose
from tollkeeper.catalog import apply as apply_catalog
from tollkeeper.catalog import check as check_catalog
from tollkeeper.catalog import history as list_versions
from tollkeeper.catalog import show as show_version
from tollkeeper.cli.context import run_transaction, settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json, show_table
from tollkeeper.customers import used_plans
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.events import used_meters
from tollkeeper.rating import MODELS, models_with

app = typer.Typer(help="Check, compare, apply and show the catalog.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The catalog as TOML; - for standard input.")]
_SIGNS = {ChangeKind.ADD: "+", ChangeKind.CHANGE: "~", ChangeKind.REMOVE: "-"}


@app.command()
def check(ctx: typer.Context, file: File) -> None:
    """Tell whether a file is right in itself. Needs no database."""
    draft = check_catalog(_text(file), file=str(file), models=_models(ctx))
    meters, prices = len(draft.declared.meters), len(draft.prices)
    if wants_json(ctx):
        show_json({"meters": meters, "prices": prices})
    else:
        print_line(f"{file} is a valid catalog: meters {meters}, prices {prices}.")


@app.command()
def plan(ctx: typer.Context, file: File) -> None:
    """Show what applying a file would change."""
    text, models = _text(file), _models(ctx)
    found = run_transaction(
        ctx, lambda tx: propose(tx, text, file=str(file), models=models, used_meters=used_meters, used_plans=used_plans)
    )
    if wants_json(ctx):
        show_json(_document(found, found.version))
        return
    _print_changes(found)
    if not found.empty:
        print_line(f"Not applied: compared with version {found.version}.")


@app.command()
def apply(ctx: typer.Context, file: File) -> None:
    """Make a file the catalog in force. The same file again changes nothing."""
    text, models = _text(file), _models(ctx)
    applied = run_transaction(
        ctx,
        lambda tx: apply_catalog(
            tx,
            text,
            file=str(file),
            models=models,
            used_meters=used_meters,
            used_plans=used_plans,
            by=f"{getuser()} (command line)",
        ),
    )
    if wants_json(ctx):
        show_json(_document(applied.proposal, applied.version))
        return
    _print_changes(applied.proposal)
    if not applied.proposal.empty:
        print_line(f"Applied as version {applied.version}.")


@app.command()
def show(
    ctx: typer.Context, version: Annotated[int | None, typer.Option(help="Not the one in force, but this one.")] = None
) -> None:
    """Print the catalog as it was applied; with --json, as what is in force now."""
    if wants_json(ctx) and version is None:
        show_json(as_document(run_transaction(ctx, _load)))
        return
    found = run_transaction(ctx, lambda tx: show_version(tx, version))
    if wants_json(ctx):
        show_json(found)
    else:
        print_line(found.source.rstrip("\n"))


@app.command()
def history(ctx: typer.Context) -> None:
    """List all versions, newest first."""
    versions = run_transaction(ctx, list_versions)
    if wants_json(ctx):
        show_json(versions)
        return
    show_table(
        ["VERSION", "APPLIED", "BY", "CHANGES"],
        [(v.version, v.applied_at, v.applied_by, "; ".join(c["text"] for c in v.summary)) for v in versions],
        empty="No catalog was applied yet.",
    )


def _text(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidInput("file_unreadable", f"{file} can't be read: {error.strerror}.", field="file") from None
    # What isn't UTF-8 becomes lone surrogates, and the catalog's own check tells so.
    return data.decode(errors="surrogateescape")


def _models(ctx: typer.Context) -> Models:
    """The charge models with the margin that is set."""
    return models_with(settings_for(ctx).margin_percent)


async def _load(tx: Tx) -> Catalog:
    return await load(tx, MODELS)


def _document(found: Proposal, version: int) -> dict[str, object]:
    return {
        "version": version,
        "changes": [change.as_dict() for change in found.changes],
        "warnings": found.warnings,
    }


def _print_changes(found: Proposal) -> None:
    for change in found.changes:
        print_line(f"{_SIGNS[change.kind]} {change.text}")
    for warning in found.warnings:
        print_line(f"! {warning}")
    if found.empty:
        print_line("Nothing would change.")
