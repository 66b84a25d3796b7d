"""What every customer should owe, by arithmetic of the demo's own: whole tokens and fractions, nothing of Tollkeeper's.

The prices stand here a second time on purpose. Were they read from catalog.toml, a mistake in reading it would be on
both sides of the comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from demo.cast import COMPANIES, INCLUDED, LATE, RECRUITER, TIERED, Company, role_of
from demo.trace import Request

_MILLION = 1_000_000
_INPUT = Fraction(3, _MILLION)
_OUTPUT = Fraction(15, _MILLION)
_OUTPUT_LATER = Fraction(12, _MILLION)
_TIERS = (
    (0, 50_000, Fraction(15, _MILLION)),
    (50_000, 200_000, Fraction(11, _MILLION)),
    (200_000, None, Fraction(8, _MILLION)),
)
_INCLUDED_TOKENS = 200_000

FIRST_TIER = 50_000
"""Upper edge of the first tier."""

JOB_TOTAL = Fraction("12.51")
"""5,000 tokens at 0.002 for 1,000, ten CVs at 0.50, and 75 minutes at 0.10."""

_JOB = {
    "question_tokens": (1, 5000, Fraction("0.01")),
    "cv_parse": (10, 10, Fraction("5.00")),
    "interview_minute": (5, 75, Fraction("7.50")),
}


@dataclass(slots=True)
class Expected:
    """What one meter of one customer should come to."""

    events: int = 0
    quantity: int = 0
    charge: Fraction = Fraction(0)
    by_day: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    """Quantities of the customer's own days."""


Expectation = dict[str, dict[str, Expected]]
"""By customer and meter."""


INTERVIEWS_BOUGHT, INTERVIEWS_BEGUN = 3, 5
INTERVIEWS_RUN = min(INTERVIEWS_BOUGHT, INTERVIEWS_BEGUN)
"""Each takes one credit."""
LOW_BALANCE = 2

CALL_TOKENS = {"input_tokens": 1500, "output_tokens": 500}
"""What each call of the team's member takes, and is held for: all of it together."""
DAILY_TOKENS = 10_000
WARNED_AT = (80, 100)

REVIEW_MARGIN, REVIEW_FALLBACK = Fraction(25, 100), Fraction("0.05")
KNOWN, UNKNOWN, UNTOLD = "gpt-4o-2024-08-06", "gpt-nova-unreleased", "gpt-4.1-mini-2025-04-14"
"""Models: one for most reviews, one that the price book lacks, and one that is called without telling Tollkeeper."""
DEARER = Fraction("1.02")
"""What the provider asks for KNOWN is so many times its price."""
_MODEL_PRICES = {
    KNOWN: (Fraction("2.50"), Fraction("1.25"), Fraction("10.00")),
    UNKNOWN: (Fraction(2), Fraction(2), Fraction(2)),
    UNTOLD: (Fraction("0.40"), Fraction("0.10"), Fraction("1.60")),
}
"""A million tokens of the prompt, of its part that comes from the cache, and of the answer."""


def cost_of_usage(model: str, usage: Mapping[str, Any]) -> Fraction:
    """What a call takes, by the provider's own usage object: cached tokens are within the prompt."""
    prompt, cached, answer = _MODEL_PRICES[model]
    from_cache = usage["prompt_tokens_details"]["cached_tokens"]
    fresh = usage["prompt_tokens"] - from_cache
    return (fresh * prompt + from_cache * cached + usage["completion_tokens"] * answer) / _MILLION


def calls_that_fit() -> int:
    """How many of the member's calls fit under the daily limit."""
    return DAILY_TOKENS // sum(CALL_TOKENS.values())


def percents_reached(used: int) -> list[int]:
    """The percents of the daily limit that are told of once so many tokens are used."""
    return [percent for percent in WARNED_AT if used * 100 >= DAILY_TOKENS * percent]


def charge_of_calls(calls: int) -> Fraction:
    """What so many calls cost, at the prices of the second half."""
    return calls * (CALL_TOKENS["input_tokens"] * _INPUT + CALL_TOKENS["output_tokens"] * _OUTPUT_LATER)


def next_midnight(now: datetime, timezone: str) -> datetime:
    """When the day of `now` is over there."""
    day = now.astimezone(ZoneInfo(timezone)).date() + timedelta(days=1)
    return datetime.combine(day, time(), ZoneInfo(timezone))


def expect(requests: Iterable[Request], halfway: datetime) -> Expectation:
    """The whole expectation: the trace, the recruiting job, and the event that came too early for its customer."""
    found: Expectation = {company.key: defaultdict(Expected) for company in COMPANIES}
    yearly: dict[tuple[str, int], int] = defaultdict(int)
    for request in requests:
        company = role_of(request.row).company
        meters, day = found[company.key], request.time.astimezone(ZoneInfo(company.timezone)).date()
        _count(meters["input_tokens"], request.input_tokens, day)
        _count(meters["output_tokens"], request.output_tokens, day)
        if company is INCLUDED:
            yearly["input", day.year] += request.input_tokens
        else:
            meters["input_tokens"].charge += request.input_tokens * _INPUT
        if company is TIERED:
            yearly["output", day.year] += request.output_tokens
        else:
            meters["output_tokens"].charge += request.output_tokens * _output_price(request.time, halfway)
    for (kind, _), tokens in yearly.items():
        if kind == "input":
            found[INCLUDED.key]["input_tokens"].charge += max(0, tokens - _INCLUDED_TOKENS) * _INPUT
        else:
            found[TIERED.key]["output_tokens"].charge += _graduated(tokens)
    for meter, (events, quantity, charge) in _JOB.items():
        found[RECRUITER.key][meter] = Expected(events, quantity, charge)
    found[LATE.key]["input_tokens"] = Expected(1, _MILLION, Fraction(3))
    return found


def owed_by(company: Company, expectation: Expectation) -> Fraction:
    """What the customer should owe."""
    return sum((one.charge for one in expectation[company.key].values()), Fraction(0))


def _count(expected: Expected, tokens: int, day: date) -> None:
    expected.events += 1
    expected.quantity += tokens
    expected.by_day[day] += tokens


def _output_price(time: datetime, halfway: datetime) -> Fraction:
    return _OUTPUT if time < halfway else _OUTPUT_LATER


def _graduated(tokens: int) -> Fraction:
    """Each part of the tokens at its own tier's price."""
    total = Fraction(0)
    for lower, upper, price in _TIERS:
        top = tokens if upper is None else min(tokens, upper)
        total += max(0, top - lower) * price
    return total
