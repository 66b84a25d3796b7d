"""How the usage of a large customer is read, by plans that are made for any customer: PostgreSQL keeps those of
statements that are asked again and again, and they take every customer for a small one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from tests.database.gating import books_on, from_json, open_books

from tollkeeper.analytics import UsageQuery, Window, models, overview, usage
from tollkeeper.books import Books
from tollkeeper.clock import Interval
from tollkeeper.customers import get_customer
from tollkeeper.db import Database, pool

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
EXPLAINED = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
    "plan_cache_mode": "force_generic_plan",
}


@pytest.fixture
async def explained(database: Database) -> AsyncIterator[Database]:
    """The same database, of a customer with many series, whose connections say how each statement was carried out."""
    small = [f"small-{number}" for number in range(100)]
    books = await open_books(database, CATALOG, *small, "acme")
    await ingest_all(books, [event(customer, day, day) for customer in small for day in range(20)])
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("analyze")  # That's what the planner knows: all customers are small.
    await ingest_all(books, [event("acme", day, series) for day in range(DAYS) for series in range(SERIES)])
    asked = " ".join(f"-c {name}={value}" for name, value in EXPLAINED.items())
    with patch.object(pool, "_OPTIONS", f"{pool._OPTIONS} {asked}"):  # pyright: ignore[reportPrivateUsage]
        told = Database(database.url, pool_size=1)
    async with told:
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
    catalog, plans = await books_on(explained).catalog(), list[dict[str, Any]]()
    span = Interval(END - timedelta(days=DAYS, hours=3), END + timedelta(minutes=5))
    queries = {
        "by job": UsageQuery(start=span.start, end=span.end, window=Window.TOTAL, group_by=("job",)),
        "by day": UsageQuery(start=span.start, end=span.end, window=Window.DAY),
        "of one job": UsageQuery(start=span.start, end=span.end, window=Window.TOTAL, filter={"job": "job-7"}),
    }
    async with explained.transaction() as tx:
        customer = await get_customer(tx, "acme")
        tx.connection.add_notice_handler(lambda notice: plans.extend(plan_in(notice.message_primary or "")))
        if what == "models":
            assert sum(use.calls for use in await models(tx, customer, span)) == SERIES * DAYS
        elif what == "overview":
            assert (await overview(tx, customer, catalog, END)).meters[0].events == SERIES * DAYS
        else:
            found = await usage(tx, customer, catalog, queries[what])
            assert sum(row.events for row in found) == (DAYS if what == "of one job" else SERIES * DAYS)
    scans = [scan for plan in plans for scan in scans_of(plan)]
    assert scans, "the statements were explained"
    for table in ROWS_OF:
        read = sum(rows for name, rows in scans if name == table)
        assert read <= 3 * SERIES * DAYS, (what, table, read)


def plan_in(message: str) -> Iterator[dict[str, Any]]:
    """The plan that a notice of auto_explain tells."""
    _, brace, told = message.partition("{")
    if brace:
        yield json.loads(brace + told)["Plan"]


def scans_of(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Each table that is read, and how many of its rows were, wanted or not."""
    if "Relation Name" in plan:
        each = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        yield plan["Relation Name"], each * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from scans_of(part)
