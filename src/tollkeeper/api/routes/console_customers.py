"""The console's list of customers: what each has spent, costs, owes and has left."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tollkeeper import clock
from tollkeeper.analytics import percent_of_cost
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, decode_cursor, encode_cursor
from tollkeeper.catalog import Catalog
from tollkeeper.console import Behind, CustomerRow, Listed, ListQuery, Ranked, Sort, list_figures
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.money import subtract

router = APIRouter(prefix="/v1/console/customers", tags=["console"])

_BACKWARDS = "-"


class AvailableAnswer(BaseModel):
    """What is left of prepaid value in one unit, without what is held."""

    unit: str
    available: Amount


class SpentAnswer(BaseModel):
    """Charges in one unit of value."""

    unit: str
    amount: Amount


class ListedCustomer(BaseModel):
    """One customer in the list. The sums are of this calendar month in its time zone, in its currency."""

    key: str
    name: str
    currency: str
    timezone: str
    plan: str | None
    spent: Amount
    also_spent: list[SpentAnswer] = Field(description="Charges in other units of value, such as credits.")
    cost: Amount = Field(description="What AI providers took, in the catalog's currency.")
    margin: Amount | None = Field(description="Null where the customer's currency isn't the catalog's.")
    margin_percent: Amount | None = Field(description="Of the cost; null without a cost.")
    balance: list[AvailableAnswer]
    owed: Amount = Field(description="All charges, without what wallets have paid of them.")
    unpriced: int = Field(description="Events of this month without a charge.")
    last_event_at: datetime | None
    archived_at: datetime | None
    suspended_at: datetime | None


class ListedCustomers(BaseModel):
    """A page of the list."""

    as_of: datetime | None = Field(description="What the sums know of; balances and dates are of this moment.")
    currency: str = Field(description="The catalog's.")
    data: list[ListedCustomer]
    next_cursor: str | None = Field(description="Asks for the next page as `cursor`; null on the last page.")


@router.get("", summary="List customers with their figures")
async def list_all(
    books: OpenBooks,
    _: Reader,
    search: Annotated[
        str | None, Query(max_length=500, description="Text in the key or name, in upper or lower case.")
    ] = None,
    sort: Annotated[
        str,
        Query(
            pattern="^-?(key|name|spent|margin|owed|balance)$",
            description="`key`, `name`, `spent`, `margin`, `owed` or `balance`; with `-` before it the largest first.",
        ),
    ] = "key",
    unit: Annotated[
        str | None,
        Query(max_length=200, description="The unit of the balance to sort by; the catalog's currency by default."),
    ] = None,
    archived: Annotated[bool | None, Query(description="Only archived customers, or only the others.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListedCustomers:
    """Sums lag by about ten seconds, and say as of when; balances don't."""
    query = ListQuery(
        sort=Sort(sort.removeprefix(_BACKWARDS)),
        backwards=sort.startswith(_BACKWARDS),
        search=search or None,
        archived=archived,
        unit=unit,
        behind=None if cursor is None else _behind(sort, cursor),
        limit=limit + 1,
    )

    async def work(tx: Tx) -> tuple[Catalog, Listed]:
        catalog = await books.catalog(tx)
        return catalog, await list_figures(tx, catalog, query, now=clock.now())

    catalog, found = await books.database.run(work)
    more = len(found.ranks) > limit
    return ListedCustomers(
        as_of=found.as_of,
        currency=catalog.currency,
        data=[_answer(row, catalog) for row in found.rows[:limit]],
        next_cursor=_cursor(sort, found.ranks[limit - 1]) if more else None,
    )


def _cursor(sort: str, last: Ranked) -> str:
    return encode_cursor(sort, last.key, "" if last.rank is None else str(last.rank), last.name or "")


def _behind(sort: str, cursor: str) -> Behind:
    """Where the list goes on. A cursor is of one order only."""
    order, key, rank, name = decode_cursor(cursor, 4)
    try:
        figure = Decimal(rank) if rank else None
    except InvalidOperation:
        figure = Decimal("NaN")
    if order != sort or (figure is not None and figure.is_nan()):
        raise InvalidInput("invalid_cursor", "This isn't a cursor that an earlier page gave.", field="cursor")
    return Behind(key, figure, name)


def _answer(row: CustomerRow, catalog: Catalog) -> ListedCustomer:
    margin = row.margin if row.margin.is_finite() and row.currency == catalog.currency else None
    return ListedCustomer(
        key=row.key,
        name=row.name,
        currency=row.currency,
        timezone=row.timezone,
        plan=row.plan or catalog.default_plan,
        spent=row.charge,
        also_spent=[
            SpentAnswer(unit=unit, amount=Decimal(amount)) for unit, amount in sorted(row.other_charges.items())
        ],
        cost=row.cost,
        margin=margin,
        # The cost that the margin is about: without that of usage that is charged in other units.
        margin_percent=None if margin is None else percent_of_cost(margin, subtract(row.charge, margin)),
        balance=[
            AvailableAnswer(unit=unit, available=Decimal(amount)) for unit, amount in sorted(row.available.items())
        ],
        owed=row.owed,
        unpriced=row.unpriced,
        last_event_at=row.last_event_at,
        archived_at=row.archived_at,
        suspended_at=row.suspended_at,
    )
