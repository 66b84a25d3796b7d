"""What a plan's own grants would have paid of its charges: each period's grant for the usage of that period alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tollkeeper.catalog import Plan, RecurringGrant
from tollkeeper.clock import local_slot, recurrence
from tollkeeper.money import ZERO, add, subtract, sum_of
from tollkeeper.suggestions.case import Case
from tollkeeper.wallets import GrantKind

ROLLED_FOR = timedelta(days=3 * 366)
"""How long before the span what a grant rolls over is followed; usage is read for 2,000 days at once."""


@dataclass(frozen=True, slots=True)
class DayCharge:
    """What usage of one local day is charged."""

    day: date
    charge: Decimal
    counts: bool
    """Whether it's of the span. What was used before it uses grants up first."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of the span on which no grant begins or ends."""

    first: date
    given: Decimal
    """What is there of the plan's grants for the span's usage on these days."""
    charge: Decimal

    @property
    def paid(self) -> Decimal:
        """What the grants pay."""
        return max(ZERO, min(self.given, self.charge))


@dataclass(slots=True)
class _Lot:
    """One period of a grant."""

    rule: RecurringGrant
    first: date
    after: date
    left: Decimal


def free_grants(plan: Plan | None) -> list[RecurringGrant]:
    """What the plan gives for nothing: a paid grant is bought by a fee that isn't known here."""
    return [grant for grant in plan.grants.values() if grant.kind != GrantKind.PAID] if plan else []


def grants_since(case: Case, plans: Iterable[Plan | None]) -> date:
    """The first day whose usage may have used up what these plans' grants had for the span."""
    begun = (_periods(case, grant)[0][0] for plan in plans for grant in free_grants(plan))
    return min(begun, default=local_slot(case.span.start, case.customer.zone).day)


def stretches(case: Case, grants: Sequence[RecurringGrant], charges: Sequence[DayCharge]) -> list[Stretch]:
    """The span's charges with what the grants have for them, one stretch after the other."""
    lots = [_Lot(grant, *period, grant.amount) for grant in grants for period in _periods(case, grant)]
    cuts = sorted({cut for lot in lots for cut in (lot.first, lot.after)})
    found: list[Stretch] = []
    for first, after in zip([date.min, *cuts], [*cuts, date.max], strict=True):
        _roll(lots, first)
        open_ones = [lot for lot in lots if lot.first <= first < lot.after]
        own = [one for one in charges if first <= one.day < after]
        _burn(open_ones, sum_of(one.charge for one in own if not one.counts))
        given, charge = sum_of(lot.left for lot in open_ones), sum_of(one.charge for one in own if one.counts)
        _burn(open_ones, charge)
        if charge:
            found.append(Stretch(first, given, charge))
    return found


def _roll(lots: Sequence[_Lot], day: date) -> None:
    """What is left of the periods that end on the day goes over into the next one, as far as it may."""
    for lot in lots:
        if lot.after != day or not lot.left:
            continue
        for then in lots:
            if then.rule is lot.rule and then.first == day:
                most = lot.rule.most_rolled
                then.left = add(then.left, lot.left if most is None else min(most, lot.left))


def _burn(lots: Iterable[_Lot], charge: Decimal) -> None:
    """Let the grants pay, in the order in which a wallet burns them."""
    for lot in sorted(lots, key=lambda one: (one.rule.priority, one.after, one.first)):
        part = max(ZERO, min(lot.left, charge))
        lot.left, charge = subtract(lot.left, part), subtract(charge, part)


def _periods(case: Case, grant: RecurringGrant) -> list[tuple[date, date]]:
    """The periods of a grant that the span lies in, first day and first day after; counted from where the present plan
    began, and before it likewise: both plans are looked at as if they had been in force all along. Of a grant that
    rolls over, those before the span too, from where the plan began.
    """
    zone = case.customer.zone
    anchor = case.plan_began
    start = local_slot(case.span.start, zone).day
    last = local_slot(case.span.end - timedelta(microseconds=1), zone).day

    def begins(n: int) -> date:
        return local_slot(recurrence(anchor, grant.every, n, zone), zone).day

    def later(n: int) -> Iterator[tuple[date, date]]:
        while begins(n) <= last:
            yield begins(n), begins(n + 1)
            n += 1

    n = 0
    while begins(n) > start:
        n -= 1
    if grant.most_rolled != ZERO:
        n = min(n, 0)
    earliest = start - ROLLED_FOR if grant.most_rolled != ZERO else start
    return [period for period in later(n) if period[1] > earliest]
