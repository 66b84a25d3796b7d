"""The figures of the product's pages and API, in the form that they have always had. Tollkeeper counts and adds up."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from examples.ordering.businesses import Business

from tollkeeper import Tollkeeper

Period = Literal["current_month", "last_month"]
_METERS = {"apiCalls": "api_call", "voiceMinutes": "voice_minute", "aiQueries": "ai_query", "storage": "storage_mb"}


def billing_usage(toll: Tollkeeper, of: Business, period: Period = "current_month") -> dict[str, Any]:
    """What was used in a month of the business's own calendar, and what it costs."""
    start, end = _today(of).replace(day=1), None
    if period == "last_month":
        start, end = (start - timedelta(days=1)).replace(day=1), start
    used = toll.usage(of.id, start=start, end=end)
    rows = {row.meter: {"count": row.quantity, "cost": row.charge} for row in used.rows}
    parts = {name: rows.get(meter, {"count": Decimal(), "cost": Decimal()}) for name, meter in _METERS.items()}
    cost = next((total.charge for total in used.totals), Decimal())
    calls, minutes = parts["apiCalls"]["count"], parts["voiceMinutes"]["count"]
    return {"apiCalls": calls, "minutesUsed": minutes, "cost": cost, "breakdown": parts}


def trends(toll: Tollkeeper, of: Business, days: int) -> list[dict[str, Any]]:
    """Those of the last so many days of the business's own calendar on which something was used, today last."""
    used = toll.usage(of.id, start=_today(of) - timedelta(days=days - 1), window="day")
    found = defaultdict(Decimal, {(row.start, row.meter): row.quantity for row in used.rows})
    return [
        {
            "date": day.start.astimezone(ZoneInfo(of.timezone)).date().isoformat(),
            "apiCalls": found[day.start, "api_call"],
            "voiceMinutes": found[day.start, "voice_minute"],
            "cost": day.charge,
        }
        for day in used.totals
    ]


def _today(of: Business) -> datetime:
    now = datetime.now(ZoneInfo(of.timezone))
    return now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
