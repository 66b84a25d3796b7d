"""The demo's part with AI models: operations that cost what their calls took, and the bill beside the books."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from openai import OpenAI

from demo.cast import REVIEWER
from demo.client import Client
from demo.compare import Figure, alert_figures, gate_figures
from demo.expect import DEARER, KNOWN, REVIEW_FALLBACK, REVIEW_MARGIN, UNKNOWN, UNTOLD, cost_of_usage
from demo.report import Report, money
from demo.server import Server
from tollkeeper import Tollkeeper, clock
from tollkeeper.simulator import Simulator, SimulatorSettings, running
from tollkeeper.simulator.model import Bill, Discrepancy

_KEY = REVIEWER.key
_INSTRUCTIONS = "You review CVs for a backend engineer: name strengths, gaps, and one question to ask. " * 50
"""Long enough that the provider keeps it in its cache from the second call on."""
_STREAMED = "At length"
_REVIEWS = {"review-1": ["In short"], "review-2": [_STREAMED], "review-3": ["In short", "Once more"]}
_UNPRICED = "review-4"
_FINDINGS = {"price_gap": "at another price than the book's", "missing_here": "a call that nobody told of"}


@dataclass(frozen=True, slots=True)
class _Product:
    """The customer's product, which calls models with the package `openai`."""

    toll: Tollkeeper
    openai: OpenAI
    provider: Simulator

    def review(self, id: str, model: str, texts: Iterable[str]) -> list[Bill]:
        """One operation, with a call for each text; what the provider bills for it."""
        before, metered = len(self.provider.bills()), self.toll.wrap(self.openai)
        with self.toll.operation("cv_review", customer=_KEY, id=id):
            for text in texts:
                _ask(metered, model, text)
        return self.provider.bills()[before:]


def call_models(server: Server, client: Client, report: Report) -> Iterator[Figure]:
    """Operations call models, one of them without a price; then comes the bill, which differs on purpose."""
    client.put_customer(_KEY, name=REVIEWER.name, timezone=REVIEWER.timezone)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with (
        TemporaryDirectory() as folder,
        running(SimulatorSettings(seed=7)) as provider,
        OpenAI(base_url=provider.openai_url, api_key="sk-proj-demo-1", project="proj_demo") as openai,
        Tollkeeper(server.url, client.key, spool=f"{folder}/spool.sqlite") as toll,
    ):
        product = _Product(toll, openai, provider)
        report.step("provider", "simulated; the product calls it with the package openai, which the SDK has wrapped")
        # A day is billed when it's over: the product and its provider do all this yesterday at noon.
        with patch.object(clock, "now", lambda: today - timedelta(hours=12)):
            yield from _review(product, client, report)
            yield from _review_without_price(product, client, report)
            _ask(openai, UNTOLD, "Nobody tells Tollkeeper of this one")
        provider.differ(Discrepancy(prices={KNOWN: Decimal(DEARER.numerator) / DEARER.denominator}))
        found = server.reconcile(provider.openai_url, today - timedelta(days=1), today)
    yield from _bill(provider.bills(), found, report)
    yield from _margins(provider.bills(), client, report)


def _ask(client: OpenAI, model: str, text: str) -> None:
    messages: Any = [{"role": "system", "content": _INSTRUCTIONS}, {"role": "user", "content": text}]
    answer: Any = client.chat.completions.create(model=model, messages=messages, stream=text == _STREAMED)
    if text == _STREAMED:
        for _ in answer:
            pass  # a product would show it


def _review(product: _Product, client: Client, report: Report) -> Iterator[Figure]:
    """By a model that the price book knows: each review costs what its calls took, and a margin is added."""
    shown: list[str] = []
    for id, texts in _REVIEWS.items():
        cost = _cost(product.review(id, KNOWN, texts), KNOWN)
        event = client.event(_KEY, id)
        yield from gate_figures(REVIEWER, id, {"cost": cost, "charge": cost * (1 + REVIEW_MARGIN)}, event)
        shown.append(f"{id} {event['charge']} (cost {event['cost']})")
    calls = [call for texts in _REVIEWS.values() for call in texts]
    counted = f"{len(calls)} calls of {KNOWN}, {calls.count(_STREAMED)} of them streamed"
    report.step("reviews", f"{len(_REVIEWS)} operations of {_KEY}: {counted}")
    report.step("charged", ", ".join(shown))


