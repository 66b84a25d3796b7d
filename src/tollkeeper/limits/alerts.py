"""What others are to be told of limits, as facts for the outbox."""

from __future__ import annotations

from tollkeeper.clock import in_utc
from tollkeeper.db import Fact
from tollkeeper.limits.model import Crossing
from tollkeeper.money import plain

LIMIT_THRESHOLD = "limit_threshold"
"""The topic of the facts that tell of thresholds."""


def fact_of(crossing: Crossing) -> Fact:
    """A threshold that was reached; its key has it told once in the period, however often usage goes up and down."""
    limit, percent = crossing.limit, plain(crossing.percent)
    told_for = in_utc(crossing.told_for)
    body = {
        "limit": limit.key,
        "name": limit.name,
        "member": crossing.member,
        "per": limit.per.value,
        "mode": limit.mode.value,
        "unit": limit.unit,
        "percent": percent,
        "used": plain(crossing.used),
        "cap": plain(crossing.cap),
        "window": {"start": in_utc(crossing.window.start), "end": in_utc(crossing.window.end)},
    }
    key = f"limit:{limit.key}:{crossing.member or ''}:{told_for}:{percent}"
    return Fact(crossing.customer_id, LIMIT_THRESHOLD, key, body)
