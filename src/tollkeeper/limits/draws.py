"""Which limits an operation counts against, and how much. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from tollkeeper.catalog import Limit, LimitBy, LimitPeriod
from tollkeeper.ids import content_id
from tollkeeper.limits.model import Draw
from tollkeeper.money import ZERO


def counter_id_of(limit: Limit) -> str:
    """The counter of a limit. It follows from what is counted, so another name, cap or mode finds the same usage."""
    return _counter_id(limit.unit, limit.meters, limit.per, limit.by)


@lru_cache(maxsize=10_000)
def _counter_id(unit: str | None, meters: tuple[str, ...], per: LimitPeriod, by: LimitBy) -> str:
    # "+" and "-" tell a spend limit from a quantity limit.
    return str(content_id("limit", "-" if unit is None else f"+{unit}", per.value, by.value, *meters))


def draws_of(
    customer_id: str,
    zone: ZoneInfo,
    limits: Iterable[Limit],
    *,
    meter: str,
    unit: str | None,
    member: str | None,
    quantity: Decimal,
    charge: Decimal | None,
    at: datetime,
) -> list[Draw]:
    """What an operation on `meter` takes of those of the customer's limits that count it, switched off or not.

    `quantity` is the billed one, and `charge` is in `unit`; an unpriced operation spends nothing.
    """
    found: list[Draw] = []
    seen: set[str] = set()
    for limit in limits:
        if limit.unit is None:
            counts, amount = meter in limit.meters, quantity
        else:
            counts, amount = limit.unit == unit and (not limit.meters or meter in limit.meters), charge or ZERO
        if not counts or (limit.by is LimitBy.MEMBER and not member):
            continue
        counter_id = counter_id_of(limit)
        counted = counter_id not in seen
        seen.add(counter_id)
        found.append(Draw(customer_id, zone, limit, counter_id, _whom(limit, member), amount, at, counted))
    return found


def looks_of(
    customer_id: str, zone: ZoneInfo, limits: Iterable[Limit], *, member: str | None, at: datetime
) -> list[Draw]:
    """Draws of nothing, to see how far each limit is used; limits by member only where there is a member."""
    return [
        Draw(customer_id, zone, limit, counter_id_of(limit), _whom(limit, member), ZERO, at)
        for limit in limits
        if limit.by is LimitBy.CUSTOMER or member
    ]


def _whom(limit: Limit, member: str | None) -> str:
    return (member or "") if limit.by is LimitBy.MEMBER else ""
