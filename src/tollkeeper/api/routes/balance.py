"""What a customer has, owes and has spent: now on one page, and the balances also as they were."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.analytics import accounts_at, ask_overview, ask_tokens
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks, Stood
from tollkeeper.api.paths import CustomerKey
from tollkeeper.api.routes.alerts import AlertAnswer, alert_answer
from tollkeeper.api.routes.limits import LimitAnswer, limit_answer
from tollkeeper.api.routes.plans import PresentPlanAnswer, present_plan
from tollkeeper.api.routes.warnings import WarningAnswer, warnings_of
from tollkeeper.api.times import sane
from tollkeeper.catalog import LimitBy
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx, ask_facts
from tollkeeper.gate import TOPICS, held_at
from tollkeeper.ledger import balances
from tollkeeper.limits import ask_states
from tollkeeper.money import ZERO, subtract
from tollkeeper.wallets import ask_expiring, ask_wallets, balance_at, list_wallets

router = APIRouter(prefix="/v1/customers/{key:key}", tags=["usage"])

MOST_EXPIRING = 5
_LATEST_ALERTS = 5


class SpendAnswer(Answer):
    """An amount in one unit of value."""

    unit: str
    amount: Amount


class MeterSpendAnswer(Answer):
    """One meter in this period; `unit` is the unit of value of `charge`, `meter_unit` what is counted."""

    meter: str
    name: str
    meter_unit: str
    quantity: Amount
    events: int
    charge: Amount
    unit: str | None
    cost: Amount


class PeriodAnswer(Answer):
    """A half-open interval."""

    start: datetime
    end: datetime


class WalletAnswer(Answer):
    """Prepaid value of one unit. `held` is reserved for open holds, `available` is left for others."""

    unit: str
    balance: Amount
    held: Amount
    available: Amount


class TokensAnswer(Answer):
    """What AI models have read and written, and in how many calls."""

    input: Amount
    output: Amount
    total: Amount
    calls: int


class OverviewAnswer(Answer):
    """What a customer has, has used and owes."""

    customer: str
    name: str
    currency: str
    timezone: str
    as_of: datetime
    period: PeriodAnswer
    plan: PresentPlanAnswer
    wallets: list[WalletAnswer]
    owed: list[SpendAnswer]
    spent: list[SpendAnswer]
    total_spent: list[SpendAnswer]
    meters: list[MeterSpendAnswer]
    tokens: TokensAnswer = Field(description="Of this period.")
    total_tokens: TokensAnswer = Field(description="Since ever.")
    unpriced: int
    estimated: int
    limits: list[LimitAnswer]
    warnings: list[WarningAnswer]
    alerts: list[AlertAnswer]


@router.get("/overview", summary="Show what a customer has, has used and owes")
async def show_overview(books: OpenBooks, _: Reader, key: CustomerKey) -> OverviewAnswer:
    """Prepaid value, this calendar month's usage by meter, what was spent this month and since ever, and what is owed.

    With the plan, the limits of the customer as a whole, what there is to warn of, and the latest alerts.
    """
    return await books.up_to_date(key, _overview)


async def _overview(tx: Tx, at: Stood) -> OverviewAnswer:
    standing, agreement = at.standing, at.agreement
    catalog, customer = standing.catalog, standing.customer
    whole = [limit for limit in standing.limits if limit.by is LimitBy.CUSTOMER and limit.enabled]
    # All is asked for before anything is read: one round trip.
    usage = await ask_overview(tx, customer, at.now)
    tokens = await ask_tokens(tx, customer.customer_id, *usage.days)
    all_tokens = await ask_tokens(tx, customer.customer_id, date.min, date.max)
    asked_wallets = await ask_wallets(tx, str(customer.customer_id))
    expiring = await ask_expiring(tx, customer.customer_id, now=at.now, most=MOST_EXPIRING)
    limits = await ask_states(tx, customer, whole, now=at.now)
    facts = await ask_facts(tx, customer.customer_id, topics=TOPICS, limit=_LATEST_ALERTS)
    found, wallets, states = await usage.read(tx, catalog), await asked_wallets.all(), await limits.read(tx)
    return OverviewAnswer(
        customer=customer.key,
        name=customer.name,
        currency=customer.currency,
        timezone=customer.timezone,
        as_of=found.as_of,
        period=PeriodAnswer.of(found.period),
        plan=present_plan(catalog, standing, agreement, at.now),
        wallets=[WalletAnswer.of(wallet) for wallet in wallets],
        owed=[SpendAnswer.of(one) for one in found.owed],
        spent=[SpendAnswer.of(one) for one in found.spent],
        total_spent=[SpendAnswer.of(one) for one in found.total_spent],
        meters=[MeterSpendAnswer.of(one) for one in found.meters],
        tokens=TokensAnswer.of((await tokens.all())[0]),
        total_tokens=TokensAnswer.of((await all_tokens.all())[0]),
        unpriced=found.unpriced,
        estimated=found.estimated,
        limits=[limit_answer(state.limit, state, state.window, agreement) for state in states],
        warnings=warnings_of(standing, wallets, await expiring.all(), states, found),
        alerts=[alert_answer(fact) for fact in await facts.all()],
    )


class BalanceAnswer(Answer):
    """One account: debits minus credits, so that what the customer owes is positive."""

    account: str
    unit: str
    balance: Amount


class BalancesAnswer(Answer):
    """All wallets and accounts of a customer."""

    customer: str
    as_of: datetime
    wallets: list[WalletAnswer]
    accounts: list[BalanceAnswer]


@router.get("/balance", summary="Show a customer's wallets and accounts")
async def show_balance(
    books: OpenBooks,
    _: Reader,
    key: CustomerKey,
    at: Annotated[AwareDatetime | None, Query(description="As it was at this time; now by default.")] = None,
) -> BalancesAnswer:
    """Prepaid value by unit, and what the ledger's postings come to, account by account."""
    await books.refresh(key)
    now = clock.now()
    as_of = now if at is None else min(sane(at, "at"), now)
    async with books.database.transaction(customer_id_of(key), snapshot=True) as tx:
        customer_id = (await get_customer(tx, key)).customer_id
        if at is None:
            wallets = [WalletAnswer.of(wallet) for wallet in await list_wallets(tx, str(customer_id))]
            accounts = await balances(tx, customer_id)
        else:
            wallets = await _wallets_at(tx, customer_id, as_of)
            accounts = await accounts_at(tx, customer_id, as_of)
    return BalancesAnswer(
        customer=key, as_of=as_of, wallets=wallets, accounts=[BalanceAnswer.of(one) for one in accounts]
    )


async def _wallets_at(tx: Tx, customer_id: UUID, at: datetime) -> list[WalletAnswer]:
    """The wallets as they were, with what the holds that were open then had reserved."""
    kept = {one.unit: one.amount for one in await held_at(tx, customer_id, at)}
    had = await balance_at(tx, str(customer_id), None, at)
    found = [(unit, balance, kept.get(unit, ZERO)) for unit, balance in had.items()]
    return [
        WalletAnswer(unit=unit, balance=balance, held=held, available=subtract(balance, held))
        for unit, balance, held in found
    ]
