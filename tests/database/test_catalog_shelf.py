"""The shelf: what a process keeps in memory; and the catalog as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tollkeeper.catalog import Catalog, Shelf, apply, as_document
from tollkeeper.db import Database, Tx, read_epochs
from tollkeeper.rating import MODELS

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[2] / "examples" / "catalogs"
EXAMPLES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.toml"))}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def nothing_used(tx: Tx) -> Collection[str]:
    return ()


async def put(database: Database, text: str, now: datetime = NOW) -> None:
    async with database.transaction() as tx:
        await apply(tx, text, models=MODELS, used_meters=nothing_used, now=now, by="ops")


async def current(database: Database, shelf: Shelf) -> Catalog:
    async with database.transaction() as tx:
        return await shelf.current(tx, await read_epochs(tx), MODELS)


async def test_the_shelf_is_empty_before_any_catalog(database: Database) -> None:
    assert await current(database, Shelf()) == Catalog(version=0, currency="USD")


async def test_the_shelf_reloads_only_what_has_changed(database: Database) -> None:
    shelf = Shelf()
    empty = await current(database, shelf)
    assert await current(database, shelf) is empty
    await put(database, EXAMPLES["recruiting"])
    first = await current(database, shelf)
    assert (first.version, sorted(first.meters)) == (1, ["cv_parse", "interview_minute", "question_tokens"])
    assert await current(database, shelf) is first
    await put(database, 'currency = "EUR"\n')
    second = await current(database, shelf)
    assert (second.version, second.currency, dict(second.meters)) == (2, "EUR", {})
    assert first.price_for("cv_parse", "acme", NOW) is not None
    assert second.price_for("cv_parse", "acme", NOW + timedelta(seconds=1)) is None


async def test_the_catalog_as_json(database: Database) -> None:
    text = """
currency = "USD"
[units.credit]
[meters.cv]
unit = "CV"
minimum = "1"
round = "up"
step = "0.5"
dimensions = ["job"]
[[prices.cv]]
model = "unit"
amount = "0.50"
[[prices.cv]]
model = "unit"
amount = "0.60"
from = 2026-12-01T00:00:00Z
[customers.acme.prices.cv]
model = "unit"
amount = "1"
unit = "credit"
included = 5
"""
    await put(database, text)
    catalog = await current(database, Shelf())
    document = as_document(catalog, NOW)
    assert json.loads(json.dumps(document)) == document
    prices = document.pop("prices")
    assert document == {
        "version": 1,
        "currency": "USD",
        "units": [{"key": "credit", "name": "Credit", "decimals": 0}],
        "attribution": {"rules": [], "classes": {}},
        "top_ups": [],
        "packs": [],
        "meters": [
            {
                "key": "cv",
                "name": "Cv",
                "unit": "CV",
                "aggregation": "sum",
                "decimals": 6,
                "minimum": "1",
                "round": "up",
                "step": "0.5",
                "dimensions": ["job"],
                "unique_by": None,
                "on_expiry": "release",
            }
        ],
        "groups": [],
        "limits": [],
        "funding": {"units": {}},
        "customer_funding": {},
        "default_plan": None,
        "plans": [],
    }
    begun = catalog.price_for("cv", "other", NOW)
    assert begun is not None
    assert prices[0] == {
        "price_id": str(begun.price_id),
        "meter": "cv",
        "customer": None,
        "plan": None,
        "from": None,
        "until": "2026-12-01T00:00:00+00:00",
        "scheduled": False,
        "words": "0.50 USD per CV",
        "model": "unit",
        "unit": "USD",
        "terms": {"amount": "0.5"},
        "period": "month",
        "included": "0",
        "discount_percent": "0",
        "maximum": None,
    }
    assert [(price["customer"], price["from"], price["scheduled"], price["words"]) for price in prices[1:]] == [
        (None, "2026-12-01T00:00:00+00:00", True, "0.60 USD per CV"),
        ("acme", None, False, "1 credit per CV, first 5 per month included"),
    ]
    december = as_document(catalog, datetime(2026, 12, 1, tzinfo=UTC))["prices"]
    assert [price["words"] for price in december if price["customer"] is None] == ["0.60 USD per CV"]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_every_example_can_be_applied(database: Database, example: str) -> None:
    await put(database, example)
    shown = as_document(await current(database, Shelf()))
    assert shown["prices"] or all(plan["prices"] for plan in shown["plans"])
