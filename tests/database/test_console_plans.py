"""What the console reads of many customers: what a page shows, and what must be looked through once."""

from __future__ import annotations

import psycopg
import pytest
from tests.database.explaining import Plan, explaining, plans_of, rows_read, scans_of
from tests.database.gating import books_on, open_books, utc
from tests.database.listing import CATALOG

from tollkeeper.books import Books
from tollkeeper.console import ListQuery, Sort, list_figures, refresh_figures, summary
from tollkeeper.db import Database

pytestmark = pytest.mark.anyio

CUSTOMERS, ARCHIVED, PAGE = 3000, 10, 20
NOW = utc("2026-03-15 12:00")
MADE = (
    """insert into customers (customer_id, key, name, currency, timezone, metadata, created_at, updated_at, archived_at)
       select md5('c' || n)::uuid, 'c' || n, 'Firm ' || md5(n::text), 'USD', 'UTC', '{}', now(), now(),
              case when n % 300 = 0 then now() end
       from generate_series(1, %(customers)s) n""",
    """insert into wallets (customer_id, unit, balance, held, owed, owed_held, last_at)
       select md5('c' || n)::uuid, 'USD', n % 1000, 0, 0, 0, now() from generate_series(1, %(customers)s) n""",
)


@pytest.fixture
async def books(database: Database) -> Books:
    """The books of many customers, with the figures of a round."""
    books = await open_books(database, CATALOG)
    with psycopg.connect(database.url, autocommit=True) as owner:
        for statement in MADE:
            owner.execute(statement.replace("%(customers)s", str(CUSTOMERS)).encode())
    await database.run(lambda tx: refresh_figures(tx, "USD", now=NOW))
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("vacuum analyze")
    return books


async def plans_for(books: Books, query: ListQuery, **settings: str) -> list[Plan]:
    async with explaining(books.database.url, **settings) as told:
        catalog = await books_on(told).catalog()
        async with told.transaction() as tx:
            plans = plans_of(tx)
            await list_figures(tx, catalog, query, now=NOW)
    return plans


async def test_the_summary_reads_sums_that_a_round_has_made(books: Books) -> None:
    async with explaining(books.database.url) as told:
        catalog = await books_on(told).catalog()
        async with told.transaction() as tx:
            plans = plans_of(tx)
            found = await summary(tx, catalog, now=NOW)
    assert found.customers == CUSTOMERS + 1
    assert rows_read(plans, "customer_figures") == 0
    assert 1 <= rows_read(plans, "figure_sums") <= 10


@pytest.mark.parametrize("archived", [None, False])
async def test_the_first_page_by_balance_reads_wallets_and_the_customers_that_it_shows(
    books: Books, archived: bool | None
) -> None:
    # With so few customers the archived ones are found by reading all as quickly.
    plans = await plans_for(books, ListQuery(Sort.BALANCE, True, archived=archived, limit=PAGE), enable_seqscan="off")
    assert rows_read(plans, "wallets") <= CUSTOMERS + PAGE
    assert rows_read(plans, "customer_figures") == PAGE
    assert rows_read(plans, "customers") <= 3 * PAGE + (0 if archived is None else ARCHIVED)


async def test_a_text_that_no_name_has_is_looked_for_in_the_index_alone(books: Books) -> None:
    # With so few customers the whole table is read as quickly.
    plans = await plans_for(books, ListQuery(Sort.KEY, search="nobody", limit=PAGE), enable_seqscan="off")
    (scan,) = [scan for plan in plans for scan in scans_of(plan) if scan.get("Index Name") == "customers_by_key"]
    assert (scan["Node Type"], scan["Heap Fetches"]) == ("Index Only Scan", 0)
