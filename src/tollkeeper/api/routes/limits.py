"""Limits: those in force for a customer with what is used of them, and what the customer has instead of its plan's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from msgspec import UNSET, UnsetType
from pydantic import Field

from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import Books, OpenBooks, Stood
from tollkeeper.api.exact import body_of, exact_body, schemas_of
from tollkeeper.api.paths import CustomerKey, LimitKey
from tollkeeper.catalog import Catalog, Limit, LimitBy, LimitMode, LimitPeriod
from tollkeeper.clock import Interval
from tollkeeper.customers import Agreement, agreement_of, customer_id_of, get_customer
from tollkeeper.db import Tx
from tollkeeper.gate import Standing, stand
from tollkeeper.limits import LimitState, read_states, window_at
from tollkeeper.money import plain

router = APIRouter(prefix="/v1/customers/{key:key}/limits", tags=["limits"])


class LimitIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a customer has instead of its plan's limit of the same key, or a whole limit of its own.

    What is left out stays as it is; null takes the customer's own value away. With `meter`, `group` or `spend` it is a
    whole limit, and nothing stays.
    """

    name: str | UnsetType | None = UNSET
    cap: Decimal | UnsetType | None = UNSET
    mode: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    warn_at: list[Decimal] | UnsetType | None = UNSET
    member_caps: dict[str, Decimal] | UnsetType | None = UNSET
    meter: str | UnsetType | None = UNSET
    group: str | UnsetType | None = UNSET
    spend: str | UnsetType | None = UNSET
    per: str | UnsetType | None = UNSET
    by: str | UnsetType | None = UNSET


LIMIT_SCHEMAS = schemas_of(LimitIn)
"""Schema of the body that msgspec decodes; the OpenAPI document takes it in."""

_WHOLE = ("meter", "group", "spend")
"""Who says one of these says what is counted, so it's a whole limit."""
_decoder = msgspec.json.Decoder(LimitIn)


class WindowAnswer(Answer):
    """A half-open interval."""

    start: datetime
    end: datetime


class LimitAnswer(Answer):
    """A limit, and what is used of it: null where it's each member's own, and no member was asked for."""

    limit: str
    name: str = Field(description="What people call it: what the catalog says, else words from its key.")
    meter: str | None
    group: str | None
    spend: str | None = Field(description="The unit of value whose charges it counts; null: it counts quantities.")
    per: LimitPeriod
    by: LimitBy
    mode: LimitMode
    enabled: bool
    warn_at: list[Amount]
    own: bool = Field(description="Whether the customer has something of its own here.")
    member: str | None
    cap: Amount
    member_caps: dict[str, Amount]
    used: Amount | None
    held: Amount | None
    remaining: Amount | None
    percent: Amount | None = Field(
        description="`used` in percent of `cap`, cut off after two decimals. Null where `used` is, and for a cap of 0."
    )
    window: WindowAnswer


class LimitsAnswer(Answer):
    """The limits in force."""

    customer: str
    as_of: datetime
    data: list[LimitAnswer]


@router.get("", summary="Show a customer's limits")
async def show_limits(
    books: OpenBooks,
    _: Reader,
    key: CustomerKey,
    member: Annotated[str | None, Query(description="Also what this member has used of limits by member.")] = None,
) -> LimitsAnswer:
    """Every limit in force, by key, with what is used and held of it in the present window."""
    _catalog, found, now = await limits_of(books, key, member)
    return LimitsAnswer(customer=key, as_of=now, data=found)


async def limits_of(books: Books, key: str, member: str | None) -> tuple[Catalog, list[LimitAnswer], datetime]:
    """The limits in force, with the catalog, once everything is done that is due; and when that was."""

    async def look(tx: Tx, at: Stood) -> tuple[Stood, list[LimitState]]:
        standing = at.standing
        return at, await read_states(tx, standing.customer, standing.limits, member=member, now=at.now)

    at, states = await books.up_to_date(key, look)
    used = {state.limit.key: state for state in states}
    zone = at.standing.customer.zone
    found = [
        limit_answer(limit, used.get(limit.key), window_at(limit.per, at.now, zone), at.agreement)
        for limit in at.standing.limits
    ]
    return at.standing.catalog, found, at.now


async def standing_of(books: Books, tx: Tx, key: str, now: datetime) -> tuple[Standing, Agreement]:
    """Where the customer stands, and what it has of its own."""
    catalog = await books.catalog(tx)
    customer = await get_customer(tx, key)
    agreement = await agreement_of(tx, customer.customer_id)
    return stand(catalog, customer, agreement, now), agreement


def limit_answer(limit: Limit, state: LimitState | None, window: Interval, agreement: Agreement) -> LimitAnswer:
    """One limit, with what is used of it where that's known."""
    terms = limit.as_terms()
    return LimitAnswer(
        limit=limit.key,
        name=limit.name,
        meter=terms.get("meter"),
        group=terms.get("group"),
        spend=terms.get("spend"),
        per=limit.per,
        by=limit.by,
        mode=limit.mode,
        enabled=limit.enabled,
        warn_at=[*limit.warn_at],
        own=limit.key in agreement.limits,
        member=state.member or None if state else None,
        cap=state.cap if state else limit.cap,
        member_caps={**limit.member_caps},
        used=state and state.used,
        held=state and state.held,
        remaining=state and state.remaining,
        percent=state and state.percent,
        window=WindowAnswer.of(window),
    )


@router.put("/{limit:key}", summary="Set a limit of a customer", openapi_extra=body_of("LimitIn"))
async def put_limit(
    request: Request, books: OpenBooks, caller_key: Writer, key: CustomerKey, limit: LimitKey
) -> LimitAnswer:
    """Changes a limit for this customer alone, switches it off or on, or adds one. Repeating it changes nothing."""
    given = _given(await exact_body(request, _decoder))

    async def present(tx: Tx) -> Mapping[str, Any]:
        agreement = await agreement_of(tx, (await get_customer(tx, key)).customer_id)
        return agreement.limits.get(limit, {})

    own = await books.database.run(present, customer_id_of(key))
    whole = any(given.get(counted) is not None for counted in _WHOLE)
    terms = given if whole else {**own, **given}
    terms = {field: value for field, value in terms.items() if value is not None}
    if given.get("by") == LimitBy.CUSTOMER and "member_caps" not in given:
        terms.pop("member_caps", None)  # Nobody's any more.
    await books.set_limit(key, limit, terms, by=caller(caller_key))
    found = await show_limits(books, caller_key, key)
    return next(one for one in found.data if one.limit == limit)


@router.delete("/{limit:key}", summary="Take a customer's own limit away", status_code=204)
async def drop_limit(books: OpenBooks, caller_key: Writer, key: CustomerKey, limit: LimitKey) -> None:
    """What the customer's plan says holds again."""
    await books.set_limit(key, limit, None, by=caller(caller_key))


def _given(asked: LimitIn) -> dict[str, Any]:
    """What the body says, in the terms of the catalog file: numbers as strings, so that they keep every digit."""
    fields = {name: getattr(asked, name) for name in asked.__struct_fields__}
    return {name: _term(value) for name, value in fields.items() if value is not UNSET}


def _term(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value) if value.is_finite() else str(value)
        case list():
            return [_term(each) for each in value]
        case dict():
            return {name: _term(each) for name, each in value.items()}
    return value
