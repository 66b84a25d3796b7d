"""`tollkeeper alerts`: what somebody should hear of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tollkeeper.cli.asking import AnyCustomer, OrCustomer, one_customer
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import as_text, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import PublishedFact, Tx, list_facts
from tollkeeper.gate import TOPICS, alert_in_words

app = typer.Typer(add_completion=False)


@app.command()
def list_alerts(
    ctx: typer.Context,
    customer: AnyCustomer = None,
    or_customer: OrCustomer = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most alerts to list.")] = 100,
) -> None:
    """List alerts, newest first: limits that are nearly used, low balances, expiring grants, unpriced calls."""
    customer = one_customer(customer, or_customer)

    async def work(tx: Tx) -> list[PublishedFact]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        return await list_facts(tx, customer_id, topics=TOPICS, limit=limit)

    found = run_transaction(ctx, work, None if customer is None else customer_id_of(customer))
    if wants_json(ctx):
        show_json([public(fact) for fact in found])
        return
    show_table(
        ["TIME", "CUSTOMER", "TOPIC", "ALERT"],
        [(fact.created_at, fact.customer, fact.topic, in_words(fact)) for fact in found],
        empty="No alerts.",
    )


def public(fact: PublishedFact) -> dict[str, Any]:
    """The alert as the API shows it."""
    own = {"id": fact.fact_id, "customer": fact.customer, "topic": fact.topic, "created_at": fact.created_at}
    return own | {name: value for name, value in fact.body.items() if name not in own}


def in_words(fact: PublishedFact) -> str:
    """What an alert says; one whose topic has no words is told as it stands."""
    return alert_in_words(fact.topic, fact.body) or as_text(fact.body)
