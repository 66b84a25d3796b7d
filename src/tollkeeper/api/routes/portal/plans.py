"""The billing page's plans: which there are, what they come to, and choosing one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from tollkeeper import clock
from tollkeeper.api.bodies import Amount, Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.portal import MayChangePlan, Portal
from tollkeeper.api.problems import described_problem
from tollkeeper.api.routes.limits import standing_of
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.api.routes.portal.top_ups import buyer
from tollkeeper.catalog import (
    Catalog,
    Plan,
    grant_for_customers,
    limit_for_customers,
    price_for_customers,
)
from tollkeeper.clock import Period
from tollkeeper.customers import Agreement, Permission, PortalSession
from tollkeeper.db import Tx
from tollkeeper.gate import PeriodEnd, Standing
from tollkeeper.rating import MODELS

router = APIRouter(prefix=PREFIX, tags=[TAG])

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: described_problem("There is no such plan to choose."),
    409: described_problem("The plan gives less than the present one; choose it from `period_end`."),
    429: described_problem("The plan was changed ten times within a day; wait `Retry-After` seconds."),
}


class OfferedPrice(Answer):
    """What a meter's usage costs on a plan."""

    meter: str
    name: str
    text: str


class OfferedGrant(Answer):
    """What a plan gives each period."""

    name: str
    unit: str
    amount: Amount
    every: Period
    text: str


class OfferedLimit(Answer):
    """How much a plan allows."""

    limit: str
    text: str
    cap: Amount
    per: str


class OfferedPlan(Answer):
    """A plan, as those who pay compare it with another."""

    key: str
    name: str
    description: str | None
    current: bool
    prices: list[OfferedPrice]
    grants: list[OfferedGrant]
    limits: list[OfferedLimit]


class NextPlan(Answer):
    """The plan that begins next."""

    plan: str | None
    name: str | None
    start: datetime = Field(serialization_alias="from")


class PlansAnswer(Answer):
    """The plans that can be chosen, and the one that the customer is on."""

    change_allowed: bool
    current: str | None
    next: NextPlan | None
    data: list[OfferedPlan]


class PlanAsked(Asked):
    """The plan to go on, and when."""

    plan: str
    start: Literal["now", "period_end"] = Field(
        "now", alias="from", description="`period_end`: when the customer's calendar month is over."
    )


def may_change_plan(catalog: Catalog, session: PortalSession) -> bool:
    """Whether there's a plan to choose, and the permission: `change_plan` of the session's answer."""
    return Permission.CHANGE_PLAN in session.permissions and any(plan.listed for plan in catalog.plans.values())


@router.get("/plans", summary="Show the plans")
async def show_plans(books: OpenBooks, session: Portal) -> PlansAnswer:
    """The plans that can be chosen, and the customer's own, with what they cost, give and allow."""
    now = clock.now()

    async def work(tx: Tx) -> PlansAnswer:
        standing, agreement = await standing_of(books, tx, session.customer, now)
        return _plans(standing, agreement, session, now)

    return await books.database.run(work, session.customer_id)


@router.post("/plan", summary="Choose a plan", responses=_REFUSED)
async def choose(books: OpenBooks, session: MayChangePlan, asked: PlanAsked) -> PlansAnswer:
    """Goes on the plan now, or from the end of the month. Choosing the present one takes back what was to come."""
    at = PeriodEnd() if asked.start == "period_end" else None
    await books.choose_plan(session.customer, asked.plan, at=at, by=buyer(session))
    return await show_plans(books, session)


def _plans(standing: Standing, agreement: Agreement, session: PortalSession, now: datetime) -> PlansAnswer:
    catalog, present = standing.catalog, standing.plan
    shown = [plan for plan in catalog.plans.values() if plan.listed or plan == present]
    return PlansAnswer(
        change_allowed=may_change_plan(catalog, session),
        current=present.key if present else None,
        next=next_plan(catalog, agreement, now),
        data=[_plan(plan, standing, now, current=plan == present) for plan in shown],
    )


def next_plan(catalog: Catalog, agreement: Agreement, now: datetime) -> NextPlan | None:
    """The plan that begins next, with its name; none where no change is planned."""
    at = agreement.next_change(now)
    change = agreement.change_at(at) if at is not None else None
    if change is None:
        return None
    key = change.plan or catalog.default_plan
    plan = catalog.plans.get(key or "")
    return NextPlan(plan=key, name=plan.name if plan else None, start=change.effective_from)


def _plan(plan: Plan, standing: Standing, now: datetime, *, current: bool) -> OfferedPlan:
    catalog = standing.catalog
    limits = {**catalog.limits, **plan.limits}
    return OfferedPlan(
        key=plan.key,
        name=plan.name,
        description=plan.description,
        current=current,
        prices=[*_prices(plan, standing, now)],
        grants=[
            OfferedGrant(
                name=name,
                unit=grant.unit,
                amount=grant.amount,
                every=grant.every,
                text=grant_for_customers(grant, catalog.units.get(grant.unit)),
            )
            for name, grant in plan.grants.items()
        ],
        limits=[
            OfferedLimit(limit=name, text=limit_for_customers(limit, catalog), cap=limit.cap, per=limit.per)
            for name, limit in limits.items()
            if limit.enabled
        ],
    )


def _prices(plan: Plan, standing: Standing, now: datetime) -> list[OfferedPrice]:
    """What each meter costs the customer on the plan now: its own price, the plan's, or everyone's."""
    catalog, found = standing.catalog, []
    for meter in catalog.meters.values():
        price = catalog.price_for(meter.key, standing.customer.key, now, plan.key)
        if price is not None:
            by_cost = MODELS[price.model].by_cost
            text = price_for_customers(price, meter, catalog.units.get(price.unit), by_cost=by_cost)
            found.append(OfferedPrice(meter=meter.key, name=meter.name, text=text))
    return found
