"""unused_plan: what a plan gives that went unused in its last whole period, and what that is worth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from tollkeeper.analytics import UsageQuery, usage
from tollkeeper.catalog import LimitBy, LimitPeriod, Plan, Price, limit_for_customers
from tollkeeper.catalog.model import ADDITIVE
from tollkeeper.clock import Interval, Period, local_slot, period_of_day
from tollkeeper.db import Queries, Tx
from tollkeeper.money import HUNDRED, ZERO, amount_in_words, grouped, multiply, plain, subtract, sum_of
from tollkeeper.rating import Measure, Step, rate
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.model import Kind, Suggestion, Worth
from tollkeeper.suggestions.words import counted, percent_of

_queries = Queries(__package__ or "")

LITTLE_PERCENT = Decimal(20)
"""At most so much of what a plan gives counts as little."""

CAUTION = (
    "Nothing would have been charged less: this is what the unused part would have been charged, or what was given. A "
    "smaller plan saves where its fee is smaller."
)


async def unused_plan(tx: Tx, case: Case) -> list[Suggestion]:
    """The included quantities and recurring grants of the customer's plan of which little was used."""
    plan = case.standing.plan
    if plan is None:
        return []
    limits = [step async for step in _limits(tx, case, plan)]
    found = [one async for one in _included(tx, case, plan)] + [one async for one in _grants(tx, case, plan)]
    return [replace(one, steps=(*one.steps, *limits)) for one in found]


async def _included(tx: Tx, case: Case, plan: Plan) -> AsyncIterator[Suggestion]:
    for key, meter in case.catalog.meters.items():
        price = case.price_of(key)
        if price is None or price.plan != plan.key or not price.included or meter.aggregation not in ADDITIVE:
            continue
        span = _last_whole(case, price.period)
        if span is None or case.price_of(key, span.start) != price:
            continue  # it hasn't been in force for all of the period
        used = await _quantity(tx, case, key, span)
        unused = subtract(price.included, used)
        worth = _worth(price, used, unused)
        if _is_little(used, price.included) and worth > 0:
            yield _of_included(case, plan, price, span, used, worth)


def _worth(price: Price, used: Decimal, unused: Decimal) -> Decimal:
    """What the unused quantity would have been charged behind the used one, had nothing been included."""
    return rate(replace(price, included=ZERO), Measure(unused), used).charge or ZERO


def _of_included(case: Case, plan: Plan, price: Price, span: Interval, used: Decimal, worth: Decimal) -> Suggestion:
    meter = case.catalog.meters[price.meter]
    unused = subtract(price.included, used)
    when, value = _when(case, span), amount_in_words(worth, price.unit)
    figures = {"included": plain(price.included), "used": plain(used), "unused": plain(unused)}
    text = (
        f"{plan.name} includes {counted(price.included, meter.unit)} of {meter.name} per {price.period}: "
        f"{grouped(used)} were used {when}, {grouped(unused)} weren't"
    )
    bare = f"Without an included part, {counted(unused, meter.unit)} more would have been charged {value}"
    return Suggestion(
        kind=Kind.UNUSED_PLAN,
        subject={"plan": plan.key, "meter": meter.key},
        text=f"Of what {plan.name} includes of {meter.name}, {_share(used, price.included)} was used {when}; "
        f"the rest is worth {value}.",
        savings=(),
        unused=Worth(worth, price.unit),
        steps=(
            Step("included", text, figures),
            Step("worth", bare, {"quantity": plain(unused), "charge": plain(worth)}),
        ),
        caution=CAUTION,
    )


@dataclass(frozen=True, slots=True)
class _Lapsed:
    """What became of the grants of one rule that expired in a span."""

    grants: int
    amount: Decimal
    spent: Decimal
    expired: Decimal


async def _grants(tx: Tx, case: Case, plan: Plan) -> AsyncIterator[Suggestion]:
    for name, rule in plan.grants.items():
        params = {
            "customer_id": case.customer.customer_id,
            "recurring": f"plan {plan.key}: {name}",
            "from": case.span.start,
            "to": case.span.end,
        }
        lapsed = await tx.one(_Lapsed, _queries.lapsed_grants, params)
        if lapsed is None or not lapsed.expired or not _is_little(lapsed.spent, lapsed.amount):
            continue
        yield _of_grant(plan, name, rule.unit, lapsed)


def _of_grant(plan: Plan, name: str, unit: str, lapsed: _Lapsed) -> Suggestion:
    given, spent, expired = (amount_in_words(each, unit) for each in (lapsed.amount, lapsed.spent, lapsed.expired))
    figures = {"grants": str(lapsed.grants), "amount": plain(lapsed.amount), "spent": plain(lapsed.spent)}
    ended = f"{counted(lapsed.grants, 'grant')} of {name} ended in this time"
    text = f"{ended}: of {given}, {spent} was spent, and {expired} expired"
    return Suggestion(
        kind=Kind.UNUSED_PLAN,
        subject={"plan": plan.key, "grant": name},
        text=f"Of {given} that {plan.name} gave, {_share(lapsed.spent, lapsed.amount)} was spent; {expired} expired.",
        savings=(),
        unused=Worth(lapsed.expired, unit),
        steps=(Step("grants", text, figures | {"expired": plain(lapsed.expired)}),),
        caution=CAUTION,
    )


async def _limits(tx: Tx, case: Case, plan: Plan) -> AsyncIterator[Step]:
    """How much of the plan's monthly limits was used: a smaller plan must have room for it."""
    span = _last_whole(case, Period.MONTH)
    for limit in plan.limits.values():
        if span is None or limit.unit or limit.by is LimitBy.MEMBER or limit.per is not LimitPeriod.MONTH:
            continue
        used = sum_of([await _quantity(tx, case, meter, span) for meter in limit.meters])
        words = limit_for_customers(limit, case.catalog)
        text = f"The limit {limit.name!r}, {words}: {grouped(used)} were used {_when(case, span)}"
        yield Step("limit", text, {"limit": limit.key, "cap": plain(limit.cap), "used": plain(used)})


def _last_whole(case: Case, period: Period) -> Interval | None:
    """The last period that was over when the span ended; None where the plan had not begun before it."""
    zone = case.customer.zone
    present = period_of_day(local_slot(case.span.end, zone).day, period, zone)
    last = period_of_day(local_slot(present.start - timedelta(microseconds=1), zone).day, period, zone)
    return last if case.plan_began <= last.start else None


async def _quantity(tx: Tx, case: Case, meter: str, span: Interval) -> Decimal:
    if meter not in case.catalog.meters:
        return ZERO
    rows = await usage(tx, case.customer, case.catalog, UsageQuery(span.start, span.end, meter=meter))
    return sum_of(row.quantity for row in rows)


def _is_little(used: Decimal, given: Decimal) -> bool:
    return multiply(used, HUNDRED) <= multiply(given, LITTLE_PERCENT)


def _share(used: Decimal, given: Decimal) -> str:
    return f"{grouped(percent_of(used, given))} %"


def _when(case: Case, span: Interval) -> str:
    zone = case.customer.zone
    last = span.end - timedelta(microseconds=1)
    first_day, last_day = (local_slot(instant, zone).day for instant in (span.start, last))
    return f"from {first_day} to {last_day}" if first_day != last_day else f"on {first_day}"
