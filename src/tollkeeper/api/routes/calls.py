"""Provider calls: what each call of an event costs, and which are unpriced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from tollkeeper.analytics import whole_range
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, instant_in, page, uuid_in
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.calls import CallFilter, StoredCall, list_calls
from tollkeeper.clock import in_utc
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput

router = APIRouter(prefix="/v1/calls", tags=["costs"])


class LineAnswer(Answer):
    """One quantity of a call at one price of the book: quantity × amount ÷ per, in USD."""

    unit: str
    quantity: Amount
    amount: Amount
    per: Amount
    price_id: str


class CallAnswer(Answer):
    """A provider call of an event, with its cost in the catalog's currency; or a change of an earlier call's cost."""

    id: str
    customer: str
    event: str
    provider: str
    model: str
    at: datetime
    recorded_at: datetime
    quantities: dict[str, Amount] | None
    lines: list[LineAnswer]
    rate: Amount | None
    cost: Amount | None
    cost_source: str
    missing: list[str]
    open: bool
    adjusts: str | None
    project: str | None
    api_key: str | None
    service_tier: str | None
    batch: bool
    region: str | None
    book: str | None
    transaction_id: UUID


_OWN_NAMES = {"id": "call_id", "event": "event_id"}
_COLUMNS = (
    "id", "customer", "event", "provider", "model", "at", "recorded_at", "quantities", "cost", "cost_source", "missing",
    "open", "adjusts", "project", "api_key", "service_tier", "batch", "region", "transaction_id",
)  # fmt: skip


def _answer(call: StoredCall) -> CallAnswer:
    fields = {name: getattr(call, _OWN_NAMES.get(name, name)) for name in CallAnswer.model_fields}
    return CallAnswer.model_validate(fields | {"lines": call.lines or []})


@router.get("", summary="List provider calls", responses=CSV_RESPONSE, response_model=Page[CallAnswer])
async def list_all(
    books: OpenBooks,
    _: Reader,
    csv: WantsCsv,
    customer: Annotated[str | None, Query(description="Only this customer's.")] = None,
    event: Annotated[str | None, Query(description="Only those of this event; needs `customer`.")] = None,
    provider: Annotated[str | None, Query(description="Only calls to this provider.")] = None,
    model: Annotated[str | None, Query(description="Only calls that this model answered.")] = None,
    unpriced: Annotated[bool, Query(description="Only calls whose cost still isn't known.")] = False,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Calls at or after this time.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Calls before this time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[CallAnswer] | Response:
    """Each provider call once, newest first: quantities, prices, cost, and why it's unpriced where it is."""
    before = None if cursor is None else _point(*decode_cursor(cursor, 4))
    if event is not None and customer is None:
        raise InvalidInput("missing_field", "An event's id says nothing without its `customer`.", field="customer")
    span = whole_range(start, end)

    async def work(tx: Tx) -> list[StoredCall]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        wanted = CallFilter(customer_id, event, provider, model, unpriced, span.start, span.end)
        return await list_calls(tx, wanted, before=before, limit=limit + 1)

    found = await books.database.run(work, None if customer is None else customer_id_of(customer))
    answer = page(
        found, limit, _answer, lambda last: (in_utc(last.at), str(last.customer_id), last.provider, last.call_id)
    )
    return as_csv(answer.data, _COLUMNS, next_cursor=answer.next_cursor) if csv else answer


def _point(at: str, customer_id: str, provider: str, call_id: str) -> tuple[datetime, UUID, str, str]:
    return instant_in(at), uuid_in(customer_id), provider, call_id
