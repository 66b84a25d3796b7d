"""Every charge model through plan and apply, with few keys and with all of them."""

from __future__ import annotations

import pytest
from tests.database.test_catalog_apply import Books
from tests.unit.vectors.prices import ALL_KEYS, REQUIRED_KEYS

from tollkeeper.catalog import as_document
from tollkeeper.db import Database
from tollkeeper.rating import MODELS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("first", [REQUIRED_KEYS, ALL_KEYS], ids=["required keys", "all keys"])
@pytest.mark.parametrize("model", MODELS)
async def test_a_price_is_planned_applied_changed_and_shown(
    database: Database, model: str, first: dict[str, str]
) -> None:
    books = Books(database)
    for keys in (first, REQUIRED_KEYS if first is ALL_KEYS else ALL_KEYS):
        text = f"[prices.cv]\n{keys[model]}\n"
        planned = await books.plan(text)
        applied = await books.apply(text)
        assert applied.proposal == planned
        assert any(change.subject == "price cv" for change in applied.proposal.changes)
        assert (await books.plan(text)).empty
    shown = as_document(await books.catalog())["prices"]
    assert {entry["model"] for entry in shown} == {model}
    assert all(entry["words"] for entry in shown)
