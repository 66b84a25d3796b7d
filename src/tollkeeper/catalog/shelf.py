"""The catalog that a process keeps in memory."""

from __future__ import annotations

from collections.abc import Mapping

from tollkeeper.catalog.declarations import NOTHING, declared
from tollkeeper.catalog.model import Catalog
from tollkeeper.catalog.prices import Models
from tollkeeper.catalog.store import latest_version, price_rows
from tollkeeper.catalog.timeline import histories
from tollkeeper.db import Kept, Tx


class Shelf:
    """Holds the catalog until its epoch says that it has changed."""

    def __init__(self) -> None:
        self._held: tuple[int, Catalog] | None = None

    async def current(self, tx: Tx, epochs: Mapping[str, int], models: Models) -> Catalog:
        """The catalog in force; an empty one, version 0, before any was applied.

        `epochs` is what `read_epochs` has said in this transaction, which must not be one that applies a catalog: if
        it were rolled back, what it had seen would stay on the shelf.
        """
        epoch = epochs[Kept.CATALOG]
        if self._held is None or self._held[0] != epoch:
            self._held = (epoch, await load(tx, models))
        return self._held[1]


async def load(tx: Tx, models: Models) -> Catalog:
    """The catalog in force, from the database: what the latest version declares, the prices of all versions."""
    latest = await latest_version(tx)
    if latest is None:
        return Catalog(version=0, currency=NOTHING.currency)
    parts = declared(latest.source)
    prices = histories(await price_rows(tx, models))
    return Catalog(
        version=latest.version,
        currency=parts.currency,
        units=parts.units,
        meters=parts.meters,
        prices={(scope.meter, scope.customer or None): held for scope, held in prices.items() if not scope.plan},
        plan_prices={(scope.meter, scope.plan): held for scope, held in prices.items() if scope.plan},
        groups=parts.groups,
        limits=parts.limits,
        plans=parts.plans,
        funding=parts.funding,
        customer_funding=parts.customer_funding,
        default_plan=parts.default_plan,
        attribution=parts.attribution,
        top_ups=parts.top_ups,
        packs=parts.packs,
    )
