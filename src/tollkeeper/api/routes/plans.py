"""Which plan a customer is on, was on, and will be."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paths import CustomerKey
from tollkeeper.api.routes.limits import standing_of
from tollkeeper.api.times import sane
from tollkeeper.catalog import Catalog
from tollkeeper.customers import Agreement, customer_id_of, plan_history
from tollkeeper.db import Tx
from tollkeeper.gate import PeriodEnd, Standing

router = APIRouter(prefix="/v1/customers/{key:key}/plan", tags=["plans"])


class PlanPut(Asked):
    """The plan, and from when on."""

    plan: str | None = Field(description="A plan of the catalog; null: the catalog's default plan, or none.")
    start: AwareDatetime | Literal["now", "period_end"] = Field(
        "now", alias="from", description="A time, `now`, or `period_end`: when the customer's calendar month is over."
    )


class NextPlanAnswer(Answer):
    """The plan that begins next."""

    plan: str | None
    start: datetime = Field(serialization_alias="from")


class PlanChangeAnswer(NextPlanAnswer):
    """A change of plan as it was decided; one that was withdrawn never came into effect."""

    decided_at: datetime
    decided_by: str
    withdrawn_at: datetime | None


class PresentPlanAnswer(Answer):
    """The plan in force."""

    key: str | None = Field(description="Null: the customer is on no plan.")
    name: str | None
    since: datetime | None = Field(description="Null: since ever.")
    next: NextPlanAnswer | None


class PlanHistoryAnswer(Answer):
    """The plan in force, the next one, and every change that was decided."""

    customer: str
    plan: str | None
    name: str | None
    since: datetime | None
    next: NextPlanAnswer | None
    history: list[PlanChangeAnswer]


def present_plan(catalog: Catalog, standing: Standing, agreement: Agreement, now: datetime) -> PresentPlanAnswer:
    """The plan that the customer is on, and the one that it will be on."""
    at = agreement.next_change(now)
    change = agreement.change_at(at) if at is not None else None
    return PresentPlanAnswer(
        key=standing.plan.key if standing.plan else None,
        name=standing.plan.name if standing.plan else None,
        since=standing.plan_since,
        next=change and NextPlanAnswer(plan=change.plan or catalog.default_plan, start=change.effective_from),
    )


@router.get("", summary="Show a customer's plan")
async def show_plan(books: OpenBooks, _: Reader, key: CustomerKey) -> PlanHistoryAnswer:
    """The plan in force, the one that begins next, and the history."""
    now = clock.now()

    async def work(tx: Tx) -> PlanHistoryAnswer:
        standing, agreement = await standing_of(books, tx, key, now)
        present = present_plan(await books.catalog(tx), standing, agreement, now)
        decisions = await plan_history(tx, standing.customer.customer_id)
        return PlanHistoryAnswer(
            customer=key,
            plan=present.key,
            name=present.name,
            since=present.since,
            next=present.next,
            history=[
                PlanChangeAnswer(
                    plan=one.plan,
                    start=one.effective_from,
                    decided_at=one.created_at,
                    decided_by=one.created_by,
                    withdrawn_at=one.withdrawn_at,
                )
                for one in decisions
            ],
        )

    return await books.database.run(work, customer_id_of(key))


@router.put("", summary="Put a customer on a plan")
async def put_plan(books: OpenBooks, caller_key: Writer, key: CustomerKey, asked: PlanPut) -> PlanHistoryAnswer:
    """Prices, limits and recurring grants follow by themselves. It replaces what was planned for later."""
    at = None
    if isinstance(asked.start, datetime):
        at = sane(asked.start, "from")
    elif asked.start == "period_end":
        at = PeriodEnd()
    await books.assign_plan(key, asked.plan, at=at, by=caller(caller_key))
    return await show_plan(books, caller_key, key)
