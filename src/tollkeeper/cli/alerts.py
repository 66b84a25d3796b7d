"""`tollkeeper alerts`: what somebody should hear of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from tollkeeper.cli.asking import AnyCustomer, OrCustomer, one_customer
from tollkeeper.cli.context import run_transaction, wants_json
from tollkeeper.cli.output import as_text, show_json, show_table
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import PublishedFact, Tx, list_facts
from tollkeeper.gate import TOPICS
from tollkeeper.money import amount_in_words, grouped

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
        [(fact.created_at, fact.customer, fact.topic, in_words(fact.topic, fact.body)) for fact in found],
        empty="No alerts.",
    )


def public(fact: PublishedFact) -> dict[str, Any]:
    """The alert as the API shows it."""
    own = {"id": fact.fact_id, "customer": fact.customer, "topic": fact.topic, "created_at": fact.created_at}
    return own | {name: value for name, value in fact.body.items() if name not in own}


def in_words(topic: str, body: Mapping[str, Any]) -> str:
    """What an alert says; one whose topic has no words here is told as it stands."""
    match topic:
        case "limit_threshold":
            of = f" of member {body['member']}" if body["member"] else ""
            used, cap = (_amount(body[name], body["unit"]) for name in ("used", "cap"))
            per = body["per"].replace("_", " ")
            return f"{body['percent']} % of the limit {body['limit']}{of} is reached: {used} of {cap} per {per}"
        case "balance_low":
            balance, threshold = (_amount(body[name], body["unit"]) for name in ("balance", "threshold"))
            return f"{balance} is left, less than {threshold}"
        case "balance_exhausted":
            return f"No {body['unit']} is left"
        case "call_unpriced":
            told = f"Calls to {body['model']} of {body['provider']} have no price ({', '.join(body['missing'])}): since"
            return f"{told} {body['event']} of {body['day']}"
        case "grant_expiring":
            remaining = _amount(body["remaining"], body["unit"])
            return f"{remaining} of the grant {body['grant']} expires at {body['expires_at']}"
        case "plan_chosen":
            return f"The customer has chosen the plan {body['plan']}, from {body['from']}"
        case "top_up_late":
            bought, price = _amount(body["amount"], body["unit"]), _amount(body["price"], body["currency"])
            return f"{price} came for {bought}, after the top-up {body['top_up']} had ended ({body['ended']})"
    return as_text(body)


def _amount(text: str, unit: str | None) -> str:
    return grouped(Decimal(text)) if unit is None else amount_in_words(Decimal(text), unit)
