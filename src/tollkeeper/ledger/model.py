"""The chart of accounts, and the values that are posted. README.md explains what each account means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tollkeeper.ids import content_id

HOUSE = content_id("house")
"""Stands for the customer in what the operator books of its own. No customer's key gives this id."""


class Account(StrEnum):
    """Every account is one customer's, or the house's, in one unit of value."""

    RECEIVABLE = "receivable"
    """Asset. What the customer owes for usage that no prepaid value covers."""
    CASH = "cash"
    """Asset. Money that came in for the customer."""
    WALLET = "wallet"
    """Liability. Prepaid value that the customer has bought and not used."""
    PROMOTIONAL = "promotional"
    """Expense. Value given away: promotional and compensation grants."""
    REVENUE = "revenue"
    """Income. Charges for usage."""
    EXPIRED = "expired"
    """Income. Prepaid value that lapsed unused."""
    PROVIDER_COST = "provider_cost"
    """Expense. What AI providers take for the customer's usage."""
    PROVIDER_PAYABLE = "provider_payable"
    """Liability. What the operator owes the AI providers for it."""
    VARIANCE = "variance"
    """Expense. Difference between our cost figures and the providers' own."""


class Kind(StrEnum):
    """What a posting is for."""

    USAGE = "usage"
    """Charges of the events of one batch."""
    USAGE_CREDIT = "usage_credit"
    """Negative charges of the events of one batch: corrections, and steps down a volume price."""
    PROVIDER_COST = "provider_cost"
    """Provider costs of the events of one batch."""
    PROVIDER_COST_CREDIT = "provider_cost_credit"
    """Costs taken back by corrections."""
    PROVIDER_VARIANCE = "provider_variance"
    """What a provider bills beyond the costs that were booked."""
    PROVIDER_VARIANCE_CREDIT = "provider_variance_credit"
    """What a provider bills less than that."""
    GRANT_PAID = "grant_paid"
    """A grant that was bought."""
    GRANT_GIVEN = "grant_given"
    """A promotional grant, or a compensation."""
    GRANT_SPENT = "grant_spent"
    """What the wallet paid of the charges of one transaction."""
    GRANT_RETURNED = "grant_returned"
    """What the wallet got back from negative charges."""
    GRANT_EXPIRED = "grant_expired"
    """Prepaid value that lapsed."""
    GRANT_VOIDED = "grant_voided"
    """A grant's unspent part, taken back."""
    GRANT_REFUNDED = "grant_refunded"
    """A bought grant's unspent part, paid back."""


CUSTOMER_KINDS = frozenset(
    {
        Kind.USAGE,
        Kind.USAGE_CREDIT,
        Kind.GRANT_PAID,
        Kind.GRANT_GIVEN,
        Kind.GRANT_SPENT,
        Kind.GRANT_RETURNED,
        Kind.GRANT_EXPIRED,
        Kind.GRANT_VOIDED,
        Kind.GRANT_REFUNDED,
    }
)
"""What a customer may see: the rest is between the operator and AI providers."""


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to be booked: `amount` (> 0) of `unit` moves from the account `credit` to the account `debit`."""

    customer_id: str
    line: int
    """Its number within the customer's postings of the transaction; whoever puts them together counts."""
    kind: Kind
    debit: Account
    credit: Account
    unit: str
    amount: Decimal
    service_from: datetime
    """When it takes effect, or the earliest instant of what it sums up ..."""
    service_to: datetime
    """... and the latest."""
    events: int = 0
    """How many events it sums up."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting: `amount` (> 0) of `unit` moves from the account `credit` to the account `debit`.

    Debits of assets and expenses, and credits of liabilities and income, raise them. `service_from` and `service_to`
    are the times of the first and last of the `events` that it sums up.
    """

    transaction_id: UUID
    line: int
    kind: str
    debit: str
    credit: str
    unit: str
    amount: Decimal
    booked_at: datetime
    booked_by: str
    """Who reported the usage or made the grant: an API key, an import."""
    service_from: datetime
    service_to: datetime
    events: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One account's balance: debits minus credits, so assets and expenses are positive."""

    account: str
    unit: str
    balance: Decimal
