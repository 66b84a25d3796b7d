"""Holds: ask before an operation begins, and say what came of it. Called around each operation: bytes in, bytes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from tollkeeper import clock
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.exact import IDEMPOTENCY_KEY, body_of, described, exact_body, idempotency_key
from tollkeeper.api.holds import (
    DoubtBody,
    EstimateAnswer,
    EstimateStepAnswer,
    ExtendBody,
    HoldPageAnswer,
    ReleaseBody,
    SettleBody,
    SettledAnswer,
    check_answer,
    hold_answer,
    new_hold_answer,
    settled_answer,
    settlement_of,
)
from tollkeeper.api.paging import Cursor, Limit, decode_cursor, encode_cursor, instant_in, uuid_in
from tollkeeper.api.paths import HoldKey
from tollkeeper.api.problems import MEDIA_TYPE, described_problem
from tollkeeper.clock import in_utc
from tollkeeper.customers import ApiKey, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.gate import ChangeIn, Hold, HoldIn, HoldOf, HoldState, Verb, get_hold, list_holds
from tollkeeper.money import plain

router = APIRouter(prefix="/v1", tags=["holds"])

_hold_in = msgspec.json.Decoder(HoldIn)
_settle = msgspec.json.Decoder(SettleBody)
_release = msgspec.json.Decoder(ReleaseBody)
_extend = msgspec.json.Decoder(ExtendBody)
_doubt = msgspec.json.Decoder(DoubtBody)
_encoder = msgspec.json.Encoder()

_REFUSALS: dict[int | str, dict[str, Any]] = {
    402: described_problem("Wallet and credit don't cover it: `insufficient_credits`."),
    404: described_problem("There is no such customer."),
    429: described_problem("It doesn't fit under a hard limit: `limit_exceeded`."),
}


def _json(answer: object, status: int = 200) -> Response:
    return Response(_encoder.encode(answer), status, media_type="application/json")


@router.post(
    "/holds",
    summary="Hold what an operation may cost",
    response_class=Response,
    responses=_REFUSALS
    | {
        201: described("NewHoldAnswer", "It may begin, and its value is reserved."),
        200: described("NewHoldAnswer", "The same was held before; this is what has become of it."),
    },
    openapi_extra=body_of("HoldIn", IDEMPOTENCY_KEY),
)
async def hold(request: Request, books: OpenBooks, key: Writer) -> Response:
    """Prices the operation for this customer and reserves its value, or says why it may not begin; all reasons at once.

    Repeating it with the same `id` is safe: it's held once.
    """
    item = await exact_body(request, _hold_in)
    if item.id is None:
        item.id = idempotency_key(request)
    if item.id is None:
        told = "A hold needs an `id`, or the header Idempotency-Key, so that it can be repeated and settled."
        raise InvalidInput("missing_field", told, field="id")
    allowed = await books.authorize(item, by=caller(key))
    return _json(new_hold_answer(allowed), 201 if allowed.new else 200)


@router.post(
    "/check",
    summary="Ask whether an operation may begin",
    response_class=Response,
    responses=_REFUSALS | {200: described("CheckAnswer", "It might begin now.")},
    openapi_extra=body_of("HoldIn"),
)
async def check(request: Request, books: OpenBooks, key: Writer) -> Response:
    """Answers as `POST /v1/holds` does, and reserves nothing; `id` isn't looked at."""
    item = await exact_body(request, _hold_in)
    item.id = None
    return _json(check_answer(await books.check(item, by=caller(key))))


@router.post(
    "/estimate",
    summary="Price a planned operation",
    response_class=Response,
    responses={200: described("EstimateAnswer", "What it would be charged."), 404: _REFUSALS[404]},
    openapi_extra=body_of("HoldIn"),
)
async def estimate(request: Request, books: OpenBooks, _: Writer) -> Response:
    """What the operation would be charged now, behind recorded usage and open holds, with the arithmetic."""
    found = await books.estimate(await exact_body(request, _hold_in))
    steps = [EstimateStepAnswer(step.name, step.text, {**step.figures}) for step in found.steps]
    return _json(EstimateAnswer(plain(found.charge), found.unit, found.price_id, steps, found.estimated))


@router.post(
    "/holds/{id:key}/settle",
    summary="Settle a hold",
    response_class=Response,
    responses={
        200: described("SettledAnswer", "The events are recorded and charged, now or before, and the hold has ended."),
        207: described("SettledAnswer", "Some of several events were refused; the others are recorded. See `results`."),
        409: {
            "description": "Every event conflicts with the one stored under its id; the hold stays as it was.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/SettledAnswer"}}},
        },
        422: {
            "description": "Every event was refused and is kept in quarantine; the hold stays as it was. Or, without "
            "`results`, the request itself was refused.",
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "anyOf": [
                            {"$ref": "#/components/schemas/SettledAnswer"},
                            {"$ref": "#/components/schemas/Problem"},
                        ]
                    }
                }
            },
        },
    },
    openapi_extra=body_of("SettleIn"),
)
async def settle(request: Request, books: OpenBooks, key: Writer, id: HoldKey) -> Response:
    """Records what the operation came to, more or less than was held, and ends the hold.

    Without `events` one event is recorded under the hold's id. Usage is recorded even when the hold has ended before;
    `notice` says so. Repeating it is safe: an event is charged once.
    """
    body = await exact_body(request, _settle)
    settled = await books.settle(settlement_of(body, id, books.settings.max_events), by=caller(key))
    answer = settled_answer(settled)
    if answer.accepted or answer.duplicates:
        return _json(answer, 207 if answer.conflicts or answer.rejected else 200)
    _as_problem(answer, request.state.request_id)
    return Response(_encoder.encode(answer), answer.status or 422, media_type=MEDIA_TYPE)


