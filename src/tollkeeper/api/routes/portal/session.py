"""Whose page it is, and what there is to look at."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from tollkeeper.analytics import Facets, facets
from tollkeeper.api.bodies import Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.api.routes.portal.plans import may_change_plan
from tollkeeper.api.routes.portal.top_ups import may_buy, pretends_payments
from tollkeeper.catalog import Catalog, Price
from tollkeeper.customers import Customer, Permission, get_customer
from tollkeeper.db import Tx
from tollkeeper.money import currency_decimals, is_currency

router = APIRouter(prefix=PREFIX, tags=[TAG])


class PortalMeterAnswer(Answer):
    """What is counted."""

    key: str
    name: str
    unit: str
    dimensions: list[str]


class PortalUnitAnswer(Answer):
    """A unit of value."""

    key: str
    name: str
    digits: int | None = Field(description="A currency's own decimals (ISO 4217); null: a credit, shown as it is.")


class PortalSessionAnswer(Answer):
    """Whose page it is, what may be done on it, and in which words its figures are."""

    customer: str
    name: str
    currency: str
    timezone: str
    permissions: list[Permission]
    expires_at: datetime
    return_url: str | None
    meters: list[PortalMeterAnswer]
    units: list[PortalUnitAnswer]
    dimensions: list[str] = Field(description="What usage can be grouped and filtered by; `member` among them.")
    models: bool = Field(description="Whether there is usage by model: calls to AI providers.")
    top_up: bool = Field(description="Whether there is something to buy.")
    change_plan: bool = Field(description="Whether the customer may change its plan.")
    test_payments: bool = Field(description="Whether payments are only played.")


@router.get("/session", summary="Show whose page it is")
async def show_session(books: OpenBooks, session: Portal) -> PortalSessionAnswer:
    """The customer, the session's permissions and end, and the catalog's meters, units and dimensions."""

    async def work(tx: Tx) -> tuple[Catalog, Customer, Facets]:
        return (
            await books.catalog(tx),
            await get_customer(tx, session.customer),
            await facets(tx, session.customer_id),
        )

    catalog, customer, there = await books.database.run(work, session.customer_id)
    dimensions = {name for meter in catalog.meters.values() for name in meter.dimensions}
    return PortalSessionAnswer(
        customer=customer.key,
        name=customer.name,
        currency=customer.currency,
        timezone=customer.timezone,
        permissions=[each for each in Permission if each in session.permissions],
        expires_at=session.expires_at,
        return_url=session.return_url,
        meters=[PortalMeterAnswer.of(meter) for meter in catalog.meters.values()],
        units=_units(catalog, customer),
        dimensions=[*sorted(dimensions), *(["member"] if there.members else [])],
        models=there.calls,
        top_up=may_buy(books, catalog, session),
        change_plan=may_change_plan(catalog, session),
        test_payments=pretends_payments(books),
    )


def _units(catalog: Catalog, customer: Customer) -> list[PortalUnitAnswer]:
    """The currencies and credits that prices are in, the customer's currency first."""
    histories = [*catalog.prices.values(), *catalog.plan_prices.values()]
    priced = {price.unit for history in histories for price in history.prices if isinstance(price, Price)}
    rest = sorted({catalog.currency, *catalog.units, *priced} - {customer.currency})
    return [_unit(key, catalog) for key in (customer.currency, *rest)]


def _unit(key: str, catalog: Catalog) -> PortalUnitAnswer:
    declared = catalog.units.get(key)
    digits = currency_decimals(key) if is_currency(key) else None
    return PortalUnitAnswer(key=key, name=declared.name if declared else key, digits=digits)
