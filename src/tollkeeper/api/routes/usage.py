"""What a customer has used, and how it was booked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from tollkeeper import clock
from tollkeeper.analytics import UsageQuery, UsageRow, Window, parse_filter, recent_range, totals, usage
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, number_in, page, uuid_in
from tollkeeper.api.paths import CustomerKey
from tollkeeper.api.routes.events import OneCustomer
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.ledger import Entry, Kind, get_transaction, list_postings

router = APIRouter(prefix="/v1", tags=["usage"])


class UsageRowAnswer(Answer):
    """What one meter came to in one window and group."""

    start: datetime
    end: datetime
    meter: str
    group: dict[str, str | None]
    events: int
    quantity: Amount
    charge: Amount
    unit: str | None
    cost: Amount
    unpriced: int
    uncosted: int
    estimated: int


class UsageTotalAnswer(Answer):
    """What all rows of one window were charged in one unit of value."""

    start: datetime
    end: datetime
    unit: str
    charge: Amount


class UsageAnswer(Answer):
    """Usage in [from, to); windows without usage have no row."""

    customer: str
    start: datetime
    end: datetime
    window: Window
    timezone: str
    as_of: datetime
    totals: list[UsageTotalAnswer]
    rows: list[UsageRowAnswer]


@dataclass(frozen=True, slots=True)
class UsageAsked:
    """Which usage is asked for, and when."""

    query: UsageQuery
    as_of: datetime


async def _asked(
    meter: Annotated[str | None, Query(description="One meter; all of them by default.")] = None,
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="Start of the range; 30 days before `to` by default.")
    ] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="End of the range; now by default.")] = None,
    window: Annotated[
        Window, Query(description="How long the rows' windows are; at most 2,000 of them.")
    ] = Window.TOTAL,
    timezone: Annotated[
        str | None, Query(description="IANA zone that windows are cut in; the customer's by default.")
    ] = None,
    group_by: Annotated[
        list[str], Query(description="Declared dimensions, or `member`; repeated or separated by commas.")
    ] = [],  # noqa: B006
    only: Annotated[list[str], Query(alias="filter", description="`dimension:value`, any number.")] = [],  # noqa: B006
) -> UsageAsked:
    as_of = clock.now()
    span = recent_range(start, end, as_of)
    query = UsageQuery(
        start=span.start,
        end=span.end,
        window=window,
        meter=meter,
        timezone=timezone,
        group_by=tuple(name for names in group_by for name in names.split(",") if name),
        filter=parse_filter(only),
    )
    return UsageAsked(query, as_of)


AskedUsage = Annotated[UsageAsked, Depends(_asked)]
"""The parameters of routes that sum up usage."""


async def usage_of(books: Books, key: str, query: UsageQuery) -> tuple[str, list[UsageRow]]:
    """The zone that the customer's windows are cut in, and the rows. Raises as `usage` does."""

    async def work(tx: Tx) -> tuple[str, list[UsageRow]]:
        catalog = await books.catalog(tx)
        found = await get_customer(tx, key)
        return query.timezone or found.timezone, await usage(tx, found, catalog, query)

    return await books.database.run(work, customer_id_of(key))


def usage_columns(query: UsageQuery, figures: Collection[str]) -> list[str]:
    """The columns of rows of usage as CSV."""
    return ["start", "end", "meter", *(f"group.{name}" for name in query.group_by), *figures]


@router.get("/usage", summary="Sum up usage", responses=CSV_RESPONSE, response_model=UsageAnswer)
async def show_usage(
    books: OpenBooks, _: Reader, csv: WantsCsv, customer: OneCustomer, asked: AskedUsage
) -> UsageAnswer | Response:
    """Quantities, charges and costs by meter, window of time and dimensions; exact for any range and time zone."""
    query = asked.query
    zone, found = await usage_of(books, customer, query)
    rows = [UsageRowAnswer.of(row) for row in found]
    if csv:
        return as_csv(rows, usage_columns(query, _FIGURES))
    shown = {"start": query.start, "end": query.end, "window": query.window, "timezone": zone}
    sums = [UsageTotalAnswer.of(total) for total in totals(found)]
    return UsageAnswer(customer=customer, as_of=asked.as_of, totals=sums, rows=rows, **shown)


_FIGURES = ("events", "quantity", "charge", "unit", "cost", "unpriced", "uncosted", "estimated")


class EntryAnswer(Answer):
    """A posting: `amount` moves from the account `credit` to the account `debit`."""

    transaction_id: UUID
    line: int
    kind: str
    debit: str
    credit: str
    unit: str
    amount: Amount
    booked_at: datetime
    booked_by: str
    service_from: datetime
    service_to: datetime
    events: int


_ENTRY_COLUMNS = tuple(EntryAnswer.model_fields)


@router.get(
    "/customers/{key:key}/ledger",
    summary="List a customer's ledger postings",
    responses=CSV_RESPONSE,
    response_model=Page[EntryAnswer],
)
async def show_ledger(
    books: OpenBooks,
    _: Reader,
    csv: WantsCsv,
    key: CustomerKey,
    kind: Annotated[Kind | None, Query(description="Only postings of this kind.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[EntryAnswer] | Response:
    """The audit trail, newest first. `GET /v1/events?transaction=` lists the events that a posting sums up."""
    before = posting_behind(cursor)

    async def work(tx: Tx) -> list[Entry]:
        customer = await get_customer(tx, key)
        kinds = None if kind is None else [kind]
        return await list_postings(tx, customer.customer_id, before=before, kinds=kinds, limit=limit + 1)

    found = await books.database.run(work, customer_id_of(key))
    answer = page(found, limit, EntryAnswer.of, lambda last: (str(last.transaction_id), str(last.line)))
    return as_csv(answer.data, _ENTRY_COLUMNS, next_cursor=answer.next_cursor) if csv else answer


def posting_behind(cursor: str | None) -> tuple[UUID, int] | None:
    """The posting that a page goes on behind. Raises InvalidInput `invalid_cursor`."""
    if cursor is None:
        return None
    transaction_id, line = decode_cursor(cursor, 2)
    return uuid_in(transaction_id), number_in(line)


class TransactionAnswer(Answer):
    """All postings of one transaction."""

    customer: str
    transaction_id: UUID
    postings: list[EntryAnswer]


@router.get("/customers/{key:key}/ledger/{transaction}", summary="Show a ledger transaction")
async def show_transaction(books: OpenBooks, _: Reader, key: CustomerKey, transaction: UUID) -> TransactionAnswer:
    """The postings that were booked together."""

    async def work(tx: Tx) -> list[Entry]:
        return await get_transaction(tx, (await get_customer(tx, key)).customer_id, transaction)

    found = await books.database.run(work, customer_id_of(key))
    return TransactionAnswer(customer=key, transaction_id=transaction, postings=[EntryAnswer.of(one) for one in found])
