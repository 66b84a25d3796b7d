"""How the usage of a large customer is read, by plans that are made for any customer: PostgreSQL keeps those of
statements that are asked again and again, and they take every customer for a small one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.database.explaining import explaining, plans_of, rows_read, scans_of
from tests.database.gating import books_on, from_json, open_books

from tollkeeper.analytics import UsageQuery, Window, models, overview, usage
from tollkeeper.books import Books
from tollkeeper.clock import Interval
from tollkeeper.console import refresh_figures
from tollkeeper.customers import get_customer
from tollkeeper.db import Database

pytestmark = pytest.mark.anyio

CATALOG = """
currency = "USD"
[meters.cv]
unit = "cv"
dimensions = ["job"]
[prices.cv]
model = "unit"
amount = "0.5"
"""
SERIES, DAYS = 400, 5
END = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ROWS_OF = {"usage_days", "usage_hours", "call_days", "call_hours", "events", "provider_calls"}
"""What grows with usage."""


@pytest.fixture
async def explained(database: Database) -> AsyncIterator[Database]:
    """The same database, of a customer with many series, whose connections say how each statement was carried out."""
    small = [f"small-{number}" for number in range(100)]
    books = await open_books(database, CATALOG, *small, "acme")
    await ingest_all(books, [event(customer, day, day) for customer in small for day in range(20)])
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("analyze")  # That's what the planner knows: all customers are small.
    await ingest_all(books, [event("acme", day, series) for day in range(DAYS) for series in range(SERIES)])
    async with explaining(database.url) as told:
        yield told


def event(customer: str, day: int, series: int) -> dict[str, Any]:
    return {
        "id": f"{day}-{series}",
        "customer": customer,
        "meter": "cv",
        "quantity": "1",
        "dimensions": {"job": f"job-{series}"},
        "time": (END - timedelta(days=day, minutes=series % 50)).isoformat(),
        "calls": [
            {"provider": "openai", "model": "gpt-5-mini", "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
        ],
    }


async def ingest_all(books: Books, events: list[dict[str, Any]]) -> None:
    for first in range(0, len(events), 1000):
        results = (await books.ingest(from_json(json.dumps(events[first : first + 1000])))).results
        assert {result.status for result in results} == {"accepted"}


@pytest.mark.parametrize("what", ["by job", "by day", "of one job", "models", "overview"])
async def test_a_customers_rows_are_read_once(explained: Database, what: str) -> None:
    """Fails where a plan reads a large customer's rows anew for each of its series: then a page takes minutes."""
    catalog = await books_on(explained).catalog()
    span = Interval(END - timedelta(days=DAYS, hours=3), END + timedelta(minutes=5))
    queries = {
        "by job": UsageQuery(start=span.start, end=span.end, window=Window.TOTAL, group_by=("job",)),
        "by day": UsageQuery(start=span.start, end=span.end, window=Window.DAY),
        "of one job": UsageQuery(start=span.start, end=span.end, window=Window.TOTAL, filter={"job": "job-7"}),
    }
    async with explained.transaction() as tx:
        customer = await get_customer(tx, "acme")
        plans = plans_of(tx)
        if what == "models":
            assert sum(use.calls for use in await models(tx, customer, span)) == SERIES * DAYS
        elif what == "overview":
            assert (await overview(tx, customer, catalog, END)).meters[0].events == SERIES * DAYS
        else:
            found = await usage(tx, customer, catalog, queries[what])
            assert sum(row.events for row in found) == (DAYS if what == "of one job" else SERIES * DAYS)
    for table in ROWS_OF:
        read = rows_read(plans, table)
        assert read <= 3 * SERIES * DAYS, (what, table, read)


async def test_a_round_of_figures_looks_a_customers_days_up_once(explained: Database) -> None:
    """Fails where it looks them up for each series: then a round takes minutes, and ingest waits for the processor."""
    async with explained.transaction() as tx:
        plans = plans_of(tx)
        assert await refresh_figures(tx, "USD", now=END, whole=True)
    customers, rows = 101, SERIES * DAYS + 100 * 20
    assert rows_read(plans, "usage_days") <= 1.1 * rows
    searches = [
        scan.get("Index Searches", scan["Actual Loops"])
        for plan in plans
        for scan in scans_of(plan)
        if scan["Relation Name"] == "usage_days" and "Index Name" in scan
    ]
    assert sum(searches) <= 2 * customers
