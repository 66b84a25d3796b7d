"""The recurring grants of the plans that a customer was, is and will be on.

Plans that give of the same unit for the same length of period share its periods. Who changes plans within one gets
at once what the new plan gives more than any before it has; the next one gives what the plan of then says. So a period
gives as much as the best of its plans does, however often plans change in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from tollkeeper.catalog import Catalog, Plan, RecurringGrant
from tollkeeper.clock import Period, recurrence
from tollkeeper.customers import Agreement, Customer
from tollkeeper.money import ZERO, subtract, sum_of
from tollkeeper.wallets import Recurrence

Terms = tuple[str, Period]
"""The unit, and the length of the periods."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """A plan, for as long as the customer is on it without a break."""

    plan: Plan
    start: datetime
    end: datetime | None

    def rules(self) -> dict[Terms, list[RecurringGrant]]:
        """What the plan gives again and again."""
        found: dict[Terms, list[RecurringGrant]] = {}
        for rule in self.plan.grants.values():
            found.setdefault((rule.unit, rule.every), []).append(rule)
        return found


@dataclass(frozen=True, slots=True)
class _Periods:
    """Periods that plans share, and what each of them gives for a whole one."""

    anchor: datetime
    every: Period
    zone: ZoneInfo
    stays: list[tuple[_Stay, Decimal]] = field(default_factory=list)

    def given(self, at: datetime) -> Decimal:
        """What the plans until now give of the period that is under way at this instant; 0: none is."""
        most = range(max(0, (at - self.anchor).days) + 3)
        n = bisect_right(most, at, key=self._begin) - 1
        begin = self._begin(n)
        return max((amount for stay, amount in self.stays if stay.end is None or stay.end > begin), default=ZERO)

    def _begin(self, n: int) -> datetime:
        return recurrence(self.anchor, self.every, n, self.zone)


def plan_grants(catalog: Catalog, customer: Customer, agreement: Agreement) -> tuple[Recurrence, ...]:
    """The recurring grants of all these plans, each for as long as the customer is on its plan."""
    shared: dict[Terms, _Periods] = {}
    found: list[Recurrence] = []
    for stay in _stays(catalog, customer, agreement):
        for terms, rules in stay.rules().items():
            periods = shared.get(terms)
            given = periods.given(stay.start) if periods else ZERO
            if periods is None or not given:
                periods = shared[terms] = _Periods(stay.start, terms[1], customer.zone)
            periods.stays.append((stay, sum_of(rule.amount for rule in rules)))
            for rule in rules:
                already = min(rule.amount, given)
                given = subtract(given, already)
                source, joins = f"plan {stay.plan.key}", stay.start if periods.anchor < stay.start else None
                found.append(Recurrence(rule, periods.anchor, customer.zone, stay.end, source, joins, already))
    return tuple(found)


def _stays(catalog: Catalog, customer: Customer, agreement: Agreement) -> Iterator[_Stay]:
    """One after the other. A plan that was the default and is given explicitly then is one stay."""
    starts: list[tuple[datetime | None, str | None]] = []
    if catalog.default_plan:
        starts.append((customer.created_at, catalog.default_plan))
    starts += [(change.effective_from, change.plan or catalog.default_plan) for change in agreement.plans]
    last: _Stay | None = None
    for (start, key), (end, _) in pairwise([*starts, (None, None)]):
        plan = catalog.plans.get(key or "")
        if start is None or (end is not None and end <= start):
            continue
        if last and plan is last.plan and last.end == start:
            last = _Stay(last.plan, last.start, end)
            continue
        if last:
            yield last
        last = _Stay(plan, start, end) if plan else None
    if last:
        yield last
