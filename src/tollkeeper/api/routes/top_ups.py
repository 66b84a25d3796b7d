"""Top-ups for the operator: look at them, and tell how they ended."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from tollkeeper import clock
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Amount, Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.exact import IDEMPOTENCY_KEY, body_of, exact_body, idempotency_key, schemas_of
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, instant_in, page, uuid_in
from tollkeeper.api.problems import described_problem
from tollkeeper.clock import in_utc
from tollkeeper.customers import ApiKey, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.events import Key
from tollkeeper.payments import TopUp, TopUpState, Unpaid, Wanted, find_top_up, list_top_ups, unknown_top_up

router = APIRouter(prefix="/v1/top-ups", tags=["top-ups"])


class BoughtAnswer(Answer):
    """A purchase of prepaid value, as the customer sees it too."""

    id: UUID
    state: TopUpState
    unit: str
    amount: Amount
    bonus: Amount = Field(description="What comes along as a promotional grant; 0 for none.")
    price: Amount = Field(description="What all of it costs, in `currency`.")
    currency: str
    pack: str | None
    checkout_url: str | None = Field(description="Where it's paid, as long as it's pending.")
    test: bool = Field(description="Whether the payment is only pretended.")
    created_at: datetime
    expires_at: datetime = Field(description="Until when it can be paid.")
    ended_at: datetime | None
    grant_id: UUID | None = Field(description="The grant that was given with being paid.")


class TopUpIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to buy: a `pack`, or an `amount` of a `unit` that is offered."""

    id: Key | None = None
    unit: str | None = None
    amount: Decimal | None = None
    pack: str | None = None

    def wanted(self, request: Request) -> Wanted:
        """What is asked for, by the body's id or the header's."""
        id = self.id if self.id is not None else idempotency_key(request)
        return Wanted(self.unit, self.amount, self.pack, id)


class TopUpOfIn(TopUpIn, forbid_unknown_fields=True, kw_only=True):
    """What to buy, and for whom."""

    customer: str


TOP_UP_SCHEMAS = schemas_of(TopUpIn, TopUpOfIn)
"""Schemas of the bodies that msgspec decodes; the OpenAPI document takes them in."""

STARTED: dict[int | str, dict[str, Any]] = {
    201: {"description": "It is new."},
    200: {"description": "It was begun before, under the same id."},
    404: described_problem("There is no such customer, or the catalog has no such pack."),
}

_top_up_of = msgspec.json.Decoder(TopUpOfIn)


class TopUpAnswer(BoughtAnswer):
    """A purchase of prepaid value, with what concerns the operator."""

    customer: str
    processor: str
    reference: str | None = Field(description="What the payment is called where it was made.")
    bonus_grant_id: UUID | None
    created_by: str
    ended_by: str | None
    late: str | None = Field(description="How it had ended before the money came all the same.")


def bought(top_up: TopUp, now: datetime) -> BoughtAnswer:
    """The top-up as the customer sees it."""
    state = top_up.state(now)
    return BoughtAnswer(
        id=top_up.top_up_id,
        state=state,
        unit=top_up.unit,
        amount=top_up.amount,
        bonus=top_up.bonus,
        price=top_up.price,
        currency=top_up.currency,
        pack=top_up.pack,
        checkout_url=top_up.checkout_url if state is TopUpState.PENDING else None,
        test=top_up.is_test,
        created_at=top_up.created_at,
        expires_at=top_up.open_until,
        ended_at=top_up.ended(now),
        grant_id=top_up.grant_id,
    )


def _answer(top_up: TopUp, now: datetime) -> TopUpAnswer:
    return TopUpAnswer(
        **dict(bought(top_up, now)),
        customer=top_up.customer,
        processor=top_up.processor,
        reference=top_up.reference,
        bonus_grant_id=top_up.bonus_grant_id,
        created_by=top_up.created_by,
        ended_by=top_up.ended_by,
        late=top_up.late,
    )


