"""The demo's part before usage: operations that ask first, and are refused before they cost money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from demo.cast import CALLER, PREPAID, TEAM
from demo.client import Client
from demo.compare import Figure, alert_figures, gate_figures
from demo.events import Event
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

Answer = dict[str, Any]

_CREDIT = "interview_credit"
_LIMIT = "daily_tokens"


def refuse_interviews(client: Client, report: Report) -> Iterator[Figure]:
    """A customer with three credits begins five interviews at once: three run, two are refused."""
    key, left = PREPAID.key, INTERVIEWS_BOUGHT - INTERVIEWS_RUN
    client.put_customer(key, name=PREPAID.name, timezone=PREPAID.timezone)
    client.grant(key, {"id": "order-1001", "unit": _CREDIT, "amount": str(INTERVIEWS_BOUGHT), "kind": "paid"})
    answers = _begin_at_once(client, INTERVIEWS_BEGUN)
    running, refused = _parted(answers)
    told = f"{len(running)} may, {len(refused)} are refused"
    report.step("credits", f"{key} has {INTERVIEWS_BOUGHT}; {INTERVIEWS_BEGUN} interviews begin at once: {told}")
    yield from gate_figures(
        PREPAID,
        "interviews",
        {"running": INTERVIEWS_RUN, "refused": INTERVIEWS_BEGUN - INTERVIEWS_RUN},
        {"running": len(running), "refused": len(refused)},
    )
    for refusal in refused:
        yield from gate_figures(PREPAID, "refusal", {"status": 402, "needed": 1, "available": left}, refusal)
    begun = {"balance": INTERVIEWS_BOUGHT, "held": INTERVIEWS_RUN, "available": left}
    yield from gate_figures(PREPAID, "wallet, interviews under way", begun, client.wallet(key, _CREDIT))
    if refused:
        why = refused[0]
        report.step("refused", f"{why['code']}: {why['detail']} More: {why['top_up_url']}")
    yield from _settle_interviews(client, report, [hold["id"] for hold in running], left)


def _begin_at_once(client: Client, interviews: int) -> list[Answer]:
    asked = [{"id": f"interview-{i}", "customer": PREPAID.key, "meter": "interview"} for i in range(1, interviews + 1)]
    with ThreadPoolExecutor(interviews) as together:
        return [*together.map(client.hold, asked)]


def _parted(answers: Iterable[Answer]) -> tuple[list[Answer], list[Answer]]:
    """The holds, and the refusals."""
    both: tuple[list[Answer], list[Answer]] = [], []
    for answer in answers:
        both["code" in answer].append(answer)
    return both


def _settle_interviews(client: Client, report: Report, holds: Sequence[str], left: int) -> Iterator[Figure]:
    """All of them take place; afterwards the wallet has `left`."""
    key = PREPAID.key
    charged = sum((Fraction(client.settle(key, hold)["hold"]["charged"]) for hold in holds), Fraction(0))
    wallet, alerts = client.wallet(key, _CREDIT), client.alerts(key)
    told = ", ".join(alert["topic"] for alert in alerts)
    text = f"{charged} credits charged, paid by the wallet; {wallet['balance']} left. Alerts: {told}"
    report.step("settled", text)
    yield from gate_figures(PREPAID, "interviews", {"charged": INTERVIEWS_RUN}, {"charged": charged})
    settled = {"balance": left, "held": 0, "available": left}
    yield from gate_figures(PREPAID, "wallet, interviews settled", settled, wallet)
    accounts = {"cash": INTERVIEWS_BOUGHT, "wallet": -left, "receivable": 0, "revenue": -INTERVIEWS_RUN}
    yield from gate_figures(PREPAID, "ledger, credits", accounts, client.balance(key, _CREDIT))
    low = ["balance_low"] if left < LOW_BALANCE else []
    exhausted = [] if left else ["balance_exhausted"]
    yield from alert_figures(PREPAID, [*low, *exhausted], alerts)


def use_up_limit(client: Client, report: Report) -> Iterator[Figure]:
    """A member reaches 80 % and 100 % of a daily limit; the next call is refused, and told until when."""
    client.put_customer(TEAM.key, name=TEAM.name, timezone=TEAM.timezone)
    client.put_plan(TEAM.key, "team")
    fitting, tokens = calls_that_fit(), sum(CALL_TOKENS.values())
    told = f"{fitting} calls are held and settled, {tokens:,} tokens each"
    report.step("limit", f"{CALLER} of {TEAM.key} may use {DAILY_TOKENS:,} tokens a day; {told}")
    for number in range(fitting):
        yield from _call(client, f"call-{number + 1}", number * tokens)
    alerts = client.alerts(TEAM.key)
    for alert in alerts:
        used, cap = (f"{int(alert[name]):,}" for name in ("used", "cap"))
        report.step("alert", f"{alert['percent']} % of {alert['name']!r} is reached: {used} of {cap} tokens")
    total = fitting * tokens
    yield from alert_figures(TEAM, [f"limit_threshold {percent}" for percent in percents_reached(total)], alerts)
    yield from _refuse_call(client, report, total)
    state = {"used": total, "held": 0, "cap": DAILY_TOKENS, "remaining": DAILY_TOKENS - total}
    yield from gate_figures(TEAM, "limit at the end", state, client.limit(TEAM.key, CALLER, _LIMIT))
    owed = charge_of_calls(fitting)
    yield from gate_figures(TEAM, "ledger", {"receivable": owed, "revenue": -owed}, client.balance(TEAM.key))


def _call(client: Client, id: str, used: int) -> Iterator[Figure]:
    """Hold what the call may take, then settle what went in and what came out."""
    tokens = sum(CALL_TOKENS.values())
    limits = {limit["limit"]: limit for limit in client.hold(_operation(id)).get("limits", ())}
    held = {"used": used, "held": tokens, "remaining": DAILY_TOKENS - used - tokens}
    yield from gate_figures(TEAM, f"limit, {id} held", held, limits.get(_LIMIT, {}))
    events: list[Event] = [
        {"id": f"{id}-{meter}", "meter": meter, "quantity": str(quantity), "member": CALLER}
        for meter, quantity in CALL_TOKENS.items()
    ]
    client.settle(TEAM.key, id, events)


def _refuse_call(client: Client, report: Report, used: int) -> Iterator[Figure]:
    midnight = next_midnight(datetime.now(UTC), TEAM.timezone)
    refusal = client.hold(_operation("one-too-many"))
    report.step("refused", f"{refusal.get('code')}: {refusal.get('detail')} It resets at {refusal.get('resets_at')}.")
    expected = {"status": 429, "used": used, "held": 0, "cap": DAILY_TOKENS, "needed": sum(CALL_TOKENS.values())}
    yield from gate_figures(TEAM, "refusal", expected, refusal)
    told = datetime.fromisoformat(refusal.get("resets_at") or "1970-01-01T00:00:00Z")
    resets = {"resets_at": int(told.timestamp())}
    yield from gate_figures(TEAM, "refusal", {"resets_at": int(midnight.timestamp())}, resets)


def _operation(id: str) -> dict[str, Any]:
    """A call that may take so many tokens, of whichever kind."""
    tokens = sum(CALL_TOKENS.values())
    return {"id": id, "customer": TEAM.key, "member": CALLER, "meter": "output_tokens", "quantity": str(tokens)}
