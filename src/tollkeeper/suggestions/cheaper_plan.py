"""cheaper_plan: what the same usage would have been charged on each other plan that customers may choose.

Both sides are rated anew by the prices in force when the span ends, so that what is compared is the plans, and not an
old price with a new one. Meters whose price is the same on both are left as they were charged. Where another plan or
other prices were in force before, this isn't what was charged, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tollkeeper.analytics import UsageRow
from tollkeeper.catalog import Limit, LimitBy, Plan, Price, WhenExhausted, price_for_customers
from tollkeeper.clock import BEGINNING, local_slot, start_of_day
from tollkeeper.customers import PlanChange
from tollkeeper.db import Tx
from tollkeeper.gate import Standing, stand
from tollkeeper.money import ZERO, add, amount_in_words, plain, subtract, sum_of
from tollkeeper.rating import MODELS, Step
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.model import Kind, Saving, Suggestion, Whom
from tollkeeper.suggestions.plan_grants import DayCharge, free_grants, grants_since, stretches
from tollkeeper.suggestions.plan_limits import LimitCheck, Spent, check_limits
from tollkeeper.suggestions.rerating import Rerated, rerate
from tollkeeper.suggestions.usage import Used, read_by_member, read_used
from tollkeeper.suggestions.words import counted

CAUTION = "This compares what usage is charged. A fee for the plan itself isn't in it."
_ROUNDED = Decimal("0.000001")
"""Sums of days and single events may differ by less, since each is rounded."""
MOST_PERIODS = 6
"""Of more periods the arithmetic is told as one sum."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One meter on both plans."""

    meter: str
    now: Rerated
    instead: Rerated


async def cheaper_plan(tx: Tx, case: Case) -> list[Suggestion]:
    """Every listed plan on which the same usage would have been charged less, and that would have allowed it."""
    others = [plan for plan in case.catalog.plans.values() if plan.listed and plan != case.standing.plan]
    if not others:
        return []
    plans = [case.standing.plan, *others]
    used = await read_used(tx, case, _prices(case, plans), grants_since(case, plans))
    if not used.rows:
        return []
    by_member = any(limit.by is LimitBy.MEMBER for plan in others for limit in _limits(case, plan))
    rows = await read_by_member(tx, case, used) if by_member else [*used.lead, *used.rows]
    advised = (_advise(case, used, rows, plan) for plan in others)
    return [one for one in advised if one is not None]


def _prices(case: Case, plans: Sequence[Plan | None]) -> Iterator[Price]:
    for meter in case.catalog.meters:
        found = (_price(case, meter, plan) for plan in plans)
        yield from (price for price in found if price is not None)


def _price(case: Case, meter: str, plan: Plan | None) -> Price | None:
    return case.catalog.price_for(meter, case.customer.key, case.span.end, plan.key if plan else None)


def _advise(case: Case, used: Used, rows: Sequence[UsageRow], plan: Plan) -> Suggestion | None:
    """None where nothing would have been saved, where sums don't tell, or where the plan wouldn't have allowed it."""
    pairs = _pairs(case, used, plan)
    unit = _unit(case, pairs or [], plan)
    if pairs is None or unit is None:
        return None
    alike = [row for row in used.rows if row.meter not in {pair.meter for pair in pairs}]
    kept = sum_of(row.charge for row in alike if row.unit == unit)
    now = _Side(case, case.standing.plan, unit, _charges(case, used, unit, [pair.now for pair in pairs]))
    instead = _Side(case, plan, unit, _charges(case, used, unit, [pair.instead for pair in pairs]))
    saved = subtract(now.due, instead.due)
    checked = check_limits(_limits(case, plan), rows, _spent(case, used, pairs, plan), case)
    if saved <= 0 or checked.exceeded:
        return None
    told, assumed = amount_in_words(saved, unit), _assumed(case, used, pairs, now)
    text = f"{plan.name} instead of {now.name}" + (", had each been in force throughout" if assumed else "")
    return Suggestion(
        kind=Kind.CHEAPER_PLAN,
        subject=({"plan": case.standing.plan.key} if case.standing.plan else {}) | {"instead": plan.key},
        text=f"{text}: the same usage would have been charged {told} less.",
        savings=(Saving(Whom.CUSTOMER, saved, unit),),
        steps=(*_steps(case, pairs, now, instead), *_sums(kept, now, instead, saved)),
        caution=" ".join([*assumed, *_cautions(case, plan, unit, checked)]),
    )


