"""The first tab: what the customer has, has used this month, owes, and should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tollkeeper import clock
from tollkeeper.analytics import Overview, Tokens, overview, tokens_between
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.balance import MOST_EXPIRING, PeriodAnswer, SpendAnswer, TokensAnswer, WalletAnswer
from tollkeeper.api.routes.limits import limit_answer, standing_of
from tollkeeper.api.routes.portal.bodies import (
    PREFIX,
    TAG,
    PortalAlertAnswer,
    PortalLimitAnswer,
    portal_alert,
    portal_limit,
)
from tollkeeper.api.routes.portal.plans import NextPlan, next_plan
from tollkeeper.api.routes.warnings import WarningAnswer, warnings_of
from tollkeeper.catalog import LimitBy
from tollkeeper.clock import local_slot
from tollkeeper.customers import Agreement, PortalSession
from tollkeeper.db import PublishedFact, Tx, list_facts
from tollkeeper.gate import CUSTOMER_TOPICS, Held, Standing, held_now
from tollkeeper.limits import LimitState, read_states
from tollkeeper.wallets import Expiring, Wallet, expiring_of, list_wallets

router = APIRouter(prefix=PREFIX, tags=[TAG])

LATEST_ALERTS = 5


class PortalPlanAnswer(Answer):
    """The plan in force, and the one that begins next."""

    key: str
    name: str
    description: str | None
    since: datetime | None = Field(description="Null: since ever.")
    next: NextPlan | None


class ExpiringAnswer(Answer):
    """What of a wallet is lost when it isn't used before."""

    amount: Amount
    expires_at: datetime


class PortalWalletAnswer(WalletAnswer):
    """Prepaid value of one unit."""

    expiring: list[ExpiringAnswer] = Field(description=f"What expires next, at most {MOST_EXPIRING} times.")
    low: bool = Field(description="Whether it's below the operator's mark, or empty where there's none.")


class PortalMeterSpendAnswer(Answer):
    """One meter in this period; `unit` is the unit of value of `charge`, `meter_unit` what is counted."""

    meter: str
    name: str
    meter_unit: str
    quantity: Amount
    events: int
    charge: Amount
    unit: str | None
    unpriced: int
    estimated: int


class PortalOverviewAnswer(Answer):
    """What the customer has, has used and owes. The period is a calendar month of its time zone."""

    as_of: datetime
    period: PeriodAnswer
    plan: PortalPlanAnswer | None
    wallets: list[PortalWalletAnswer]
    spent: list[SpendAnswer] = Field(description="Charges of this period.")
    total_spent: list[SpendAnswer] = Field(description="Charges since ever.")
    owed: list[SpendAnswer] = Field(description="All charges, without what prepaid value has paid of them.")
    held: list[SpendAnswer] = Field(description="What operations under way have reserved.")
    meters: list[PortalMeterSpendAnswer]
    tokens: TokensAnswer | None = Field(description="Null: no AI model was called in this period.")
    unpriced: int = Field(description="Events, since ever, that have no price yet.")
    estimated: int = Field(description="Events, since ever, whose charge is an estimate.")
    limits: list[PortalLimitAnswer]
    warnings: list[WarningAnswer]
    alerts: list[PortalAlertAnswer]


@dataclass(frozen=True, slots=True)
class _Found:
    """All that is shown, of one moment."""

    now: datetime
    standing: Standing
    agreement: Agreement
    usage: Overview
    tokens: Tokens
    wallets: Sequence[Wallet]
    expiring: Sequence[Expiring]
    held: Sequence[Held]
    limits: Sequence[LimitState]
    alerts: Sequence[PublishedFact]


@router.get("/overview", summary="Show what the customer has, has used and owes")
async def show_overview(books: OpenBooks, session: Portal) -> PortalOverviewAnswer:
    """Prepaid value, this month's usage by meter, what was spent this month and since ever, limits, warnings."""
    await books.refresh(session.customer)
    async with books.database.transaction(session.customer_id, snapshot=True) as tx:
        found = await _find(books, tx, session, clock.now())
    return _answer(found)


