"""Reprice: calls without a price get one later; what it changes is shown before it's booked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.database.costing import CATALOG, call, counts, report, totals
from tests.database.gating import D, assert_sound, one, open_books, rows

from tollkeeper.books import Books
from tollkeeper.calls import CallFilter
from tollkeeper.customers import customer_id_of
from tollkeeper.db import Database
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

OWN = """
[[models]]
provider = "openai"
match = "gpt-99*"
prices = [{ input_tokens = "4", output_tokens = "8" }]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file with a price for gpt-99: 4 and 8 USD for a million tokens."""
    file = tmp_path / "prices.toml"
    file.write_text(OWN)
    return file


def with_prices(database: Database, own: Path) -> Books:
    return Books(Settings(database_url=database.url, prices=own), database)


async def test_what_it_changes_is_shown_first_and_booked_then(database: Database, own: Path) -> None:
    books = await open_books(database, CATALOG)
    await report(books, "a", "answer", call("r1", model="gpt-99"), call("r2"))
    await report(books, "b", "kept", call("r3", model="gpt-99"))
    await report(books, "c", "bare", call("r4", model="gpt-99"), call("r5", model="gpt-98"))
    await report(books, "d", "answer", call("r6"))
    before = await totals(books)
    books = with_prices(database, own)
    shown = await books.reprice(CallFilter(), apply=False)
    # 1,500 × 4 and 500 × 8 per million are 0.01.
    assert [(one.event_id, one.charge_before, one.charge_after) for one in shown] == [
        ("a", D("0.5"), D("0.0234375")),
        ("b", D("0.5"), D("0.5")),
        ("c", None, None),
    ]
    assert [(call.call_id, call.cost, call.missing) for one in shown for call in one.calls] == [
        ("r1", D("0.01"), ()),
        ("r3", D("0.01"), ()),
        ("r4", D("0.01"), ()),
        ("r5", None, ("model",)),
    ]
    assert await totals(books) == before
    assert await one(books, "select count(*) from events") == 4
    assert await books.reprice(CallFilter(), apply=True) == shown
    assert await totals(books) == (D("0.0375"), D("0.0234375") + D("0.5") + D("0.0109375"))
    assert await counts(books) == (0, 0, 0)
    assert await counts(books, "bare") == (1, 1, 0)
    await assert_sound(books)
    again = await books.reprice(CallFilter(), apply=True)
    assert [(one.event_id, [call.call_id for call in one.calls]) for one in again] == [("c", ["r5"])]
    assert await one(books, "select count(*) from events") == 7
    [row] = await rows(books, "select * from provider_calls where adjusts = 'r1'")
    assert [line["amount"] for line in row["lines"]] == ["4", "8"]
    assert row["cost_source"] == "response"


async def test_only_what_is_asked_for_is_repriced_page_by_page(database: Database, own: Path) -> None:
    books = await open_books(database, CATALOG, "acme", "other")
    for i in range(5):
        await report(books, f"e{i}", "answer", call(f"r{i}", model="gpt-99" if i % 2 else "gpt-99-mini"))
    books = with_prices(database, own)
    assert await books.reprice(CallFilter(customer_id_of("other")), apply=True) == []
    assert await books.reprice(CallFilter(provider="anthropic"), apply=True) == []
    found = await books.reprice(CallFilter(model="gpt-99"), apply=True)
    assert [one.event_id for one in found] == ["e1", "e3"]
    assert len(await books.reprice(CallFilter(customer_id_of("acme")), apply=True)) == 3
    await assert_sound(books)


async def test_usage_that_is_understood_later_counts_then(database: Database, own: Path) -> None:
    """The raw usage stays with the event, so that a later Tollkeeper, or price, can make something of it."""
    books = await open_books(database, CATALOG)
    await report(books, "e", "answer", {"provider": "openai", "model": "gpt-99", "usage": {"colour": "red"}})
    assert await one(books, "select quantities from provider_calls") is None
    [shown] = await with_prices(database, own).reprice(CallFilter(), apply=True)
    assert (shown.calls[0].cost, shown.calls[0].missing) == (None, ("usage",))
