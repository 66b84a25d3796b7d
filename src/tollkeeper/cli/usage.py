"""`tollkeeper usage`: what a customer has used, summed up."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import UsageQuery, UsageRow, Window, csv_cell, parse_filter, recent_range, usage
from tollkeeper.catalog import load
from tollkeeper.cli.asking import Filter, From, OfCustomer, To, instant
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import Amount, show_json, show_table
from tollkeeper.customers import Customer, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)

_FIGURES = ("events", "quantity", "charge", "unit", "cost", "unpriced", "uncosted", "estimated")


@app.command()
def show_usage(
    ctx: typer.Context,
    customer: OfCustomer,
    meter: Annotated[str | None, typer.Option(help="Only this meter.")] = None,
    start: From = None,
    end: To = None,
    window: Annotated[Window, typer.Option(help="How long the rows' windows are.")] = Window.TOTAL,
    group_by: Annotated[
        list[str] | None, typer.Option(help="A declared dimension, or member; may be repeated.")
    ] = None,
    filter: Filter = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone that windows are cut in.", show_default="the customer's")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV.")] = False,
) -> None:
    """Sum up usage by meter, window of time and dimension; the last 30 days unless told otherwise."""
    now = clock.now()

    async def work(tx: Tx) -> tuple[Customer, UsageQuery, list[UsageRow]]:
        found = await get_customer(tx, customer)
        tz = clock.zone(timezone or found.timezone)
        span = recent_range(instant(start, tz, "from"), instant(end, tz, "to"), now)
        query = UsageQuery(
            start=span.start,
            end=span.end,
            window=window,
            meter=meter,
            timezone=timezone,
            group_by=tuple(name for names in group_by or [] for name in names.split(",") if name),
            filter=parse_filter(filter or ()),
        )
        return found, query, await usage(tx, found, await load(tx, MODELS), query)

    found, query, rows = run_transaction(ctx, work, customer_id_of(customer))
    if wants_json(ctx):
        _show_json(found, query, now, rows)
    elif as_csv:
        _print_csv(query, rows)
    else:
        _print_table(query, rows)


def _show_json(customer: Customer, query: UsageQuery, as_of: datetime, rows: Sequence[UsageRow]) -> None:
    show_json(
        {
            "customer": customer.key,
            "start": query.start,
            "end": query.end,
            "window": query.window,
            "timezone": query.timezone or customer.timezone,
            "as_of": as_of,
            "rows": rows,
        }
    )


def _print_csv(query: UsageQuery, rows: Sequence[UsageRow]) -> None:
    """The columns of the API's CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["start", "end", "meter", *(f"group.{name}" for name in query.group_by), *_FIGURES])
    for row in rows:
        groups = [row.group[name] for name in query.group_by]
        figures = [getattr(row, name) for name in _FIGURES]
        writer.writerow(map(csv_cell, [row.start, row.end, row.meter, *groups, *figures]))


def _print_table(query: UsageQuery, rows: Sequence[UsageRow]) -> None:
    spans = [] if query.window is Window.TOTAL else ["FROM", "TO"]
    show_table(
        [*spans, "METER", *map(str.upper, query.group_by), "EVENTS", "QUANTITY", "CHARGE", "UNIT", "COST", "UNPRICED"],
        [
            (
                *((row.start, row.end) if spans else ()),
                row.meter,
                *(row.group[name] for name in query.group_by),
                *(
                    row.events,
                    row.quantity,
                    Amount(row.charge, row.unit),
                    row.unit,
                    Amount(row.cost, row.unit),
                    row.unpriced,
                ),
            )
            for row in rows
        ],
        empty="No usage in this range.",
    )
