"""What a customer has used, and how it was booked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from tollkeeper import clock
from tollkeeper.analytics import UsageQuery, UsageRow, Window, parse_filter, recent_range, usage
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
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


class UsageAnswer(Answer):
    """Usage in [from, to); windows without usage have no row."""

    customer: str
    start: datetime
    end: datetime
    window: Window
    timezone: str
    as_of: datetime
    rows: list[UsageRowAnswer]


@router.get("/usage", summary="Sum up usage", responses=CSV_RESPONSE, response_model=UsageAnswer)
async def show_usage(
    books: OpenBooks,
    _: Reader,
    csv: WantsCsv,
    customer: OneCustomer,
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
) -> UsageAnswer | Response:
    """Quantities, charges and costs by meter, window of time and dimensions; exact for any range and time zone."""
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

    async def work(tx: Tx) -> tuple[str, list[UsageRow]]:
        catalog = await books.catalog(tx)
        found = await get_customer(tx, customer)
        return found.timezone, await usage(tx, found, catalog, query)

    own_zone, found = await books.database.run(work, customer_id_of(customer))
    rows = [UsageRowAnswer.of(row) for row in found]
    if csv:
        groups = [f"group.{name}" for name in query.group_by]
        return as_csv(rows, ["start", "end", "meter", *groups, *_FIGURES])
    shown = {"start": span.start, "end": span.end, "window": window, "timezone": timezone or own_zone}
    return UsageAnswer(customer=customer, as_of=as_of, rows=rows, **shown)


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
    before = None if cursor is None else _point(*decode_cursor(cursor, 2))

    async def work(tx: Tx) -> list[Entry]:
        customer = await get_customer(tx, key)
        return await list_postings(tx, customer.customer_id, before=before, kind=kind, limit=limit + 1)

    found = await books.database.run(work, customer_id_of(key))
    answer = page(found, limit, EntryAnswer.of, lambda last: (str(last.transaction_id), str(last.line)))
    return as_csv(answer.data, _ENTRY_COLUMNS, next_cursor=answer.next_cursor) if csv else answer


def _point(transaction_id: str, line: str) -> tuple[UUID, int]:
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
