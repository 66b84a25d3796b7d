"""Start: a customer picks something that the catalog offers, and a top-up begins, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tollkeeper.catalog import Catalog, Lifetime
from tollkeeper.customers import Customer
from tollkeeper.customers.model import check_key
from tollkeeper.db import Tx
from tollkeeper.errors import Conflict, InvalidInput, NotFound
from tollkeeper.ids import content_id, new_id
from tollkeeper.money import ZERO, plain
from tollkeeper.payments.model import TopUp, TopUpState, Wanted
from tollkeeper.payments.store import count_given_up, count_pending, find_top_up, insert_top_up

OPEN_FOR = timedelta(hours=24)
"""So long a top-up waits to be paid."""
MOST_PENDING = 20
"""So many top-ups of one customer may wait at once: whoever holds a portal token can't fill the table ..."""
MOST_GIVEN_UP = 100
"""... nor by cancelling them: so many may have ended unpaid that were begun within the last 24 hours."""


def top_up_id_of(customer_id: UUID, key: str) -> UUID:
    """The id of the top-up that the caller knows by `key`. It follows from it, so a repeat finds its top-up."""
    return content_id("top_up", str(customer_id), key)


async def start(
    tx: Tx, catalog: Catalog, customer: Customer, wanted: Wanted, *, processor: str, now: datetime, by: str
) -> tuple[TopUp, bool]:
    """A pending top-up of what is wanted, and whether it is new; one that was begun under the same id is given back.

    Raises InvalidInput `invalid_top_up`, `unit_not_offered`, `amount_not_offered`, `invalid_id`, `id_too_long`,
    NotFound `unknown_pack`, Conflict `top_up_conflict` and `too_many_top_ups`.
    """
    check_wanted(wanted)
    if wanted.key is not None:
        check_key(wanted.key, "id")
        found = await find_top_up(tx, customer.customer_id, top_up_id_of(customer.customer_id, wanted.key))
        if found is not None:
            return _same(found, wanted), False
    top_up = _offered(catalog, customer, wanted, processor=processor, now=now, by=by)
    if await count_pending(tx, customer.customer_id, now) >= MOST_PENDING:
        told = f"{MOST_PENDING} top-ups wait to be paid; pay or cancel one of them first."
        raise Conflict("too_many_top_ups", told)
    if await count_given_up(tx, customer.customer_id, now - OPEN_FOR) >= MOST_GIVEN_UP:
        told = f"{MOST_GIVEN_UP} top-ups of the last 24 hours weren't paid; begin no more today."
        raise Conflict("too_many_top_ups", told)
    if await insert_top_up(tx, top_up):
        return top_up, True
    # Another call with the same id was quicker.
    found = await find_top_up(tx, customer.customer_id, top_up.top_up_id)
    assert found is not None
    return _same(found, wanted), False


def check_wanted(wanted: Wanted) -> None:
    """Raises InvalidInput `invalid_top_up` unless a pack, or a unit and an amount, is wanted; `amount_not_offered`."""
    if wanted.pack is not None and (wanted.unit is not None or wanted.amount is not None):
        raise InvalidInput("invalid_top_up", "Name a `pack`, or a `unit` and an `amount`, not both.", field="pack")
    if wanted.pack is None and (wanted.unit is None or wanted.amount is None):
        field = "unit" if wanted.unit is None else "amount"
        raise InvalidInput("invalid_top_up", "Name a `pack`, or a `unit` and an `amount`.", field=field)
    if wanted.amount is not None and not wanted.amount.is_finite():
        raise InvalidInput("amount_not_offered", "The amount must be a number.", field="amount")


def _same(found: TopUp, wanted: Wanted) -> TopUp:
    """The top-up that was begun under the id, if it's what is wanted. What it costs may have changed meanwhile."""
    same = found.pack == wanted.pack
    if wanted.pack is None:
        same = same and (found.unit, found.amount) == (wanted.unit, wanted.amount)
    if not same:
        raise Conflict("top_up_conflict", f"Another top-up was begun under the id {wanted.key!r}.", field="id")
    return found


def _offered(catalog: Catalog, customer: Customer, wanted: Wanted, *, processor: str, now: datetime, by: str) -> TopUp:
    unit, amount, price, currency, bonus, lifetime = _terms(catalog, wanted)
    return TopUp(
        customer_id=customer.customer_id,
        customer=customer.key,
        top_up_id=new_id() if wanted.key is None else top_up_id_of(customer.customer_id, wanted.key),
        stored_state=TopUpState.PENDING,
        unit=unit,
        amount=amount,
        price=price,
        currency=currency,
        pack=wanted.pack,
        bonus=bonus,
        expires_after=None if lifetime is None else str(lifetime),
        processor=processor,
        checkout_url=None,
        reference=None,
        grant_id=None,
        bonus_grant_id=None,
        created_at=now,
        created_by=by,
        open_until=now + OPEN_FOR,
        ended_at=None,
        ended_by=None,
        late=None,
    )


def _terms(catalog: Catalog, wanted: Wanted) -> tuple[str, Decimal, Decimal, str, Decimal, Lifetime | None]:
    """Unit, amount, price, currency, bonus, and how long it can be spent."""
    if wanted.pack is not None:
        pack = catalog.packs.get(wanted.pack)
        if pack is None:
            raise NotFound("unknown_pack", f"There is no pack {wanted.pack!r}.", field="pack")
        return pack.unit, pack.amount, pack.price, pack.currency, pack.bonus, pack.expires_after
    assert wanted.unit is not None
    assert wanted.amount is not None
    offer = catalog.top_ups.get(wanted.unit)
    if offer is None:
        raise InvalidInput("unit_not_offered", f"No amounts of {wanted.unit!r} are sold.", field="unit")
    if wanted.amount not in offer.amounts:
        sold = ", ".join(plain(each) for each in offer.amounts)
        raise InvalidInput("amount_not_offered", f"Sold of {wanted.unit!r} are {sold}.", field="amount")
    amount = next(each for each in offer.amounts if each == wanted.amount)
    return offer.unit, amount, offer.price_of(amount), offer.currency, ZERO, offer.expires_after
