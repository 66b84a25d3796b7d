"""What a customer should know at a glance, each with a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from tollkeeper.analytics import Overview
from tollkeeper.api.bodies import Answer
from tollkeeper.catalog import WhenExhausted
from tollkeeper.gate import Standing
from tollkeeper.limits import LimitState
from tollkeeper.money import HUNDRED, add, amount_in_words, grouped, multiply
from tollkeeper.wallets import Expiring, Wallet

EXPIRES_SOON = timedelta(days=7)


class WarningAnswer(Answer):
    """Something to know: `unit` or `limit` says what it's about."""

    code: str
    detail: str
    unit: str | None = None
    limit: str | None = None


def warnings_of(
    standing: Standing,
    wallets: Sequence[Wallet],
    expiring: Sequence[Expiring],
    limits: Sequence[LimitState],
    usage: Overview,
) -> list[WarningAnswer]:
    """All that there is to warn of, the most urgent first."""
    return [
        *_of_customer(standing),
        *(warning for state in limits for warning in _of_limit(state)),
        *(warning for wallet in wallets for warning in _of_wallet(standing, wallet)),
        *_of_expiry(expiring, usage),
        *_of_usage(usage),
    ]


def _of_customer(standing: Standing) -> Iterator[WarningAnswer]:
    if standing.customer.archived_at is not None:
        yield WarningAnswer(code="archived", detail="This account is closed: new usage is refused.")
    elif standing.customer.suspended_at is not None:
        yield WarningAnswer(code="suspended", detail="This account is suspended: nothing new can begin.")


def _of_limit(state: LimitState) -> Iterator[WarningAnswer]:
    limit, taken = state.limit, add(state.used, state.held)
    told = f"{_amount(state, taken)} of {_amount(state, state.cap)} per {limit.per.value.replace('_', ' ')}"
    if taken >= state.cap:
        detail = f"The limit {limit.name!r} is reached: {told}."
        yield WarningAnswer(code="limit_reached", detail=detail, limit=limit.key)
    elif limit.warn_at and multiply(taken, HUNDRED) >= multiply(state.cap, min(limit.warn_at)):
        detail = f"The limit {limit.name!r} is nearly reached: {told}."
        yield WarningAnswer(code="limit_near", detail=detail, limit=limit.key)


def _amount(state: LimitState, amount: Decimal) -> str:
    return grouped(amount) if state.limit.unit is None else amount_in_words(amount, state.limit.unit)


def _of_wallet(standing: Standing, wallet: Wallet) -> Iterator[WarningAnswer]:
    source, unit = standing.source(wallet.unit), wallet.unit
    if not wallet.balance:
        refused = source.when_exhausted is WhenExhausted.REFUSE
        what = "what needs it is refused" if refused else "what is used from now on is owed"
        yield WarningAnswer(code="balance_exhausted", detail=f"No {unit} is left: {what}.", unit=unit)
    elif source.low_balance is not None and wallet.balance < source.low_balance:
        left, mark = amount_in_words(wallet.balance, unit), amount_in_words(source.low_balance, unit)
        yield WarningAnswer(code="balance_low", detail=f"{left} is left, less than {mark}.", unit=unit)


def _of_expiry(expiring: Sequence[Expiring], usage: Overview) -> Iterator[WarningAnswer]:
    for one in expiring:
        if one.expires_at <= usage.as_of + EXPIRES_SOON:
            detail = f"{amount_in_words(one.amount, one.unit)} expires within {EXPIRES_SOON.days} days."
            yield WarningAnswer(code="credit_expiring", detail=detail, unit=one.unit)


def _of_usage(usage: Overview) -> Iterator[WarningAnswer]:
    if usage.unpriced:
        told = "1 event has" if usage.unpriced == 1 else f"{usage.unpriced:,} events have"
        yield WarningAnswer(code="unpriced", detail=f"{told} no price yet; the figures don't count their charges.")
    if usage.estimated:
        told = "1 charge is" if usage.estimated == 1 else f"{usage.estimated:,} charges are"
        yield WarningAnswer(code="estimated", detail=f"{told} estimated, and may still change.")
