"""The list of customers: found and sorted by one query, shown by another one, which reads those of the page alone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tollkeeper.catalog import Catalog
from tollkeeper.console.figures import Task, last_round
from tollkeeper.console.model import Behind, CustomerRow, Listed, ListQuery, Ranked, Sort
from tollkeeper.customers.model import KEY_LENGTH, NAME_LENGTH
from tollkeeper.db import Queries, Tx, array

_queries = Queries(__package__ or "")

_RANKINGS = {
    (Sort.KEY, False): _queries.rank_by_key,
    (Sort.KEY, True): _queries.rank_by_key_backwards,
    (Sort.NAME, False): _queries.rank_by_name,
    (Sort.NAME, True): _queries.rank_by_name_backwards,
    (Sort.SPENT, False): _queries.rank_by_spent,
    (Sort.SPENT, True): _queries.rank_by_spent_backwards,
    (Sort.MARGIN, False): _queries.rank_by_margin,
    (Sort.MARGIN, True): _queries.rank_by_margin_backwards,
    (Sort.OWED, False): _queries.rank_by_owed,
    (Sort.OWED, True): _queries.rank_by_owed_backwards,
    (Sort.BALANCE, False): _queries.rank_by_balance,
    (Sort.BALANCE, True): _queries.rank_by_balance_backwards,
}
_FIRST = Behind("", Decimal("-Infinity"), "")
_LAST = Behind("\U0010ffff" * (KEY_LENGTH + 1), Decimal("Infinity"), "\U0010ffff" * (NAME_LENGTH + 1))
"""Before and behind all customers: with a place in every case, each query goes along an index."""

_AMOUNTS = (Sort.SPENT, Sort.MARGIN, Sort.OWED, Sort.BALANCE)


async def list_figures(tx: Tx, catalog: Catalog, query: ListQuery, *, now: datetime) -> Listed:
    """A page of customers with their figures. `query.limit` should be one more than is shown."""
    behind = query.behind or (_LAST if query.backwards else _FIRST)
    params = {
        # Key and name are looked through as one text, with a line break between them, which neither holds.
        "search": query.search and query.search.replace("\n", "\n\n"),
        "archived": query.archived,
        "limit": query.limit,
        "present": query.archived is False,
        "after_key": behind.key,
        "after_rank": behind.rank,
        "after_name": behind.name,
        "backwards": query.backwards,
        "figure": query.sort.value,
        "unit": query.unit or catalog.currency,
    }
    found = await tx.all(Ranked, _ranking(query), params)
    wanted = {"customer_ids": array([one.customer_id for one in found]), "now": now}
    rows = await tx.all(CustomerRow, _queries.show_customers, wanted)
    last = await last_round(tx, Task.FIGURES)
    return Listed(rows, found, None if last is None else last.as_of)


def _ranking(query: ListQuery) -> bytes:
    """The query that finds a page. An order by amounts is of no use where most customers aren't wanted."""
    if query.sort in _AMOUNTS and (query.search is not None or query.archived):
        return _queries.rank_found
    return _RANKINGS[query.sort, query.backwards]
