"""Alerts: facts that a person or a product should hear of, put into the outbox by the transaction that causes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.calls import NewCall
from tollkeeper.catalog import in_words
from tollkeeper.db import Fact
from tollkeeper.gate.standing import Standing
from tollkeeper.money import amount_in_words, grouped, plain
from tollkeeper.wallets import Wallet

BALANCE_LOW = "balance_low"
BALANCE_EXHAUSTED = "balance_exhausted"
CALL_UNPRICED = "call_unpriced"
GRANT_EXPIRING = "grant_expiring"
LIMIT_THRESHOLD = "limit_threshold"
PLAN_CHOSEN = "plan_chosen"
TOP_UP_LATE = "top_up_late"
"""Money came for a top-up that had ended otherwise: payments tells of it."""
TOP_UP_PAID_AGAIN = "top_up_paid_again"
"""A top-up that is paid was told to be paid, and not as the same payment."""

TOPICS = (
    BALANCE_EXHAUSTED,
    BALANCE_LOW,
    CALL_UNPRICED,
    GRANT_EXPIRING,
    LIMIT_THRESHOLD,
    PLAN_CHOSEN,
    TOP_UP_LATE,
    TOP_UP_PAID_AGAIN,
)
"""What alerts are about."""

CUSTOMER_TOPICS = tuple(topic for topic in TOPICS if topic not in (CALL_UNPRICED, TOP_UP_LATE, TOP_UP_PAID_AGAIN))
"""What a customer should hear of as well; what calls cost, and odd payments, are the operator's business."""


def balance_facts(wallet: Wallet, before: Decimal, standing: Standing, transaction_id: UUID) -> Iterator[Fact]:
    """What is to be told of a wallet that had `before` and has less now: that it has run low, that it's empty.

    Each is told when the balance falls past the line, so again after it has been above it.
    """
    source = standing.source(wallet.unit)
    body = {"unit": wallet.unit, "balance": plain(wallet.balance), "top_up_url": source.top_up_url}
    if source.low_balance is not None and wallet.balance < source.low_balance <= before:
        key = f"{BALANCE_LOW}:{wallet.unit}:{transaction_id}"
        yield Fact(wallet.customer_id, BALANCE_LOW, key, body | {"threshold": plain(source.low_balance)})
    if before > 0 and not wallet.balance:
        yield Fact(wallet.customer_id, BALANCE_EXHAUSTED, f"{BALANCE_EXHAUSTED}:{wallet.unit}:{transaction_id}", body)


def call_unpriced(customer_id: str, event_id: str, call: NewCall, day: str) -> Fact:
    """That a call's cost isn't known: told once a local day for each provider and model."""
    key = f"{CALL_UNPRICED}:{call.provider}:{call.model}:{day}"
    body = {"provider": call.provider, "model": call.model, "missing": [*call.missing], "event": event_id, "day": day}
    return Fact(customer_id, CALL_UNPRICED, key, body)


def alert_in_words(topic: str, body: Mapping[str, Any]) -> str | None:
    """What an alert says; None where its topic has no words here."""
    match topic:
        case "limit_threshold":
            of = f" of member {body['member']}" if body["member"] else ""
            used, cap = (_amount(body[name], body["unit"]) for name in ("used", "cap"))
            per = body["per"].replace("_", " ")
            name = body.get("name") or in_words(body["limit"])  # it has one since limits have names
            return f"{body['percent']} % of the limit {name!r}{of} is reached: {used} of {cap} per {per}"
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
        case "top_up_paid_again":
            first, again = (body[name] or "without a reference" for name in ("paid_as", "again_as"))
            price = _amount(body["price"], body["currency"])
            return f"{price} may have come twice: the top-up {body['top_up']} was paid ({first}), and again ({again})"
    return None


def _amount(text: str, unit: str | None) -> str:
    return grouped(Decimal(text)) if unit is None else amount_in_words(Decimal(text), unit)
