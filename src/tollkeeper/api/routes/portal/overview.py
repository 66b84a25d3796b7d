"""The first tab: what the customer has, has used this month, owes, and should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter
from pydantic import Field

from tollkeeper.analytics import Overview, Tokens, ask_overview, ask_tokens
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks, Stood
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.balance import MOST_EXPIRING, PeriodAnswer, SpendAnswer, TokensAnswer, WalletAnswer
from tollkeeper.api.routes.limits import limit_answer
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
from tollkeeper.customers import Agreement
from tollkeeper.db import PublishedFact, Tx, ask_facts
from tollkeeper.gate import CUSTOMER_TOPICS, Held, Standing, ask_held
from tollkeeper.limits import LimitState, ask_states
from tollkeeper.wallets import Expiring, Wallet, ask_expiring, ask_wallets

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
    return _answer(await books.up_to_date(session.customer, _find))


async def _find(tx: Tx, at: Stood) -> _Found:
    standing, customer = at.standing, at.standing.customer
    whole = [limit for limit in standing.limits if limit.by is LimitBy.CUSTOMER and limit.enabled]
    # All is asked for before anything is read: one round trip.
    usage = await ask_overview(tx, customer, at.now)
    tokens = await ask_tokens(tx, customer.customer_id, *usage.days)
    wallets = await ask_wallets(tx, str(customer.customer_id))
    expiring = await ask_expiring(tx, customer.customer_id, now=at.now, most=MOST_EXPIRING)
    held = await ask_held(tx, customer.customer_id)
    limits = await ask_states(tx, customer, whole, now=at.now)
    alerts = await ask_facts(tx, customer.customer_id, topics=CUSTOMER_TOPICS, limit=LATEST_ALERTS)
    return _Found(
        now=at.now,
        standing=standing,
        agreement=at.agreement,
        usage=await usage.read(tx, standing.catalog),
        tokens=(await tokens.all())[0],
        wallets=await wallets.all(),
        expiring=await expiring.all(),
        held=await held.all(),
        limits=await limits.read(tx),
        alerts=await alerts.all(),
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