def _review_without_price(product: _Product, client: Client, report: Report) -> Iterator[Figure]:
    """By a model that the price book doesn't know: its cost is unknown, which isn't 0."""
    product.review(_UNPRICED, UNKNOWN, ["In short"])
    event, alerts = client.event(_KEY, _UNPRICED), client.alerts(_KEY)
    found = {"charge": event["charge"], "estimated": event["estimated"], "cost unknown": event["cost"] is None}
    expected = {"charge": REVIEW_FALLBACK, "estimated": 1, "cost unknown": 1, "open calls": 1}
    found["open calls"] = len(client.open_calls(_KEY))
    yield from gate_figures(REVIEWER, _UNPRICED, expected, found)
    yield from alert_figures(REVIEWER, ["call_unpriced"], alerts)
    cost = "unknown, not 0" if event["cost"] is None else event["cost"]
    marked = ", marked as an estimate" if event["estimated"] else ""
    told = f"cost {cost}; the fallback is charged, {event['charge']} USD{marked}"
    report.step("unpriced", f"{_UNPRICED} called {UNKNOWN}: {told}")
    for alert in alerts:
        report.step("alert", f"{alert['topic']}: {alert['model']}; the price book lacks: {', '.join(alert['missing'])}")


def _bill(bills: Sequence[Bill], grains: Sequence[Mapping[str, Any]], report: Report) -> Iterator[Figure]:
    """Why the bill isn't the books: one model is dearer, one call isn't known here. What is left is booked."""
    gap, missing = (DEARER - 1) * _cost(bills, KNOWN), _cost(bills, UNTOLD)
    asked = sum((_cost(bills, model) for model in (KNOWN, UNKNOWN, UNTOLD)), gap)
    found = {"price_gap": Fraction(0), "missing_here": Fraction(0), "extra_here": Fraction(0)}
    for part in (part for grain in grains for part in grain["parts"]):
        found[part["finding"]] += Fraction(part["amount"])
    found["booked"] = sum((Fraction(grain["change"]) for grain in grains), Fraction(0))
    found["asked"] = sum((Fraction(grain["their_money"]) for grain in grains), Fraction(0))
    expected = {"price_gap": gap, "missing_here": missing, "extra_here": 0, "booked": gap + missing, "asked": asked}
    yield from gate_figures(REVIEWER, "bill", expected, found)
    more = f"{money(found['booked'])} more than the books, booked as variance"
    report.step("reconciled", f"the provider asks {money(found['asked'])} USD, {more}")
    for finding, why in _FINDINGS.items():
        models = ", ".join(grain["model"] for grain in grains if grain["finding"] == finding)
        report.step("", f"{finding} {money(found[finding])}: {models}, {why}")


def _margins(bills: Sequence[Bill], client: Client, report: Report) -> Iterator[Figure]:
    """What is left of the charges; the bill has told what the model without a price took, and its charge goes by it."""
    rows = client.margins(_KEY)
    for model in (KNOWN, UNKNOWN):
        cost, row = _cost(bills, model), rows.get(model, {})
        expected = {"cost": cost, "charge": cost * (1 + REVIEW_MARGIN), "margin": cost * REVIEW_MARGIN}
        yield from gate_figures(REVIEWER, f"margin of {model}", expected, row)
        now = " (no longer the fallback)" if model == UNKNOWN else ""
        told = f"{model}: charge {row.get('charge')} - cost {row.get('cost')} = {row.get('margin')} USD"
        report.step("margin", told + now)
    cost = _cost(bills, KNOWN) + _cost(bills, UNKNOWN)
    owed = cost * (1 + REVIEW_MARGIN)
    accounts = {"provider_cost": cost, "provider_payable": -cost, "receivable": owed, "revenue": -owed}
    yield from gate_figures(REVIEWER, "ledger", accounts, client.balance(_KEY))


def _cost(bills: Iterable[Bill], model: str) -> Fraction:
    """What the model's calls take by the list of prices."""
    return sum((cost_of_usage(model, bill.usage) for bill in bills if bill.model == model), Fraction(0))
