"""The catalog in force as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tollkeeper.catalog.declarations import Declarations
from tollkeeper.catalog.model import Catalog, Meter, Price, PriceHistory
from tollkeeper.catalog.plans import Limit, MeterGroup, Plan
from tollkeeper.catalog.words import grant_in_words, limit_in_words, offer_in_words, pack_in_words, price_in_words
from tollkeeper.clock import BEGINNING, now
from tollkeeper.money import plain


def as_document(catalog: Catalog, at: datetime | None = None) -> dict[str, Any]:
    """The catalog at the instant `at` (by default the present one): what holds then, and what is scheduled after.

    Numbers with decimals are strings. A price holds from `from` (null: for all time) up to `until` (null: no end yet).
    """
    instant = at or now()
    general = sorted(catalog.prices.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return {
        "version": catalog.version,
        "currency": catalog.currency,
        "units": [{"key": unit.key, "name": unit.name, "decimals": unit.decimals} for unit in catalog.units.values()],
        "meters": [_meter(meter) for meter in catalog.meters.values()],
        "groups": [_group(group) for group in catalog.groups.values()],
        "prices": _all_prices([history for _, history in general], instant, catalog),
        "limits": [_limit(limit) for limit in catalog.limits.values()],
        "funding": catalog.funding.as_terms(),
        "customer_funding": {key: funding.as_terms() for key, funding in catalog.customer_funding.items()},
        "default_plan": catalog.default_plan,
        "plans": [_plan(plan, instant, catalog) for plan in catalog.plans.values()],
        "attribution": {
            "rules": [{"name": name, **rule.as_terms()} for name, rule in catalog.attribution.rules.items()],
            "classes": {each.value: meter for each, meter in catalog.attribution.classes.items()},
        },
        "top_ups": [
            {"unit": unit, "words": offer_in_words(offer), "currency": offer.currency, **offer.as_terms()}
            for unit, offer in catalog.top_ups.items()
        ],
        "packs": [
            {"key": key, "words": pack_in_words(pack), "currency": pack.currency, **pack.as_terms()}
            for key, pack in catalog.packs.items()
        ],
    }


def declared_document(declared: Declarations) -> dict[str, Any]:
    """What the views of `reports` read of a version: meters, groups, limits, plans. A plan's prices aren't in it."""
    return {
        "default_plan": declared.default_plan,
        "meters": [_meter(meter) for meter in declared.meters.values()],
        "groups": [_group(group) for group in declared.groups.values()],
        "limits": _by_name(declared.limits),
        "plans": [_plan_alone(plan) | {"limits": _by_name(plan.limits)} for plan in declared.plans.values()],
    }


def _all_prices(held: Iterable[PriceHistory], at: datetime, catalog: Catalog) -> list[dict[str, Any]]:
    return [price for one in held for price in _prices(one, at, catalog.meters.get(one.prices[0].meter))]


def _plan(plan: Plan, at: datetime, catalog: Catalog) -> dict[str, Any]:
    own = [history for (_, key), history in sorted(catalog.plan_prices.items()) if key == plan.key]
    return {**_plan_alone(plan), "prices": _all_prices(own, at, catalog)}


def _plan_alone(plan: Plan) -> dict[str, Any]:
    return {
        "key": plan.key,
        "name": plan.name,
        "description": plan.description,
        "limits": [_limit(limit) for limit in plan.limits.values()],
        "grants": [
            {"name": name, "words": grant_in_words(grant), **grant.as_terms()} for name, grant in plan.grants.items()
        ],
        "funding": plan.funding.as_terms(),
        "listed": plan.listed,
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {**limit.as_terms(), "key": limit.key, "name": limit.name, "words": limit_in_words(limit)}


def _by_name(limits: Mapping[str, Limit]) -> list[dict[str, Any]]:
    """The views of `reports` call a limit's key its name."""
    return [_limit(limit) | {"name": limit.key} for limit in limits.values()]


def _group(group: MeterGroup) -> dict[str, Any]:
    return {"key": group.key, "name": group.name, "meters": list(group.meters)}


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
        "on_expiry": meter.on_expiry.value,
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
                "plan": price.plan,
                "from": None if price.effective_from == BEGINNING else price.effective_from.isoformat(),
                "until": None if end is None else end.isoformat(),
                "scheduled": price.effective_from > at,
                "words": price_in_words(price, meter),
                **price.content(),
            }
