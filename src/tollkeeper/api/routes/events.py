"""Usage events: report them, look at them, and see why each cost what it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from tollkeeper.analytics import EventQuery, parse_filter, search_events, whole_range
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Amount, Answer, JsonObject
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, instant_in, page
from tollkeeper.api.paths import EventKey
from tollkeeper.api.problems import MEDIA_TYPE
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.clock import BEGINNING, in_utc
from tollkeeper.customers import Customer, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.events import (
    EventIn,
    Refused,
    Status,
    StoredEvent,
    get_event,
    read_json,
    read_ndjson,
)
from tollkeeper.gate import Explanation, Recorded, Result, explain_event

router = APIRouter(prefix="/v1/events", tags=["events"])

_NDJSON = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"}
# The last one is what `curl -d` says when it isn't told otherwise.
_JSON = {"", "application/json", "text/json", "application/x-www-form-urlencoded"}


class IngestAnswer(msgspec.Struct, omit_defaults=True):
    """What became of a request's events: how many ended in each status, and each one's own answer."""

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[Result]
    # Only where a single event was refused: then the answer is a problem document as well.
    type: str | None = None
    title: str | None = None
    status: int | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None
    instance: str | None = None


_SCHEMAS = msgspec.json.schema_components([EventIn, IngestAnswer], ref_template="#/components/schemas/{name}")[1]
_EVENT = {"$ref": "#/components/schemas/EventIn"}
_ANSWER = {"$ref": "#/components/schemas/IngestAnswer"}

INGEST_SCHEMAS: dict[str, Any] = _SCHEMAS
"""Schemas of the ingest bodies, which msgspec describes; the OpenAPI document takes them in."""


_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def _described(description: str, media_type: str = "application/json", schema: Any = _ANSWER) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


@router.post(
    "",
    summary="Report usage",
    response_class=Response,
    responses={
        200: _described("Every event is stored and charged, now or before."),
        207: _described("Of several events some were refused; the others are stored. Look at `results`."),
        409: _described("The one event conflicts with the one stored under its id.", MEDIA_TYPE),
        422: _described(
            "The one event was refused; it's kept in quarantine. Or, without `results`, the request itself was.",
            MEDIA_TYPE,
            {"anyOf": [_ANSWER, _PROBLEM]},
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1}]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "One event on each line."}},
            },
        }
    },
)
async def ingest(
    request: Request,
    books: OpenBooks,
    key: Writer,
    results: Annotated[
        Literal["all", "errors"], Query(description="`errors` leaves accepted events and duplicates out.")
    ] = "all",
) -> Response:
    """Takes one event, an array of up to 10,000, or NDJSON. When it answers, what was accepted is stored for good.

    Repeating a request is safe: an event that is stored already is a `duplicate` and isn't charged again.
    """
    items, several = _read(request.headers.get("content-type", ""), await request.body(), books.settings.max_events)
    recorded = await books.ingest(items, by=caller(key))
    answer = IngestAnswer(
        accepted=recorded.count(Status.ACCEPTED),
        duplicates=recorded.count(Status.DUPLICATE),
        conflicts=recorded.count(Status.CONFLICT),
        rejected=recorded.count(Status.REJECTED),
        results=recorded.results if results == "all" else recorded.refused,
    )
    status = _status(answer, several)
    if status not in (409, 422):
        return Response(msgspec.json.encode(answer), status, media_type="application/json")
    _as_problem(answer, recorded, status, request.state.request_id)
    return Response(msgspec.json.encode(answer), status, media_type=MEDIA_TYPE)


def _read(content_type: str, body: bytes, max_events: int) -> tuple[list[EventIn | Refused], bool]:
    kind = content_type.split(";")[0].strip().lower()
    if kind in _NDJSON:
        return read_ndjson(body, max_events=max_events), True
    if kind not in _JSON:
        raise InvalidInput(
            "unsupported_media_type",
            f"Send application/json or application/x-ndjson, not {kind}.",
            field="content-type",
        )
    return read_json(body, max_events=max_events)


def _status(answer: IngestAnswer, several: bool) -> int:
    if not answer.conflicts and not answer.rejected:
        return 200
    if several:
        return 207
    return 409 if answer.conflicts else 422


def _as_problem(answer: IngestAnswer, recorded: Recorded, status: int, request_id: str) -> None:
    error = recorded.results[0].error
    answer.type, answer.status, answer.instance = "about:blank", status, request_id
    answer.title = "Conflict" if status == 409 else "Invalid input"
    if error is not None:
        answer.code, answer.detail, answer.field = error.code, error.detail, error.field


class EventAnswer(Answer):
    """A usage event as it is stored, with its charge."""

    id: str
    customer: str
    meter: str
    quantity: Amount
    billed: Amount
    charge: Amount | None
    unit: str | None
    estimated: bool
    cost: Amount | None
    cost_source: str | None
    time: datetime
    recorded_at: datetime
    member: str | None
    dimensions: dict[str, str]
    amount: Amount | None
    corrects: str | None
    corrected_by: list[str]
    metadata: JsonObject | None
    calls: list[JsonObject] | None
    transaction_id: UUID
    price_id: UUID | None


def _event_answer(customer: str, event: StoredEvent) -> EventAnswer:
    fields = {name: getattr(event, name) for name in EventAnswer.model_fields if hasattr(event, name)}
    return EventAnswer(id=event.event_id, customer=customer, **fields)


_COLUMNS = (
    "id", "customer", "meter", "quantity", "billed", "charge", "unit", "estimated", "cost", "cost_source", "time",
    "recorded_at", "member", "dimensions", "amount", "corrects", "transaction_id",
)  # fmt: skip

OneCustomer = Annotated[str, Query(min_length=1, max_length=200, description="The customer's key.")]


Shown = TypeVar("Shown")


async def _asked(
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Events at or after this time.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Events before this time.")] = None,
    meter: str | None = None,
    member: str | None = None,
    transaction: Annotated[UUID | None, Query(description="Only events of this ledger transaction.")] = None,
    dimensions: Annotated[
        list[str], Query(alias="filter", description="`dimension:value`, or `member:key`; any number.")
    ] = [],  # noqa: B006
) -> EventQuery:
    span = whole_range(start, end)
    return EventQuery(span.start, span.end, meter, member, transaction, parse_filter(dimensions))


AskedEvents = Annotated[EventQuery, Depends(_asked)]
"""The parameters of routes that list events."""


async def page_of_events(
    books: Books, key: str, query: EventQuery, limit: int, cursor: str | None, answer: Callable[[StoredEvent], Shown]
) -> Page[Shown]:
    """A page of a customer's events, newest first. Raises as `search_events` does."""
    point = None if cursor is None else _point(*decode_cursor(cursor, 2))

    async def work(tx: Tx) -> list[StoredEvent]:
        catalog = await books.catalog(tx)
        found = await get_customer(tx, key)
        return await search_events(tx, found.customer_id, catalog, query, before=point, limit=limit + 1)

    events = await books.database.run(work, customer_id_of(key))
    return page(events, limit, answer, lambda last: (in_utc(last.time), last.event_id))


