"""What happened, one by one: events with their arithmetic, the ledger, alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tollkeeper.analytics import StatementLine, statement
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, page
from tollkeeper.api.paths import EventKey
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.alerts import page_of_alerts
from tollkeeper.api.routes.events import AskedEvents, PaidAnswer, StepAnswer, explain_one, page_of_events
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG, PortalAlertAnswer, portal_alert
from tollkeeper.api.routes.usage import posting_behind
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.clock import BEGINNING
from tollkeeper.db import Tx
from tollkeeper.events import StoredEvent
from tollkeeper.gate import CUSTOMER_TOPICS
from tollkeeper.ledger import Kind

router = APIRouter(prefix=PREFIX, tags=[TAG])


class PortalEventAnswer(Answer):
    """A usage event with its charge."""

    id: str
    meter: str
    quantity: Amount
    billed: Amount
    charge: Amount | None
    unit: str | None
    estimated: bool
    priced: bool = Field(description="False: it has no price yet, and nothing is charged so far.")
    time: datetime
    recorded_at: datetime
    member: str | None
    dimensions: dict[str, str]
    corrects: str | None
    corrected_by: list[str]
    transaction_id: UUID


_EVENT_COLUMNS = tuple(name for name in PortalEventAnswer.model_fields if name != "corrected_by")


def portal_event(event: StoredEvent) -> PortalEventAnswer:
    """The event as its customer sees it."""
    names = PortalEventAnswer.model_fields.keys() - {"id", "priced"}
    fields = {name: getattr(event, name) for name in names}
    return PortalEventAnswer(id=event.event_id, priced=event.charge is not None, **fields)


@router.get("/events", summary="List events", responses=CSV_RESPONSE, response_model=Page[PortalEventAnswer])
async def list_events(
    books: OpenBooks, session: Portal, csv: WantsCsv, query: AskedEvents, limit: Limit = 100, cursor: Cursor = None
) -> Page[PortalEventAnswer] | Response:
    """The customer's events, newest first."""
    query = replace(query, cost_only=False)
    answer = await page_of_events(books, session.customer, query, limit, cursor, portal_event)
    return as_csv(answer.data, _EVENT_COLUMNS, next_cursor=answer.next_cursor) if csv else answer


class PortalExplanationAnswer(Answer):
    """Why an event cost what it did."""

    event: PortalEventAnswer
    charge: Amount | None
    unit: str | None
    price_from: datetime | None
    steps: list[StepAnswer]
    paid: list[PaidAnswer]
    ledger_transaction: UUID


@router.get("/events/{id:key}/explanation", summary="Explain a charge")
async def explanation(books: OpenBooks, session: Portal, id: EventKey) -> PortalExplanationAnswer:
    """The arithmetic of one charge, step by step; what the operator pays for the usage is left out.

    With the setting `portal_shows_cost` it's told as well.
    """
    found = await explain_one(books, session.customer, id, costs=books.settings.portal_shows_cost)
    return PortalExplanationAnswer(
        event=portal_event(found.event),
        charge=found.charge,
        unit=found.unit,
        price_from=None if found.price_from in (None, BEGINNING) else found.price_from,
        steps=[StepAnswer.of(step) for step in found.steps],
        paid=[PaidAnswer.of(burn) for burn in found.paid],
        ledger_transaction=found.ledger_transaction,
    )


class StatementLineAnswer(Answer):
    """A line of the ledger, from the customer's side."""

    transaction_id: UUID
    line: int
    kind: str
    text: str
    unit: str
    amount: Amount = Field(
        description="More than 0: it came in, or was given back. Less: it was taken. These sum to balance less owed."
    )
    wallet: Amount = Field(description="What it did to the prepaid value; these sum to the balance.")
    owed: Amount = Field(description="What it did to what the customer owes; these sum to what is owed.")
    booked_at: datetime
    service_from: datetime
    service_to: datetime
    events: int
    reference: str | None


_STATEMENT_COLUMNS = tuple(StatementLineAnswer.model_fields)


def _line(found: StatementLine) -> StatementLineAnswer:
    return StatementLineAnswer(**{name: getattr(found, name) for name in StatementLineAnswer.model_fields})


@router.get("/ledger", summary="List the ledger", responses=CSV_RESPONSE, response_model=Page[StatementLineAnswer])
async def show_ledger(
    books: OpenBooks,
    session: Portal,
    csv: WantsCsv,
    kind: Annotated[Kind | None, Query(description="Only lines of this kind.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[StatementLineAnswer] | Response:
    """What came in, what usage took of it, and what is owed; newest first.

    It adds up: all `amount` of a unit sum to the prepaid value that is left, less what is owed. Usage that prepaid
    value has paid is a line of the kind `grant_spent`; only what stayed owed is one of the kind `usage`.
    """
    before = posting_behind(cursor)

    async def work(tx: Tx) -> list[StatementLine]:
        return await statement(tx, session.customer_id, before=before, kind=kind, limit=limit + 1)

    found = await books.database.run(work, session.customer_id)
    answer = page(found, limit, _line, lambda last: (str(last.transaction_id), str(last.line)))
    return as_csv(answer.data, _STATEMENT_COLUMNS, next_cursor=answer.next_cursor) if csv else answer


@router.get("/alerts", summary="List alerts")
async def list_alerts(
    books: OpenBooks, session: Portal, limit: Limit = 100, cursor: Cursor = None
) -> Page[PortalAlertAnswer]:
    """Thresholds of limits, low and exhausted balances, expiring prepaid value; newest first, each in words."""
    return await page_of_alerts(books, session.customer, CUSTOMER_TOPICS, portal_alert, limit, cursor)
