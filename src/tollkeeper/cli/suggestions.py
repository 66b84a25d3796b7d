"""`tollkeeper suggestions`: what would have cost less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import recent_range
from tollkeeper.books import Books
from tollkeeper.cli.asking import CustomerKey, From, To, instant
from tollkeeper.cli.books import read_up_to_date, run_books, standing_of
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import as_text, print_line, show_json
from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words
from tollkeeper.suggestions import Case, Kind, Suggestion, suggest

app = typer.Typer(add_completion=False)


@app.command()
def show_suggestions(
    ctx: typer.Context,
    customer: CustomerKey,
    start: From = None,
    end: To = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only this kind; may be repeated.")] = None,
) -> None:
    """Show what would have cost less, or goes unused, with its arithmetic; from the last 30 days unless told otherwise.

    Savings aren't to be added up: a cheaper model and batches may be about the same calls.
    """
    now = clock.now()

    async def read(books: Books, tx: Tx) -> tuple[Case, list[Suggestion]]:
        standing, agreement = await standing_of(books, tx, customer, now)
        zone = standing.customer.zone
        span = recent_range(instant(start, zone, "from"), instant(end, zone, "to"), now)
        case = Case(standing, agreement, span, books.desk.pricing.book)
        return case, await suggest(tx, case, kind or tuple(Kind))

    async def work(books: Books) -> tuple[Case, list[Suggestion]]:
        return await read_up_to_date(books, customer, lambda tx: read(books, tx))

    case, found = run_books(ctx, work)
    if wants_json(ctx):
        show_json({"customer": customer, "start": case.span.start, "end": case.span.end, "as_of": now, "data": found})
    else:
        _show(case, found)


def _show(case: Case, found: Sequence[Suggestion]) -> None:
    span = f"from {as_text(case.span.start)} to {as_text(case.span.end)}"
    if not found:
        print_line(f"Nothing that would have cost less, or goes unused, {span}.")
        return
    print_line(f"What would have cost less, or goes unused, {span}. These don't add up: some are about the same usage.")
    for one in found:
        print_line("")
        print_line(f"{one.text} ({one.kind})")
        for number, step in enumerate(one.steps, 1):
            print_line(f"  {number}. {step.text}")
        for saving in one.savings:
            print_line(f"  {saving.whom.capitalize()}: {amount_in_words(saving.amount, saving.unit)}")
        if one.unused:
            print_line(f"  Unused: {amount_in_words(one.unused.amount, one.unused.unit)}")
        if one.caution:
            print_line(f"  {one.caution}")