@router.get("", summary="List events", responses=CSV_RESPONSE, response_model=Page[EventAnswer])
async def list_all(
    books: OpenBooks,
    _: Reader,
    csv: WantsCsv,
    customer: OneCustomer,
    query: AskedEvents,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[EventAnswer] | Response:
    """A customer's events, newest first."""
    answer = await page_of_events(books, customer, query, limit, cursor, lambda event: _event_answer(customer, event))
    return as_csv(answer.data, _COLUMNS, next_cursor=answer.next_cursor) if csv else answer


def _point(time: str, event_id: str) -> tuple[datetime, str]:
    return instant_in(time), event_id


@router.get("/{id:key}", summary="Show an event")
async def show(books: OpenBooks, _: Reader, id: EventKey, customer: OneCustomer) -> EventAnswer:
    """One event, with its charge and the ids of its corrections."""

    async def work(tx: Tx) -> StoredEvent:
        found = await get_customer(tx, customer)
        return await get_event(tx, found.customer_id, id)

    return _event_answer(customer, await books.database.run(work, customer_id_of(customer)))


class StepAnswer(Answer):
    """A line of arithmetic: in words, and the same numbers for programs."""

    name: str
    text: str
    figures: dict[str, str]


class PaidAnswer(Answer):
    """What the event took of a grant; negative: gave back. What no grant paid is receivable."""

    grant_id: UUID
    unit: str
    amount: Amount
    at: datetime


class ExplanationAnswer(Answer):
    """Why an event cost what it did."""

    event: EventAnswer
    charge: Amount | None
    unit: str | None
    price_id: UUID | None
    price_from: datetime | None
    steps: list[StepAnswer]
    paid: list[PaidAnswer]
    ledger_transaction: UUID


@router.get("/{id:key}/explanation", summary="Explain a charge")
async def explanation(books: OpenBooks, _: Reader, id: EventKey, customer: OneCustomer) -> ExplanationAnswer:
    """The arithmetic of one charge: usage, the price that held, and each step in order, in words and figures."""
    found = await explain_one(books, customer, id)
    return ExplanationAnswer(
        event=_event_answer(customer, found.event),
        charge=found.charge,
        unit=found.unit,
        price_id=found.price_id,
        price_from=None if found.price_from in (None, BEGINNING) else found.price_from,
        steps=[StepAnswer.of(step) for step in found.steps],
        paid=[PaidAnswer.of(burn) for burn in found.paid],
        ledger_transaction=found.ledger_transaction,
    )


async def explain_one(books: Books, customer: str, event_id: str, *, costs: bool = True) -> Explanation:
    """The explanation of one event of a customer; without `costs` it tells nothing that the operator pays."""

    async def work(tx: Tx) -> Explanation:
        catalog = await books.catalog(tx)
        found: Customer = await get_customer(tx, customer)
        return await explain_event(tx, catalog, found, event_id, costs=costs)

    return await books.database.run(work, customer_id_of(customer))
