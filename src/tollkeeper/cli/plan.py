"""`tollkeeper plan`: which plan a customer is on, was on, and will be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.catalog import grant_in_words, limit_in_words, price_in_words
from tollkeeper.cli.asking import CustomerKey, sane_instant
from tollkeeper.cli.books import customer_of, run_books, standing_of, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import as_text, print_line, show_fields, show_json, show_table
from tollkeeper.customers import PlanChange, PlanDecision, customer_id_of, plan_history
from tollkeeper.db import Tx
from tollkeeper.gate import PeriodEnd, Standing

app = typer.Typer(help="Show and set the plan that a customer is on.", no_args_is_help=True)

From = Annotated[str, typer.Option("--from", help="A time, now, or period-end: when the calendar month is over.")]


@dataclass(frozen=True, slots=True)
class OnPlan:
    """The plan in force, the one that begins next, and all changes as they were decided."""

    standing: Standing
    next: PlanChange | None
    history: list[PlanDecision]

    @property
    def key(self) -> str | None:
        """The plan's key; None: the customer is on none."""
        return self.standing.plan.key if self.standing.plan else None


@app.command()
def show(ctx: typer.Context, customer: CustomerKey) -> None:
    """Show the plan that a customer is on, what it brings, and the plan that begins next."""
    _show(ctx, run_books(ctx, lambda books: plan_of(books, customer)))


@app.command("set")
def set_plan(
    ctx: typer.Context,
    customer: CustomerKey,
    plan: Annotated[str, typer.Argument(help="A plan of the catalog.")],
    start: From = "now",
) -> None:
    """Put a customer on a plan: prices, limits and recurring grants follow. It replaces what was planned for later."""
    _assign(ctx, customer, plan, start)


@app.command()
def end(ctx: typer.Context, customer: CustomerKey, start: From = "now") -> None:
    """Put a customer back on the catalog's default plan, or on none if there is no default."""
    _assign(ctx, customer, None, start)


@app.command()
def history(ctx: typer.Context, customer: CustomerKey) -> None:
    """List every change of plan that was decided, those that were withdrawn before they came into effect as well."""
    found = run_books(ctx, lambda books: plan_of(books, customer))
    if wants_json(ctx):
        show_json(_history(found))
        return
    show_table(
        ["FROM", "PLAN", "DECIDED", "BY", "WITHDRAWN"],
        [
            (d.effective_from, d.plan or "the default", d.created_at, d.created_by, d.withdrawn_at)
            for d in found.history
        ],
        empty="The customer was never put on a plan.",
    )


def _assign(ctx: typer.Context, customer: str, plan: str | None, start: str) -> None:
    async def work(books: Books) -> OnPlan:
        found = await customer_of(books, customer)
        await books.assign_plan(customer, plan, at=_start(start, found.zone), by=whoever())
        return await plan_of(books, customer)

    _show(ctx, run_books(ctx, work))


def _start(text: str, zone: ZoneInfo) -> datetime | PeriodEnd | None:
    if text == "period-end":
        return PeriodEnd()
    return None if text == "now" else sane_instant(text, zone, "from")


async def plan_of(books: Books, key: str) -> OnPlan:
    """The plan that a customer is on. Raises NotFound `unknown_customer`."""
    return await books.database.run(lambda tx: read_plan(books, tx, key, clock.now()), customer_id_of(key))


async def read_plan(books: Books, tx: Tx, key: str, now: datetime) -> OnPlan:
    """The plan that a customer is on at `now`."""
    standing, agreement = await standing_of(books, tx, key, now)
    at = agreement.next_change(now)
    following = agreement.change_at(at) if at is not None else None
    return OnPlan(standing, following, await plan_history(tx, standing.customer.customer_id))


def _show(ctx: typer.Context, found: OnPlan) -> None:
    customer = found.standing.customer.key
    if wants_json(ctx):
        shown = present(found)
        show_json({"customer": customer, "plan": shown.pop("key"), **shown, "history": _history(found)})
        return
    show_fields({"customer": customer} | fields_of(found))
    for line in _brings(found.standing):
        print_line(line)


def present(found: OnPlan) -> dict[str, Any]:
    """The plan in force and the one that begins next, as the API shows them."""
    plan = found.standing.plan
    since = {"since": found.standing.plan_since, "next": _next(found)}
    return {"key": found.key, "name": plan and plan.name, **since}


def fields_of(found: OnPlan) -> dict[str, object]:
    """The plan and what follows it, for people."""
    plan, following = found.standing.plan, _next(found)
    fields: dict[str, object] = {
        "plan": None if plan is None else plan.key if plan.name == plan.key else f"{plan.key} ({plan.name})",
        "since": found.standing.plan_since,
    }
    if following is not None:
        fields["next"] = f"{following['plan'] or 'no plan'} from {as_text(following['from'])}"
    return fields


def _next(found: OnPlan) -> dict[str, Any] | None:
    if found.next is None:
        return None
    plan = found.next.plan or found.standing.catalog.default_plan
    return {"plan": plan, "from": found.next.effective_from}


def _history(found: OnPlan) -> list[dict[str, Any]]:
    return [
        {
            "plan": one.plan,
            "from": one.effective_from,
            "decided_at": one.created_at,
            "decided_by": one.created_by,
            "withdrawn_at": one.withdrawn_at,
        }
        for one in found.history
    ]


def _brings(standing: Standing) -> Iterator[str]:
    """What the plan brings, as people say it."""
    plan, catalog = standing.plan, standing.catalog
    if plan is None:
        return
    for (meter, of), prices in sorted(catalog.plan_prices.items()):
        price = prices.at(clock.now()) if of == plan.key else None
        if price is not None:
            yield f"price {meter}: {price_in_words(price, catalog.meters.get(meter))}"
    for name, grant in sorted(plan.grants.items()):
        yield f"grant {name}: {grant_in_words(grant)}"
    for name, limit in sorted(plan.limits.items()):
        yield f"limit {name}: {limit_in_words(limit)}"
