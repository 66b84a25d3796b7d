"""`tollkeeper overview`: one customer on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from tollkeeper import clock
from tollkeeper.analytics import Overview, Spend, overview
from tollkeeper.books import Books
from tollkeeper.catalog import LimitBy, load
from tollkeeper.cli import alerts, limit, plan
from tollkeeper.cli.balance import Purse, show_wallets, wallets_of
from tollkeeper.cli.books import read_up_to_date, run_books
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, as_text, print_line, show_fields, show_json, show_table
from tollkeeper.customers import Customer, get_customer
from tollkeeper.db import PublishedFact, Tx, list_facts
from tollkeeper.gate import TOPICS
from tollkeeper.money import amount_in_words
from tollkeeper.rating import MODELS

app = typer.Typer(add_completion=False)

_LATEST_ALERTS = 5


@dataclass(frozen=True, slots=True)
class Page:
    """All that is shown of a customer."""

    customer: Customer
    usage: Overview
    plan: plan.OnPlan
    wallets: list[Purse]
    limits: list[limit.Shown]
    """Those of the customer as a whole that are switched on."""
    alerts: list[PublishedFact]


@app.command()
def show_overview(ctx: typer.Context, key: Annotated[str, typer.Argument(help="The customer's key.")]) -> None:
    """Show what a customer has, what it has used this month, what it has spent, and what it owes."""

    async def work(books: Books) -> Page:
        return await read_up_to_date(books, key, lambda tx: _read(books, tx, key))

    found = run_books(ctx, work)
    if wants_json(ctx):
        _show_json(found)
    else:
        _show(found)


async def _read(books: Books, tx: Tx, key: str) -> Page:
    customer, now = await get_customer(tx, key), clock.now()
    limits = await limit.read_limits(books, tx, key, None, now)
    return Page(
        customer,
        await overview(tx, customer, await load(tx, MODELS), now),
        await plan.read_plan(books, tx, key, now),
        await wallets_of(tx, customer),
        [one for one in limits.limits if one.limit.by is LimitBy.CUSTOMER and one.limit.enabled],
        await list_facts(tx, customer.customer_id, topics=TOPICS, limit=_LATEST_ALERTS),
    )


def _show(page: Page) -> None:
    customer, found = page.customer, page.usage
    fields: dict[str, object] = {
        "customer": customer.key if customer.name == customer.key else f"{customer.key} ({customer.name})"
    }
    if page.plan.key is not None or page.plan.next is not None:
        fields |= plan.fields_of(page.plan)
    fields |= {
        "owed": _in_words(found.owed),
        "spent": f"{_in_words(found.spent)} from {as_text(found.period.start)}",
        "spent in all": _in_words(found.total_spent),
    }
    if found.unpriced:
        fields["unpriced"] = f"{found.unpriced} events have no price yet"
    if found.estimated:
        fields["estimated"] = f"{found.estimated} events are charged by an estimate"
    show_fields(fields)
    print_line("")
    if page.wallets:
        show_wallets(page.wallets)
        print_line("")
    show_table(
        ["METER", "QUANTITY", "OF", "EVENTS", "CHARGE", "UNIT", "COST"],
        [
            (m.name, m.quantity, m.meter_unit, m.events, Amount(m.charge, m.unit), m.unit, Amount(m.cost, m.unit))
            for m in found.meters
        ],
        empty="No usage yet.",
    )
    if page.limits:
        print_line("")
        limit.show_limits(page.limits)
    if page.alerts:
        print_line("")
        show_table(
            ["TIME", "ALERT"],
            [(fact.created_at, alerts.in_words(fact)) for fact in page.alerts],
        )


def _in_words(amounts: Sequence[Spend]) -> str:
    return ", ".join(amount_in_words(one.amount, one.unit) for one in amounts if one.amount) or "nothing"


def _show_json(page: Page) -> None:
    customer, found = page.customer, page.usage
    show_json(
        {
            "customer": customer.key,
            "name": customer.name,
            "currency": customer.currency,
            "timezone": customer.timezone,
            "as_of": found.as_of,
            "period": found.period,
            "plan": plan.present(page.plan),
            "wallets": page.wallets,
            "owed": found.owed,
            "spent": found.spent,
            "total_spent": found.total_spent,
            "meters": found.meters,
            "unpriced": found.unpriced,
            "estimated": found.estimated,
            "limits": [limit.public(one) for one in page.limits],
            "alerts": [alerts.public(fact) for fact in page.alerts],
        }
    )
