"""Prepaid value: give it, look at it, take it back, have it come again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from msgspec import Meta
from pydantic import Field

from tollkeeper import clock
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Amount, Answer, Asked
from tollkeeper.api.books import Books, OpenBooks, Stood
from tollkeeper.api.exact import IDEMPOTENCY_KEY, body_of, exact_body, idempotency_key, schemas_of
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, instant_in, page, uuid_in
from tollkeeper.api.paths import CustomerKey, RecurringGrantName
from tollkeeper.api.times import sane
from tollkeeper.clock import in_utc
from tollkeeper.customers import ApiKey, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.events import Key
from tollkeeper.money import plain
from tollkeeper.wallets import (
    Grant,
    GrantKind,
    GrantState,
    NewGrant,
    OwnRecurring,
    WalletEntry,
    list_entries,
    list_grants,
    recurring_grants,
)

router = APIRouter(prefix="/v1", tags=["prepaid"])

Shown = TypeVar("Shown")

_Instant = Annotated[datetime, Meta(tz=True)]


class GrantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A lot of prepaid value. Without `unit` it's in the customer's currency. Low `priority` is spent first."""

    amount: Decimal
    id: Key | None = None
    unit: str | None = None
    kind: GrantKind = GrantKind.PAID
    priority: int = 50
    effective_at: _Instant | None = None
    expires_at: _Instant | None = None
    reference: str | None = None
    note: str | None = None


class RecurringGrantIn(msgspec.Struct, forbid_unknown_fields=True):
    """Prepaid value that comes again each period. `rollover`: "none", "all", or how much goes over at most."""

    amount: Decimal
    every: str
    unit: str | None = None
    rollover: str | None = None
    kind: str | None = None
    priority: int | None = None
    anchor: _Instant | None = None


GRANT_SCHEMAS = schemas_of(GrantIn, RecurringGrantIn)
"""Schemas of the bodies that msgspec decodes; the OpenAPI document takes them in."""

_grant = msgspec.json.Decoder(GrantIn)
_recurring = msgspec.json.Decoder(RecurringGrantIn)

_GIVEN: dict[int | str, dict[str, Any]] = {
    201: {"description": "It is new."},
    200: {"description": "It was given before, under the same id."},
}


class GrantAnswer(Answer):
    """A lot of prepaid value: amount = remaining + spent + expired + voided + rolled_out."""

    id: UUID
    customer: str
    unit: str
    kind: str
    priority: int
    amount: Amount
    remaining: Amount
    spent: Amount
    expired: Amount
    voided: Amount
    rolled_in: Amount
    rolled_out: Amount
    effective_at: datetime
    expires_at: datetime | None
    state: GrantState
    recurring: str | None = Field(description="The recurring grant that made it.")
    reference: str | None
    note: str | None
    created_at: datetime
    created_by: str
    voided_at: datetime | None


def _answer(customer: str, grant: Grant, now: datetime) -> GrantAnswer:
    fields = {name: getattr(grant, name) for name in GrantAnswer.model_fields if hasattr(grant, name)}
    return GrantAnswer(**fields | {"id": grant.grant_id, "customer": customer, "state": grant.state(now)})


@router.post(
    "/customers/{key:key}/grants",
    summary="Give prepaid value",
    responses=_GIVEN,
    openapi_extra=body_of("GrantIn", IDEMPOTENCY_KEY),
)
async def give(
    request: Request, books: OpenBooks, caller_key: Writer, key: CustomerKey, response: Response
) -> GrantAnswer:
    """Gives the customer a grant. With an `id`, or the header Idempotency-Key, repeating it is safe."""
    asked = await exact_body(request, _grant)
    unit = asked.unit
    if unit is None:
        found = await books.database.run(lambda tx: get_customer(tx, key), customer_id_of(key))
        unit = found.currency
    new = NewGrant(
        unit,
        asked.amount,
        asked.kind,
        asked.priority,
        asked.effective_at,
        asked.expires_at,
        asked.reference,
        asked.note,
        asked.id if asked.id is not None else idempotency_key(request),
    )
    grant, is_new = await books.give_grant(key, new, by=caller(caller_key))
    response.status_code = 201 if is_new else 200
    return _answer(key, grant, clock.now())


async def page_of_grants(
    books: Books,
    key: str,
    answer: Callable[[Grant, datetime], Shown],
    limit: int,
    cursor: str | None,
    *,
    unit: str | None = None,
    state: GrantState | None = None,
) -> Page[Shown]:
    """A page of a customer's grants, newest first, once everything is done that is due; `answer` is told the time."""
    before = None if cursor is None else _point(*decode_cursor(cursor, 2))

    async def look(tx: Tx, at: Stood) -> tuple[list[Grant], datetime]:
        customer_id = str(at.standing.customer.customer_id)
        page = {"unit": unit, "state": state, "before": before, "limit": limit + 1}
        return await list_grants(tx, customer_id, now=at.now, **page), at.now

    found, now = await books.up_to_date(key, look)
    return page(
        found, limit, lambda grant: answer(grant, now), lambda last: (in_utc(last.created_at), str(last.grant_id))
    )


