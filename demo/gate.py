"""The demo's part before usage: operations that ask first, and are refused before they cost money."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from demo.cast import CALLER, PREPAID, TEAM
from demo.client import Client
from demo.compare import Figure, alert_figures, gate_figures
from demo.expect import (
    CALL_TOKENS,
    DAILY_TOKENS,
    INTERVIEWS_BEGUN,
    INTERVIEWS_BOUGHT,
    INTERVIEWS_RUN,
    LOW_BALANCE,
    calls_that_fit,
    charge_of_calls,
    next_midnight,
    percents_reached,
)
from demo.report import Report

_CREDIT = "interview_credit"
_LIMIT = "daily_tokens"


def refuse_interviews(client: Client, report: Report) -> Iterator[Figure]:
    """A customer with three credits begins five interviews at once: three run, two are refused."""
    key = PREPAID.key
    client.put_customer(key, name=PREPAID.name, timezone=PREPAID.timezone)
    client.grant(key, {"id": "order-1001", "unit": _CREDIT, "amount": str(INTERVIEWS_BOUGHT), "kind": "paid"})
    ids = [f"interview-{number}" for number in range(1, INTERVIEWS_BEGUN + 1)]
    with ThreadPoolExecutor(INTERVIEWS_BEGUN) as together:
        answers = [*together.map(lambda id: client.hold({"id": id, "customer": key, "meter": "interview"}), ids)]
    running = [answer["id"] for answer in answers if "code" not in answer]
    refused = [answer for answer in answers if "code" in answer]
    report.step(
        "credits",
        f"{key} has {INTERVIEWS_BOUGHT}; {INTERVIEWS_BEGUN} interviews begin at once: "
        f"{len(running)} may, {len(refused)} are refused",
    )
    refusal = refused[0] if refused else {}
    report.step("refused", f"{refusal.get('code')}: {refusal.get('detail')} More: {refusal.get('top_up_url')}")
    begun = {"balance": INTERVIEWS_BOUGHT, "held": INTERVIEWS_RUN, "available": INTERVIEWS_BOUGHT - INTERVIEWS_RUN}
    left = INTERVIEWS_BOUGHT - INTERVIEWS_RUN
    counts = {"running": len(running), "refused": len(refused)}
    expected = {"running": INTERVIEWS_RUN, "refused": INTERVIEWS_BEGUN - INTERVIEWS_RUN}
    yield from gate_figures(PREPAID, "interviews", expected, counts)
    yield from gate_figures(PREPAID, "refusal", {"status": 402, "needed": 1, "available": left}, refusal)
    yield from gate_figures(PREPAID, "wallet, interviews under way", begun, client.wallet(key, _CREDIT))
    charged = sum(Fraction(client.settle(key, each)["hold"]["charged"]) for each in running)
    wallet, alerts = client.wallet(key, _CREDIT), client.alerts(key)
    told = ", ".join(alert["topic"] for alert in alerts)
    report.step(
        "settled", f"{charged} credits charged, paid by the wallet; {wallet.get('balance')} left. Alerts: {told}"
    )
    yield from gate_figures(
        PREPAID, "wallet, interviews settled", {"balance": left, "held": 0, "available": left}, wallet
    )
    accounts = {"cash": INTERVIEWS_BOUGHT, "wallet": -left, "receivable": 0, "revenue": -INTERVIEWS_RUN}
    yield from gate_figures(PREPAID, "ledger, credits", accounts, client.balance(key, _CREDIT))
    low = ["balance_low"] if left < LOW_BALANCE else []
    yield from alert_figures(PREPAID, [*low, *(["balance_exhausted"] if not left else [])], alerts)


def use_up_limit(client: Client, report: Report) -> Iterator[Figure]:
    """A member reaches 80 % and 100 % of a daily limit; the next call is refused, and told until when."""
    client.put_customer(TEAM.key, name=TEAM.name, timezone=TEAM.timezone)
    client.put_plan(TEAM.key, "team")
    tokens, fitting = sum(CALL_TOKENS.values()), calls_that_fit()
    report.step(
        "limit", f"{CALLER} of {TEAM.key} may use {DAILY_TOKENS:,} tokens a day; {fitting} calls of {tokens:,} are held"
    )
    for number in range(1, fitting + 1):
        used, call = (number - 1) * tokens, f"call-{number}"
        held = client.hold(_call(call, tokens))
        state = next((each for each in held.get("limits", ()) if each["limit"] == _LIMIT), {})
        after = {"used": used, "held": tokens, "remaining": DAILY_TOKENS - used - tokens}
        yield from gate_figures(TEAM, f"limit, {call} held", after, state)
        events = [
            {"id": f"{call}-{meter}", "meter": meter, "quantity": str(quantity), "member": CALLER}
            for meter, quantity in CALL_TOKENS.items()
        ]
        client.settle(TEAM.key, call, events)
    alerts = client.alerts(TEAM.key)
    for alert in alerts:
        told = f"{alert['percent']} % of {alert['limit']} is reached: {int(alert['used']):,} of {int(alert['cap']):,}"
        report.step("alert", told)
    used, now = fitting * tokens, datetime.now(UTC)
    refusal = client.hold(_call("one-too-many", tokens))
    report.step("refused", f"{refusal.get('code')}: {refusal.get('detail')} Resets at {refusal.get('resets_at')}.")
    yield from alert_figures(TEAM, [f"limit_threshold {percent}" for percent in percents_reached(used)], alerts)
    state = {"used": used, "held": 0, "cap": DAILY_TOKENS}
    yield from gate_figures(TEAM, "refusal", {"status": 429, "needed": tokens} | state, refusal)
    reset = refusal.get("resets_at") or now.isoformat()
    midnight = next_midnight(now, TEAM.timezone)
    seconds = {"seconds": int(datetime.fromisoformat(reset).timestamp())}
    yield from gate_figures(TEAM, "refusal, resets_at", {"seconds": int(midnight.timestamp())}, seconds)
    limit = client.limit(TEAM.key, CALLER, _LIMIT)
    yield from gate_figures(TEAM, "limit at the end", state | {"remaining": DAILY_TOKENS - used}, limit)
    owed = charge_of_calls(fitting)
    yield from gate_figures(TEAM, "ledger", {"receivable": owed, "revenue": -owed}, client.balance(TEAM.key))


def _call(id: str, tokens: int) -> dict[str, Any]:
    """A call that may take so many tokens, of whichever kind."""
    return {"id": id, "customer": TEAM.key, "member": CALLER, "meter": "output_tokens", "quantity": str(tokens)}
