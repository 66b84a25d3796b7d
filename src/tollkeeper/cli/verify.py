"""`tollkeeper verify`: prove that the books agree with themselves."""

from __future__ import annotations

from dataclasses import asdict

import typer

from tollkeeper.catalog import load
from tollkeeper.cli.context import run, wants_json
from tollkeeper.cli.output import print_line, show_json
from tollkeeper.db import Database
from tollkeeper.gate import Verdict
from tollkeeper.gate import verify as verify_books
from tollkeeper.payments import TOP_UP_CHECKS
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)


@app.command()
def verify(ctx: typer.Context) -> None:
    """Check events, rollups, running totals and the ledger against each other. Ends with status 1 if they differ.

    It reads a snapshot, so usage may come in meanwhile.
    """
    verdict = run(ctx, _verdict)
    if wants_json(ctx):
        checks = [{"passed": not check.differences} | asdict(check) for check in verdict.checks]
        show_json({"passed": verdict.passed, "size": verdict.size, "checks": checks})
    else:
        _print(verdict)
    if not verdict.passed:
        raise typer.Exit(1)


async def _verdict(database: Database) -> Verdict:
    async with database.transaction(snapshot=True) as tx:
        return await verify_books(tx, await load(tx, MODELS), also=TOP_UP_CHECKS)


def _print(verdict: Verdict) -> None:
    sizes = asdict(verdict.size).items()
    print_line("Compared " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sizes) + ".")
    for check in verdict.checks:
        print_line(f"{'✗' if check.differences else '✓'} {check.question}")
        for one in check.differences:
            print_line(f"    {one.customer}, {one.place}: expected {one.expected}, found {one.found}")
    print_line("The books agree." if verdict.passed else "The books differ.")
