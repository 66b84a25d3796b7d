"""`tollkeeper prices reprice`: prices for calls that had none when they were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any

import typer

from tollkeeper.books import Books
from tollkeeper.calls import CallFilter
from tollkeeper.cli.asking import sane_instant
from tollkeeper.cli.books import customer_of, run_books, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.gate import Repriced, RepricedCall
from tollkeeper.money import ZERO, add, amount_in_words, grouped, subtract, sum_of


def reprice(
    ctx: typer.Context,
    provider: Annotated[str | None, typer.Option(help="Only calls to this provider.")] = None,
    model: Annotated[str | None, typer.Option(help="Only calls that this model answered.")] = None,
    since: Annotated[str | None, typer.Option(help="Only calls from this time or date on; UTC by default.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's calls.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Book it. Without this, only the difference is shown.")
    ] = False,
) -> None:
    """Price the calls that are unpriced by today's price book, at their own time. What has a price keeps it.

    Shows the difference first. What is booked with --apply are corrections: charges that went by a fallback, or are
    missing, are trued up where their price says so.
    """
    start = sane_instant(since, UTC, "since")

    async def work(books: Books) -> tuple[list[Repriced], str]:
        only = None if customer is None else (await customer_of(books, customer)).customer_id
        wanted = CallFilter(only, provider=provider, model=model, start=start)
        found = await books.reprice(wanted, apply=apply, by=whoever())
        return found, (await books.catalog()).currency

    found, currency = run_books(ctx, work)
    if wants_json(ctx):
        show_json({"applied": apply, "currency": currency, "events": [asdict(one) for one in found]})
    else:
        _print(found, currency, applied=apply)


def _print(found: Sequence[Repriced], currency: str, *, applied: bool) -> None:
    show_table(
        ["CUSTOMER", "EVENT", "MODEL", "QUANTITIES", "COST", "BEFORE", "AFTER", "UNIT", "REASON"],
        [row for one in found for row in _rows(one, currency)],
        empty="No call is unpriced.",
    )
    if not found:
        return
    costs = [call.cost for one in found for call in one.calls if one.error is None]
    known = [cost for cost in costs if cost is not None]
    priced = f"{len(known)} of {sum(len(one.calls) for one in found)} calls are priced"
    print_line(f"{priced}: cost {amount_in_words(sum_of(known), currency)}.")
    for unit, change in sorted(_changes(found).items()):
        print_line(f"Charges change by {amount_in_words(change, unit)}.")
    print_line("Booked." if applied else "Not booked: repeat it with --apply.")


def _rows(one: Repriced, currency: str) -> Iterator[tuple[Any, ...]]:
    """A line for each call; what the event is charged stands in its first one."""
    before, after = Amount(one.charge_before, one.unit), Amount(one.charge_after, one.unit)
    charges: tuple[Any, ...] = (before, after, one.unit)
    for call in one.calls:
        why = one.error or (f"no price for {', '.join(call.missing)}" if call.missing else "")
        model = f"{call.provider} {call.model}"
        yield one.customer, one.event_id, model, _quantities(call), Amount(call.cost, currency), *charges, why
        charges = (Amount(None, None), Amount(None, None), "")


def _quantities(call: RepricedCall) -> str:
    told = call.quantities or {}
    return ", ".join(f"{grouped(quantity)} {unit.replace('_', ' ')}" for unit, quantity in told.items())


def _changes(found: Sequence[Repriced]) -> dict[str, Decimal]:
    """By how much charges change, by unit of value."""
    changes: dict[str, Decimal] = {}
    for one in found:
        if one.unit is not None and one.charge_after is not None:
            change = subtract(one.charge_after, one.charge_before or ZERO)
            changes[one.unit] = add(changes.get(one.unit, ZERO), change)
    return changes
