"""`tollkeeper reconcile`: what AI providers report, compared with our calls; what differs is booked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.cli.asking import FromUtc, To, instant
from tollkeeper.cli.books import run_books, whoever
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.money import ZERO, amount_in_words
from tollkeeper.reconciliation import (
    Allocate,
    Booked,
    Comparison,
    DayCompared,
    Grain,
    Ran,
    Reconciliation,
    Wanted,
    booked_totals,
    list_reconciliations,
)

app = typer.Typer(add_completion=False)

_HEADINGS = ["DAY", "PROVIDER", "PROJECT", "API KEY", "MODEL", "OURS", "THEIRS", "DIFFERENCE", "FINDING"]
_DAY = timedelta(days=1)
_SHOWN = 30 * _DAY
_MOST = 100_000


@app.command()
def reconcile(
    ctx: typer.Context,
    provider: Annotated[
        str | None, typer.Option(help="openai or anthropic.", show_default="all that an admin key is set for")
    ] = None,
    start: FromUtc = None,
    end: To = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it; keep and book nothing.")] = False,
    allocate: Annotated[
        Allocate | None,
        typer.Option(
            help="price_gap gives price gaps to the calls that they're about, once a day is closed; none doesn't.",
            show_default="TOLLKEEPER_ALLOCATE",
        ),
    ] = None,
    close: Annotated[bool, typer.Option("--close", help="Take the days that are over for final now.")] = False,
    stored: Annotated[
        bool, typer.Option("--stored", help="Show what was found before, without asking the provider.")
    ] = False,
) -> None:
    """Read what AI providers report, compare it with our calls by UTC day, project, key and model, and book the rest.

    Without --from and --to it's the days that may still have changed: the usage of three, the costs of seven.
    """
    days = _range(start, end)
    if stored:
        _show_stored(ctx, provider, days)
        return

    async def work(books: Books) -> list[Ran]:
        return await books.reconcile(provider, days=days, dry=dry_run, allocate=allocate, close=close, by=whoever())

    found = run_books(ctx, work)
    if wants_json(ctx):
        show_json([_document(ran) for ran in found])
        return
    rows = [_row(ran, day, *each) for ran in found for day in ran.days for each in day.comparisons.items()]
    show_table([*_HEADINGS, "BOOKED NOW"], rows, empty="Neither side has anything for these days.")
    for ran in found:
        _tell(ran)


def _range(start: str | None, end: str | None) -> tuple[datetime, datetime] | None:
    first, last = instant(start, UTC, "from"), instant(end, UTC, "to")
    if first is None and last is None:
        return None
    if first is None:
        raise InvalidInput("missing_field", "Give --from as well: the first day.", field="from")
    last = last or clock.now()
    if last <= first:
        raise InvalidInput("invalid_range", "--from must lie before --to.", field="to")
    return first, last


def _document(ran: Ran) -> dict[str, Any]:
    """What a run has found, in JSON."""
    days = []
    for day in ran.days:
        changes = {row.grain_id: row.change for row in day.written}
        grains = [
            {
                "model": grain.origin.model,
                "project": grain.origin.project,
                "api_key": grain.origin.api_key,
                "finding": one.finding.value,
                "our_cost": one.ours.whole_cost,
                "their_money": one.theirs.money,
                "difference": one.difference,
                "parts": one.parts,
                "change": changes.get(grain.grain_id, ZERO),
            }
            for grain, one in day.comparisons.items()
        ]
        refused = [one.error.detail for one in day.given.refused if one.error is not None]
        days.append({"day": day.day, "grains": grains, "shared": len(day.given.shares), "refused": refused})
    return {"provider": ran.provider, "currency": ran.currency, "dry_run": ran.dry, "days": days}


def _row(ran: Ran, day: DayCompared, grain: Grain, one: Comparison) -> Sequence[object]:
    origin = grain.origin
    booked = sum((row.change for row in day.written if row.grain_id == grain.grain_id), ZERO)
    amounts = (one.ours.whole_cost, one.theirs.money, one.difference)
    return [
        f"{day.day.start:%Y-%m-%d}",
        ran.provider,
        origin.project,
        origin.api_key,
        origin.model,
        *(Amount(amount, ran.currency) for amount in amounts),
        one.finding.value,
        Amount(booked, ran.currency),
    ]


def _tell(ran: Ran) -> None:
    """How far the days are settled, and what became of their costs."""
    closed = sum(day.day.closed_at is not None for day in ran.days)
    reopened = [f"{day.day.start:%Y-%m-%d}" for day in ran.days if day.day.reopened and day.day.closed_at is None]
    shared = sum(len(day.given.shares) for day in ran.days)
    kept = " Nothing was kept or booked: a dry run." if ran.dry else ""
    days = "1 day" if len(ran.days) == 1 else f"{len(ran.days)} days"
    costs = "1 cost" if shared == 1 else f"{shared} costs"
    print_line(f"{ran.provider}: {days}, {closed} closed; {costs} given to calls.{kept}")
    if any(day.comparisons and day.day.start + _DAY > clock.now() for day in ran.days):
        print_line("The present UTC day is only shown: it's neither kept nor booked until it's over.")
    if reopened:
        print_line(f"Grown after they had been closed, and open again: {', '.join(reopened)}.")
    for refused in (one for day in ran.days for one in day.given.refused):
        detail = "no reason given" if refused.error is None else refused.error.detail
        sys.stderr.write(f"A cost couldn't be given to its event: {detail}\n")


def _show_stored(ctx: typer.Context, provider: str | None, days: tuple[datetime, datetime] | None) -> None:
    now = clock.now()
    start, end = days or (now - _SHOWN, now)
    wanted = Wanted(start, end, provider)

    async def work(tx: Tx) -> tuple[list[Reconciliation], list[Booked], list[Booked]]:
        found = await list_reconciliations(tx, wanted, before=None, limit=_MOST)
        return found, await booked_totals(tx, provider, start, end), await booked_totals(tx, provider)

    found, shown, whole = run_transaction(ctx, work)
    if wants_json(ctx):
        show_json(found)
        return
    empty = "Nothing was reconciled in these days."
    if end > now - _DAY:
        empty += " What was found of the present UTC day is kept once that is over."
    show_table([*_HEADINGS, "BOOKED"], [_stored_row(one) for one in found], empty=empty)
    if whole:
        print_line(f"Booked for these days: {_in_words(shown)}. In all: {_in_words(whole)}.")


def _in_words(totals: Sequence[Booked]) -> str:
    amounts = [f"{one.provider} {amount_in_words(one.booked, one.unit)}" for one in totals]
    return ", ".join(amounts) or "nothing"


def _stored_row(one: Reconciliation) -> Sequence[object]:
    amounts = (one.our_cost, one.their_money, one.difference)
    return [
        f"{one.start:%Y-%m-%d}",
        one.provider,
        one.project,
        one.api_key,
        one.model,
        *(Amount(amount, one.unit) for amount in amounts),
        one.finding,
        Amount(one.booked, one.unit),
    ]