@router.get("/customers/{key:key}/grants", summary="List a customer's grants")
async def list_its_grants(
    books: OpenBooks,
    _: Reader,
    key: CustomerKey,
    unit: Annotated[str | None, Query(description="Only grants of this unit of value.")] = None,
    state: Annotated[GrantState | None, Query(description="Only grants that stand so now.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[GrantAnswer]:
    """Grants, newest first, with what became of each."""
    return await page_of_grants(
        books, key, lambda grant, now: _answer(key, grant, now), limit, cursor, unit=unit, state=state
    )


def _point(at: str, id: str) -> tuple[datetime, UUID]:
    return instant_in(at), uuid_in(id)


class TakeBack(Asked):
    """Whose grant it is, and why it's taken back."""

    customer: str
    note: str | None = None


@router.post("/grants/{id}/void", summary="Take a grant back")
async def void(books: OpenBooks, caller_key: Writer, id: UUID, asked: TakeBack) -> GrantAnswer:
    """Takes back what is neither spent nor held; what is held goes once its holds don't need it. Repeatable."""
    return await _take_back(books, caller_key, id, asked, refund=False)


@router.post("/grants/{id}/refund", summary="Refund a grant")
async def refund(books: OpenBooks, caller_key: Writer, id: UUID, asked: TakeBack) -> GrantAnswer:
    """As `void`, for a grant that was paid: the ledger says that the money goes back."""
    return await _take_back(books, caller_key, id, asked, refund=True)


async def _take_back(books: OpenBooks, key: ApiKey, id: UUID, asked: TakeBack, *, refund: bool) -> GrantAnswer:
    grant = await books.void_grant(asked.customer, id, refund=refund, note=asked.note, by=caller(key))
    return _answer(asked.customer, grant, clock.now())


class RecurringGrantAnswer(Answer):
    """Prepaid value that the customer gets again each period, beside what its plan gives."""

    name: str
    unit: str
    amount: str
    every: str
    rollover: str
    kind: str
    priority: int
    anchor: datetime
    created_at: datetime
    created_by: str
    ended_at: datetime | None


class RecurringGrantsAnswer(Answer):
    """All recurring grants that a customer has of its own."""

    data: list[RecurringGrantAnswer]


def _recurring_answer(own: OwnRecurring) -> RecurringGrantAnswer:
    times = {"anchor": own.anchor, "created_at": own.created_at, "ended_at": own.ended_at}
    return RecurringGrantAnswer(name=own.name, created_by=own.created_by, **own.terms, **times)


@router.put(
    "/customers/{key:key}/recurring-grants/{name:key}",
    summary="Give a recurring grant",
    openapi_extra=body_of("RecurringGrantIn"),
)
async def put_recurring(
    request: Request, books: OpenBooks, caller_key: Writer, key: CustomerKey, name: RecurringGrantName
) -> RecurringGrantAnswer:
    """Gives the customer this much each period, or changes it from the next period on. Repeating it changes nothing."""
    asked = await exact_body(request, _recurring)
    given = {field: getattr(asked, field) for field in ("unit", "every", "rollover", "kind", "priority")}
    # A number that is none is refused by the rules of the catalog file.
    amount = plain(asked.amount) if asked.amount.is_finite() else str(asked.amount)
    terms = {field: value for field, value in given.items() if value is not None} | {"amount": amount}
    anchor = None if asked.anchor is None else sane(asked.anchor, "anchor")
    await books.set_recurring_grant(key, name, terms, anchor=anchor, by=caller(caller_key))
    return next(one for one in await _recurring_of(books, key) if one.name == name)


@router.delete("/customers/{key:key}/recurring-grants/{name:key}", summary="End a recurring grant", status_code=204)
async def end_recurring(books: OpenBooks, caller_key: Writer, key: CustomerKey, name: RecurringGrantName) -> None:
    """It comes no more; what it gave stays."""
    await books.end_recurring_grant(key, name, by=caller(caller_key))


@router.get("/customers/{key:key}/recurring-grants", summary="List a customer's recurring grants")
async def list_recurring(books: OpenBooks, _: Reader, key: CustomerKey) -> RecurringGrantsAnswer:
    """Those that the customer has of its own, by name, ended ones too. What its plan gives is in the catalog."""
    return RecurringGrantsAnswer(data=await _recurring_of(books, key))


async def _recurring_of(books: OpenBooks, key: str) -> list[RecurringGrantAnswer]:
    async def work(tx: Tx) -> list[OwnRecurring]:
        return await recurring_grants(tx, [str((await get_customer(tx, key)).customer_id)])

    return [_recurring_answer(own) for own in await books.database.run(work, customer_id_of(key))]


class WalletEntryAnswer(Answer):
    """A change of a wallet, and the balance that it left."""

    at: datetime
    unit: str
    kind: str
    grant: UUID | None
    amount: Amount
    balance: Amount
    transaction_id: UUID
    booked_at: datetime


@router.get("/customers/{key:key}/wallet-entries", summary="List the changes of a customer's wallets")
async def list_wallet_entries(
    books: OpenBooks,
    _: Reader,
    key: CustomerKey,
    unit: Annotated[str | None, Query(description="Only the wallet of this unit of value.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[WalletEntryAnswer]:
    """Each change with the balance that it left, newest first; `at` is when it took effect."""
    before = None if cursor is None else _point(*decode_cursor(cursor, 2))
    await books.refresh(key)

    async def work(tx: Tx) -> list[WalletEntry]:
        customer_id = str((await get_customer(tx, key)).customer_id)
        return await list_entries(tx, customer_id, unit=unit, before=before, limit=limit + 1)

    def answer(entry: WalletEntry) -> WalletEntryAnswer:
        return WalletEntryAnswer(
            at=entry.at,
            unit=entry.unit,
            kind=entry.kind,
            grant=entry.grant_id,
            amount=entry.amount,
            balance=entry.balance,
            transaction_id=entry.transaction_id,
            booked_at=entry.booked_at,
        )

    found = await books.database.run(work, customer_id_of(key))
    return page(found, limit, answer, lambda last: (in_utc(last.at), str(last.entry_id)))
