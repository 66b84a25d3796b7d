"""Expectation against the server's figures. Equal means equal: no tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from demo.cast import Company
from demo.expect import Expected


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, from both sides."""

    customer: str
    what: str
    expected: Fraction
    found: Fraction

    @property
    def agrees(self) -> bool:
        """Whether both sides say exactly the same."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server says about one customer."""

    total: list[dict[str, Any]]
    """Rows of /v1/usage, one for each meter."""
    days: list[dict[str, Any]]
    """Rows of /v1/usage, one for each meter and day."""
    overview: dict[str, Any]
    balance: Mapping[str, str]


def mismatches(figures: Iterable[Figure]) -> list[Figure]:
    """The figures that differ in anything."""
    return [figure for figure in figures if not figure.agrees]


def figures_of(company: Company, expected: Mapping[str, Expected], answers: Answers) -> Iterator[Figure]:
    """All figures of one customer: usage by meter and by day, and what is owed in the overview and in the ledger."""

    def figure(what: str, wanted: Fraction | int, got: str | int) -> Figure:
        return Figure(company.key, what, Fraction(wanted), Fraction(got))

    rows = {row["meter"]: row for row in answers.total}
    nothing = {"events": 0, "quantity": 0, "charge": 0}
    for meter in sorted(expected.keys() | rows.keys()):
        wanted, row = expected.get(meter, Expected()), rows.get(meter, nothing)
        yield figure(f"usage: events of {meter}", wanted.events, row["events"])
        yield figure(f"usage: quantity of {meter}", wanted.quantity, row["quantity"])
        yield figure(f"usage: charge for {meter}", wanted.charge, row["charge"])
    yield from _days(company, expected, answers.days)
    owed = sum((one.charge for one in expected.values()), Fraction(0))
    for name in ("owed", "total_spent"):
        amounts = {each["unit"]: each["amount"] for each in answers.overview[name]}
        yield figure(f"overview: {name}", owed, amounts.get("USD", 0))
    yield figure("ledger: receivable", owed, answers.balance.get("receivable", 0))
    yield figure("ledger: revenue", -owed, answers.balance.get("revenue", 0))


def gate_figures(
    company: Company, when: str, expected: Mapping[str, Fraction | int], found: Mapping[str, Any]
) -> Iterator[Figure]:
    """Named figures of a wallet, a limit, an account or a refusal; what the answer doesn't have is 0."""
    for name, wanted in expected.items():
        yield Figure(company.key, f"{when}: {name}", Fraction(wanted), Fraction(found.get(name) or 0))


def alert_figures(company: Company, expected: Sequence[str], alerts: Iterable[Mapping[str, Any]]) -> Iterator[Figure]:
    """How often each thing was told: those that are expected once, and nothing else."""
    told = Counter(f"{each['topic']} {each.get('percent', '')}".strip() for each in alerts)
    for what in sorted({*expected, *told}):
        yield Figure(company.key, f"alert: {what}", Fraction(expected.count(what)), Fraction(told[what]))


def _days(company: Company, expected: Mapping[str, Expected], rows: list[dict[str, Any]]) -> Iterator[Figure]:
    """Token quantities of each of the customer's own days."""
    zone = ZoneInfo(company.timezone)
    found = {
        (row["meter"], datetime.fromisoformat(row["start"]).astimezone(zone).date()): row["quantity"] for row in rows
    }
    for meter, one in expected.items():
        for day, quantity in one.by_day.items():
            got = found.get((meter, day), 0)
            yield Figure(company.key, f"usage: {meter} on {day}", Fraction(quantity), Fraction(got))
