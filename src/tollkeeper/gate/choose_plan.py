"""A customer chooses its plan itself: of those that are listed, and not too often."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from tollkeeper.catalog import Catalog, Plan
from tollkeeper.clock import Period, in_utc
from tollkeeper.customers import Agreement, Customer, agreement_of, assign_plan, get_customer
from tollkeeper.db import Fact, Tx, list_facts, peek_epochs, publish
from tollkeeper.errors import Conflict, NotFound, TooManyAttempts
from tollkeeper.events import has_usage
from tollkeeper.gate.alerts import PLAN_CHOSEN
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.standing import PeriodEnd, next_period, stand
from tollkeeper.money import ZERO, add
from tollkeeper.rating import MODELS

MOST_CHOICES = 10
"""Changes of a customer's own within a day: each one waits for the batches of usage under way."""
_DAY = timedelta(days=1)


async def choose_plan(
    tx: Tx, desk: Desk, customer: str, plan: str, *, at: PeriodEnd | None, now: datetime, by: str
) -> Agreement:
    """Have the customer on `plan` from now, or from the end of its month; an alert tells the operator.

    The plan that it is on can always be chosen, and takes back what was to come. Raises NotFound `unknown_customer` and
    `unknown_plan`, InvalidInput `plan_in_past`, Conflict `plan_at_period_end`, and TooManyAttempts
    `too_many_plan_changes`.
    """
    found = await get_customer(tx, customer)
    before = await agreement_of(tx, found.customer_id)
    start = now if at is None else next_period(found, now)
    agreement = await assign_plan(tx, found, plan, start, now=now, by=by, in_use=has_usage)
    # Afterwards: by now no other catalog can be applied, and no other plan chosen, before this is committed.
    catalog = await desk.shelf.current(tx, await peek_epochs(tx), MODELS)
    _refuse_unlisted(catalog, found, before, plan, now)
    if at is None:
        _refuse_step_down(catalog.plans[plan], stand(catalog, found, before, now).plan)
    if agreement == before:
        return before
    await _refuse_too_many(tx, found, now)
    body = {"plan": plan, "from": in_utc(start), "by": by}
    fact = Fact(str(found.customer_id), PLAN_CHOSEN, f"{PLAN_CHOSEN}:{in_utc(now)}", body)
    await publish(tx, [fact], now=now)
    return agreement


def _refuse_unlisted(catalog: Catalog, customer: Customer, before: Agreement, plan: str, now: datetime) -> None:
    offered, present = catalog.plans.get(plan), stand(catalog, customer, before, now).plan
    if offered is None or not (offered.listed or offered == present):
        raise NotFound("unknown_plan", f"There is no plan {plan!r} to choose.", field="plan")


def _refuse_step_down(offered: Plan, present: Plan | None) -> None:
    """What a plan gives for a month can't be taken along by leaving it at once: up at any time, down at the end."""
    after = _given(offered)
    for terms, amount in _given(present).items():
        if after.get(terms, ZERO) < amount:
            told = f"The plan {offered.key!r} gives less than the present one, so it can begin when the month is over."
            raise Conflict("plan_at_period_end", told, field="from")


def _given(plan: Plan | None) -> dict[tuple[str, Period], Decimal]:
    """What a plan gives again and again, by unit and period."""
    given: dict[tuple[str, Period], Decimal] = {}
    for grant in plan.grants.values() if plan else ():
        terms = grant.unit, grant.every
        given[terms] = add(given.get(terms, ZERO), grant.amount)
    return given


async def _refuse_too_many(tx: Tx, customer: Customer, now: datetime) -> None:
    chosen = await list_facts(tx, customer.customer_id, topics=[PLAN_CHOSEN], limit=MOST_CHOICES)
    if len(chosen) == MOST_CHOICES and chosen[-1].created_at > now - _DAY:
        seconds = max(1, math.ceil((chosen[-1].created_at + _DAY - now).total_seconds()))
        told = f"The plan was changed {MOST_CHOICES} times within a day; wait before you change it again."
        raise TooManyAttempts("too_many_plan_changes", told, retry_after=seconds)
