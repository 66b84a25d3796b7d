"""`tollkeeper margins`: what is left of the charges when AI providers have taken theirs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import (
    MarginQuery,
    MarginRow,
    Order,
    csv_cell,
    margins,
    recent_range,
    sums_by_unit,
)
from tollkeeper.catalog import Catalog, load
from tollkeeper.cli.asking import AnyCustomer, FromInZone, OrCustomer, To, instant, one_customer
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words, grouped
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)

_WINDOWS = {"hour", "day", "month"}
_FIGURES = (
    "unit", "events", "calls", "charge", "cost", "margin", "margin_percent", "unpriced", "uncosted", "uncosted_charge",
    "estimated", "estimated_charge", "estimated_cost", "without_calls", "without_calls_charge",
)  # fmt: skip


@app.command()
def show_margins(
    ctx: typer.Context,
    customer: AnyCustomer = None,
    or_customer: OrCustomer = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            help="customer, meter, member, provider, model, a declared dimension, hour, day or month; may be repeated."
        ),
    ] = None,
    meter: Annotated[str | None, typer.Option(help="Only this meter.")] = None,
    start: FromInZone = None,
    end: To = None,
    timezone: Annotated[
        str, typer.Option(help="IANA zone of times without an offset, hours, days and months.")
    ] = "UTC",
    sort: Annotated[Order, typer.Option(help="By group, or the largest figure first.")] = Order.GROUP,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV.")] = False,
) -> None:
    """Show charges, provider costs and margins; the last 30 days unless told otherwise.

    Events whose cost isn't known, or is an estimate, are counted apart. By provider or model, an event's charge is
    shared over its calls by what they cost.
    """
    customer = one_customer(customer, or_customer)
    now = clock.now()
    tz = clock.zone(timezone) if timezone != "UTC" else UTC
    span = recent_range(instant(start, tz, "from"), instant(end, tz, "to"), now)
    names = tuple(name for names in group_by or ["meter"] for name in names.split(",") if name)

    async def work(tx: Tx) -> tuple[Catalog, list[MarginRow]]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        catalog = await load(tx, MODELS)
        query = MarginQuery(span.start, span.end, names, customer_id, meter, timezone, sort)
        return catalog, await margins(tx, catalog, query)

    catalog, rows = run_transaction(ctx, work, None if customer is None else customer_id_of(customer))
    if wants_json(ctx):
        shown = {"start": span.start, "end": span.end, "as_of": now, "currency": catalog.currency, "rows": rows}
        show_json(shown)
    elif as_csv:
        _print_csv(rows)
    else:
        _print_table(names, rows, catalog.currency)
        _print_totals(sums_by_unit(rows, span, catalog), catalog.currency)


def _print_csv(rows: Sequence[MarginRow]) -> None:
    """The columns of the API's CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = [*rows[0].group] if rows else []
    writer.writerow(["start", "end", *(f"group.{name}" for name in names), *_FIGURES])
    for row in rows:
        groups = [row.group[name] for name in names]
        writer.writerow(map(csv_cell, [row.start, row.end, *groups, *(getattr(row, name) for name in _FIGURES)]))


def _print_table(names: Sequence[str], rows: Sequence[MarginRow], currency: str) -> None:
    spans = ["FROM"] if _WINDOWS & {*names} else []
    labels = [name for name in names if name not in _WINDOWS]
    columns = ["EVENTS", "CHARGE", "UNIT", "COST", "MARGIN", "% OF COST", "UNCOSTED", "ESTIMATED", "UNPRICED"]
    percents = [_percent(row.margin_percent) for row in rows]
    width = max(map(len, percents), default=0)
    show_table(
        [*spans, *map(str.upper, labels), *columns],
        [
            (
                *((row.start,) if spans else ()),
                *(row.group[name] for name in labels),
                row.events,
                Amount(row.charge, row.unit),
                row.unit,
                Amount(row.cost, currency),
                Amount(row.margin, currency),
                percent.rjust(width),
                row.uncosted,
                row.estimated,
                row.unpriced,
            )
            for row, percent in zip(rows, percents, strict=True)
        ],
        empty="No usage in this range.",
    )


def _percent(percent: Decimal | None) -> str:
    """A margin in percent of its cost, with two decimals, in the table as in the sentence below it."""
    return "-" if percent is None else grouped(percent, 2)


def _print_totals(totals: Sequence[MarginRow], currency: str) -> None:
    for row in totals:
        charge = amount_in_words(row.charge, row.unit) if row.unit else "nothing"
        text = f"Charged {charge}, cost {amount_in_words(row.cost, currency)}"
        if row.margin is not None:
            text += f": margin {amount_in_words(row.margin, currency)}"
        if row.margin_percent is not None:
            text += f", {_percent(row.margin_percent)} % of the cost"
        print_line(f"{text}.")