def _assumed(case: Case, used: Used, pairs: Sequence[_Pair], now: _Side) -> list[str]:
    """That what the present plan is said to charge isn't what was charged, if it isn't."""
    zone = case.customer.zone
    first = local_slot(case.plan_began, zone).day
    began = any(local_slot(row.start, zone).day < first for row in used.rows)
    rated = {pair.meter: pair.now for pair in pairs}
    charged: dict[str, Decimal] = {}
    for row in used.rows:
        if row.meter in rated and row.unit:
            charged[row.unit] = add(charged.get(row.unit, ZERO), row.charge)
    differs = subtract(charged.pop(now.unit, ZERO), sum_of(one.total for one in rated.values()))
    if not began and not any(charged.values()) and differs.copy_abs() < _ROUNDED:
        return []
    since = f" {now.name} began on {first}." if began and case.standing.plan else ""
    return [
        "Both are reckoned with their prices at the end of this time, as if nothing else had been in force. This isn't "
        f"what was charged.{since}"
    ]


def _pairs(case: Case, used: Used, plan: Plan) -> list[_Pair] | None:
    """The meters whose price differs; None where one of them can't be rated anew, or has no price on one side."""
    found: list[_Pair] = []
    for key in used.meters:
        present, other = case.price_of(key), _price(case, key, plan)
        if present is None and other is None:
            continue
        if present is None or other is None or key not in case.catalog.meters:
            return None
        if present.content() == other.content():
            continue
        now, instead = (_rerated(case, used, price, present) for price in (present, other))
        if now is None or instead is None:
            return None
        found.append(_Pair(key, now, instead))
    return found


def _rerated(case: Case, used: Used, price: Price, present: Price) -> Rerated | None:
    if MODELS[price.model].by_cost and not used.knows_costs(price.meter, present):
        return None
    meter = case.catalog.meters[price.meter]
    return rerate(meter, price, used.of(meter.key), used.before(meter.key), case.customer.zone)


def _unit(case: Case, pairs: Sequence[_Pair], plan: Plan) -> str | None:
    """The one unit of value in which the plans differ; None where there are several, or none."""
    units = {price.unit for pair in pairs for price in (pair.now.price, pair.instead.price)}
    units |= {unit for unit, *_ in _terms(case.standing.plan) ^ _terms(plan)}
    return units.pop() if len(units) == 1 else None


def _terms(plan: Plan | None) -> set[tuple[str, Decimal, str, Decimal | None]]:
    return {(grant.unit, grant.amount, grant.every.value, grant.most_rolled) for grant in free_grants(plan)}


def _moved(case: Case, plan: Plan) -> Standing:
    """Where the customer would stand on the plan, with what it has of its own."""
    agreement = replace(case.agreement, plans=(PlanChange(BEGINNING, plan.key),))
    return stand(case.catalog, case.customer, agreement, case.span.end)


def _limits(case: Case, plan: Plan) -> tuple[Limit, ...]:
    """The limits that the customer would have on the plan, and doesn't have now."""
    return tuple(limit for limit in _moved(case, plan).limits if limit not in case.standing.limits)


def _spent(case: Case, used: Used, pairs: Sequence[_Pair], plan: Plan) -> dict[str, list[Spent]]:
    """What each day would have been charged on the plan, by unit of value."""
    found: dict[str, list[Spent]] = {}
    rated = {pair.meter for pair in pairs}
    for row in (*used.lead, *used.rows):
        if row.meter not in rated and row.unit:
            found.setdefault(row.unit, []).append((row.meter, row.start, row.charge))
    for pair in pairs:
        days = (*pair.instead.lead.items(), *pair.instead.days.items())
        spent = [(pair.meter, start_of_day(day, case.customer.zone), charge) for day, charge in days]
        found.setdefault(pair.instead.price.unit, []).extend(spent)
    return found


class _Side:
    """What the span's usage is charged on one of the plans, in one unit of value, and what the plan's grants pay."""

    def __init__(self, case: Case, plan: Plan | None, unit: str, charges: Sequence[DayCharge]) -> None:
        self.plan, self.unit = plan, unit
        self.name = plan.name if plan else "no plan"
        self.key = plan.key if plan else ""
        self.charge = sum_of(one.charge for one in charges if one.counts)
        own = [grant for grant in free_grants(plan) if grant.unit == unit]
        self.stretches = stretches(case, own, charges) if own else []

    @property
    def paid(self) -> Decimal:
        """What the plan's own grants pay, each in its own period."""
        return sum_of(one.paid for one in self.stretches)

    @property
    def due(self) -> Decimal:
        """What they don't."""
        return subtract(self.charge, self.paid)


