"""The desk: what a process keeps in memory for the gate's work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tollkeeper.calls import Pricing
from tollkeeper.catalog import Catalog, Shelf
from tollkeeper.customers import Directory
from tollkeeper.db import Tx
from tollkeeper.events import SeriesIndex
from tollkeeper.gate.lanes import Lanes
from tollkeeper.gate.place import People
from tollkeeper.gate.standing import Standing, Standings
from tollkeeper.gate.till import Tills
from tollkeeper.rating import MODELS


@dataclass(slots=True)
class Desk:
    """The catalog, customers, series, and the lanes and standings made of them."""

    directory: Directory = field(default_factory=Directory)
    shelf: Shelf = field(default_factory=Shelf)
    series: SeriesIndex = field(default_factory=SeriesIndex)
    lanes: Lanes = field(default_factory=Lanes)
    standings: Standings = field(default_factory=Standings)
    max_future: timedelta = timedelta(minutes=5)
    pricing: Pricing = field(default_factory=Pricing)

    async def open(self, tx: Tx, tills: Tills, keys: Collection[str]) -> tuple[Catalog, People]:
        """The catalog, and the customers among `keys` that exist, as of the epochs that were read with the tills."""
        catalog = await self.shelf.current(tx, tills.epochs, MODELS)
        known = await self.directory.resolve(tx, tills.epochs, keys, written=tills.wrote_before)
        self.lanes.hold(tills.epochs)
        self.standings.hold(tills.epochs)
        return catalog, People({key: known[key] for key in keys if key in known}, known.agreement)

    def standings_of(self, catalog: Catalog, people: People, now: datetime) -> Mapping[str, Standing]:
        """Where these customers stand at `now`, by customer id."""
        return {
            str(customer.customer_id): self.standings.of(catalog, customer, people.agreement(customer.customer_id), now)
            for customer in people.customers.values()
        }
