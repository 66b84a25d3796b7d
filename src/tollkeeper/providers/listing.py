"""Rows to look at: which of them price a model, and each as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tollkeeper.clock import in_utc
from tollkeeper.money import plain
from tollkeeper.providers.model import PriceRow
from tollkeeper.providers.pricebook import PriceBook
from tollkeeper.providers.registry import provider_key
from tollkeeper.providers.succession import standing_at


def rows_like(
    book: PriceBook, *, provider: str | None = None, model: str | None = None, at: datetime | None = None
) -> Iterator[PriceRow]:
    """The rows of a provider, those that can price a model, those in force at an instant: whatever is given.

    In the order in which they were recorded, the operator's own first. A provider that resells another's models is
    given the other's rows for them.
    """
    key = None if provider is None else provider_key(provider)
    wanted: set[str] | None = None
    if model is not None:
        providers = {row.provider for row in book.rows} if key is None else {key}
        wanted = {row.price_id for each in providers for row in book.rows_for(each, model)}
    found = [
        row for row in book.rows if (row.price_id in wanted if wanted is not None else key in (None, row.provider))
    ]
    if at is None:
        yield from found
    else:
        yield from (row for row in standing_at(at, found) if row.start is None or row.start <= at)


def as_document(row: PriceRow) -> dict[str, Any]:
    """The row as JSON has it: numbers with decimals are strings, conditions that say nothing are null."""
    on = row.conditions
    return {
        "price_id": row.price_id,
        "provider": row.provider,
        "model": row.model,
        "unit": str(row.unit),
        "amount": plain(row.amount),
        "per": plain(row.per),
        "from": None if row.start is None else in_utc(row.start),
        "until": None if row.end is None else in_utc(row.end),
        "service_tier": on.service_tier,
        "batch": on.batch,
        "region": on.region,
        "input_above": on.input_above,
        "input_up_to": on.input_up_to,
        "hours": None if on.hours is None else [*on.hours],
        "weekdays": None if on.weekdays is None else [*on.weekdays],
        "least": None if row.least is None else plain(row.least),
        "own": row.own,
        "source": row.source,
        "checked_on": row.checked_on,
    }


def conditions_in_words(row: PriceRow) -> str:
    """ "batch, prompts above 272,000, 16:30-00:30"; empty for the standard price."""
    on = row.conditions
    told = [
        {None: "any tier", "standard": ""}.get(on.service_tier, on.service_tier or ""),
        {None: "batch or not", True: "batch", False: ""}[on.batch],
        "" if on.region is None else f"in {on.region}",
        "" if on.input_above is None else f"prompts above {on.input_above:,}",
        "" if on.input_up_to is None else f"prompts up to {on.input_up_to:,}",
        "" if on.hours is None else f"{on.hours[0]}-{on.hours[1]} UTC",
        "" if on.weekdays is None else "on " + ", ".join(_DAYS[day - 1] for day in on.weekdays),
        "" if row.least is None else f"at least {plain(row.least)}",
    ]
    return ", ".join(each for each in told if each)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
