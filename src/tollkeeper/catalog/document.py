"""The catalog in force as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tollkeeper.catalog.model import Catalog, Meter, Price, PriceHistory
from tollkeeper.catalog.words import price_in_words
from tollkeeper.clock import BEGINNING, now
from tollkeeper.money import plain


def as_document(catalog: Catalog, at: datetime | None = None) -> dict[str, Any]:
    """The catalog at the instant `at` (by default the present one): what holds then, and what is scheduled after.

    Numbers with decimals are strings. A price holds from `from` (null: for all time) up to `until` (null: no end yet).
    """
    instant = at or now()
    prices = [
        document
        for (meter, _), history in sorted(catalog.prices.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        for document in _prices(history, instant, catalog.meters.get(meter))
    ]
    return {
        "version": catalog.version,
        "currency": catalog.currency,
        "units": [{"key": unit.key, "name": unit.name, "decimals": unit.decimals} for unit in catalog.units.values()],
        "meters": [_meter(meter) for meter in catalog.meters.values()],
        "prices": prices,
    }


def _meter(meter: Meter) -> dict[str, Any]:
    return {
        "key": meter.key,
        "name": meter.name,
        "unit": meter.unit,
        "aggregation": meter.aggregation.value,
        "decimals": meter.decimals,
        "minimum": None if meter.minimum is None else plain(meter.minimum),
        "round": None if meter.rounding is None else meter.rounding.value,
        "step": plain(meter.step),
        "dimensions": list(meter.dimensions),
        "unique_by": meter.unique_by,
    }


def _prices(history: PriceHistory, at: datetime, meter: Meter | None) -> Iterator[dict[str, Any]]:
    """The price in force at `at`, and those that begin later."""
    ends = [*history.starts[1:], None]
    for price, end in zip(history.prices, ends, strict=True):
        if isinstance(price, Price) and (end is None or end > at):
            yield {
                "price_id": str(price.price_id),
                "meter": price.meter,
                "customer": price.customer,
                "from": None if price.effective_from == BEGINNING else price.effective_from.isoformat(),
                "until": None if end is None else end.isoformat(),
                "scheduled": price.effective_from > at,
                "words": price_in_words(price, meter),
                **price.content(),
            }