def point_in(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where a list of top-ups goes on. Raises InvalidInput `invalid_cursor`."""
    if cursor is None:
        return None
    at, id = decode_cursor(cursor, 2)
    return instant_in(at), uuid_in(id)


def key_of(top_up: TopUp) -> tuple[str, str]:
    """The sort key of a top-up."""
    return in_utc(top_up.created_at), str(top_up.top_up_id)


TopUpCustomer = Annotated[str, Query(min_length=1, max_length=200, description="The customer's key.")]


@router.get("", summary="List top-ups")
async def list_all(
    books: OpenBooks,
    _: Reader,
    customer: Annotated[str | None, Query(max_length=200, description="Only those of this customer.")] = None,
    state: Annotated[TopUpState | None, Query(description="Only those that stand so now.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[TopUpAnswer]:
    """Top-ups, the newest first; of all customers where none is named."""
    before, now = point_in(cursor), clock.now()

    async def work(tx: Tx) -> list[TopUp]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        return await list_top_ups(tx, customer_id, now=now, state=state, before=before, limit=limit + 1)

    found = await books.database.run(work, None if customer is None else customer_id_of(customer))
    return page(found, limit, lambda top_up: _answer(top_up, now), key_of)


@router.post("", summary="Begin a top-up", responses=STARTED, openapi_extra=body_of("TopUpOfIn", IDEMPOTENCY_KEY))
async def start(request: Request, books: OpenBooks, caller_key: Writer, response: Response) -> TopUpAnswer:
    """As the customer does on its page. It's worth nothing before it was paid. With an `id`, or Idempotency-Key,
    repeating it is safe."""
    asked = await exact_body(request, _top_up_of)
    top_up, new = await books.start_top_up(asked.customer, asked.wanted(request), by=caller(caller_key))
    response.status_code = 201 if new else 200
    return _answer(top_up, clock.now())


@router.get("/{id}", summary="Show a top-up")
async def show(books: OpenBooks, _: Reader, id: UUID, customer: TopUpCustomer) -> TopUpAnswer:
    """The top-up as it stands. A checkout asks for it here, instead of believing what its link says."""

    async def work(tx: Tx) -> TopUp:
        found = await find_top_up(tx, (await get_customer(tx, customer)).customer_id, id)
        if found is None:
            raise unknown_top_up(id)
        return found

    return _answer(await books.database.run(work, customer_id_of(customer)), clock.now())


class EndAsked(Asked):
    """Whose top-up it is, and what the payment is called where it was made."""

    customer: str
    reference: str | None = None


@router.post("/{id}/paid", summary="Tell that a top-up was paid")
async def paid(books: OpenBooks, caller_key: Writer, id: UUID, asked: EndAsked) -> TopUpAnswer:
    """The money has come: the customer has what it bought when this is answered. Once, however often it's told."""
    found = await books.pay_top_up(asked.customer, id, reference=asked.reference, by=caller(caller_key))
    return _answer(found, clock.now())


@router.post("/{id}/failed", summary="Tell that a payment failed")
async def failed(books: OpenBooks, caller_key: Writer, id: UUID, asked: EndAsked) -> TopUpAnswer:
    """Ends the top-up without money. Repeatable."""
    return await _end(books, caller_key, id, asked, TopUpState.FAILED)


@router.post("/{id}/cancel", summary="Give a top-up up")
async def cancel(books: OpenBooks, caller_key: Writer, id: UUID, asked: EndAsked) -> TopUpAnswer:
    """Ends the top-up without money. Repeatable."""
    return await _end(books, caller_key, id, asked, TopUpState.CANCELLED)


async def _end(books: OpenBooks, key: ApiKey, id: UUID, asked: EndAsked, state: Unpaid) -> TopUpAnswer:
    found = await books.end_top_up(asked.customer, id, state, reference=asked.reference, by=caller(key))
    return _answer(found, clock.now())