def _charges(case: Case, used: Used, unit: str, rated: Sequence[Rerated]) -> list[DayCharge]:
    """The charges in the unit by day: of the meters that are rated anew, and of the others as they were charged."""
    zone, meters = case.customer.zone, {one.price.meter for one in rated}
    found = [
        DayCharge(local_slot(row.start, zone).day, row.charge, counts)
        for rows, counts in ((used.lead, False), (used.rows, True))
        for row in rows
        if row.unit == unit and row.meter not in meters
    ]
    for one in rated:
        found += (DayCharge(day, charge, counts=False) for day, charge in one.lead.items())
        found += (DayCharge(day, charge, counts=True) for day, charge in one.days.items())
    return found


def _steps(case: Case, pairs: Sequence[_Pair], now: _Side, instead: _Side) -> Iterator[Step]:
    for pair in pairs:
        for name, side, rated in (("now", now, pair.now), ("instead", instead, pair.instead)):
            yield from _rated_steps(case, name, side, rated)


def _rated_steps(case: Case, name: str, side: _Side, rated: Rerated) -> Iterator[Step]:
    """How one meter is charged on a plan: its price, and what the span adds to each period."""
    meter = case.catalog.meters[rated.price.meter]
    unit = case.catalog.units.get(rated.price.unit)
    words = price_for_customers(rated.price, meter, unit, by_cost=MODELS[rated.price.model].by_cost)
    quantity = sum_of(period.quantity for period in rated.periods.values())
    text = f"{meter.name} on {side.name}: {words}"
    yield Step("price", text, {"meter": meter.key, "plan": side.key})
    periods = rated.periods.items() if len(rated.periods) <= MOST_PERIODS else []
    for first, period in periods:
        after = f", after {counted(period.before, meter.unit)} before" if period.before else ""
        text = (
            f"{rated.price.period.value.capitalize()} from {first}: {counted(period.quantity, meter.unit)}{after}: "
            f"{amount_in_words(period.charge, side.unit)}"
        )
        figures = {"period": first.isoformat(), "before": plain(period.before), "quantity": plain(period.quantity)}
        yield Step(f"{name}_period", text, figures | {"charge": plain(period.charge)})
    text = f"{counted(quantity, meter.unit)}: {amount_in_words(rated.total, side.unit)}"
    yield Step(name, text, {"meter": meter.key, "quantity": plain(quantity), "charge": plain(rated.total)})


def _sums(kept: Decimal, now: _Side, instead: _Side, saved: Decimal) -> Iterator[Step]:
    if kept:
        text = f"Charged alike on both: {amount_in_words(kept, now.unit)}"
        yield Step("alike", text, {"charge": plain(kept)})
    yield from (step for side in (now, instead) for step in _grant_steps(side))
    told = (amount_in_words(each, now.unit) for each in (now.due, instead.due, saved))
    figures = {"now": plain(now.due), "instead": plain(instead.due), "saving": plain(saved)}
    yield Step("saving", "{} − {} = {} less".format(*told), figures)


def _grant_steps(side: _Side) -> Iterator[Step]:
    """What the plan's own grants pay, stretch by stretch."""
    for one in side.stretches if len(side.stretches) <= MOST_PERIODS else []:
        left = subtract(one.charge, one.paid)
        given, charge, due = (amount_in_words(each, side.unit) for each in (one.given, one.charge, left))
        text = f"Of its own {side.name} has {given} from {one.first} on: {charge} of charges leave {due}"
        figures = {"from": one.first.isoformat(), "given": plain(one.given), "charge": plain(one.charge)}
        yield Step("grants", text, {"plan": side.key} | figures | {"due": plain(left)})
    if len(side.stretches) > MOST_PERIODS:
        paid, charge, due = (amount_in_words(each, side.unit) for each in (side.paid, side.charge, side.due))
        text = f"What {side.name} gives of its own pays {paid}, period by period: {charge} of charges leave {due}"
        figures = {"paid": plain(side.paid), "charge": plain(side.charge), "due": plain(side.due)}
        yield Step("grants", text, {"plan": side.key} | figures)


def _cautions(case: Case, plan: Plan, unit: str, checked: LimitCheck) -> Iterator[str]:
    """What the figures don't say: fees, limits that days can't tell of, and that usage must be paid ahead."""
    yield CAUTION
    if checked.unchecked:
        names = ", ".join(repr(limit.name) for limit in checked.unchecked)
        yield f"Whether all of the usage would have fitted under its limit {names} isn't known."
    present, other = case.standing.source(unit), _moved(case, plan).source(unit)
    if other.when_exhausted is WhenExhausted.REFUSE and present.when_exhausted is not WhenExhausted.REFUSE:
        yield f"On {plan.name} what its own grants don't pay must be bought ahead."
    elif other.credit_ceiling is not None and other.credit_ceiling != present.credit_ceiling:
        yield f"On {plan.name} at most {amount_in_words(other.credit_ceiling, unit)} may be owed at a time."