async def _find(books: Books, tx: Tx, session: PortalSession, now: datetime) -> _Found:
    standing, agreement = await standing_of(books, tx, session.customer, now)
    customer_id: UUID = session.customer_id
    whole = [limit for limit in standing.limits if limit.by is LimitBy.CUSTOMER and limit.enabled]
    usage = await overview(tx, standing.customer, standing.catalog, now)
    first, after = (local_slot(at, standing.customer.zone).day for at in (usage.period.start, usage.period.end))
    return _Found(
        now=now,
        standing=standing,
        agreement=agreement,
        usage=usage,
        tokens=await tokens_between(tx, customer_id, first, after),
        wallets=await list_wallets(tx, str(customer_id)),
        expiring=await expiring_of(tx, customer_id, now=now, most=MOST_EXPIRING),
        held=await held_now(tx, customer_id),
        limits=await read_states(tx, standing.customer, whole, now=now),
        alerts=await list_facts(tx, customer_id, topics=CUSTOMER_TOPICS, limit=LATEST_ALERTS),
    )


def _answer(found: _Found) -> PortalOverviewAnswer:
    usage, catalog = found.usage, found.standing.catalog
    limits = [limit_answer(state.limit, state, state.window, found.agreement) for state in found.limits]
    return PortalOverviewAnswer(
        as_of=usage.as_of,
        period=PeriodAnswer.of(usage.period),
        plan=_plan(found),
        wallets=[*(_wallet(found, wallet) for wallet in found.wallets), *_empty_wallets(found)],
        spent=[SpendAnswer.of(one) for one in usage.spent],
        total_spent=[SpendAnswer.of(one) for one in usage.total_spent],
        owed=[SpendAnswer.of(one) for one in usage.owed],
        held=[SpendAnswer.of(one) for one in found.held],
        meters=[PortalMeterSpendAnswer.of(one) for one in usage.meters],
        tokens=TokensAnswer.of(found.tokens) if found.tokens.calls else None,
        unpriced=usage.unpriced,
        estimated=usage.estimated,
        limits=[portal_limit(limit, catalog) for limit in limits],
        warnings=warnings_of(found.standing, found.wallets, found.expiring, found.limits, usage),
        alerts=[portal_alert(fact) for fact in found.alerts],
    )


def _plan(found: _Found) -> PortalPlanAnswer | None:
    standing = found.standing
    if (plan := standing.plan) is None:
        return None
    follows = next_plan(standing.catalog, found.agreement, found.now)
    return PortalPlanAnswer(
        key=plan.key, name=plan.name, description=plan.description, since=standing.plan_since, next=follows
    )


def _wallet(found: _Found, wallet: Wallet) -> PortalWalletAnswer:
    source = found.standing.source(wallet.unit)
    low = not wallet.balance if source.low_balance is None else wallet.balance < source.low_balance
    expiring = [ExpiringAnswer.of(one) for one in found.expiring if one.unit == wallet.unit]
    return PortalWalletAnswer(
        unit=wallet.unit,
        balance=wallet.balance,
        held=wallet.held,
        available=wallet.available,
        expiring=expiring,
        low=low,
    )


def _empty_wallets(found: _Found) -> Iterator[PortalWalletAnswer]:
    """Of credits that are for sale and that the customer never had: it has 0 of them, and its page is to say so."""
    catalog, nothing = found.standing.catalog, Decimal()
    for_sale = dict.fromkeys([*catalog.top_ups, *(pack.unit for pack in catalog.packs.values())])
    had = {wallet.unit for wallet in found.wallets}
    for unit in (each for each in for_sale if each in catalog.units and each not in had):
        yield PortalWalletAnswer(unit=unit, balance=nothing, held=nothing, available=nothing, expiring=[], low=True)
