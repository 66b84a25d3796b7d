"""The billing page's shop: what can be bought, buying it, and what was bought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from tollkeeper import clock
from tollkeeper.api.bodies import Amount, Answer, Asked
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.exact import IDEMPOTENCY_KEY, body_of, exact_body
from tollkeeper.api.paging import Cursor, Limit, Page, page
from tollkeeper.api.portal import MayTopUp, Portal
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.api.routes.top_ups import STARTED, BoughtAnswer, TopUpIn, bought, key_of, point_in
from tollkeeper.catalog import Catalog, TopUpOffer
from tollkeeper.customers import Permission, PortalSession
from tollkeeper.errors import Conflict
from tollkeeper.payments import (
    TopUp,
    TopUpState,
    find_top_up,
    is_test,
    list_top_ups,
    unknown_top_up,
)

router = APIRouter(prefix=PREFIX, tags=[TAG])


class AmountAnswer(Answer):
    """An amount that can be bought at a click."""

    amount: Amount
    price: Amount
    currency: str


class PackAnswer(AmountAnswer):
    """A pack."""

    key: str
    name: str
    bonus: Amount | None
    expires_after: str | None


class OfferAnswer(Answer):
    """What can be bought of one unit of value."""

    unit: str
    name: str
    expires_after: str | None
    """How long what is bought at a click can be spent: "12 months"."""
    amounts: list[AmountAnswer]
    packs: list[PackAnswer]


class OffersAnswer(Answer):
    """What can be bought, whether this session may buy it, and whether payments are only pretended."""

    allowed: bool
    test: bool
    data: list[OfferAnswer]


class TestPaymentAsked(Asked):
    """How the pretended payment ends."""

    outcome: Literal["paid", "failed"]


_top_up = msgspec.json.Decoder(TopUpIn)


def buyer(session: PortalSession) -> str:
    """The customer, as the books say who did something."""
    return f"the customer (portal session {session.session_id})"


def may_buy(books: Books, catalog: Catalog, session: PortalSession) -> bool:
    """Whether there is something to buy, a way to pay, and the permission: `top_up` of the session's answer."""
    for_sale = bool(catalog.top_ups or catalog.packs)
    return for_sale and books.processor is not None and Permission.TOP_UP in session.permissions


def pretends_payments(books: Books) -> bool:
    """Whether payments are only pretended: `test_payments` of the session's answer."""
    return is_test(books.processor)


@router.get("/offers", summary="Show what can be bought")
async def show_offers(books: OpenBooks, session: Portal) -> OffersAnswer:
    """Amounts and packs, by unit of value."""
    catalog = await books.catalog()
    units = dict.fromkeys([*catalog.top_ups, *(pack.unit for pack in catalog.packs.values())])
    return OffersAnswer(
        allowed=may_buy(books, catalog, session),
        test=pretends_payments(books),
        data=[_offer(catalog, unit) for unit in units],
    )


def _offer(catalog: Catalog, unit: str) -> OfferAnswer:
    offer = catalog.top_ups.get(unit)
    lifetime = None if offer is None else offer.expires_after
    return OfferAnswer(
        unit=unit,
        name=catalog.units[unit].name if unit in catalog.units else unit,
        expires_after=None if lifetime is None else str(lifetime),
        amounts=[] if offer is None else [*_amounts(offer)],
        packs=[
            PackAnswer(
                key=pack.key,
                name=pack.name,
                amount=pack.amount,
                price=pack.price,
                currency=pack.currency,
                bonus=pack.bonus or None,
                expires_after=None if pack.expires_after is None else str(pack.expires_after),
            )
            for pack in catalog.packs.values()
            if pack.unit == unit
        ],
    )


def _amounts(offer: TopUpOffer) -> Iterator[AmountAnswer]:
    for amount in offer.amounts:
        yield AmountAnswer(amount=amount, price=offer.price_of(amount), currency=offer.currency)


@router.post(
    "/top-ups",
    summary="Buy something",
    responses=STARTED,
    openapi_extra=body_of("TopUpIn", IDEMPOTENCY_KEY),
)
async def start(request: Request, books: OpenBooks, session: MayTopUp, response: Response) -> BoughtAnswer:
    """Begins a top-up, which is paid at its `checkout_url`. With an `id`, or Idempotency-Key, repeating it is safe."""
    asked = await exact_body(request, _top_up)
    top_up, new = await books.start_top_up(session.customer, asked.wanted(request), by=buyer(session))
    response.status_code = 201 if new else 200
    return bought(top_up, clock.now())


@router.get("/top-ups", summary="List what was bought")
async def list_all(books: OpenBooks, session: Portal, limit: Limit = 100, cursor: Cursor = None) -> Page[BoughtAnswer]:
    """Top-ups, the newest first."""
    before, now = point_in(cursor), clock.now()
    found = await books.database.run(
        lambda tx: list_top_ups(tx, session.customer_id, now=now, before=before, limit=limit + 1), session.customer_id
    )
    return page(found, limit, lambda top_up: bought(top_up, now), key_of)


@router.get("/top-ups/{id}", summary="Show a top-up")
async def show(books: OpenBooks, session: Portal, id: UUID) -> BoughtAnswer:
    """The top-up as it stands."""
    return bought(await _find(books, session, id), clock.now())


@router.post("/top-ups/{id}/cancel", summary="Give a top-up up")
async def cancel(books: OpenBooks, session: MayTopUp, id: UUID) -> BoughtAnswer:
    """Ends the top-up without money. Repeatable."""
    found = await books.end_top_up(session.customer, id, TopUpState.CANCELLED, by=buyer(session))
    return bought(found, clock.now())


@router.post("/top-ups/{id}/test-payment", summary="Pretend a payment")
async def pretend(books: OpenBooks, session: MayTopUp, id: UUID, asked: TestPaymentAsked) -> BoughtAnswer:
    """For development: ends a top-up that was begun under, and while, `TOLLKEEPER_PAYMENTS=test`."""
    found = await _find(books, session, id)
    if not (pretends_payments(books) and found.is_test):
        raise Conflict("no_test_payment", "Payments are real here: this one can't be pretended.")
    if asked.outcome == "paid":
        ended = await books.pay_top_up(session.customer, id, reference="test payment", by=buyer(session))
    else:
        ended = await books.end_top_up(session.customer, id, TopUpState.FAILED, by=buyer(session))
    return bought(ended, clock.now())


async def _find(books: Books, session: PortalSession, id: UUID) -> TopUp:
    found = await books.database.run(lambda tx: find_top_up(tx, session.customer_id, id), session.customer_id)
    if found is None:
        raise unknown_top_up(id)
    return found