def _as_problem(answer: SettledAnswer, request_id: str) -> None:
    """Say of a settlement that came to nothing what `POST /v1/events` says of a single event that was refused."""
    error = next((result.error for result in answer.results if result.error is not None), None)
    conflict = not answer.rejected
    answer.type, answer.status, answer.instance = "about:blank", 409 if conflict else 422, request_id
    answer.title = "Conflict" if conflict else "Invalid input"
    if error is not None:
        answer.code, answer.detail, answer.field = error.code, error.detail, error.field


_CHANGED: dict[int | str, dict[str, Any]] = {200: described("HoldAnswer", "The hold as it stands now.")}


@router.post(
    "/holds/{id:key}/release",
    summary="Release a hold",
    response_class=Response,
    responses=_CHANGED,
    openapi_extra=body_of("ReleaseBody"),
)
async def release(request: Request, books: OpenBooks, key: Writer, id: HoldKey) -> Response:
    """The operation failed or never began: everything is freed, and it costs nothing. Repeating it changes nothing."""
    body = await exact_body(request, _release)
    return await _change(books, key, ChangeIn(Verb.RELEASE, body.customer, id, note=body.note))


@router.post(
    "/holds/{id:key}/extend",
    summary="Extend a hold",
    response_class=Response,
    responses=_CHANGED,
    openapi_extra=body_of("ExtendBody"),
)
async def extend(request: Request, books: OpenBooks, key: Writer, id: HoldKey) -> Response:
    """The operation takes longer: it's held for `expires_in` seconds from now on, at most a day."""
    body = await exact_body(request, _extend)
    return await _change(books, key, ChangeIn(Verb.EXTEND, body.customer, id, seconds=body.expires_in))


@router.post(
    "/holds/{id:key}/in-doubt",
    summary="Put a hold in doubt",
    response_class=Response,
    responses=_CHANGED,
    openapi_extra=body_of("DoubtBody"),
)
async def doubt(request: Request, books: OpenBooks, key: Writer, id: HoldKey) -> Response:
    """Nobody knows whether the operation happened: it's held until it's settled or released, or for a day."""
    body = await exact_body(request, _doubt)
    change = ChangeIn(Verb.DOUBT, body.customer, id, seconds=body.expires_in, note=body.note)
    return await _change(books, key, change)


async def _change(books: OpenBooks, key: ApiKey, change: ChangeIn) -> Response:
    changed = await books.change_hold(change, by=caller(key))
    return _json(hold_answer(changed.customer, changed.hold))


OneCustomer = Annotated[str, Query(min_length=1, max_length=200, description="The customer's key.")]


@router.get(
    "/holds/{id:key}",
    summary="Show a hold",
    response_class=Response,
    responses={200: described("HoldAnswer", "The hold.")},
)
async def show(books: OpenBooks, _: Reader, id: HoldKey, customer: OneCustomer) -> Response:
    """One hold, whatever has become of it."""

    async def work(tx: Tx) -> Hold:
        return await get_hold(tx, (await get_customer(tx, customer)).customer_id, id)

    customer_id = customer_id_of(customer)
    found = await books.database.run(work, customer_id)
    if not found.ended and found.expires_at <= clock.now():
        await books.refresh(customer)
        found = await books.database.run(work, customer_id)
    return _json(hold_answer(customer, found))


@router.get(
    "/holds",
    summary="List holds",
    response_class=Response,
    responses={200: described("HoldPageAnswer", "A page of holds.")},
)
async def list_all(
    books: OpenBooks,
    _: Reader,
    customer: Annotated[str | None, Query(min_length=1, max_length=200, description="Only this customer's.")] = None,
    state: Annotated[list[HoldState], Query(description="Only holds in these states; repeated for several.")] = [],  # noqa: B006
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Holds, newest first."""
    before = None if cursor is None else _point(*decode_cursor(cursor, 3))

    async def work(tx: Tx) -> list[HoldOf]:
        customer_id = None if customer is None else (await get_customer(tx, customer)).customer_id
        return await list_holds(tx, customer_id, states=state or None, before=before, limit=limit + 1)

    found = await books.database.run(work, None if customer is None else customer_id_of(customer))
    shown = found[:limit]
    more = None
    if len(found) > limit:
        more = encode_cursor(in_utc(shown[-1].created_at), shown[-1].customer_id, shown[-1].hold_id)
    return _json(HoldPageAnswer([hold_answer(one.customer, one) for one in shown], more))


def _point(created_at: str, customer_id: str, hold_id: str) -> tuple[datetime, UUID, str]:
    return instant_in(created_at), uuid_in(customer_id), hold_id
