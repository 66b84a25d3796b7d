"""Whether a plan's hard limits would have refused some of the usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tollkeeper.analytics import UsageRow
from tollkeeper.catalog import Catalog, Limit, LimitBy, LimitMode, LimitPeriod
from tollkeeper.catalog.model import ADDITIVE
from tollkeeper.limits import window_at
from tollkeeper.money import ZERO, add
from tollkeeper.suggestions.case import Case

Spent = tuple[str, datetime, Decimal]
"""A meter, a time within the day, and what that day's usage is charged under the plan."""


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """What was found of a plan's limits."""

    exceeded: tuple[Limit, ...]
    """Those that would have refused usage."""
    unchecked: tuple[Limit, ...]
    """Those of which sums of days say nothing: within an hour, or spent by each member."""


def check_limits(
    limits: Sequence[Limit], rows: Sequence[UsageRow], spent: Mapping[str, Sequence[Spent]], case: Case
) -> LimitCheck:
    """Which of the limits the usage of the span doesn't fit under: `rows` by day, and by member where a limit is each
    member's; what they're charged in each unit of value. Those of before it count in the windows that it begins within.
    """
    exceeded: list[Limit] = []
    unchecked: list[Limit] = []
    for limit in limits:
        if not limit.enabled or limit.mode is not LimitMode.HARD:
            continue
        if _untold(limit, case.catalog):
            unchecked.append(limit)
        elif any(used > limit.cap_of(member) for (_, member), used in _used(limit, rows, spent, case).items()):
            exceeded.append(limit)
    return LimitCheck(tuple(exceeded), tuple(unchecked))


def _untold(limit: Limit, catalog: Catalog) -> bool:
    if limit.per is LimitPeriod.ROLLING_HOUR or (limit.unit and limit.by is LimitBy.MEMBER):
        return True
    meters = [catalog.meters[key] for key in limit.meters if key in catalog.meters]
    return not limit.unit and any(meter.aggregation not in ADDITIVE for meter in meters)


def _used(
    limit: Limit, rows: Sequence[UsageRow], spent: Mapping[str, Sequence[Spent]], case: Case
) -> Mapping[tuple[datetime, str | None], Decimal]:
    """What the limit counts in each of its windows, by member where it's theirs."""
    if limit.unit:
        counted = [(meter, None, at, amount) for meter, at, amount in spent.get(limit.unit, ())]
    else:
        counted = [(row.meter, row.group.get("member"), row.start, row.quantity) for row in rows]
    found: dict[tuple[datetime, str | None], Decimal] = {}
    for meter, member, at, amount in counted:
        own = member if limit.by is LimitBy.MEMBER else None
        if (limit.meters and meter not in limit.meters) or (limit.by is LimitBy.MEMBER and own is None):
            continue
        window = window_at(limit.per, at, case.customer.zone)
        if window.end <= case.span.start:
            continue
        place = window.start, own
        found[place] = add(found.get(place, ZERO), amount)
    return found
